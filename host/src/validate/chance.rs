//! Decisions that look random, and are the same for the same seed.

use std::time::Duration;

/// A source of decisions (splitmix64).
pub(super) struct Chance {
    state: u64,
}

impl Chance {
    /// The decisions of that seed.
    pub(super) fn new(seed: u64) -> Self {
        Chance { state: seed }
    }

    /// A number below `end`, which is not 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % end as u64).unwrap_or_default()
    }

    /// Whether it happens that happens once in `times`.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of them, if there is any.
    pub(super) fn pick<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        if of.is_empty() { None } else { of.get(self.below(of.len())) }
    }
}

/// Times after which to do something to what goes on by itself: each about twice as long as the one
/// before, from a millisecond on.
pub(super) fn pauses(seed: u64) -> impl Iterator<Item = Duration> {
    let mut chance = Chance::new(seed);
    (0..6).map(move |nth| {
        let shortest = 1000 << nth;
        Duration::from_micros((shortest + chance.below(shortest)) as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_decides_the_same() {
        let decided = |seed| {
            let mut chance = Chance::new(seed);
            (0..50).map(|_| chance.below(7)).collect::<Vec<_>>()
        };
        assert_eq!(decided(3), decided(3));
        assert_ne!(decided(3), decided(4));
        assert!((0..7).all(|it| decided(3).contains(&it)));
    }
}
