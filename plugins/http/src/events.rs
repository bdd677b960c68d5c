//! What is asked for as a stream: server-sent events.
//!
//! Each message is an event without a name. `skipped` says how many the client has lost by being slow,
//! and `end` that the program ends. A comment now and then shows that the connection is alive.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use lifespan_plugin_api::prelude::*;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::Server;
use crate::feed::{Kind, Subscriber};
use crate::refusal::Refusal;

/// How long a stream may be silent.
const SILENCE: Duration = Duration::from_secs(15);

/// A browser that has lost the stream asks for it again after a second.
const BEGIN: &[u8] = b"retry: 1000\n\n";

/// The stream of one client.
struct Stream {
    messages: Subscriber,
    /// What is to be sent next.
    ready: VecDeque<Bytes>,
    over: bool,
    _permit: OwnedSemaphorePermit,
}

/// `/events/PATTERN`, with `?latest` for the latest value of each topic.
pub(crate) async fn events(
    State(server): State<Arc<Server>>,
    Path(pattern): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let kind = match query.as_deref().unwrap_or_default() {
        "" => Kind::Every,
        "latest" => Kind::Latest,
        other => {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, format!("`{other}` is no option"))
                .hint(
                    "`?latest` has the latest value of each topic; without it comes every message",
                ));
        }
    };
    let permit = server.streams.clone().try_acquire_owned().map_err(|_| {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "there are as many event streams as may be")
            .hint("`--max-streams` of the plugin says how many")
    })?;
    let messages = server.hub.subscribe(&pattern, kind).await?;
    let ready = VecDeque::from([Bytes::from_static(BEGIN)]);
    let stream = Stream { messages, ready, over: false, _permit: permit };
    let body = stream::unfold(stream, |mut stream| async move {
        let next = stream.next().await?;
        Some((Ok::<_, Infallible>(next), stream))
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        // A proxy that collects what it passes on would hold up the events.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// `/events`, of all topics.
pub(crate) async fn events_of_all(
    server: State<Arc<Server>>,
    query: RawQuery,
) -> Result<Response, Refusal> {
    events(server, Path("**".to_owned()), query).await
}

impl Stream {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Some(bytes);
            }
            if self.over {
                return None;
            }
            match timeout(SILENCE, self.messages.next()).await {
                Ok(Some(news)) => {
                    if news.skipped > 0 {
                        let data = format!("{{\"skipped\":{}}}", news.skipped);
                        self.ready.push_back(event("skipped", &data));
                    }
                    self.ready.extend(news.frames);
                }
                Ok(None) => {
                    self.over = true;
                    self.ready.push_back(event("end", "{}"));
                }
                Err(_silent) => return Some(Bytes::from_static(b":\n\n")),
            }
        }
    }
}

fn event(name: &str, data: &str) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}
