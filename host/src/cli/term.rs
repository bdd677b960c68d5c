//! What the terminal can take: colour and width, decided once from option, environment and streams.
//!
//! It decides and writes nothing; `report` acts on it.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal};

use clap::ValueEnum;
use terminal_size::{Width, terminal_size_of};

/// Lines longer than this are hard to read, however wide the terminal is.
const MOST_COLUMNS: u16 = 80;

/// Below this, wrapping leaves a word a line: it is better to let the terminal wrap.
const FEWEST_COLUMNS: u16 = 40;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal that is known to take it, unless the environment says otherwise
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What the two streams can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terminal {
    /// Whether data may carry colour.
    pub(crate) out_color: bool,
    /// Whether talk may carry colour.
    pub(crate) err_color: bool,
    /// Columns for help, always known.
    pub(crate) columns: u16,
    /// Columns for failures: those of the terminal; in a file a message stays one line, so that it
    /// can be searched for.
    pub(crate) wrap: Option<u16>,
}

impl Terminal {
    /// Looks at the process's streams and environment.
    pub(crate) fn detect(when: ColorWhen) -> Self {
        let color = |is_terminal| color(when, is_terminal, |name| env::var_os(name));
        let wide = |size: Option<(Width, _)>| size.map(|(Width(columns), _)| columns);
        let err = wide(terminal_size_of(io::stderr()));
        let out = wide(terminal_size_of(io::stdout()));
        Terminal {
            out_color: color(io::stdout().is_terminal()),
            err_color: color(io::stderr().is_terminal()),
            columns: out.or(err).map_or(MOST_COLUMNS, readable),
            wrap: err.map(readable),
        }
    }
}

/// Whether a stream gets colour. `NO_COLOR` outdoes `CLICOLOR_FORCE`; the option outdoes both.
fn color(when: ColorWhen, is_terminal: bool, env: impl Fn(&str) -> Option<OsString>) -> bool {
    let on = |name| env(name).is_some_and(|value| !value.is_empty() && value != "0");
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto if env("NO_COLOR").is_some_and(|value| !value.is_empty()) => false,
        ColorWhen::Auto if on("CLICOLOR_FORCE") => true,
        ColorWhen::Auto => {
            let refused = env("CLICOLOR").is_some_and(|value| value == "0");
            let dumb = match env("TERM") {
                Some(term) => term == "dumb",
                // Windows has no TERM, and its terminals take colour; elsewhere none is no terminal.
                None => !cfg!(windows),
            };
            is_terminal && !refused && !dumb
        }
    }
}

fn readable(columns: u16) -> u16 {
    columns.clamp(FEWEST_COLUMNS, MOST_COLUMNS)
}

#[cfg(test)]
mod tests {
    use super::ColorWhen::{Always, Auto, Never};
    use super::*;

    #[test]
    fn option_then_environment_then_stream_decide() {
        let term = ("TERM", "xterm");
        let table: &[(ColorWhen, bool, &[(&str, &str)], bool)] = &[
            (Auto, true, &[term], true),
            (Auto, false, &[term], false),
            (Auto, true, &[("TERM", "dumb")], false),
            (Auto, true, &[term, ("NO_COLOR", "1")], false),
            (Auto, true, &[term, ("NO_COLOR", "")], true),
            (Auto, true, &[term, ("CLICOLOR", "0")], false),
            (Auto, false, &[("CLICOLOR_FORCE", "1")], true),
            (Auto, false, &[("CLICOLOR_FORCE", "0")], false),
            (Auto, false, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
            (Always, false, &[("NO_COLOR", "1")], true),
            (Never, true, &[term, ("CLICOLOR_FORCE", "1")], false),
        ];
        for (when, is_terminal, vars, expected) in table {
            let env = |name: &str| {
                vars.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
            };
            assert_eq!(
                color(*when, *is_terminal, env),
                *expected,
                "{when:?} {is_terminal} {vars:?}"
            );
        }
    }
}
