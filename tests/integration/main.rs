//! Integration tests: a module a promise, each with real processes, real libraries, real signals.
//!
//! [`env`] is the world of a test and what a process in it wrote; [`artifacts`] builds what is run;
//! [`terminal`] is a shell at a terminal; [`client`] and [`browser`] ask the plugin `http`; [`place`] belongs
//! to a second user; [`forge`] makes bad libraries, [`nested`] builds with another compiler or target
//! folder, [`next`] and [`third_party`] what is built so. The fixture plugins are in `tests/fixtures/`.
#![cfg(unix)]

mod artifacts;
mod browser;
mod client;
mod env;
mod forge;
mod nested;
mod newcomers;
mod next;
mod place;
mod schema;
mod terminal;
mod third_party;

mod abi_versions;
mod bus;
mod catalog;
mod chains;
mod completion;
mod configuration;
mod debian;
mod demo;
mod doctor;
mod elevated;
mod embedding;
mod exec;
mod failures;
mod http;
mod http_streams;
mod inspect;
mod layouts;
mod live;
mod installing;
mod libraries;
mod lifespans;
mod locks;
mod logs;
mod manuals;
mod management;
mod reasons;
mod museum;
mod refusals;
mod names;
mod outside;
mod own_runtime;
mod permissions;
mod pipes;
mod races;
#[cfg(target_os = "linux")]
mod run_paths;
mod services;
mod shutdown;
mod trace;
mod unwanted;
mod validating;
mod watch;
