//! No poll holds its thread, which it shares with the other plugins.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::validate::life::{Course, live};
use crate::validate::polls::Held;
use crate::validate::{Check, Finding, Stage, Subject};

/// How often it is tried, and how often where it was too slow then: on a busy machine that may have been
/// bad luck, such as a lock that another thread had while it waited for a processor.
const ROUNDS: usize = 3;
const ROUNDS_OF_SLOW: usize = 9;

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
    let is_debug = subject.plugin.descriptor().debug_assertions;
    let limit = if is_debug { LIMIT * DEBUG } else { LIMIT };
    let mut rounds: BTreeMap<String, Vec<Held>> = BTreeMap::new();
    for round in 1.. {
        let life = live(subject, Course { measures: true, ..Course::whole(&mut |_| ()) })?;
        life.is_set_up()?;
        for (place, held) in life.ledger.longest() {
            rounds.entry(place).or_default().push(held);
        }
        if round < ROUNDS {
            continue;
        }
        let Some((Held { time, nth }, place)) = slowest(&rounds, round, limit) else { break };
        if round >= ROUNDS_OF_SLOW || subject.is_late() {
            let time = time.as_millis();
            let reason = format!("poll {nth} of {place} held its thread for {time} ms");
            return Err(Finding::failed(reason));
        }
    }
    Ok(())
}

/// The place whose polls were the slowest, of those that were too slow in most of so many rounds.
fn slowest(
    rounds: &BTreeMap<String, Vec<Held>>,
    round: usize,
    limit: Duration,
) -> Option<(Held, &String)> {
    let medians = rounds.iter().filter_map(|(place, helds)| {
        let mut helds = helds.clone();
        // In a round without it, it was not slow.
        helds.resize(round, Held::default());
        helds.sort();
        Some((*helds.get(round / 2)?, place))
    });
    medians.filter(|(held, _)| held.time > limit).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_slow_in_most_rounds_is_told() {
        let rounds = |of: &[(&str, &[u64])]| -> BTreeMap<String, Vec<Held>> {
            let held = |&time: &u64| Held { time: Duration::from_millis(time), nth: 1 };
            let entry = |(place, times): &(&str, &[u64])| {
                ((*place).to_owned(), times.iter().map(held).collect())
            };
            of.iter().map(entry).collect()
        };
        let limit = Duration::from_millis(10);
        for (of, place) in [
            (&[("set-up", &[11, 9, 11][..])][..], Some("set-up")),
            (&[("set-up", &[99, 9, 10])], None),
            (&[("a job", &[99, 99])], Some("a job")),
            // It was there only once, with bad luck.
            (&[("a job", &[99])], None),
            (&[("a task", &[20, 20, 20]), ("set-up", &[30, 30, 30])], Some("set-up")),
        ] {
            let rounds = rounds(of);
            let found = slowest(&rounds, 3, limit).map(|(_, place)| &**place);
            assert_eq!(found, place, "{rounds:?}");
        }
    }
}
