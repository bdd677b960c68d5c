//! A hundred lifespans in one process leave it as it was.

use crate::validate::census::{self, Census};
use crate::validate::life::{Course, live};
use crate::validate::world::{Wait, World};
use crate::validate::{Check, Finding, Stage, Subject};

/// How many lifespans there are.
const ALL: usize = 100;

/// From which on the process should not grow: until then pools and caches fill.
const WARM: usize = 40;

/// How many bytes more are no growth: what an allocator keeps is not always the same.
const SLACK: u64 = 512 * 1024;

pub(super) const CHECK: Check = Check {
    name: "lifespans",
    proves: "a hundred lifespans in one process need no more memory, threads or descriptors than one",
    remedy: "drop in the lifespan what was made in it; nothing grows in a static",
    stage: Stage::Lives,
    run,
};

/// What a process has at a moment.
struct Size {
    threads: usize,
    descriptors: usize,
    memory: u64,
}

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    let (mut warm, mut middle) = (None, None);
    for nth in 0..ALL {
        match nth {
            WARM => warm = size(),
            nth if nth == (WARM + ALL) / 2 => middle = size(),
            _ => {}
        }
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
    }
    let (Some(warm), Some(middle), Some(last)) = (warm, middle, size()) else {
        return Err(Finding::skipped("what a process has cannot be counted on this system"));
    };
    let lives = ALL - WARM;
    if last.threads > warm.threads && grows(warm.threads, middle.threads, last.threads) {
        let more = last.threads - warm.threads;
        return Err(Finding::failed(format!("{more} threads more after {lives} lifespans")));
    }
    if grows(warm.descriptors, middle.descriptors, last.descriptors) {
        let more = last.descriptors - warm.descriptors;
        return Err(Finding::failed(format!("{more} descriptors more after {lives} lifespans")));
    }
    let more = last.memory.saturating_sub(warm.memory);
    let steadily = last.memory.saturating_sub(middle.memory) > more / 4;
    if more > SLACK && steadily && middle.memory > warm.memory {
        let each = more / lives as u64 / 1024;
        return Err(Finding::failed(format!("{each} KiB more with each lifespan")));
    }
    Ok(())
}

/// Whether it grew in the first half, and again in the second.
fn grows(first: usize, middle: usize, last: usize) -> bool {
    first < middle && middle < last
}

fn size() -> Option<Size> {
    let Census { threads, descriptors, .. } = census::settled()?;
    let (threads, descriptors) = (threads.len(), descriptors.len());
    Some(Size { threads, descriptors, memory: census::memory()? })
}
