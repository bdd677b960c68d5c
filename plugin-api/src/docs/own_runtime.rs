//! tokio inside a plugin: the feature `tokio`, and `#[plugin(tokio)]`.
//!
//! The host's workers know nothing of the tokio that a library links: it has a copy of its own, with
//! thread-locals of its own. Where axum, reqwest, sqlx, `tokio::process` or anything else is wanted that
//! needs tokio, the plugin says so, and takes this crate with its feature `tokio`:
//!
//! ```toml
//! lifespan-plugin-api = { version = "…", features = ["tokio"] }
//! tokio = { version = "1", features = ["net", "time"] }
//! ```
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use lifespan_plugin_api::prelude::*;
//! use tokio::net::TcpListener;
//!
//! /// Count who calls
//! #[plugin(tokio)]
//! async fn door(ctx: Context) -> Result<()> {
//!     let callers = ctx.topic::<u32>("callers")?;
//!     let door = TcpListener::bind(("127.0.0.1", 0)).await?; // in use: an error of set-up
//!
//!     ctx.run(async {
//!         let mut count = 0;
//!         loop {
//!             let (caller, _) = door.accept().await?;
//!             tokio::spawn(async move {
//!                 tokio::time::sleep(Duration::from_secs(1)).await;
//!                 drop(caller);
//!             });
//!             count += 1;
//!             callers.publish(count).await?;
//!         }
//!     })
//!     .await;
//!     Ok(())
//! }
//! # lifespan_plugin_api::export![door];
//! # fn main() {}
//! ```
//!
//! * **Each instance has a runtime of its own**, with a worker, or with as many as
//!   `#[plugin(tokio(workers = 2))]` says; drivers for time and I/O are there if your `tokio` has these
//!   features. It starts with the set-up. Its threads are named after the instance, and what they log is
//!   the instance's.
//! * **All phases run on it**, and so does what [`Context::spawn`](crate::Context::spawn) starts; jobs of
//!   [`Context::spawn_blocking`](crate::Context::spawn_blocking) can reach it by `Handle::current()`. Whatever of it is dropped is dropped
//!   within it. The host only waits. Everything in [`Context`](crate::Context) works there as elsewhere, at the price of
//!   a change of threads (some microseconds) where it wakes a task.
//! * **What blocks it holds up that instance alone**: the deadlines of the host hold, and an instance
//!   that misses them is left behind, and named.
//! * **It ends with the instance, after the tear-down.** What `tokio::spawn` has started is dropped then,
//!   and what blocks a thread has one second before it is left behind and named in a warning. So await
//!   in tear-down what is to be finished. The host does not know of `tokio::spawn`: what is to receive
//!   the last messages at a shutdown belongs into the task or into [`Context::spawn`](crate::Context::spawn).
//! * **A panic of a task of tokio's** is a `JoinError` for whoever awaits it, as ever, and is logged with
//!   its place. It does not fail the instance unless you make it do so.
//!
//! It costs a thread and a few descriptors an instance, and tokio's code in the library: what only
//! sleeps, spawns and talks does better without.
