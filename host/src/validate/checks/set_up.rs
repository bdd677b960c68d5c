//! Set-up and tear-down, without the task between them, as where another plugin's set-up has failed.

use crate::validate::life::{Course, live, told};
use crate::validate::polls::NO_LIMIT;
use crate::validate::world::End;
use crate::validate::{Check, Finding, Stage, Subject};

pub(super) const CHECK: Check = Check {
    name: "set-up",
    proves: "it is set up and torn down, also where its task never runs",
    remedy: "tear down what was set up, and do not count on what only the task does",
    stage: Stage::First,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    let life = live(subject, Course::set_up(NO_LIMIT, &mut |_| ()))?;
    if !matches!(life.setup, End::Ended(_)) {
        subject.is_complete()?;
    }
    if let End::Failed(report) = &life.setup {
        let hint = "give arguments that it can run with, after `--`";
        return Err(told("its set-up", report).hint(hint));
    }
    life.is_sound()?;
    life.is_torn_down()
}
