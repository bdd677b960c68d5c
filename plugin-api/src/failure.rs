//! Failures on their way to the host: what an author returned, with its causes and hints.
//!
//! Turns `anyhow` errors into the reports that cross. Panics are caught elsewhere, in `panics`.

use std::backtrace::BacktraceStatus;
use std::fmt;

use lifespan_abi::Report;

use crate::bus::PublishError;
use crate::log::explain;

/// A failure that the host knows of already: of a task, or of something that was spawned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(Report);

/// Adds what the reader may do next to an error.
///
/// ```
/// use lifespan_plugin_api::prelude::*;
///
/// fn port(text: &str) -> Result<u16> {
///     text.parse().hint("give a number below 65536")
/// }
/// # assert!(port("fish").is_err());
/// ```
pub trait Hint<T> {
    /// Adds a hint, shown as `hint:` below the error. The error reads as before.
    ///
    /// # Errors
    ///
    /// The error that was there.
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T>;
}

/// An error that stands for another one and adds a hint to it.
#[derive(Debug)]
struct Hinted {
    hint: String,
    error: anyhow::Error,
}

impl Failure {
    pub(crate) fn new(report: Report) -> Self {
        Failure(report)
    }

    pub(crate) fn report(&self) -> &Report {
        &self.0
    }

    /// Whether it was a panic.
    pub fn is_panic(&self) -> bool {
        self.0.kind == lifespan_abi::ReportKind::Panic
    }

    /// The error's message, without its causes, or the panic's.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl fmt::Display for Failure {
    /// The whole chain in one line, as `anyhow` shows it with `{:#}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)?;
        self.0.causes.iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl std::error::Error for Failure {}

impl<T, E: Into<anyhow::Error>> Hint<T> for Result<T, E> {
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| anyhow::Error::new(Hinted { hint: hint.into(), error: error.into() }))
    }
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Hinted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// An author's error as a report: all causes, all hints, the backtrace if there is one.
pub(crate) fn report(error: &anyhow::Error) -> Report {
    let mut chain = error.chain().map(ToString::to_string);
    let mut report = Report::error(chain.next().unwrap_or_default());
    report.causes = chain.collect();
    error.chain().for_each(|cause| collect_hints(cause, &mut report));
    report.publishing_ended = error.chain().any(is_publishing_ended);
    if error.backtrace().status() == BacktraceStatus::Captured {
        report.backtrace = Some(error.backtrace().to_string());
    }
    for text in std::iter::once(&report.message).chain(&report.causes) {
        if let Some(hint) = explain(text) {
            report.hints.push(hint.to_owned());
            break;
        }
    }
    report
}

fn is_publishing_ended(cause: &(dyn std::error::Error + 'static)) -> bool {
    let publish = cause.downcast_ref::<PublishError>();
    let hinted = cause.downcast_ref::<Hinted>();
    publish.is_some_and(PublishError::is_closed)
        || hinted.is_some_and(|hinted| hinted.error.chain().any(is_publishing_ended))
}

/// The hints of one link of a chain; those of the error it stands for come first.
fn collect_hints(cause: &(dyn std::error::Error + 'static), report: &mut Report) {
    let Some(hinted) = cause.downcast_ref::<Hinted>() else { return };
    if let Some(inner) = hinted.error.chain().next() {
        collect_hints(inner, report);
    }
    report.hints.push(hinted.hint.clone());
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn the_chain_is_told_in_full() {
        let error = anyhow!("no fish").context("shop closed").context("cannot cook");
        let report = report(&error);
        assert_eq!(report.message, "cannot cook");
        assert_eq!(report.causes, ["shop closed", "no fish"]);
        let failure = Failure::new(report);
        assert_eq!(failure.to_string(), "cannot cook: shop closed: no fish");
        assert!(!failure.is_panic());
    }

    #[test]
    fn hints_are_found_wherever_they_stand() {
        let inner = Err::<(), _>(anyhow!("no fish").context("empty shelf"));
        let hinted = inner.hint("try the market").hint("or the sea");
        let error = hinted.context("cannot cook").hint("eat out").unwrap_err();
        let report = report(&error);
        assert_eq!(report.message, "cannot cook");
        assert_eq!(report.causes, ["empty shelf", "no fish"]);
        assert_eq!(report.hints, ["eat out", "try the market", "or the sea"]);
    }

    #[test]
    fn a_publish_after_the_end_is_told_apart() {
        let ended = || PublishError::Closed { detail: "the program shuts down".into() };
        let plain = anyhow::Error::new(ended()).context("cannot tell");
        assert!(report(&plain).publishing_ended);
        let hinted = Err::<(), _>(plain).hint("stop").context("cannot go on").unwrap_err();
        assert!(report(&hinted).publishing_ended);
        let stuck = PublishError::Stuck { detail: "full".into() };
        assert!(!report(&anyhow::Error::new(stuck)).publishing_ended);
    }

    #[test]
    fn a_second_subscriber_gets_its_hint() {
        let error = anyhow!("a global default trace dispatcher has already been set").context("up");
        assert!(report(&error).hints[0].contains("remove"));
        assert!(report(&anyhow!("else")).hints.is_empty());
    }
}
