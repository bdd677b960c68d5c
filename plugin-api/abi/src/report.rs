//! How a failure is told across the boundary: the whole chain, never a flattened line.

use std::fmt;

use abi_stable::StableAbi;
use abi_stable::std_types::RString;
use serde::{Deserialize, Serialize};

/// A failure: an error with its chain of causes, or a panic with its place.
///
/// Crosses as JSON text ([`WireReport`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// Whether an error was returned or the code panicked.
    pub kind: ReportKind,
    /// The outermost message, or the panic's.
    pub message: String,
    /// What caused it, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// What the reader may do next, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    /// `file:line:column` of a panic, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Whether it comes from a publish after publishing had ended. A task that ends so during a
    /// shutdown has not failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub publishing_ended: bool,
    /// The backtrace, where one was asked for (`RUST_BACKTRACE`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtrace: Option<String>,
}

/// What kind of failure a [`Report`] tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportKind {
    /// An error was returned.
    #[default]
    Error,
    /// The code panicked.
    Panic,
}

impl Report {
    /// An error of one message.
    pub fn error(message: impl Into<String>) -> Self {
        Report { message: message.into(), ..Report::default() }
    }

    /// A panic with its message and, where known, its place.
    pub fn panic(message: impl Into<String>, location: Option<String>) -> Self {
        Report { kind: ReportKind::Panic, message: message.into(), location, ..Report::default() }
    }

    /// Adds what the reader may do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, &self.location) {
            (ReportKind::Error, _) => write!(f, "{}", self.message),
            (ReportKind::Panic, Some(place)) => write!(f, "panicked at {place}: {}", self.message),
            (ReportKind::Panic, None) => write!(f, "panicked: {}", self.message),
        }
    }
}

/// A [`Report`] on its way across: JSON text.
///
/// Owned by whoever holds it; any thread.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct WireReport {
    json: RString,
}

impl From<&Report> for WireReport {
    fn from(report: &Report) -> Self {
        WireReport { json: json_text(report) }
    }
}

impl From<Report> for WireReport {
    fn from(report: Report) -> Self {
        WireReport::from(&report)
    }
}

impl From<&WireReport> for Report {
    /// A text that is no report becomes the message of one: a failure is never lost to its wrapping.
    fn from(wire: &WireReport) -> Self {
        serde_json::from_str(&wire.json).unwrap_or_else(|_| Report::error(wire.json.as_str()))
    }
}

impl From<WireReport> for Report {
    fn from(wire: WireReport) -> Self {
        Report::from(&wire)
    }
}

/// The JSON text of a value of this package's own types, all of which have string keys only.
pub(crate) fn json_text<T: Serialize>(value: &T) -> RString {
    serde_json::to_string(value).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_survives_the_round_trip() {
        let mut report = Report::panic("no fish", Some("a.rs:1:2".into())).hint("buy some");
        report.causes = vec!["shop closed".into(), "sunday".into()];
        assert_eq!(Report::from(&WireReport::from(&report)), report);
    }

    #[test]
    fn fields_of_a_later_version_are_no_obstacle() {
        let wire = WireReport { json: r#"{"kind":"error","message":"m","severity":3}"#.into() };
        assert_eq!(Report::from(wire), Report::error("m"));
    }

    #[test]
    fn a_text_that_is_no_report_is_still_told() {
        let wire = WireReport { json: "boom".into() };
        assert_eq!(Report::from(wire).message, "boom");
    }
}
