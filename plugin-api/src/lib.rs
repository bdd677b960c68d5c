//! The SDK for plugins of the `lifespan` host.

mod task;
mod time;

pub use crate::time::{Elapsed, Interval, Seconds, SecondsError, Sleep};

pub use lifespan_abi as abi;
