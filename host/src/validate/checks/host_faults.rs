//! Its host services fail, one call at a time, in each of the ways in which a host may.

use crate::probe::{Call, Fault, Probe};
use crate::validate::life::{Course, Life, live};
use crate::validate::{Check, Finding, Stage, Subject};

/// How many calls of a kind are tried: the first ones.
const MOST_CALLS: u64 = 4;

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
    for call in Call::ALL {
        // What hangs or panics in the host is not the plugin's.
        let faults = call.faults().iter().filter(|it| !matches!(it, Fault::Hangs | Fault::Panics));
        for &fault in faults {
            for nth in 1..=calls.count(subject.name(), call).min(MOST_CALLS) {
                let probe = Probe::new();
                probe.plan(subject.name(), call, nth, fault);
                lived(subject, &probe)?.is_sound().map_err(|finding| {
                    let (call, fault) = (shown(call), shown(fault));
                    let reason = format!("with call {nth} of `{call}` failing ({fault})");
                    Finding { reason: format!("{reason}: {}", finding.reason), ..finding }
                })?;
            }
        }
    }
    Ok(())
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
