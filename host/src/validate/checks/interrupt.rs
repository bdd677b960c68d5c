//! A shutdown during set-up: it is dropped wherever it waits.

use crate::validate::life::{Course, live};
use crate::validate::world::End;
use crate::validate::{Check, Finding, Stage, Subject};

/// The most places that are tried.
const MOST_PLACES: usize = 24;

pub(super) const CHECK: Check = Check {
    name: "interrupt",
    proves: "its set-up can be dropped at each await, as a shutdown does",
    remedy: "keep what is half set up in values whose drop clears it away and does not panic",
    stage: Stage::Lives,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    for polls in 0..MOST_PLACES {
        let life = live(subject, Course::set_up(polls, &mut |_| ()))?;
        let was_dropped = matches!(life.setup, End::Held);
        if !was_dropped {
            return life.is_set_up();
        }
        life.is_sound().map_err(|finding| {
            let reason = format!("dropped after poll {polls} of its set-up: {}", finding.reason);
            Finding { reason, ..finding }
        })?;
    }
    Ok(())
}
