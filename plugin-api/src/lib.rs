//! The SDK for plugins of the `lifespan` host.

mod log;
mod task;

pub use lifespan_abi as abi;
