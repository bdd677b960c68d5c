//! What is logged, as the user writes it (the syntax of `tracing-subscriber`'s `EnvFilter`) and as
//! it crosses to the plugins.
//!
//! A [`LogFilter`] knows targets and levels only. A directive that depends on a span, or on fields,
//! may let pass what its level says wherever such a span may be open; so it raises all targets to
//! its level, and the host's subscriber judges what then arrives.

#[cfg(test)]
mod tests;

use std::fmt;

use lifespan_abi::LogFilter;
use lifespan_abi::log::{Level, LogDirective};

/// Why a text is no filter: the directive that is none, and its problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("log directive `{directive}`: {problem}")]
#[non_exhaustive]
pub struct FilterError {
    /// The directive as it was written.
    pub directive: String,
    /// Where it begins in the filter, in bytes.
    pub at: usize,
    /// What is wrong with it.
    pub problem: FilterProblem,
}

/// What is wrong with a directive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FilterProblem {
    /// What stands for the level is none.
    Level(String),
    /// The target begins with a character that no target begins with.
    Target(char),
    /// A bracket or brace is not closed, or stands where none may stand.
    Bracket,
    /// Something stands between `]` and `=`, or nothing that is a directive is there.
    Shape,
    /// A field has no name, or its value is no pattern; with the reason if there is one.
    Field(String),
}

impl FilterError {
    /// What the reader may do next.
    pub fn hint(&self) -> &'static str {
        "a filter is a list, separated by commas, of `level`, `target=level` or \
         `target[span{field=value}]=level`; a level is one of off, error, warn, info, debug, trace"
    }
}

impl fmt::Display for FilterProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FilterProblem::Level(level) => {
                write!(f, "`{level}` is not a level: off, error, warn, info, debug, trace")
            }
            FilterProblem::Target(first) => write!(f, "a target cannot begin with `{first}`"),
            FilterProblem::Bracket => {
                write!(f, "its brackets do not match: a span is written `[name{{field=value}}]`")
            }
            FilterProblem::Shape => write!(f, "a span is followed by `=level` or nothing"),
            FilterProblem::Field(reason) if reason.is_empty() => write!(f, "a field has no name"),
            FilterProblem::Field(reason) => {
                write!(f, "the value of a field is no pattern: {reason}")
            }
        }
    }
}

/// One directive as it was written, with what it says.
#[derive(Debug)]
pub(crate) struct Directive<'a> {
    /// Without blanks around it.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "for the program's own filter"))]
    pub(crate) text: &'a str,
    /// Where it begins in the filter, in bytes.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "for the program's own filter"))]
    pub(crate) at: usize,
    target: &'a str,
    level: Option<Level>,
    /// Whether it depends on a span, or on fields.
    dynamic: bool,
    /// Whether it depends on the value of a field, so that every span it may mean must be open.
    by_value: bool,
}

/// Reads a filter as users write it: `info`, `a::b=debug`, `[span{field=value}]=trace`,
/// `target[span]=level`, separated by commas.
///
/// An empty text lets errors pass, and a target without a level everything of that target, as in
/// `RUST_LOG`.
///
/// # Errors
///
/// One of the directives is none; the error names the first.
///
/// # Examples
///
/// ```
/// let filter = lifespan::parse_filter("info,hyper=off").unwrap();
/// assert_eq!(filter.level("hyper::client"), None);
///
/// let error = lifespan::parse_filter("info,hyper=quiet").unwrap_err();
/// assert_eq!(error.at, 5);
/// ```
pub fn parse_filter(text: &str) -> Result<LogFilter, FilterError> {
    let directives = directives(text)?;
    if directives.is_empty() {
        return Ok(LogFilter::at(Some(Level::Error)));
    }
    let mut filter = LogFilter::default();
    for directive in directives.iter().filter(|directive| !directive.dynamic) {
        let level = directive.level;
        let target = directive.target;
        let known = filter.directives.iter_mut().find(|known| known.target == target);
        match known {
            _ if target.is_empty() => filter.default = level,
            Some(known) => known.level = level,
            None => filter.directives.push(LogDirective::new(target, level)),
        }
    }
    let by_value = directives.iter().any(|directive| directive.by_value);
    let most = directives.iter().map(|directive| directive.level).max().flatten();
    let most = if by_value { Some(Level::Trace) } else { most };
    for directive in directives.iter().filter(|directive| directive.dynamic) {
        // The spans that it means, at whatever level they are, and within them all targets.
        raise(&mut filter, directive.target, most);
        raise(&mut filter, "", directive.level);
    }
    Ok(filter)
}

