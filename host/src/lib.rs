//! A host for asynchronous plugins: it finds them, chains them, and runs their lifespans together.
//!
//! The way of a command line through this crate, which is also the order of its modules:
//!
//! 1. `cli` (feature `cli`): the program's own options; the rest of the line is the chain. It builds a
//!    `host`, as an embedder does.
//! 2. `discover`: the search path → the [`Catalog`] of plugins, read from the descriptors embedded
//!    in the libraries. Loads nothing, runs nothing.
//!    What `trust` says of folders and files is told there, and obeyed by `load`.
//! 3. `config`: what files say of it, which becomes defaults of the host's options and of plugins'.
//! 4. `prepare` takes the line to stages that can be run, by the four that follow.
//! 5. `chain` and `load`, in turn: a word that stands where a plugin's name stands → its library is
//!    opened and judged → its command spec → where its stage ends → the next word.
//! 6. `bind`: every stage is parsed by its own plugin; all mistakes are told before anything is set up.
//! 7. `order`: what is required first, else the order of the line. The result is a `plan`: [`Plan`].
//! 8. `run` makes the threads of a run, and what watches them, around the dispatcher.
//! 9. `lifespan` is the dispatcher: set-up in turn, the tasks together, tear-down in reverse. Instances
//!    live on their host `services` and talk over the `bus`, where a `trace` may look on.
//! 10. `exit`: how it ended, an [`Outcome`], as one [`Exit`].
//!
//! # Embedding
//!
//! A program of another name is a [`Host`] with folders of plugins, plugins that are linked into it, or both.
//! Each of its lines is [prepared](Host::prepare), which loads and binds and tells all mistakes, and then
//! [run](Prepared::run), which blocks its thread until all lifespans are over. `default-features = false`
//! leaves out the command line.
//!
//! ```
//! use lifespan::{Host, Preparation, Rendering, Shutdown};
//! use lifespan_plugin_api::prelude::*;
//!
//! /// Work for a while
//! #[plugin]
//! async fn work(ctx: Context) -> Result<()> {
//!     ctx.run(async {
//!         ctx.sleep(Duration::from_secs(3600)).await;
//!         Ok(())
//!     })
//!     .await;
//!     Ok(())
//! }
//!
//! # fn main() -> Result<(), lifespan::Failures> {
//! let host = Host::builder("acme")
//!     .builtin(lifespan_plugin_api::builtins![work]) // of this program
//!     .plugin_dir("/usr/lib/acme/plugins") // of others: what is not there is no mistake
//!     .build();
//!
//! let line = ["work", "work@again"].map(Into::into).to_vec();
//! let prepared = match host.prepare(line, Rendering::default())? {
//!     Preparation::Ready(prepared) => prepared,
//!     Preparation::Answer(help) => panic!("nobody asked for {help}"),
//! };
//! assert_eq!(prepared.plan().stages.len(), 2);
//!
//! let shutdown = Shutdown::new();
//! let elsewhere = shutdown.clone(); // to wherever the program learns that it is to end
//! let running = std::thread::spawn(move || prepared.run(&shutdown));
//! elsewhere.request("enough");
//!
//! let outcome = running.join().expect("a run does not panic");
//! assert!(outcome.failures.is_empty() && outcome.exit.code() == 0);
//! # Ok(())
//! # }
//! ```
//!
//! What is the embedder's:
//!
//! * **Threads.** A run wants a thread that is none of an asynchronous runtime: from such code, one that may
//!   block. Each run has workers and a bus of its own; several of one host may run at once.
//! * **Printing and ending.** The library does neither. [`Failures`] and [`Outcome`] say what went wrong, each
//!   [`Failure`] with causes and hints, and [`Exit`] what a process should answer; help is text.
//! * **Signals.** They are told by [`Shutdown::request`], and impatience by [`Shutdown::force`].
//! * **Logs.** They go to the program's `tracing` subscriber, those of plugins in a span `instance` with the
//!   instance's name. [`HostBuilder::log_filter`] and [`Host::set_log_filter`] say what plugins send at all.
//! * **Looking on.** A [`BusTrace`] has a function told of what is published.
//! * **Trust.** Folders and libraries that others may write to are refused; lock files and keys
//!   ([`HostBuilder::locked`], [`HostBuilder::signed_by`]) demand more. Nothing is read from the environment
//!   or a user's folders unless [`HostBuilder::standard_search_path`], [`HostBuilder::cache_dir`] or
//!   [`HostBuilder::config`] say so.
//! * **Panics of built-in plugins** are failures of their instances; the SDK's `install_panic_hook` adds their
//!   places. Libraries that are loaded see to it themselves.
//!
//! `examples/branded.rs` is a whole program. Plugins, built in or not, are tested without any host program by
//! the SDK's feature `testing`.

#[cfg(feature = "cli")]
pub mod cli;

mod host;
mod config;
mod discover;
mod trust;
mod files;

mod prepare;
mod chain;
mod load;
mod bind;
mod order;
mod plan;

mod run;
mod runtime;
mod lifespan;
mod services;
mod bus;
mod log;
mod trace;
mod worker;
mod watchdog;
mod clock;
#[cfg(any(feature = "cli", feature = "testing"))]
mod idle;
mod limits;

mod shutdown;
mod guard;
mod position;
mod error;
mod exit;

#[cfg(feature = "cli")]
mod validate;

#[doc(hidden)]
pub mod bench;
#[doc(hidden)]
pub mod example;
#[doc(hidden)]
pub mod probe;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;

pub use lifespan_abi as abi;
pub use lifespan_abi::log::Level;
pub use lifespan_abi::{Descriptor, LogFilter, PluginFacts};

pub use crate::config::Config;
#[doc(hidden)]
pub use crate::discover::fuzz;
pub use crate::discover::{
    Builtin, Candidate, Catalog, Lookup, Origin, Place, RefusalReason, Refused, SearchEntry,
    SearchPath,
};
pub use crate::error::{Failure, Failures};
pub use crate::exit::Exit;
pub use crate::host::{Host, HostBuilder, Preparation, Prepared, Rendering};
pub use crate::lifespan::{Lost, Outcome};
pub use crate::limits::Limits;
pub use crate::log::{FilterError, FilterProblem, parse_filter};
pub use crate::plan::{Plan, PlannedStage};
pub use crate::shutdown::Shutdown;
pub use crate::trace::{BusTrace, PatternError, TracedMessage};
pub use crate::trust::{Digest, Distrust, KeyError, PublicKey};
