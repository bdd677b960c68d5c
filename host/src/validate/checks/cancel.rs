//! Its task is cancelled at each await that is reached.

use std::time::Duration;

use crate::validate::chance::pauses;
use crate::validate::life::{Course, Life, later, live};
use crate::validate::world::World;
use crate::validate::{Check, Finding, Reach, Stage, Subject};

pub(super) const CHECK: Check = Check {
    name: "cancel",
    proves: "its task can be cancelled at each await, and is torn down after it",
    remedy: "keep what is half done in values whose drop clears it away, and have the tear-down \
             expect every one of these states",
    stage: Stage::Lives,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    let mut has_threads = false;
    let mut points = 0;
    let all = loop {
        if subject.is_late() {
            break false;
        }
        let life = cancelled(subject, points, Duration::ZERO)?;
        has_threads |= life.has_threads;
        if !life.was_held {
            // It has no task, or it has ended before, or waits for what does not come.
            break true;
        }
        points += 1;
    };
    if has_threads {
        // What is awaited there is not polled here.
        for pause in pauses(subject.seed) {
            cancelled(subject, 1, pause)?;
        }
    }
    Err(Finding::awaits("cancelled at", Reach { points, all }, has_threads))
}

/// Lives, and is cancelled so long after that poll.
fn cancelled(subject: &Subject<'_>, polls: usize, pause: Duration) -> Result<Life, Finding> {
    let look = &mut |_: &World| ();
    let life = live(subject, Course { task: Some(polls), pause, ..Course::whole(look) })?;
    life.is_set_up()?;
    life.is_sound().and_then(|()| life.is_torn_down()).map_err(|finding| {
        let after = format!("poll {polls} of its task{}", later(pause));
        Finding { reason: format!("cancelled after {after}: {}", finding.reason), ..finding }
    })?;
    Ok(life)
}
