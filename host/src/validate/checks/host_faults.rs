//! Its host services fail, one call at a time, in each of the ways in which a host may.

use crate::probe::{Call, Fault, Probe};
use crate::validate::life::{Course, Life, live};
use crate::validate::{Check, Finding, OUT_OF_TIME, Reach, Stage, Subject};

pub(super) const CHECK: Check = Check {
    name: "host-faults",
    proves: "it neither panics nor hangs when a host service fails",
    remedy: "return the error (`?`) instead of unwrapping it",
    stage: Stage::Lives,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    let calls = Probe::new();
    lived(subject, &calls)?.is_set_up()?;
    // What hangs or panics in the host is not the plugin's.
    let is_told = |fault: &&Fault| !matches!(fault, Fault::Hangs | Fault::Panics);
    let count = |call| calls.count(subject.name(), call);
    let most = Call::ALL.into_iter().map(count).max().unwrap_or_default();
    let mut points = 0;
    // The first of each kind first: there may be more than there is time for.
    for nth in 1..=most {
        for call in Call::ALL.into_iter().filter(|call| nth <= count(*call)) {
            for &fault in call.faults().iter().filter(is_told) {
                if subject.is_late() {
                    return Err(reached(points, false));
                }
                one(subject, call, nth, fault)?;
                points += 1;
            }
        }
    }
    Err(reached(points, true))
}

fn reached(points: usize, all: bool) -> Finding {
    let rest = if all { "all calls of a lifespan in all ways" } else { OUT_OF_TIME };
    Finding::reached("host services failed at", Reach { points, all }, rest)
}

/// Lives with that one call failing.
fn one(subject: &Subject<'_>, call: Call, nth: u64, fault: Fault) -> Result<(), Finding> {
    let probe = Probe::new();
    probe.plan(subject.name(), call, nth, fault);
    lived(subject, &probe)?.is_sound().map_err(|finding| {
        let (call, fault) = (shown(call), shown(fault));
        let reason = format!("with call {nth} of `{call}` failing ({fault})");
        Finding { reason: format!("{reason}: {}", finding.reason), ..finding }
    })
}

fn lived(subject: &Subject<'_>, probe: &Probe) -> Result<Life, Finding> {
    live(subject, Course { probe: Some(probe.clone()), ..Course::whole(&mut |_| ()) })
}

/// A call or a fault in words: `AnyTopic` is `any topic`.
fn shown(name: impl std::fmt::Debug) -> String {
    let name = format!("{name:?}");
    let words = name.char_indices().flat_map(|(at, letter)| {
        let gap = (at > 0 && letter.is_uppercase()).then_some(' ');
        gap.into_iter().chain(letter.to_lowercase())
    });
    words.collect()
}
