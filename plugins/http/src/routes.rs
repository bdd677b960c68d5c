//! What is asked and answered once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use lifespan_plugin_api::prelude::*;
use serde_json::json;

use crate::Server;
use crate::events::{events, events_of_all};
use crate::refusal::Refusal;

/// The page that shows everything live.
const PAGE: &str = include_str!("page.html");

/// What the page may do: what it brings itself, and ask where it is from.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                      connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// How long a message may take to come, and then to find room on its topic.
const PATIENCE: Duration = Duration::from_secs(5);

/// All that can be asked.
pub(crate) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/health", get(health))
        .route("/topics", get(topics))
        .route("/topics/{*name}", get(value).post(publish))
        .route("/events", get(events_of_all))
        .route("/events/{*pattern}", get(events))
        .fallback(nothing)
        .layer(middleware::from_fn_with_state(server.clone(), guarded))
        .with_state(server)
}

/// Asks the guard first, and says of every answer what holds for all.
async fn guarded(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let mut response = match server.guard.judge(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn page() -> Response {
    ([(CONTENT_SECURITY_POLICY, POLICY)], Html(PAGE)).into_response()
}

async fn health(State(server): State<Arc<Server>>) -> Response {
    let (status, text) = if server.stopping.load(Ordering::Relaxed) {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else {
        (StatusCode::OK, "ok")
    };
    (status, Json(json!({ "status": text }))).into_response()
}

async fn topics(State(server): State<Arc<Server>>) -> Response {
    let topics = server.ctx.topics().into_iter().filter_map(|name| {
        // One that is gone since then is not there.
        let topic = server.ctx.any_topic(&name).ok()?;
        Some(json!({ "name": name, "type": topic.type_name() }))
    });
    Json(topics.collect::<Vec<_>>()).into_response()
}

/// A topic's value, as it is; nothing where nothing has been published.
async fn value(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let value = server.ctx.any_topic(name)?.get_json()?;
    Ok(match value {
        Some(text) => ([(CONTENT_TYPE, "application/json")], text).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn publish(
    State(server): State<Arc<Server>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Refusal> {
    server.guard.judge_publisher(&headers, client)?;
    let topic = server.ctx.any_topic(name)?;
    let text = read(&server, &headers, body).await?;
    match server.ctx.timeout(PATIENCE, topic.publish_json(&text)).await {
        Ok(published) => published?,
        Err(_) => {
            let reason = format!("topic `{}` is full: a subscriber is behind", topic.name());
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason)
                .hint("try it again a little later"));
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The text of a message.
async fn read(server: &Server, headers: &HeaderMap, body: Body) -> Result<String, Refusal> {
    let max = server.max_body;
    let too_long = || {
        let reason = format!("a message has {max} bytes at most");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, reason)
            .hint("`--max-body` of the plugin says how many")
    };
    let said = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if said.is_some_and(|length: usize| length > max) {
        return Err(too_long());
    }
    let bytes = match server.ctx.timeout(PATIENCE, to_bytes(body, max)).await {
        Ok(Ok(bytes)) => bytes,
        // That it was cut off nobody hears.
        Ok(Err(_)) => return Err(too_long()),
        Err(_) => return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the message is late")),
    };
    String::from_utf8(bytes.into())
        .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "the message is no UTF-8"))
}

async fn nothing() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "there is nothing here")
        .hint("there are `/`, `/topics`, `/topics/NAME`, `/events/PATTERN` and `/health`")
}
