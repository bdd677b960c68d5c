//! The conformance run: whether a plugin keeps what a host relies on, by checks that run its code.
//!
//! A [`Check`] is a file below `checks`; it takes a [`Subject`] (a plugin in its library, with the
//! arguments to start it with) and answers with a [`Finding`] where something is to be told. Lifespans
//! are lived in a [`world`]: a host in small on one thread, which counts polls and stops before any of
//! them, and in which nobody waits for a sleep ([`time`]). What is left of them is counted by [`census`].
//!
//! Nothing here prints or starts processes, and a check may well crash or hang its own: the command line
//! gives each a process of its own.

mod checks;
mod chance;
mod life;
mod neighbour;
mod polls;
mod subject;
mod time;
mod world;

pub(crate) mod census;

use serde::{Deserialize, Serialize};

pub(crate) use self::checks::CHECKS;
pub(crate) use self::subject::Subject;
use crate::error::Failure;
use crate::exit::Exit;

/// What is said where there was no time for the rest.
const OUT_OF_TIME: &str = "then its time was over: `--timeout` gives it longer";

/// One check.
pub(crate) struct Check {
    /// Its name, by which it is chosen.
    pub(crate) name: &'static str,
    /// What it proves, in one line.
    pub(crate) proves: &'static str,
    /// What an author does who fails it.
    pub(crate) remedy: &'static str,
    /// What must be in order before it has a meaning.
    pub(crate) stage: Stage,
    pub(crate) run: fn(&Subject<'_>) -> Result<(), Finding>,
}

/// When a check has its turn. If one of an earlier stage has failed, the later ones are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// It is about the library.
    Library,
    /// It is about a plugin's arguments.
    Arguments,
    /// It is the first set-up.
    First,
    /// It is the first whole lifespan.
    Whole,
    /// It is about lifespans that go otherwise.
    Lives,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// All well.
    Passed,
    /// Something is not as it should be.
    Failed,
    /// Something is worth a look.
    Warned,
    /// It could not be tried.
    Skipped,
}

/// What a check has to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finding {
    /// How it ended.
    pub(crate) verdict: Verdict,
    /// Why, in lower case and without a final period; empty where it passed.
    pub(crate) reason: String,
    /// What caused it, outermost first.
    pub(crate) causes: Vec<String>,
    /// What to do about it beside the check's own remedy.
    pub(crate) hints: Vec<String>,
    /// How far it went, where it has a measure or a bound; also where it passed.
    pub(crate) note: Option<String>,
    /// At how many points it tried, where it goes through points.
    pub(crate) reach: Option<Reach>,
    /// What else there is to see, such as a backtrace.
    pub(crate) detail: Option<String>,
    /// What a run of the plugin would answer with for the same reason, where that is not
    /// [`Exit::Plugin`].
    pub(crate) exit: Option<u8>,
}

/// At how many points a check has tried something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reach {
    /// How many there were.
    pub(crate) points: usize,
    /// Whether they are known to be all that can be reached.
    pub(crate) all: bool,
}

impl Check {
    /// The check of that name.
    pub(crate) fn named(name: &str) -> Option<&'static Check> {
        CHECKS.iter().find(|check| check.name == name)
    }

    /// Does it.
    pub(crate) fn of(&self, subject: &Subject<'_>) -> Finding {
        (self.run)(subject).err().unwrap_or_else(Finding::passed)
    }
}

impl Finding {
    fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Finding {
            verdict,
            reason: reason.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            note: None,
            reach: None,
            detail: None,
            exit: None,
        }
    }

    /// All well.
    pub(crate) fn passed() -> Self {
        Finding::new(Verdict::Passed, "")
    }

    /// All well at so many points, and `rest` says of which: `done` is what was done there.
    fn reached(done: &str, reach: Reach, rest: &str) -> Self {
        let s = if reach.points == 1 { "" } else { "s" };
        let note = format!("{done} {} point{s}, {rest}", reach.points);
        Finding { note: Some(note), reach: Some(reach), ..Finding::passed() }
    }

    /// A fault.
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Finding::new(Verdict::Failed, reason)
    }

    /// Perhaps a fault.
    pub(crate) fn warned(reason: impl Into<String>) -> Self {
        Finding::new(Verdict::Warned, reason)
    }

    /// Nothing, and why.
    pub(crate) fn skipped(reason: impl Into<String>) -> Self {
        Finding::new(Verdict::Skipped, reason)
    }

    /// What went wrong, with how the program would end.
    pub(crate) fn of_failure(failure: Failure) -> Self {
        let reason = failure.headline();
        let Failure { exit, causes, hints, detail, .. } = failure;
        let exit = (exit != Exit::Plugin).then(|| exit.code());
        Finding { causes, hints, detail, exit, ..Finding::failed(reason) }
    }

    /// With what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}
