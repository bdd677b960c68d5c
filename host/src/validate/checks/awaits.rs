//! Goes through the awaits of a phase, for the checks that end it at each of them. What is judged there is
//! theirs.

use std::time::Duration;

use crate::validate::chance::pauses;
use crate::validate::life::Life;
use crate::validate::{Finding, OUT_OF_TIME, Reach, Subject};

/// Lives once for each await at which the phase can be held, and tells how far that went, as `done` at so
/// many points. `lives` is given after how many polls it is to be held, and how long to wait then; `was_held`
/// tells whether it was, or had ended, or waits for what does not come.
pub(super) fn at_each(
    subject: &Subject<'_>,
    done: &str,
    lives: impl Fn(usize, Duration) -> Result<Life, Finding>,
    was_held: impl Fn(&Life) -> Result<bool, Finding>,
) -> Result<(), Finding> {
    let mut has_threads = false;
    let mut points = 0;
    let all = loop {
        if subject.is_late() {
            break false;
        }
        let life = lives(points, Duration::ZERO)?;
        has_threads |= life.has_threads;
        if !was_held(&life)? {
            break true;
        }
        points += 1;
    };
    if has_threads {
        // What is awaited there is not polled here.
        for pause in pauses(subject.seed) {
            lives(1, pause)?;
        }
    }
    let rest = match (all, has_threads) {
        (false, _) => OUT_OF_TIME,
        (true, false) => "all that can be reached",
        (true, true) => {
            "and at a few moments while threads of its own were at work, where points cannot be \
             counted"
        }
    };
    Err(Finding::reached(done, Reach { points, all: all && !has_threads }, rest))
}
