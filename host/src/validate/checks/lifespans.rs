//! A hundred lifespans in one process leave it as it was.
//!
//! It is counted after each of them, and the least of some is compared with the least of those before:
//! what is there for a moment only, or ends late on a busy machine, is no growth.

use std::thread;
use std::time::{Duration, Instant};

use crate::validate::census::{self, Census};
use crate::validate::life::{Course, live};
use crate::validate::world::{Wait, World};
use crate::validate::{Check, Finding, Stage, Subject};

/// How many lifespans there are.
const ALL: usize = 100;

/// From which on the process should not grow: until then pools and caches fill.
const WARM: usize = 40;

/// How many lifespans are in each of the three parts that are compared.
const PART: usize = (ALL - WARM) / 3;

/// How many threads or descriptors more in each part are no growth: fewer than one in five lifespans.
const FEW: u64 = PART as u64 / 5 - 1;

/// How many bytes of the system's allocator more in each part are no growth: a KiB with each lifespan.
const SLACK: u64 = PART as u64 * 1024;

/// The same of all memory, whatever has it: pages are coarse, and what an allocator keeps is not always
/// the same.
const COARSE_SLACK: u64 = 16 * SLACK;

/// How long what looks like growth may still end, and between two looks at it.
const ENDING: Duration = Duration::from_secs(3);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

pub(super) const CHECK: Check = Check {
    name: "lifespans",
    proves: "a hundred lifespans in one process do not make it grow: by a thread or descriptor in five \
             of them, or by a KiB of memory in each (16 KiB where only the system counts it)",
    remedy: "drop in the lifespan what was made in it; nothing grows in a static",
    stage: Stage::Lives,
    run,
};

/// What a process had.
struct Had {
    threads: Least,
    descriptors: Least,
    /// The system's allocator, where it can be asked.
    heap: Least,
    /// All memory.
    memory: Least,
}

/// The least that there was in each part.
struct Least([u64; 3]);

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    let mut had = Had::nothing();
    for nth in 0..ALL {
        if subject.is_late() {
            return Err(Finding::warned(format!("there was time for {nth} lifespans only"))
                .hint("give it more with `--timeout`"));
        }
        let look = &mut |_: &World| ();
        let life = live(subject, Course { wait: Wait::glance(), ..Course::whole(look) })?;
        life.is_set_up().map_err(|finding| {
            let reason = format!("in lifespan {}: {}", nth + 1, finding.reason);
            Finding { reason, ..finding }
        })?;
        if !life.left.jobs.is_empty() {
            return Err(Finding::skipped("what it leaves goes on: see `left-behind`"));
        }
        had.look(nth)?;
    }
    let begun = Instant::now();
    while let Some(growth) = had.growth() {
        if begun.elapsed() >= ENDING {
            return Err(Finding::failed(growth));
        }
        thread::sleep(LOOK_AGAIN);
        had.look(ALL - 1)?;
    }
    Ok(())
}

impl Had {
    fn nothing() -> Self {
        let [threads, descriptors, heap, memory] = [(); 4].map(|()| Least::nothing());
        Had { threads, descriptors, heap, memory }
    }

    /// Looks at what there is after that lifespan.
    fn look(&mut self, nth: usize) -> Result<(), Finding> {
        let (Some(census), Some(memory)) = (Census::now(), census::memory()) else {
            return Err(Finding::skipped("what a process has cannot be counted on this system"));
        };
        self.threads.note(nth, census.threads.len() as u64);
        self.descriptors.note(nth, census.descriptors.len() as u64);
        self.memory.note(nth, memory);
        census::heap().into_iter().for_each(|heap| self.heap.note(nth, heap));
        Ok(())
    }

    /// What has grown, in words.
    fn growth(&self) -> Option<String> {
        const LIVES: usize = 2 * PART;
        for (least, what) in [(&self.threads, "threads"), (&self.descriptors, "descriptors")] {
            if let Some(more) = least.growth(FEW) {
                return Some(format!("{more} {what} more after {LIVES} lifespans"));
            }
        }
        let more = self.heap.growth(SLACK).or(self.memory.growth(COARSE_SLACK))?;
        let each = more.div_ceil(LIVES as u64 * 1024);
        Some(format!("about {each} KiB more with each lifespan"))
    }
}

impl Least {
    fn nothing() -> Self {
        Least([u64::MAX; 3])
    }

    /// So much there was after that lifespan.
    fn note(&mut self, nth: usize, amount: u64) {
        let part = nth.checked_sub(WARM).and_then(|nth| self.0.get_mut(nth / PART));
        part.into_iter().for_each(|least| *least = amount.min(*least));
    }

    /// How much more there was in the last part than in the first, if it was more than the slack from
    /// each to the next: what fills once, such as a cache, does not go on.
    fn growth(&self, slack: u64) -> Option<u64> {
        let [first, middle, last] = self.0;
        let steps = [middle.saturating_sub(first), last.saturating_sub(middle)];
        steps.iter().all(|step| *step > slack).then(|| last - first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth(slack: u64, after: fn(u64) -> u64) -> Option<u64> {
        let mut least = Least::nothing();
        (0..ALL).for_each(|nth| least.note(nth, after(nth as u64)));
        least.growth(slack)
    }

    #[test]
    fn what_grows_from_part_to_part_is_told_and_what_fills_once_is_not() {
        const FULL: u64 = (WARM + PART) as u64;
        assert_eq!(growth(SLACK, |nth| 7_000_000 + nth * 4096), Some(40 * 4096));
        assert_eq!(growth(SLACK, |nth| 7_000_000 + nth * 1000), None);
        assert_eq!(growth(SLACK, |nth| 7_000_000 + nth.min(FULL) * 4096), None);
        assert_eq!(growth(SLACK, |nth| 7_000_000 - nth * 4096), None);
        assert_eq!(Least::nothing().growth(SLACK), None);
    }

    #[test]
    fn a_thread_that_is_left_is_told_and_one_that_ends_late_is_not() {
        assert_eq!(growth(FEW, |nth| 7 + nth), Some(40));
        assert_eq!(growth(FEW, |nth| 7 + nth / 2), Some(20));
        assert_eq!(growth(FEW, |nth| 7 + nth / 5), Some(8));
        // More and more of what ends late, but for a moment in each part; one or two at the moments at
        // which the parts begin; some that are there always.
        assert_eq!(growth(FEW, |nth| 7 + nth * (nth % PART as u64).min(1)), None);
        assert_eq!(growth(FEW, |nth| 7 + nth / PART as u64), None);
        assert_eq!(growth(FEW, |_| 60), None);
    }

    #[test]
    fn what_ends_after_the_last_lifespan_is_no_growth() {
        let mut least = Least::nothing();
        (0..ALL).for_each(|nth| least.note(nth, nth as u64));
        assert!(least.growth(FEW).is_some());
        least.note(ALL - 1, 42);
        assert_eq!(least.growth(FEW), None);
    }
}
