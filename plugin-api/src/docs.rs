//! Chapters on what lies behind the SDK. They hold no code of a plugin's: all of it is documentation.

pub mod boundary;
pub mod messages;
pub mod own_runtime;
