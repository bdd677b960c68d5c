//! A host for asynchronous plugins: it finds them, chains them, and runs their lifespans together.

pub mod discover;
pub mod exit;
pub mod load;
pub(crate) mod worker;
