//! Two instances of it live at the same time, as two stages of one chain do.

use lifespan_abi::Stance;

use crate::validate::life::{ended, told, was_set_up};
use crate::validate::polls::{Ledger, NO_LIMIT};
use crate::validate::world::{End, Inhabitant, Wait, World};
use crate::validate::{Check, Finding, Stage, Subject};

pub(super) const CHECK: Check = Check {
    name: "instances",
    proves: "two instances of it live at the same time",
    remedy: "keep state in the lifespan's function instead of in statics; what can be had only once \
             is an error of the second one's set-up",
    stage: Stage::Lives,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    let world = World::new(&subject.threads, None)?;
    let mut living = Vec::new();
    let mut refused = None;
    for name in ["left", "right"] {
        let instance = subject.bind()?;
        let name = format!("{}@{name}", subject.name());
        let mut who = world.add(&name, instance, subject.deadlines(), &Ledger::new(false));
        let end = world.set_up(&mut who, NO_LIMIT);
        match end {
            End::Ended(stance) => living.push((name, who, stance)),
            end if living.is_empty() => was_set_up("its set-up", &end)?,
            end => {
                world.shut_down();
                drop(world.release(who));
                ended("the set-up of a second instance", &end)?;
                if let End::Failed(report) = end {
                    refused = Some(told("the set-up of a second instance", &report));
                }
            }
        }
    }
    for (_, who, stance) in &mut living {
        if *stance != Stance::DONE {
            world.start(who, NO_LIMIT);
        }
    }
    let all: Vec<&Inhabitant> = living.iter().map(|(_, who, _)| who).collect();
    world.look_on(&all, Wait::look());
    world.shut_down();
    for (name, mut who, stance) in living.into_iter().rev() {
        let task = world.cancel(&mut who, true);
        went_well(&format!("the task of '{name}'"), &task)?;
        if stance != Stance::DONE {
            went_well(&format!("the tear-down of '{name}'"), &world.tear_down(&mut who))?;
        }
        if let Some((place, report)) = world.release(who).reports.first() {
            return Err(told(&format!("{place} of '{name}'"), report));
        }
    }
    // It may be that there is room for one only, such as at a port; then that should be said.
    refused.map_or(Ok(()), |finding| {
        let verdict = crate::validate::Verdict::Warned;
        Err(Finding { verdict, ..finding }
            .hint("if there can be only one, let its help say so; else see what both want to have"))
    })
}

/// That a phase, which ends well where it is alone, does so beside another instance too.
fn went_well<T>(phase: &str, end: &End<T>) -> Result<(), Finding> {
    match end {
        End::Failed(report) if !report.publishing_ended => Err(told(phase, report)),
        end => ended(phase, end),
    }
}
