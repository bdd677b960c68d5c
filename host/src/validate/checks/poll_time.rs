//! No poll holds its thread, which it shares with the other plugins.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::validate::life::{Course, live};
use crate::validate::polls::Held;
use crate::validate::{Check, Finding, Stage, Subject};

/// How often it is tried: what is slow once may have had bad luck.
const ROUNDS: usize = 3;

/// How long a poll may take. On Linux that is without the time in which others had the processor.
#[cfg(target_os = "linux")]
const LIMIT: Duration = Duration::from_millis(10);
#[cfg(not(target_os = "linux"))]
const LIMIT: Duration = Duration::from_millis(100);

/// How much slower a build may be that has debug assertions.
const DEBUG: u32 = 5;

pub(super) const CHECK: Check = Check {
    name: "poll-time",
    proves: "no poll holds its thread for longer than 10 ms (50 ms in a debug build)",
    remedy: "await instead of blocking, and give what computes or blocks to `ctx.spawn_blocking`",
    stage: Stage::Lives,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    let mut rounds: BTreeMap<String, Vec<Held>> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let life = live(subject, Course { measures: true, ..Course::whole(&mut |_| ()) })?;
        life.is_set_up()?;
        for (place, held) in life.ledger.longest() {
            rounds.entry(place).or_default().push(held);
        }
    }
    let is_debug = subject.plugin.descriptor().debug_assertions;
    let limit = if is_debug { LIMIT * DEBUG } else { LIMIT };
    let medians = rounds.into_iter().filter(|(_, helds)| helds.len() == ROUNDS);
    let longest = medians.map(|(place, mut helds)| {
        helds.sort();
        (helds[ROUNDS / 2], place)
    });
    match longest.max() {
        Some((Held { time, nth }, place)) if time > limit => {
            let time = time.as_millis();
            Err(Finding::failed(format!("poll {nth} of {place} held its thread for {time} ms")))
        }
        _ => Ok(()),
    }
}
