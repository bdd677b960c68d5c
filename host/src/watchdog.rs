//! Warns while an instance holds a thread of the runtime, and names it.
//!
//! A thread of its own looks at all workers a few times per threshold. It only reads; it cannot end
//! what blocks.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use tracing::warn;

use crate::worker::Workers;

/// How long a poll may hold its thread before it is named. Tokio's own advice is 10 to 100 µs between
/// two awaits; this is where an operator should know.
const THRESHOLD: Duration = Duration::from_millis(500);

/// A watchdog that watches until it is dropped.
#[derive(Debug)]
pub(crate) struct Watchdog {
    _stop: mpsc::Sender<()>,
}

/// What one worker has been doing since when, and when it is to be named (next).
struct Held {
    turn: (u64, u64),
    since: Instant,
    warn_after: Duration,
}

impl Watchdog {
    /// Starts watching; `names` has the instances' names by their numbers.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub(crate) fn start(
        workers: Arc<Workers>,
        names: HashMap<u64, Arc<str>>,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        std::thread::Builder::new().name("lifespan-watchdog".into()).spawn(move || {
            let mut held = Vec::new();
            while stopped.recv_timeout(THRESHOLD / 4) == Err(RecvTimeoutError::Timeout) {
                look(&workers.look(), &mut held, Instant::now(), |owner, time| {
                    let name = names.get(&owner).map_or("?", |name| name);
                    warn!(
                        instance = name,
                        "'{name}' has been blocking a worker thread for {:.1} s; others may wait",
                        time.as_secs_f64()
                    );
                });
            }
        })?;
        Ok(Watchdog { _stop: stop })
    }
}

/// Compares what the workers do with what they did; names each holder at the threshold, and again
/// each time that the time has doubled.
fn look(
    now_doing: &[(u64, u64)],
    held: &mut Vec<Held>,
    now: Instant,
    mut name: impl FnMut(u64, Duration),
) {
    for (worker, &turn) in now_doing.iter().enumerate() {
        let fresh = Held { turn, since: now, warn_after: THRESHOLD };
        let Some(entry) = held.get_mut(worker) else {
            held.push(fresh);
            continue;
        };
        if entry.turn != turn {
            *entry = fresh;
        }
        let time = now - entry.since;
        if turn.0 != 0 && time >= entry.warn_after {
            name(turn.0, time);
            entry.warn_after = time * 2;
        }
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
            let now = start + THRESHOLD / 4 * tick;
            // Worker 0 polls something new each time, worker 1 is idle, worker 2 is held by 9.
            let doing = [(3, u64::from(tick)), (0, 5), (9, 7)];
            look(&doing, &mut held, now, |owner, _| named.push((owner, tick)));
        }
        assert_eq!(named, [(9, 4), (9, 8), (9, 16), (9, 32)]);
    }
}
