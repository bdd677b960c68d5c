//! Medians and ratios.

/// The middle one; of an even number, the lower of the two in the middle. `None` of nothing.
pub(crate) fn median(samples: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut samples: Vec<f64> = samples.into_iter().collect();
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len().checked_sub(1)? / 2).copied()
}

/// How many times faster than the best of the peers: more than 1 is faster.
pub(crate) fn ratio(best_peer: Option<f64>, own: f64) -> Option<f64> {
    best_peer.filter(|_| own > 0.0).map(|best| best / own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_one() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 3.0, 2.0]), Some(2.0));
        assert_eq!(median([7.0]), Some(7.0));
        assert_eq!(median([]), None);
    }

    #[test]
    fn more_than_one_is_faster() {
        assert_eq!(ratio(Some(50.0), 10.0), Some(5.0));
        assert_eq!(ratio(Some(50.0), 0.0), None);
        assert_eq!(ratio(None, 10.0), None);
    }
}
