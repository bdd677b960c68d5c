//! The command line of the program.

pub(crate) mod logging;
