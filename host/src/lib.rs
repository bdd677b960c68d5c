//! A host for asynchronous plugins: it finds them, chains them, and runs their lifespans together.

#[cfg(feature = "cli")]
pub mod cli;
pub mod error;
pub mod exit;
pub mod host;
pub(crate) mod worker;

pub use crate::host::Host;
