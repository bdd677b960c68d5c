//! A host for asynchronous plugins: it finds them, chains them, and runs their lifespans together.

pub(crate) mod bus;
pub mod exit;
pub(crate) mod guard;
pub(crate) mod worker;
