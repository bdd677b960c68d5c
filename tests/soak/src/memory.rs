//! How much memory the process takes, and whether that stays so.

use std::fs;

/// So many bytes of resident memory beyond what there was, and a tenth, are still flat: the allocator
/// keeps what is free in pieces, and the bus a name of each instance that there has been.
const SLACK_KIB: u64 = 8 << 10;

/// How many samples are compared, from the first minute's end on and up to the last.
const SAMPLES: usize = 30;

/// Samples, one a second.
#[derive(Default)]
pub(crate) struct Memory(Vec<u64>);

impl Memory {
    /// Takes a sample, where the system tells; gives it in KiB.
    pub(crate) fn sample(&mut self) -> Option<u64> {
        let resident = resident()?;
        self.0.push(resident);
        Some(resident)
    }

    /// What there was after the first minute, and what there is at the end: medians of half a minute.
    /// `None` if that is the same half minute.
    pub(crate) fn compared(&self) -> Option<(u64, u64)> {
        let first = self.0.get(2 * SAMPLES..3 * SAMPLES)?;
        let last = &self.0[self.0.len() - SAMPLES..];
        (self.0.len() >= 4 * SAMPLES).then(|| (median(first), median(last)))
    }
}

/// Whether that is flat.
pub(crate) fn is_flat(first: u64, last: u64) -> bool {
    last <= first + first / 10 + SLACK_KIB
}

fn median(samples: &[u64]) -> u64 {
    let mut samples = samples.to_vec();
    samples.sort_unstable();
    samples[samples.len() / 2]
}

/// Resident memory in KiB, on Linux.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_minute_is_compared_with_the_end() {
        let mut memory = Memory(vec![1; 119]);
        assert_eq!(memory.compared(), None);
        memory.0.extend([2; 31]);
        assert_eq!(memory.compared(), Some((1, 2)));
        assert!(is_flat(40 << 10, 50 << 10) && !is_flat(40 << 10, 60 << 10));
    }
}
