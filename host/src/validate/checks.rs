//! The checks, a file each, in the order in which they are told.

mod arguments;
mod awaits;
mod cancel;
mod help;
mod host_faults;
mod instances;
mod interrupt;
mod left_behind;
mod library;
mod lifespans;
mod messages;
mod poll_time;
mod set_up;
mod stdout;
mod task;

use super::Check;

/// All of them.
pub(crate) const CHECKS: &[Check] = &[
    library::CHECK,
    help::CHECK,
    arguments::CHECK,
    set_up::CHECK,
    task::CHECK,
    interrupt::CHECK,
    cancel::CHECK,
    host_faults::CHECK,
    instances::CHECK,
    lifespans::CHECK,
    left_behind::CHECK,
    stdout::CHECK,
    poll_time::CHECK,
    messages::CHECK,
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_has_a_name_of_its_own_and_they_stand_in_the_order_of_their_stages() {
        let names: HashSet<_> = CHECKS.iter().map(|check| check.name).collect();
        assert_eq!(names.len(), CHECKS.len());
        assert!(CHECKS.is_sorted_by_key(|check| check.stage));
        for check in CHECKS {
            let texts = [check.proves, check.remedy];
            assert!(texts.iter().all(|it| !it.is_empty() && !it.ends_with('.')), "{}", check.name);
        }
    }
}
