//! The SDK for plugins of the `lifespan` host: write an async function, get a subcommand.
//!
//! A plugin is one async function, its *lifespan*, in a crate of type `cdylib` that depends on this
//! one and on `clap`. This one publishes on the [`bus`]:
//!
//! ```standalone_crate
//! use lifespan_plugin_api::prelude::*;
//!
//! #[derive(clap::Args)]
//! struct Greet {
//!     /// Whom to greet
//!     #[arg(long, default_value = "world")]
//!     whom: String,
//!     /// Sleep this long between greetings (seconds, or with a unit: 200ms)
//!     #[arg(long, default_value = "1")]
//!     sleep: Seconds,
//! }
//!
//! /// Greet someone, again and again
//! #[plugin]
//! async fn greet(args: Greet, ctx: Context) -> Result<()> {
//!     let count = ctx.topic::<u32>("greetings")?; // set-up
//!     let mut greetings = 0;
//!
//!     ctx.run(async {
//!         loop {
//!             info!("Hello, {}!", args.whom);
//!             greetings += 1;
//!             count.publish(greetings).await?;
//!             ctx.sleep(args.sleep).await;
//!         }
//!     })
//!     .await;
//!
//!     info!("greeted {greetings} times"); // tear-down
//!     Ok(())
//! }
//!
//! lifespan_plugin_api::export![greet];
//! # fn main() {}
//! ```
//!
//! # The life of a plugin
//!
//! 1. **Found.** The host reads the descriptor that [`export!`] wrote into the file: name, version,
//!    the first paragraph of the doc comment. No code of the library runs.
//! 2. **Loaded**, when its name stands on a command line. The host's log and the capture of panics are
//!    installed first: `tracing` and `log` work from then on, and a plugin installs no subscriber.
//! 3. **Bound.** The plugin's part of the line is parsed by its own `clap`, into its own arguments.
//! 4. **Set up.** The function runs up to [`Context::run`]. Plugins are set up one after the other; one
//!    that fails keeps all from running.
//! 5. **Run.** Once all are set up, the task within `run` is polled. It may borrow the function's
//!    locals. It ends by itself, or is dropped when the program shuts down.
//! 6. **Torn down**, in reverse order, when all tasks have ended: `run` returns, and the function goes
//!    on to its end, whatever happened to the task.
//!
//! A function that never comes to [`Context::run`], [`Context::background`] or [`Context::idle`] has
//! done its work in set-up. Errors are `anyhow`'s, and panics are reported as failures of their
//! instance; neither ends the host. A state that wants a struct is a [`Lifespan`].
//!
//! A plugin needs no runtime of its own: [`Context`] has sleeping, spawning, and the bus.
//!
//! # tokio inside a plugin
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
//! * **All phases run on it**, and so does what [`Context::spawn`] starts; jobs of
//!   [`Context::spawn_blocking`] can reach it by `Handle::current()`. Whatever of it is dropped is dropped
//!   within it. The host only waits. Everything in [`Context`] works there as elsewhere, at the price of
//!   a change of threads (some microseconds) where it wakes a task.
//! * **What blocks it holds up that instance alone**: the deadlines of the host hold, and an instance
//!   that misses them is left behind, and named.
//! * **It ends with the instance, after the tear-down.** What `tokio::spawn` has started is dropped then,
//!   and what blocks a thread has one second before it is left behind and named in a warning. So await
//!   in tear-down what is to be finished. The host does not know of `tokio::spawn`: what is to receive
//!   the last messages at a shutdown belongs into the task or into [`Context::spawn`].
//! * **A panic of a task of tokio's** is a `JoinError` for whoever awaits it, as ever, and is logged with
//!   its place. It does not fail the instance unless you make it do so.
//!
//! It costs a thread and a few descriptors an instance, and tokio's code in the library: what only
//! sleeps, spawns and talks does better without.

// What the macros expand to names this crate as an author does.
extern crate self as lifespan_plugin_api;

mod bind;
pub mod bus;
mod command;
mod context;
mod export;
mod failure;
mod gate;
mod instance;
mod lifespan;
mod log;
pub mod message;
mod panics;
mod plugin;
pub mod prelude;
mod run;
#[cfg(feature = "tokio")]
mod runtime;
mod spawn;
mod task;
#[cfg(feature = "testing")]
pub mod testing;
mod time;

pub use anyhow;
pub use lifespan_abi as abi;
pub use lifespan_plugin_macros::plugin;

pub use crate::context::Context;
pub use crate::failure::{Failure, Hint};
pub use crate::gate::TaskEnd;
pub use crate::lifespan::{Lifespan, Stance};
pub use crate::panics::install_panic_hook;
pub use crate::run::Run;
pub use crate::spawn::{JoinError, JoinHandle};
pub use crate::time::{Elapsed, Interval, Seconds, SecondsError, Sleep};

/// What the macros expand to; nothing here is for authors.
#[doc(hidden)]
pub mod __private {
    pub use std::boxed::Box;
    pub use std::hint::black_box;
    pub use std::primitive::{bool, str, u8, usize};
    pub use std::{cfg, compile_error, concat, env};

    pub use lifespan_abi::abi_stable::library::{LibHeader, RootModuleResult};
    pub use lifespan_abi::descriptor::{PREAMBLE, section, total_len};
    pub use lifespan_abi::library::header;
    pub use lifespan_abi::{ABI_VERSION, InstanceBox};

    pub use crate::command::{Undescribable, describe};
    pub use crate::export::{
        Library, RUSTC, SDK_VERSION, TARGET, constructor, distinct, root, text_of,
    };
    pub use crate::instance::Start;
    pub use crate::plugin::{BoxFuture, Entry, Plugin, instance_of, start};
    #[cfg(feature = "tokio")]
    pub use crate::runtime::on_own_runtime;
}

#[cfg(test)]
mod test_host;

/// The README's own example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
