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
//! An embedder starts at [`Host::builder`]. The library prints nothing, does not end the process, and
//! keeps nothing of a run outside of the host that is built; logs go through `tracing` to whatever
//! subscriber the program has.
//!
//! ```no_run
//! use lifespan::{Host, Preparation, Rendering, Shutdown};
//!
//! # fn main() -> Result<(), lifespan::Failures> {
//! let host = Host::builder("acme").plugin_dir("/usr/lib/acme/plugins").build();
//! let line = ["countdown", "--from", "3"].map(Into::into).to_vec();
//! if let Preparation::Ready(prepared) = host.prepare(line, Rendering::default())? {
//!     let shutdown = Shutdown::new(); // `shutdown.clone().request("enough")` from anywhere
//!     let outcome = prepared.run(&shutdown);
//!     assert!(outcome.failures.is_empty());
//! }
//! # Ok(())
//! # }
//! ```

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
