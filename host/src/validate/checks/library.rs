//! The library: it loads, its ABI is the host's, and it says the same loaded as in its file.

use crate::validate::{Check, Finding, Stage, Subject};

pub(super) const CHECK: Check = Check {
    name: "library",
    proves: "the library loads, and its ABI and descriptor are what the host expects",
    remedy: "build it anew, with the host's version of the SDK",
    stage: Stage::Library,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    subject.host.library(subject.plugin).map(drop).map_err(Finding::of_failure)
}
