//! A shutdown during set-up: it is dropped wherever it waits.

use std::time::Duration;

use super::awaits::at_each;
use crate::validate::life::{Course, Life, later, live};
use crate::validate::world::End;
use crate::validate::{Check, Finding, Stage, Subject};

pub(super) const CHECK: Check = Check {
    name: "interrupt",
    proves: "its set-up can be dropped at each await, as a shutdown does",
    remedy: "keep what is half set up in values whose drop clears it away and does not panic",
    stage: Stage::Lives,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    let lives = |polls, pause| interrupted(subject, polls, pause);
    at_each(subject, "dropped at", lives, |life| {
        let was_held = matches!(life.setup, End::Held);
        if was_held { Ok(true) } else { life.is_set_up().map(|()| false) }
    })
}

/// Lives, and is dropped so long after that poll of its set-up, if it is not over by then.
fn interrupted(subject: &Subject<'_>, polls: usize, pause: Duration) -> Result<Life, Finding> {
    let life = live(subject, Course { pause, ..Course::set_up(polls, &mut |_| ()) })?;
    if matches!(life.setup, End::Held) {
        life.is_sound().map_err(|finding| {
            let after = format!("poll {polls} of its set-up{}", later(pause));
            Finding { reason: format!("dropped after {after}: {}", finding.reason), ..finding }
        })?;
    }
    Ok(life)
}
