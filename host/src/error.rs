//! What is told to people when something went wrong: one shape for every stage of a run.
//!
//! The stages have errors of their own; at the edge of the library each becomes a [`Failure`], with
//! its chain of causes kept apart. Nothing here prints: an embedder shows failures as it likes, the
//! command line by its `report`.

use std::error::Error;
use std::fmt;

use lifespan_abi::Report;

use crate::exit::Exit;

/// One thing that went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What the process should answer with because of it.
    pub exit: Exit,
    /// The instance that it happened in or to.
    pub instance: Option<String>,
    /// The phase that the instance was in, such as `set-up`.
    pub phase: Option<String>,
    /// What failed, in lower case and without a final period; empty where `detail` says it all.
    pub message: String,
    /// What caused it, outermost first.
    pub causes: Vec<String>,
    /// What the reader may do next, a sentence each.
    pub hints: Vec<String>,
    /// What is shown as it is: a backtrace, or an error that a plugin's own parser has rendered.
    pub detail: Option<String>,
    /// Where on the command line it is: the words, and a mark below those that are meant; shown as it
    /// is.
    pub pointer: Option<String>,
}

impl Failure {
    /// A failure with that message.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Failure { exit, message: message.into(), ..Failure::default() }
    }

    /// A failure that is an error with all its causes.
    pub fn from_error(exit: Exit, error: &(dyn Error + 'static)) -> Self {
        let causes = std::iter::successors(error.source(), |&cause| cause.source());
        let causes = causes.map(ToString::to_string).collect();
        Failure { causes, ..Failure::new(exit, error.to_string()) }
    }

    /// What a plugin reported of itself.
    pub(crate) fn plugin(instance: &str, phase: &str, report: Report) -> Self {
        Failure {
            causes: report.causes.clone(),
            hints: report.hints.clone(),
            detail: report.backtrace.clone(),
            ..Failure::new(Exit::Plugin, report.to_string())
        }
        .of(instance, phase)
    }

    /// A failure whose whole text has been rendered elsewhere, such as by a plugin's own parser.
    pub fn rendered(exit: Exit, text: impl Into<String>) -> Self {
        Failure { exit, detail: Some(text.into()), ..Failure::default() }
    }

    /// Names the instance and the phase that it was in.
    #[must_use]
    pub fn of(mut self, instance: impl Into<String>, phase: impl Into<String>) -> Self {
        self.instance = Some(instance.into());
        self.phase = Some(phase.into());
        self
    }

    /// Says what was being done: the message so far becomes the first cause of this one.
    #[must_use]
    pub fn context(mut self, message: impl Into<String>) -> Self {
        self.causes.insert(0, std::mem::replace(&mut self.message, message.into()));
        self
    }

    /// Adds what the reader may do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Instance, phase and message in one line.
    pub fn headline(&self) -> String {
        let parts = [self.instance.as_deref(), self.phase.as_deref(), Some(&*self.message)];
        let parts: Vec<_> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        parts.join(": ")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.detail, self.message.is_empty()) {
            (Some(detail), true) => write!(f, "{}", detail.trim_end()),
            _ => write!(f, "{}", self.headline()),
        }
    }
}

impl Error for Failure {}

/// All that went wrong in one step; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures(Vec<Failure>);

impl Failures {
    /// Goes on where nothing went wrong.
    ///
    /// # Errors
    ///
    /// These failures, if there are any.
    pub fn check(failures: Vec<Failure>) -> Result<(), Failures> {
        if failures.is_empty() { Ok(()) } else { Err(Failures(failures)) }
    }

    /// The failures, in their order; never empty.
    pub fn as_slice(&self) -> &[Failure] {
        &self.0
    }

    /// What the process should answer with: the most fundamental of them.
    pub fn exit(&self) -> Exit {
        self.0.iter().map(|failure| failure.exit).fold(Exit::Success, Exit::worst)
    }
}

impl From<Failure> for Failures {
    fn from(failure: Failure) -> Self {
        Failures(vec![failure])
    }
}

impl IntoIterator for Failures {
    type Item = Failure;
    type IntoIter = std::vec::IntoIter<Failure>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, failure) in self.0.iter().enumerate() {
            write!(f, "{}{failure}", if i == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl Error for Failures {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_of_causes_is_kept_apart() {
        let error = anyhow::anyhow!("sunday").context("shop closed").context("no fish");
        let failure = Failure::from_error(Exit::Plugin, error.as_ref()).of("cook", "set-up");
        assert_eq!(failure.to_string(), "cook: set-up: no fish");
        assert_eq!(failure.causes, ["shop closed", "sunday"]);
        let failure = failure.context("no dinner");
        assert_eq!(failure.message, "no dinner");
        assert_eq!(failure.causes, ["no fish", "shop closed", "sunday"]);
    }

    #[test]
    fn the_most_fundamental_failure_decides() {
        let failures = Failures(vec![
            Failure::new(Exit::Usage, "a"),
            Failure::new(Exit::Load, "b"),
            Failure::rendered(Exit::Plugin, "error: c\n"),
        ]);
        assert_eq!(failures.exit(), Exit::Load);
        assert_eq!(failures.to_string(), "a; b; error: c");
    }
}
