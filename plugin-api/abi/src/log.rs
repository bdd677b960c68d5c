//! Logs on their way to the host: call sites once, then events and spans by number.
//!
//! The plugin's side judges the host's [`LogFilter`] before it calls anything here, so that what is
//! filtered out costs no call. It never calls while it holds a lock of its `tracing`.
#![expect(
    unsafe_code,
    non_local_definitions,
    reason = "the expansion of `sabi_trait`; nothing here is written by hand"
)]

use abi_stable::std_types::{RBox, RSlice, RStr, RString};
use abi_stable::{StableAbi, sabi_trait};
use serde::{Deserialize, Serialize};

use crate::report::json_text;

/// Where the logs of one library go, implemented by the host. Any thread; no method panics.
///
/// Numbers of call sites and spans are the host's, never 0. Methods are only appended, with default
/// bodies.
#[sabi_trait]
pub trait LogSink: Send + Sync {
    /// Registers a call site: the JSON text of a [`Callsite`]. Once for each.
    fn callsite(&self, callsite: RStr<'_>) -> u64;

    /// An event.
    fn event(&self, callsite: u64, parent: Parent, values: RSlice<'_, FieldValue<'_>>);

    /// A new span, with one reference.
    fn new_span(&self, callsite: u64, parent: Parent, values: RSlice<'_, FieldValue<'_>>) -> u64;

    /// More values of a span.
    fn record(&self, span: u64, values: RSlice<'_, FieldValue<'_>>);

    /// `span` follows from `cause`.
    fn follows_from(&self, span: u64, cause: u64);

    /// This thread enters a span.
    fn enter(&self, span: u64);

    /// This thread leaves a span.
    fn exit(&self, span: u64);

    /// One more reference to a span.
    fn clone_span(&self, span: u64);

    /// One reference less; the last closes the span.
    #[sabi(last_prefix_field)]
    fn close_span(&self, span: u64);
}

/// An owned [`LogSink`].
pub type LogSinkBox = LogSink_TO<'static, RBox<()>>;

/// What a span or event stands under.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// One of the constants below.
    pub kind: u32,
    /// With [`Parent::SPAN`]: its number.
    pub span: u64,
}

impl Parent {
    /// The span that this thread is in.
    pub const CURRENT: u32 = 0;
    /// Nothing.
    pub const ROOT: u32 = 1;
    /// The span of that number.
    pub const SPAN: u32 = 2;
}

/// The value of one field. Borrowed for the call.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct FieldValue<'a> {
    /// The field's place among the call site's fields, from 0.
    pub field: u32,
    /// One of the constants below.
    pub kind: u32,
    /// The lower 64 bits of a number, a `bool` as 0 or 1, the bits of an `f64`.
    pub low: u64,
    /// The upper 64 bits of a number of 128.
    pub high: u64,
    /// The text of the textual kinds.
    pub text: RStr<'a>,
}

impl FieldValue<'_> {
    /// An `i64` in `low`.
    pub const I64: u32 = 0;
    /// A `u64` in `low`.
    pub const U64: u32 = 1;
    /// An `i128` in `low` and `high`.
    pub const I128: u32 = 2;
    /// A `u128` in `low` and `high`.
    pub const U128: u32 = 3;
    /// An `f64` in `low`.
    pub const F64: u32 = 4;
    /// A `bool` in `low`.
    pub const BOOL: u32 = 5;
    /// A string in `text`.
    pub const STR: u32 = 6;
    /// A value that was formatted, in `text`.
    pub const DEBUG: u32 = 7;
}

/// A place in the source that logs. Crosses as JSON text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callsite {
    /// The name of the span or event.
    pub name: String,
    /// What it is about; by default the module's path.
    pub target: String,
    /// Its level.
    pub level: Level,
    /// Whether it is a span, else an event.
    pub is_span: bool,
    /// The module's path.
    #[serde(default)]
    pub module_path: Option<String>,
    /// The source file.
    #[serde(default)]
    pub file: Option<String>,
    /// The line in it.
    #[serde(default)]
    pub line: Option<u32>,
    /// The names of its fields.
    #[serde(default)]
    pub fields: Vec<String>,
}

impl Callsite {
    /// The text in which a call site crosses.
    pub fn to_json(&self) -> RString {
        json_text(self)
    }

    /// Reads a call site that crossed.
    ///
    /// # Errors
    ///
    /// The text is not a call site.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// How important something is; the later, the more detailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is not as it should be.
    Warn,
    /// What an operator wants to know.
    Info,
    /// What a developer wants to know.
    Debug,
    /// Everything.
    Trace,
}

/// What is worth a call. Crosses as JSON text.
///
/// Of all directives whose target is a prefix of a call site's, the longest decides; where none is,
/// the default. What it lets pass the host may still drop: directives that need the fields of spans
/// are judged there, and stand here as what they might let pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFilter {
    /// The level where no directive matches; `None` is off.
    #[serde(default)]
    pub default: Option<Level>,
    /// Levels for beginnings of targets.
    #[serde(default)]
    pub directives: Vec<LogDirective>,
}

/// The level for one beginning of targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDirective {
    /// The beginning.
    pub target: String,
    /// The level; `None` is off.
    pub level: Option<Level>,
}

impl LogFilter {
    /// A filter without directives.
    pub fn at(default: Option<Level>) -> Self {
        LogFilter { default, directives: Vec::new() }
    }

    /// The level up to which a target is let pass.
    pub fn level(&self, target: &str) -> Option<Level> {
        self.directives
            .iter()
            .filter(|directive| target.starts_with(&directive.target))
            .max_by_key(|directive| directive.target.len())
            .map_or(self.default, |directive| directive.level)
    }

    /// The most detailed level that any target can be let pass.
    pub fn max_level(&self) -> Option<Level> {
        self.directives.iter().map(|directive| directive.level).fold(self.default, Option::max)
    }

    /// The text in which a filter crosses.
    pub fn to_json(&self) -> RString {
        json_text(self)
    }

    /// Reads a filter that crossed.
    ///
    /// # Errors
    ///
    /// The text is not a filter.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_directive_decides() {
        let directive = |target: &str, level| LogDirective { target: target.into(), level };
        let filter = LogFilter {
            default: Some(Level::Warn),
            directives: vec![
                directive("a", Some(Level::Debug)),
                directive("a::b", None),
                directive("a::b::c", Some(Level::Trace)),
            ],
        };
        assert_eq!(filter.level("z"), Some(Level::Warn));
        assert_eq!(filter.level("a::x"), Some(Level::Debug));
        assert_eq!(filter.level("a::b"), None);
        assert_eq!(filter.level("a::b::c::d"), Some(Level::Trace));
        assert_eq!(filter.max_level(), Some(Level::Trace));
        assert_eq!(LogFilter::from_json(&filter.to_json()).unwrap(), filter);
    }
}
