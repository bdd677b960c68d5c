//! The SDK for plugins of the `lifespan` host: write an async function, get a subcommand.
//!
//! This page builds one plugin, step by step: a heating, which hears temperatures and tells whether it
//! burns. [The life of a plugin](#the-life-of-a-plugin) sums up what happens when; [`docs`] has chapters
//! on what lies behind it.
//!
//! # 1. A crate
//!
//! `lifespan plugin new heating` writes one that builds, is tested and runs; here it begins with less. A
//! plugin is an async function in a crate of type `cdylib`, which says what it exports:
//!
//! ```standalone_crate
//! use lifespan_plugin_api::prelude::*;
//!
//! /// Heat while it is cold
//! #[plugin]
//! async fn heating(ctx: Context) -> Result<()> {
//!     info!("{} is here", ctx.instance());
//!     Ok(())
//! }
//!
//! lifespan_plugin_api::export![heating];
//! # fn main() {}
//! ```
//!
//! After `cargo build` it is a command: `lifespan --plugin-dir target/debug heating`. The doc comment is its
//! line in `lifespan --help`. What it logs by `tracing` or `log` is the host's, under the instance's name.
//!
//! # 2. Arguments
//!
//! They are a struct of clap's, in front of the context. [`Seconds`] is a duration as people write it.
//!
//! ```standalone_crate
//! # use lifespan_plugin_api::prelude::*;
//! #[derive(clap::Args)]
//! struct Heating {
//!     /// Burn below this temperature
//!     #[arg(long, default_value_t = 20.0)]
//!     target: f64,
//!     /// Burn at least this long (seconds, or with a unit: 5m)
//!     #[arg(long, default_value = "1m")]
//!     at_least: Seconds,
//! }
//!
//! /// Heat while it is cold
//! #[plugin]
//! async fn heating(args: Heating, ctx: Context) -> Result<()> {
//!     info!("{} heats below {} degrees", ctx.instance(), args.target);
//!     Ok(())
//! }
//! # lifespan_plugin_api::export![heating];
//! # fn main() {}
//! ```
//!
//! `lifespan help heating` shows them, a tab completes them, and `[plugin.heating]` in a file of
//! configuration sets them: the host knows them as data, and has the plugin's own clap parse them.
//!
//! # 3. A task, and the bus
//!
//! Up to [`Context::run`] the function is set-up. What `run` is given is the task, which is polled once all
//! plugins of the chain are set up; it may borrow what was made before.
//!
//! ```standalone_crate
//! # use lifespan_plugin_api::prelude::*;
//! # #[derive(clap::Args)]
//! # struct Heating { #[arg(long)] target: f64, #[arg(long)] at_least: Seconds }
//! # /// Heat while it is cold
//! # #[plugin]
//! # async fn heating(args: Heating, ctx: Context) -> Result<()> {
//! let mut degrees = ctx.topic::<f64>("temperature")?.updates();
//! let burns = ctx.topic::<bool>("heating")?;
//!
//! ctx.run(async {
//!     while let Some(temperature) = degrees.recv().await {
//!         let cold = *temperature < args.target;
//!         if burns.get().is_none_or(|burns| *burns != cold) {
//!             burns.publish(cold).await?;
//!             ctx.sleep(args.at_least).await;
//!         }
//!     }
//!     Ok(())
//! })
//! .await;
//! # Ok(())
//! # }
//! # lifespan_plugin_api::export![heating];
//! # fn main() {}
//! ```
//!
//! A topic has a name and one type; whoever opens it may publish and subscribe. `updates` gives the latest
//! value, so what comes while this sleeps is skipped; [`bus`] shows the other ways. Time, topics and
//! spawning are the host's, by the [`Context`]: a plugin needs no runtime of its own.
//!
//! # 4. An end
//!
//! `run` returns in every case, when the tear-down begins: what stands behind it runs whether the task has
//! ended, failed, or was cancelled since the program ends. So a heating is off in the end:
//!
//! ```standalone_crate
//! # use lifespan_plugin_api::prelude::*;
//! # struct Burner;
//! # impl Burner { async fn light(&self) -> Result<()> { Ok(()) } async fn put_out(&self) -> Result<()> { Ok(()) } }
//! # /// Heat while it is cold
//! # #[plugin]
//! # async fn heating(ctx: Context) -> Result<()> {
//! # let burner = Burner;
//! let ended = ctx.run(async {
//!     burner.light().await?;
//!     // …
//! #   Ok(())
//! })
//! .await;
//!
//! debug!("the task has ended: {ended:?}");
//! burner.put_out().await?;
//! # Ok(())
//! # }
//! # lifespan_plugin_api::export![heating];
//! # fn main() {}
//! ```
//!
//! A task is cancelled by being dropped, at whatever it awaits. One that wants to finish what it does asks
//! for [`Context::shutdown`], and has the grace period. [`Context::background`] is for a task that keeps
//! nobody waiting, [`Context::idle`] for a plugin that only reacts. A state with a method for each phase is a
//! [`Lifespan`].
//!
//! # 5. Failures
//!
//! Errors are anyhow's. One in set-up keeps the chain from running; one of the task ends it, with exit code
//! 1. A [hint](Hint::hint) tells the user what to do. Panics are failures of their instance, with their place;
//! neither ends the host.
//!
//! ```standalone_crate
//! # use lifespan_plugin_api::prelude::*;
//! # /// Heat while it is cold
//! # #[plugin]
//! # async fn heating(ctx: Context) -> Result<()> {
//! let burns = ctx.topic::<bool>("heating")?;
//! burns
//!     .claim()
//!     .context("another one heats here")
//!     .hint("give this one a room of its own")?;
//! # Ok(())
//! # }
//! # lifespan_plugin_api::export![heating];
//! # fn main() {}
//! ```
//!
//! # 6. Tests
//!
//! With the feature `testing`, as a dependency for tests only, a lifespan runs within a test: see `testing`.
//! Its clock stands still, and no library is built.
//!
#![cfg_attr(feature = "testing", doc = "```standalone_crate")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! # use lifespan_plugin_api::prelude::*;
//! # #[derive(clap::Args)]
//! # struct Heating {
//! #     #[arg(long, default_value_t = 20.0)]
//! #     target: f64,
//! #     #[arg(long, default_value = "1m")]
//! #     at_least: Seconds,
//! # }
//! # /// Heat while it is cold
//! # #[plugin]
//! # async fn heating(args: Heating, ctx: Context) -> Result<()> {
//! #     let mut degrees = ctx.topic::<f64>("temperature")?.updates();
//! #     let burns = ctx.topic::<bool>("heating")?;
//! #     ctx.run(async {
//! #         while let Some(temperature) = degrees.recv().await {
//! #             let cold = *temperature < args.target;
//! #             if burns.get().is_none_or(|burns| *burns != cold) {
//! #                 burns.publish(cold).await?;
//! #                 ctx.sleep(args.at_least).await;
//! #             }
//! #         }
//! #         Ok(())
//! #     })
//! #     .await;
//! #     Ok(())
//! # }
//! use lifespan_plugin_api::testing;
//!
//! # fn it_heats_for_a_minute_at_least() {
//! let ended = testing::plugin::<heating>().args(["--target", "19"]).run_with(async |test| {
//!     let degrees = test.topic::<f64>("temperature")?;
//!     degrees.publish(18.5).await?;
//!     test.pass(Duration::from_secs(30)).await;
//!     degrees.publish(21.0).await?;
//!     let burns = test.topic::<bool>("heating")?;
//!     assert_eq!(burns.get().as_deref(), Some(&true));
//!     test.pass(Duration::from_secs(31)).await;
//!     Ok(())
//! });
//! ended.assert_ok();
//! assert_eq!(ended.published::<bool>("heating"), [true, false]);
//! # }
//! # fn main() { it_heats_for_a_minute_at_least() }
//! ```
//!
//! # 7. To others
//!
//! `lifespan plugin check target/release/libheating.so` says whether a host would take the library,
//! `plugin validate` tries its plugins in processes of their own, and `plugin install` puts it where it is
//! always found. A library runs in hosts that were built by other compilers; `ABI.md` of the repository
//! says which versions fit.
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
// What the macros expand to names this crate as an author does.
extern crate self as lifespan_plugin_api;

mod bind;
pub mod bus;
mod command;
mod context;
pub mod docs;
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
