//! The whole of a lifespan, as it is when nothing goes wrong.

use crate::validate::life::{Course, live, told};
use crate::validate::world::End;
use crate::validate::{Check, Finding, Stage, Subject};

pub(super) const CHECK: Check = Check {
    name: "task",
    proves: "its task runs, and ends by itself or when it is cancelled; then it is torn down",
    remedy: "return an error only for what went wrong, and let the tear-down end by itself",
    stage: Stage::Lives,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    let life = live(subject, Course::whole(&mut |_| ()))?;
    life.is_set_up()?;
    match &life.task {
        Some(End::Failed(report)) if !report.publishing_ended => Err(told("its task", report)),
        _ => life.is_sound().and_then(|()| life.is_torn_down()),
    }
}
