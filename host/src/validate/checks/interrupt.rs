//! A shutdown during set-up: it is dropped wherever it waits.

use std::time::Duration;

use crate::validate::chance::pauses;
use crate::validate::life::{Course, Life, later, live};
use crate::validate::world::End;
use crate::validate::{Check, Finding, Reach, Stage, Subject};

pub(super) const CHECK: Check = Check {
    name: "interrupt",
    proves: "its set-up can be dropped at each await, as a shutdown does",
    remedy: "keep what is half set up in values whose drop clears it away and does not panic",
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
        let life = interrupted(subject, points, Duration::ZERO)?;
        has_threads |= life.has_threads;
        if !matches!(life.setup, End::Held) {
            life.is_set_up()?;
            break true;
        }
        points += 1;
    };
    if has_threads {
        // What is awaited there is not polled here.
        for pause in pauses(subject.seed) {
            interrupted(subject, 1, pause)?;
        }
    }
    Err(Finding::awaits("dropped at", Reach { points, all }, has_threads))
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