/// The directives of a filter, which a comma separates where no bracket is open.
pub(crate) fn directives(text: &str) -> Result<Vec<Directive<'_>>, FilterError> {
    let mut found = Vec::new();
    let mut open = 0_u32;
    let mut start = 0;
    for (at, c) in text.char_indices().chain([(text.len(), ',')]) {
        match c {
            '[' | '{' => open += 1,
            ']' | '}' => open = open.saturating_sub(1),
            ',' if open == 0 || at == text.len() => {
                let written = &text[start..at];
                let trimmed = written.trim();
                if !trimmed.is_empty() {
                    let at = start + (written.len() - written.trim_start().len());
                    let problem =
                        |problem| FilterError { directive: trimmed.to_owned(), at, problem };
                    found.push(directive(trimmed, at).map_err(problem)?);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    Ok(found)
}

fn directive(text: &str, at: usize) -> Result<Directive<'_>, FilterProblem> {
    let first = text.chars().next().unwrap_or('=');
    if first != '[' && !first.is_alphanumeric() && !['-', ':', '_'].contains(&first) {
        return Err(FilterProblem::Target(first));
    }
    let plain =
        |target, level| Directive { text, at, target, level, dynamic: false, by_value: false };
    let Some((target, rest)) = text.split_once('[').filter(|(target, _)| !target.contains('='))
    else {
        let Some((target, level)) = text.split_once('=') else {
            return Ok(match level_of(text) {
                Some(level) => plain("", level),
                None => plain(text, Some(Level::Trace)),
            });
        };
        return Ok(plain(target, level_or_all(level)?));
    };
    let (span, after) = rest.rsplit_once(']').ok_or(FilterProblem::Bracket)?;
    let (name, fields) = match span.split_once('{') {
        Some((name, fields)) => (name, fields.strip_suffix('}').ok_or(FilterProblem::Bracket)?),
        None => (span, "any"),
    };
    if name.contains(['[', ']', '}']) || fields.contains('}') {
        return Err(FilterProblem::Bracket);
    }
    if fields.split(',').any(str::is_empty) {
        return Err(FilterProblem::Field(String::new()));
    }
    let by_value = fields.contains('=');
    let level = match after.strip_prefix('=') {
        Some(level) => level_or_all(level)?,
        None if after.is_empty() => Some(Level::Trace),
        None => return Err(FilterProblem::Shape),
    };
    Ok(Directive { text, at, target, level, dynamic: true, by_value })
}

/// The level behind `=`; nothing is everything.
fn level_or_all(text: &str) -> Result<Option<Level>, FilterProblem> {
    if text.is_empty() {
        return Ok(Some(Level::Trace));
    }
    level_of(text).ok_or_else(|| FilterProblem::Level(text.to_owned()))
}

/// A level by its name or number, where there is one; off is `Some(None)`.
fn level_of(text: &str) -> Option<Option<Level>> {
    const LEVELS: [(&str, Option<Level>); 6] = [
        ("off", None),
        ("error", Some(Level::Error)),
        ("warn", Some(Level::Warn)),
        ("info", Some(Level::Info)),
        ("debug", Some(Level::Debug)),
        ("trace", Some(Level::Trace)),
    ];
    let named = |(place, (name, _)): &(usize, &(&str, _))| {
        text.eq_ignore_ascii_case(name) || text.parse() == Ok(*place)
    };
    LEVELS.iter().enumerate().find(named).map(|(_, (_, level))| *level)
}

/// Lets pass at least that level of all targets that begin so.
fn raise(filter: &mut LogFilter, target: &str, level: Option<Level>) {
    let before = filter.level(target);
    for directive in &mut filter.directives {
        if directive.target.starts_with(target) {
            directive.level = directive.level.max(level);
        }
    }
    if target.is_empty() {
        filter.default = filter.default.max(level);
    } else if !filter.directives.iter().any(|directive| directive.target == target) {
        let level = before.max(level);
        filter.directives.push(LogDirective::new(target, level));
    }
}
