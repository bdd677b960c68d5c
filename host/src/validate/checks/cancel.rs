//! Its task is cancelled at each await that is reached.

use std::time::Duration;

use super::awaits::at_each;
use crate::validate::life::{Course, Life, later, live};
use crate::validate::world::World;
use crate::validate::{Check, Finding, Stage, Subject};

pub(super) const CHECK: Check = Check {
    name: "cancel",
    proves: "its task can be cancelled at each await, and is torn down after it",
    remedy: "keep what is half done in values whose drop clears it away, and have the tear-down \
             expect every one of these states",
    stage: Stage::Lives,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    let lives = |polls, pause| cancelled(subject, polls, pause);
    // A plugin without a task is never held in it.
    at_each(subject, "cancelled at", lives, |life| Ok(life.was_held))
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
