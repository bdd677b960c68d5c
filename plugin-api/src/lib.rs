//! The SDK for plugins of the `lifespan` host.

pub mod bus;
pub mod message;
mod task;
mod time;

pub use lifespan_abi as abi;
