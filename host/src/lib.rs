//! A host for asynchronous plugins: it finds them, chains them, and runs their lifespans together.

#[cfg(feature = "cli")]
pub(crate) mod cli;
pub mod exit;
pub(crate) mod guard;
pub(crate) mod log;
pub(crate) mod worker;

pub use crate::log::{FilterError, FilterProblem, parse_filter};
