//! The whole of a lifespan, as it is when nothing goes wrong.

use crate::validate::life::{Course, live, told};
use crate::validate::world::End;
use crate::validate::{Check, Finding, Stage, Subject};

pub(super) const CHECK: Check = Check {
    name: "task",
    proves: "its task runs, and ends by itself or when it is cancelled; then it is torn down",
    remedy: "return an error only for what went wrong, and let the tear-down end by itself",
    stage: Stage::Whole,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    // What others publish may well be nonsense to it: an error because of that is none of its faults.
    let life = live(subject, Course { is_fed: false, ..Course::whole(&mut |_| ()) })?;
    life.is_set_up()?;
    match &life.task {
        Some(End::Failed(report)) if !report.publishing_ended => {
            subject.is_complete()?;
            Err(told("its task", report))
        }
        _ => life.is_sound().and_then(|()| life.is_torn_down()),
    }
}
