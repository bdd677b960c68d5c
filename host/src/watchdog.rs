//! Warns of what holds others up, and names it: an instance that holds a thread of the runtime, and
//! one that lets publishers wait by taking nothing.
//!
//! It looks at all workers and topics a few times per threshold, on the dispatcher's thread, which no
//! plugin can block. It only reads; it cannot end what blocks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::warn;

use crate::bus::{Bus, Jam};
use crate::worker::Holders;

/// How long a poll may hold its thread before it is named. Tokio's own advice is 10 to 100 µs between
/// two awaits; this is where an operator should know.
const BLOCKED: Duration = Duration::from_millis(500);

/// How long a subscription may take nothing while publishers wait for it, unless the host says
/// otherwise. Slower than any sink that works message by message should be.
pub(crate) const STALLED: Duration = Duration::from_secs(2);

/// Something that has not moved since when, and when it is to be named (next).
struct Held<T> {
    at: T,
    since: Instant,
    warn_after: Duration,
    threshold: Duration,
}

/// Watches for ever; a subscription is named that takes nothing for as long as `stalled`.
pub(crate) async fn watch(holders: Holders, bus: Bus, stalled: Duration) {
    let (mut held, mut jams) = (Vec::new(), HashMap::new());
    loop {
        tokio::time::sleep(BLOCKED / 4).await;
        let now = Instant::now();
        look(&holders.look(), &mut held, now, |owner, time| {
            let name = holders.name(owner);
            warn!(
                instance = name,
                "'{name}' has been blocking a worker thread for {:.1} s; others may wait",
                time.as_secs_f64()
            );
        });
        look_at_jams(bus.jams(), &mut jams, now, stalled, |jam, time| {
            warn!(
                "'{}' has taken nothing from topic '{}' for {:.1} s; its publishers wait",
                jam.behind.join("', '"),
                jam.topic,
                time.as_secs_f64()
            );
        });
    }
}

/// Compares what the workers do with what they did; names each holder at the threshold, and again
/// each time that the time has doubled.
fn look(
    now_doing: &[(u64, u64)],
    held: &mut Vec<Held<(u64, u64)>>,
    now: Instant,
    mut name: impl FnMut(u64, Duration),
) {
    for (worker, &turn) in now_doing.iter().enumerate() {
        let Some(entry) = held.get_mut(worker) else {
            held.push(Held::new(turn, now, BLOCKED));
            continue;
        };
        if let (Some(time), true) = (entry.look(turn, now), turn.0 != 0) {
            name(turn.0, time);
        }
    }
}

/// The same for topics whose publishers wait.
fn look_at_jams(
    jams: Vec<Jam>,
    held: &mut HashMap<Arc<str>, Held<u64>>,
    now: Instant,
    stalled: Duration,
    mut name: impl FnMut(&Jam, Duration),
) {
    held.retain(|topic, _| jams.iter().any(|jam| jam.topic == *topic));
    for jam in jams {
        let entry =
            held.entry(jam.topic.clone()).or_insert_with(|| Held::new(jam.position, now, stalled));
        if let Some(time) = entry.look(jam.position, now) {
            name(&jam, time);
        }
    }
}

impl<T: PartialEq> Held<T> {
    fn new(at: T, now: Instant, threshold: Duration) -> Self {
        Held { at, since: now, warn_after: threshold, threshold }
    }

    /// Notes where it is now. Answers how long it has been there, if that is to be told.
    fn look(&mut self, at: T, now: Instant) -> Option<Duration> {
        if self.at != at {
            *self = Held::new(at, now, self.threshold);
        }
        let time = now - self.since;
        (time >= self.warn_after).then(|| {
            self.warn_after = time * 2;
            time
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_named_at_the_threshold_and_at_each_doubling() {
        let start = Instant::now();
        let mut held = Vec::new();
        let mut named = Vec::new();
        for tick in 0..40 {
            let now = start + BLOCKED / 4 * tick;
            // Worker 0 polls something new each time, worker 1 is idle, worker 2 is held by 9.
            let doing = [(3, u64::from(tick)), (0, 5), (9, 7)];
            look(&doing, &mut held, now, |owner, _| named.push((owner, tick)));
        }
        assert_eq!(named, [(9, 4), (9, 8), (9, 16), (9, 32)]);
    }

    #[test]
    fn a_topic_is_named_while_nothing_moves_on_it() {
        let start = Instant::now();
        let mut held = HashMap::new();
        let mut named = Vec::new();
        let jam = |topic: &str, position| Jam { topic: topic.into(), position, behind: vec![] };
        for tick in 0..10 {
            // One moves on, one stands, one is free for a moment.
            let mut jams = vec![jam("slow", u64::from(tick)), jam("stuck", 7)];
            if tick != 4 {
                jams.push(jam("freed", 7));
            }
            look_at_jams(jams, &mut held, start + STALLED / 2 * tick, STALLED, |jam, _| {
                named.push((jam.topic.to_string(), tick));
            });
        }
        let expect =
            [("stuck", 2), ("freed", 2), ("stuck", 4), ("freed", 7), ("stuck", 8), ("freed", 9)];
        assert_eq!(named, expect.map(|(topic, tick)| (topic.to_owned(), tick)));
    }
}
