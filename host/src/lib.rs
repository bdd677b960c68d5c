//! A host for asynchronous plugins: it finds them, chains them, and runs their lifespans together.

pub mod chain;
pub mod exit;
pub(crate) mod worker;
