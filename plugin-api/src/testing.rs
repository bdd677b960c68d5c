//! Tests of plugins, without a host beside them and without a library that is built (feature `testing`).
//!
//! A test runs a lifespan on its own thread, on a bus of its own, with the host's real services and
//! dispatcher. Its clock stands still and skips to the next sleep's end when nobody has anything to do,
//! so that a test takes no time and always the same way. The feature is for tests only:
//!
//! ```toml
//! [dev-dependencies]
//! lifespan-plugin-api = { version = "…", features = ["testing"] }
//! ```
//!
//! It builds the host's library, and so needs the Rust that this one needs, 1.88.
//!
//! [`run`] is enough for a plugin that ends by itself:
//!
//! ```standalone_crate
//! # use lifespan_plugin_api::prelude::*;
//! # #[derive(clap::Args)]
//! # struct Countdown { #[arg(long)] from: u32 }
//! # /// Count down
//! # #[plugin]
//! # async fn countdown(args: Countdown, ctx: Context) -> Result<()> {
//! #     let count = ctx.topic::<u32>("countdown")?;
//! #     ctx.run(async {
//! #         for n in (1..=args.from).rev() {
//! #             info!("Counting down… {n}");
//! #             count.publish(n).await?;
//! #             ctx.sleep(Duration::from_secs(1)).await;
//! #         }
//! #         Ok(())
//! #     }).await;
//! #     Ok(())
//! # }
//! use lifespan_plugin_api::testing;
//!
//! # fn main() {
//! let ended = testing::run::<countdown>(["--from", "3"]);
//! ended.assert_ok();
//! assert_eq!(ended.published::<u32>("countdown"), [3, 2, 1]);
//! assert!(ended.logged("Counting down… 2"));
//! assert_eq!(ended.took(), Duration::from_secs(3));
//! # }
//! ```
//!
//! A test that takes part is a [`Tester`]: a [`Context`](crate::Context) on the same bus. With its end the shutdown
//! begins.
//!
//! ```standalone_crate
//! # use lifespan_plugin_api::prelude::*;
//! # use lifespan_plugin_api::testing;
//! # /// Say what the countdown tells
//! # #[plugin]
//! # async fn echo(ctx: Context) -> Result<()> {
//! #     let mut counts = ctx.topic::<u32>("countdown")?.updates();
//! #     ctx.run(async {
//! #         while let Some(count) = counts.recv().await {
//! #             info!("Countdown currently at {count}");
//! #         }
//! #         Ok(())
//! #     }).await;
//! #     Ok(())
//! # }
//! # fn main() {
//! let ended = testing::plugin::<echo>().run_with(async |test| {
//!     let count = test.topic::<u32>("countdown")?;
//!     count.publish(7).await?;
//!     test.pass(Duration::from_secs(1)).await; // all that can happen until then has happened
//!     count.publish(6).await?;
//!     Ok(())
//! });
//! ended.assert_ok();
//! assert_eq!(ended.log_lines(), ["Countdown currently at 7", "Countdown currently at 6"]);
//! # }
//! ```
//!
//! And one that has the host fail:
//!
//! ```standalone_crate
//! # use lifespan_plugin_api::prelude::*;
//! # /// Publish one
//! # #[plugin]
//! # async fn one(ctx: Context) -> Result<()> {
//! #     let topic = ctx.topic::<u32>("one")?;
//! #     ctx.run(async {
//! #         topic.publish(1).await.context("cannot tell of it")?;
//! #         Ok(())
//! #     }).await;
//! #     info!("over");
//! #     Ok(())
//! # }
//! use lifespan_plugin_api::testing::{self, Call, Fault};
//!
//! # fn main() {
//! let ended = testing::plugin::<one>().fails(Call::Publish, 1, Fault::Stuck).run();
//! ended.assert_fails("cannot tell of it");
//! assert!(ended.logged("over")); // it has been torn down all the same
//! # }
//! ```
//!
//! # What differs from a run
//!
//! * All is polled on the test's thread. A plugin that blocks it blocks the test, and the host does not
//!   come to leave it behind.
//! * **Time.** What the paused clock does not know of is no reason for it to stand still: threads that
//!   the plugin starts itself, and files or sockets. A plugin with a tokio runtime of its own
//!   (`#[plugin(tokio)]`) therefore has the [real time](Test::real_time), as has any other that says so.
//!   Jobs of [`spawn_blocking`](crate::Context::spawn_blocking) are known: while one runs the clock
//!   stands still, and so one that waits for what takes time needs the real time too.
//! * **Logs** are kept where they come from the test's thread, jobs and tokio runtimes; of all levels,
//!   by `tracing` only. Nobody installs a subscriber, so tests may run beside each other.
//! * What is published is kept in messages of its own, so nothing is written over an earlier value.

mod ended;
mod library;
mod logs;
mod test;

use std::ffi::OsString;

pub use lifespan::Exit;
pub use lifespan::probe::{Call, Fault};
use lifespan_abi::BindSettings;

pub use self::ended::Ended;
pub use self::logs::Logged;
pub use self::test::{Test, Tester};
use crate::bind::arguments;
use crate::plugin::Plugin;

/// Runs a plugin with these arguments to its end.
///
/// # Panics
///
/// It does not end by itself within [an hour of its time](Test::limit).
#[track_caller]
pub fn run<P: Plugin>(args: impl IntoIterator<Item = impl Into<OsString>>) -> Ended {
    plugin::<P>().args(args).run()
}

/// A test of a plugin: of what `#[plugin]` stands on.
pub fn plugin<P: Plugin>() -> Test {
    Test::of::<P>()
}

/// Parses arguments as the host has the plugin parse them.
///
/// # Errors
///
/// What the user is told: an error, or help that was asked for.
pub fn parse<P: Plugin>(
    args: impl IntoIterator<Item = impl Into<OsString>>,
) -> Result<P::Args, String> {
    let words: Vec<OsString> = args.into_iter().map(Into::into).collect();
    arguments::<P>(words, &BindSettings::default()).map_err(|(_, text)| text)
}

#[cfg(test)]
mod tests;
