//! The SDK for plugins of the `lifespan` host: write an async function, get a subcommand.
//!
//! A plugin is one async function, its *lifespan*, in a crate of type `cdylib` that depends on this
//! one and on `clap`. This one publishes on the [`bus`]:
//!
//! ```
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
    pub use crate::export::{Library, RUSTC, SDK_VERSION, TARGET, constructor, distinct, root};
    pub use crate::instance::Start;
    pub use crate::plugin::{BoxFuture, Entry, Plugin, instance_of, start};
    #[cfg(feature = "tokio")]
    pub use crate::runtime::on_own_runtime;
}

#[cfg(test)]
mod testing;

/// The README's own example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
