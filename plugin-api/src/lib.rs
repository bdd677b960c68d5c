//! The SDK for plugins of the `lifespan` host.

mod command;
mod log;
mod task;

pub use lifespan_abi as abi;

/// What our own tests and macros need of the inside; not for authors, and without promise.
#[doc(hidden)]
pub mod __private {
    pub use crate::command::{Undescribable, describe};
}
