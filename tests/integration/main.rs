//! Integration tests: a module a promise, each with real processes, real libraries, real signals.
//!
//! [`env`] is the world of a test and what a process in it wrote; [`artifacts`] builds what is run;
//! the fixture plugins are in `tests/fixtures/`.
#![cfg(unix)]

mod artifacts;
mod env;

mod bus;
mod chains;
mod demo;
mod failures;
mod lifespans;
mod logs;
mod shutdown;
