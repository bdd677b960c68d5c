//! The plugin `http`: serves the bus to browsers, scripts and other programs.
//!
//! It knows no type of any topic. `guard` says who may ask at all, `routes` answers what is asked once,
//! `events` what is asked for as a stream; the streams share the subscriptions of `feed`, and all of
//! them look on: nobody waits for a client. `listen` takes the port.

mod events;
mod feed;
mod guard;
mod listen;
mod refusal;
mod routes;

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::serve::ListenerExt as _;
use lifespan_plugin_api::prelude::*;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::feed::Hub;
use crate::guard::{Guard, Publishers};

/// How long a client may take for what is left of its stream at the end.
const DRAIN: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
struct Http {
    /// Listen on this address, or on that of this name
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    host: String,
    /// Listen on this port; 0 takes one that is free
    ///
    /// The address is logged, and published on the topic `http/address`.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// Answer to this name, too (may be given several times)
    ///
    /// Without it a client that calls the server by another name than `localhost`, `--host` or a bare
    /// address is refused, since any page of the web could make such a name lead here.
    #[arg(long = "allow-host", value_name = "NAME")]
    allowed: Vec<String>,
    /// Who may publish
    #[arg(long, value_name = "WHO", default_value = "local")]
    publish: Publishers,
    /// Take no message that is longer (bytes)
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    max_body: usize,
    /// Serve this many event streams at once
    #[arg(long, value_name = "COUNT", default_value_t = 4096)]
    max_streams: usize,
}

/// What all that is asked is answered from.
struct Server {
    ctx: Context,
    hub: Hub,
    guard: Guard,
    max_body: usize,
    /// A permit for each event stream.
    streams: Arc<Semaphore>,
    stopping: AtomicBool,
}

/// Serve the topics and their values over HTTP
///
/// `/` is a page that shows them live. `/topics` lists them, `/topics/NAME` is a value as JSON and takes
/// one by POST, `/events/PATTERN` is a stream of server-sent events, `/health` says that all is well.
#[plugin(tokio)]
async fn http(args: Http, ctx: Context) -> Result<()> {
    let address = ctx.topic::<String>(format!("{}/address", ctx.instance().replace('@', "/")))?;
    let listener = listen::bind(&args.host, args.port).await?;
    let url = format!("http://{}", listener.local_addr().context("cannot tell its address")?);
    listen::make_room_for(args.max_streams);
    info!("Serving {url}");
    address.publish(url).await?;
    let server = Arc::new(Server {
        hub: Hub::new(&ctx),
        guard: Guard::new(&args.host, args.allowed, args.publish),
        max_body: args.max_body,
        streams: Arc::new(Semaphore::new(args.max_streams.min(Semaphore::MAX_PERMITS))),
        stopping: AtomicBool::new(false),
        ctx: ctx.clone(),
    });

    // The streams end by themselves: they get the time for that.
    let _ends_itself = ctx.shutdown();
    ctx.run(serve(server, listener)).await;
    Ok(())
}

lifespan_plugin_api::export![http];

/// Serves until the program ends, and then until all streams have ended.
async fn serve(server: Arc<Server>, listener: TcpListener) -> Result<()> {
    let router = routes::router(server.clone());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    // An event is small, and the next one may be long in coming.
    let listener = listener.tap_io(|client| {
        if let Err(error) = client.set_nodelay(true) {
            debug!("a client's connection waits before it sends: {error}");
        }
    });
    let (ctx, stopping) = (server.ctx.clone(), server.clone());
    let end = async move {
        let why = stopping.ctx.shutdown().await;
        stopping.stopping.store(true, Ordering::Relaxed);
        debug!("No more clients are served: {why}");
    };
    let late = async {
        ctx.shutdown().await;
        ctx.sleep(DRAIN).await;
    };
    tokio::select! {
        served = axum::serve(listener, service).with_graceful_shutdown(end).into_future() => {
            served.context("cannot serve any more")?;
        }
        () = late => warn!("clients that did not read what is left for them are cut off"),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
