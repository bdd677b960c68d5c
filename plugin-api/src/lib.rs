//! The SDK for plugins of the `lifespan` host.

mod task;

pub use lifespan_abi as abi;
