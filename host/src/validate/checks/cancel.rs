//! Its task is cancelled at each await that is reached.

use crate::validate::life::{Course, live};
use crate::validate::world::World;
use crate::validate::{Check, Finding, Stage, Subject};

/// The most places that are tried.
const MOST_PLACES: usize = 32;

pub(super) const CHECK: Check = Check {
    name: "cancel",
    proves: "its task can be cancelled at each await, and is torn down after it",
    remedy: "keep what is half done in values whose drop clears it away, and have the tear-down \
             expect every one of these states",
    stage: Stage::Lives,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    for polls in 0..MOST_PLACES {
        let look = &mut |_: &World| ();
        let life = live(subject, Course { task: Some(polls), ..Course::whole(look) })?;
        life.is_set_up()?;
        if life.task.is_none() {
            return Ok(());
        }
        life.is_sound().and_then(|()| life.is_torn_down()).map_err(|finding| {
            let reason = format!("cancelled after poll {polls} of its task: {}", finding.reason);
            Finding { reason, ..finding }
        })?;
        if life.polls < polls {
            // It has ended before, or waits for what does not come.
            return Ok(());
        }
    }
    Ok(())
}
