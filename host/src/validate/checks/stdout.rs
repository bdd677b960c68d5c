//! It writes nothing to stdout, which is the host's. Whoever began this process reads that; here it
//! only lives.

use crate::validate::life::{Course, live};
use crate::validate::{Check, Finding, Stage, Subject};

pub(super) const CHECK: Check = Check {
    name: "stdout",
    proves: "neither it nor its library writes to stdout",
    remedy: "log (`info!`) or publish instead of printing",
    stage: Stage::Lives,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    live(subject, Course::whole(&mut |_| ()))?.is_set_up()
}
