//! One lifespan in a world of its own, on the course that a check wants, and what went wrong in it.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lifespan_abi::{Ending, Report, ReportKind, Stance};

use super::neighbour::Neighbour;
use super::polls::{Ledger, NO_LIMIT};
use super::world::{End, Left, Wait, World};
use super::{Finding, Subject};
use crate::probe::Probe;

/// So long may be slept between two polls of a task that are tried.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The course of a lifespan.
pub(super) struct Course<'c> {
    /// How many polls set-up may have before it is dropped.
    pub(super) setup: usize,
    /// How many polls the task may have before it is cancelled; `None` if it does not run at all.
    pub(super) task: Option<usize>,
    /// How long what is held is left alone before it is dropped or cancelled: time for the plugin's own
    /// threads, if it has any.
    pub(super) pause: Duration,
    /// How long is looked on at the task.
    pub(super) wait: Wait,
    /// Whether polls are measured.
    pub(super) measures: bool,
    /// Whether a neighbour publishes a little on its topics while its task runs.
    pub(super) is_fed: bool,
    /// What is between it and its host services.
    pub(super) probe: Option<Probe>,
    /// What is done before it is set up, after that, and before it is shut down.
    pub(super) look: &'c mut dyn FnMut(&World),
}

/// How it went.
pub(super) struct Life {
    pub(super) setup: End<Stance>,
    /// `None` if it had no task to run.
    pub(super) task: Option<End<Ending>>,
    /// `None` if it was not set up.
    pub(super) teardown: Option<End<()>>,
    pub(super) left: Left,
    /// How many polls its last phase but tear-down has had when it was held or ended.
    pub(super) polls: usize,
    /// Whether its task was held before it ended.
    pub(super) was_held: bool,
    pub(super) ledger: Arc<Ledger>,
    /// Whether threads of the plugin's own did something for it.
    pub(super) has_threads: bool,
}

impl<'c> Course<'c> {
    /// The whole of it, as it would be if somebody let it run for a while and then ended it.
    pub(super) fn whole(look: &'c mut dyn FnMut(&World)) -> Self {
        Course {
            setup: NO_LIMIT,
            task: Some(NO_LIMIT),
            pause: Duration::ZERO,
            wait: Wait::look(),
            measures: false,
            is_fed: true,
            probe: None,
            look,
        }
    }

    /// As far as that poll of its set-up.
    pub(super) fn set_up(polls: usize, look: &'c mut dyn FnMut(&World)) -> Self {
        Course { setup: polls, task: None, ..Course::whole(look) }
    }
}

/// Lives it.
pub(super) fn live(subject: &Subject<'_>, course: Course<'_>) -> Result<Life, Finding> {
    let instance = subject.bind()?;
    let world = World::new(&subject.threads, course.probe)?;
    let ledger = Ledger::new(course.measures);
    let mut who = world.add(subject.name(), instance, subject.deadlines(), &ledger);
    (course.look)(&world);
    let setup = world.set_up(&mut who, course.setup);
    let mut life = Life {
        setup,
        task: None,
        teardown: None,
        left: Left::default(),
        polls: ledger.polls(),
        was_held: false,
        ledger: ledger.clone(),
        has_threads: !subject.threads.are_all(),
    };
    match life.setup {
        End::Held => {
            thread::sleep(course.pause);
            world.drop_set_up(&mut who);
        }
        End::Ended(stance) => {
            (course.look)(&world);
            if let Some(limit) = course.task.filter(|_| stance != Stance::DONE) {
                world.start(&mut who, limit);
                if course.is_fed {
                    Neighbour::of(world.bus()).publish();
                }
                // Where it is to be held at a poll, it has the time to come there.
                let own = if limit == NO_LIMIT { course.wait.own } else { DAY };
                loop {
                    let before = ledger.polls();
                    world.look_on(&[&who], Wait { own, ..course.wait });
                    let has_moved = ledger.polls() > before && !ledger.is_held();
                    if limit == NO_LIMIT || !has_moved || subject.is_late() {
                        break;
                    }
                }
                life.polls = ledger.polls();
            }
            life.was_held = ledger.is_held();
            if life.was_held {
                thread::sleep(course.pause);
            }
            life.has_threads |= !subject.threads.are_all();
            (course.look)(&world);
            world.shut_down();
            if course.task.is_some() && stance != Stance::DONE {
                life.task = Some(world.cancel(&mut who, !life.was_held));
            }
            if stance != Stance::DONE {
                life.teardown = Some(world.tear_down(&mut who));
            }
        }
        End::Failed(_) | End::Asleep | End::Late(_) => world.shut_down(),
    }
    life.left = world.release(who);
    Ok(life)
}

impl Life {
    /// That it was set up, as it was when that alone was checked.
    pub(super) fn is_set_up(&self) -> Result<(), Finding> {
        was_set_up("its set-up", &self.setup)
    }

    /// What no plugin should do in any phase, whatever it is told: panic, or not come to an end.
    pub(super) fn is_sound(&self) -> Result<(), Finding> {
        ended("its set-up", &self.setup)?;
        self.task.iter().try_for_each(|task| ended("its task", task))?;
        self.teardown.iter().try_for_each(|teardown| ended("its tear-down", teardown))?;
        match self.left.reports.first() {
            Some((place, report)) => Err(told(place, report)),
            None => Ok(()),
        }
    }

    /// That its tear-down has not failed. After a task that has, it may.
    pub(super) fn is_torn_down(&self) -> Result<(), Finding> {
        match (&self.task, &self.teardown) {
            (Some(End::Failed(_)), _) => Ok(()),
            (_, Some(End::Failed(report))) if !report.publishing_ended => {
                Err(told("its tear-down", report))
            }
            _ => Ok(()),
        }
    }
}

/// An error if a set-up has not come to its end, or failed.
pub(super) fn was_set_up(setup: &str, end: &End<Stance>) -> Result<(), Finding> {
    match end {
        End::Failed(report) => Err(told(setup, report)),
        end => ended(setup, end),
    }
}

/// An error if a phase panicked, or did not end.
pub(super) fn ended<T>(phase: &str, end: &End<T>) -> Result<(), Finding> {
    match end {
        End::Failed(report) if report.kind == ReportKind::Panic => Err(told(phase, report)),
        End::Asleep => Err(Finding::failed(format!("{phase} waits for what nobody does any more"))),
        End::Late(limit) => {
            let limit = humantime::format_duration(*limit);
            Err(Finding::failed(format!("{phase} does not end within {limit}")))
        }
        End::Ended(_) | End::Failed(_) | End::Held => Ok(()),
    }
}

/// What a plugin has reported of itself.
pub(super) fn told(place: &str, report: &Report) -> Finding {
    let reason = match report.kind {
        ReportKind::Panic => format!("{place} {report}"),
        ReportKind::Error => format!("{place} failed: {report}"),
    };
    Finding {
        causes: report.causes.clone(),
        hints: report.hints.clone(),
        detail: report.backtrace.clone(),
        ..Finding::failed(reason)
    }
}

/// A pause in words, if there was any.
pub(super) fn later(pause: Duration) -> String {
    if pause.is_zero() { String::new() } else { format!(" and {} ms", pause.as_millis()) }
}
