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

    /// A new span.
    fn new_span(&self, callsite: u64, parent: Parent, values: RSlice<'_, FieldValue<'_>>) -> u64;

    /// More values of a span.
    fn record(&self, span: u64, values: RSlice<'_, FieldValue<'_>>);

    /// `span` follows from `cause`.
    fn follows_from(&self, span: u64, cause: u64);

    /// This thread enters a span.
    fn enter(&self, span: u64);

    /// This thread leaves a span.
    fn exit(&self, span: u64);

    /// A span is closed: nobody refers to it any more.
    #[sabi(last_prefix_field)]
    fn close_span(&self, span: u64);
}

/// An owned [`LogSink`].
pub type LogSinkBox = LogSink_TO<'static, RBox<()>>;

/// What a span or event stands under.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// What kind of place it is.
    pub kind: ParentKind,
    /// With [`ParentKind::SPAN`]: its number.
    pub span: u64,
}

impl Parent {
    /// Under the span that this thread is in.
    pub const CURRENT: Parent = Parent { kind: ParentKind::CURRENT, span: 0 };
    /// Under nothing.
    pub const ROOT: Parent = Parent { kind: ParentKind::ROOT, span: 0 };

    /// Under the span of that number.
    pub const fn span(span: u64) -> Parent {
        Parent { kind: ParentKind::SPAN, span }
    }
}

/// What kind of place a [`Parent`] is; a number that later versions may add to.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParentKind(pub u32);

impl ParentKind {
    /// The span that this thread is in.
    pub const CURRENT: ParentKind = ParentKind(0);
    /// Nothing.
    pub const ROOT: ParentKind = ParentKind(1);
    /// The span of that number.
    pub const SPAN: ParentKind = ParentKind(2);
}

/// The value of one field. Borrowed for the call.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct FieldValue<'a> {
    /// The field's place among the call site's fields, from 0.
    pub field: u32,
    /// What kind of value it is.
    pub kind: FieldKind,
    /// The lower 64 bits of a number, a `bool` as 0 or 1, the bits of an `f64`.
    pub low: u64,
    /// The upper 64 bits of a number of 128.
    pub high: u64,
    /// The text of the textual kinds.
    pub text: RStr<'a>,
}

/// What kind of value a [`FieldValue`] is; a number that later versions may add to.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldKind(pub u32);

impl FieldKind {
    /// An `i64` in `low`.
    pub const I64: FieldKind = FieldKind(0);
    /// A `u64` in `low`.
    pub const U64: FieldKind = FieldKind(1);
    /// An `i128` in `low` and `high`.
    pub const I128: FieldKind = FieldKind(2);
    /// A `u128` in `low` and `high`.
    pub const U128: FieldKind = FieldKind(3);
    /// An `f64` in `low`.
    pub const F64: FieldKind = FieldKind(4);
    /// A `bool` in `low`.
    pub const BOOL: FieldKind = FieldKind(5);
    /// A string in `text`.
    pub const STR: FieldKind = FieldKind(6);
    /// A value that was formatted, in `text`.
    pub const DEBUG: FieldKind = FieldKind(7);
}

/// A place in the source that logs. Crosses as JSON text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
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
    /// A call site of which no more is known; the rest may be set.
    pub fn new(
        name: impl Into<String>,
        target: impl Into<String>,
        level: Level,
        is_span: bool,
    ) -> Self {
        Callsite {
            name: name.into(),
            target: target.into(),
            level,
            is_span,
            module_path: None,
            file: None,
            line: None,
            fields: Vec::new(),
        }
    }

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
#[non_exhaustive]
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
#[non_exhaustive]
pub struct LogDirective {
    /// The beginning.
    pub target: String,
    /// The level; `None` is off.
    pub level: Option<Level>,
}

impl LogDirective {
    /// The level for targets that begin so; `None` is off.
    pub fn new(target: impl Into<String>, level: Option<Level>) -> Self {
        LogDirective { target: target.into(), level }
    }
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
        let mut filter = LogFilter::at(Some(Level::Warn));
        filter.directives = vec![
            LogDirective::new("a", Some(Level::Debug)),
            LogDirective::new("a::b", None),
            LogDirective::new("a::b::c", Some(Level::Trace)),
        ];
        assert_eq!(filter.level("z"), Some(Level::Warn));
        assert_eq!(filter.level("a::x"), Some(Level::Debug));
        assert_eq!(filter.level("a::b"), None);
        assert_eq!(filter.level("a::b::c::d"), Some(Level::Trace));
        assert_eq!(filter.max_level(), Some(Level::Trace));
        assert_eq!(LogFilter::from_json(&filter.to_json()).unwrap(), filter);
    }
}
