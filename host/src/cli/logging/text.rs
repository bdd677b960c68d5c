//! An event as a line for people:
//!
//! ```text
//! 11:04:33.123Z  INFO countdown: Counting down… 3
//! 11:04:33.124Z DEBUG web@api:request{id=3}: hyper::proto: read head bytes=120
//! ```
//!
//! The time of day (UTC), the level, the instance with the spans below it, the target where it says
//! something that the instance does not, the text, the fields. Nothing that is logged can look like
//! another line, or control the terminal.

use std::fmt::{self, Display, Write};

use anstyle::{AnsiColor, Style};
use tracing_core::Level;

use super::fields::{Fields, Shown};
use super::{HOST, Line};

/// The line, with its end.
pub(super) fn line(line: &Line<'_>, color: bool) -> String {
    let mut out = String::with_capacity(120);
    // Writing to a string does not fail.
    let _ = write_line(&mut out, line, color);
    out.push('\n');
    out
}

fn write_line(out: &mut String, line: &Line<'_>, color: bool) -> fmt::Result {
    let style = |style: Style| if color { style } else { Style::new() };
    let (dim, bold) = (style(Style::new().dimmed()), style(Style::new().bold()));
    let level = style(level_style(*line.metadata.level()));

    let time = line.timestamp.split_once('T').map_or(&*line.timestamp, |(_, time)| time);
    write!(out, "{dim}{time}{dim:#} {level}{:>5}{level:#} ", line.metadata.level().as_str())?;
    if line.instance.is_some() || !line.spans.is_empty() {
        write!(out, "{bold}{}{bold:#}", Plain(line.instance.as_deref().unwrap_or_default()))?;
        let mut separator = if line.instance.is_some() { ":" } else { "" };
        for (name, fields) in &line.spans {
            write!(out, "{separator}{bold}{}{bold:#}", Plain(name))?;
            separator = ":";
            if fields.rest().next().is_some() {
                out.push('{');
                write_fields(out, fields, "", dim)?;
                out.push('}');
            }
        }
        out.push_str(": ");
    }
    if let Some(target) = telling(line.metadata.target(), line.instance.as_deref()) {
        write!(out, "{dim}{}:{dim:#} ", Plain(target))?;
    }
    let message = line.fields.message();
    if let Some(message) = &message {
        write!(out, "{}", Plain(message))?;
    }
    write_fields(out, &line.fields, if message.is_some() { " " } else { "" }, dim)
}

/// The fields but the message, the first behind `separator` and the others behind a blank.
fn write_fields(out: &mut String, fields: &Fields, separator: &str, dim: Style) -> fmt::Result {
    let mut separator = separator;
    for (name, value) in fields.rest() {
        write!(out, "{separator}{dim}{}={dim:#}{value}", Plain(name))?;
        separator = " ";
    }
    Ok(())
}

/// The part of a target that tells something: a plugin's own target is as good as its instance's
/// name, and the host's modules are nothing to its user.
fn telling<'a>(target: &'a str, instance: Option<&str>) -> Option<&'a str> {
    let library = target.split("::").next().unwrap_or(target);
    match instance {
        None if library == HOST => Some(HOST),
        None => Some(target),
        Some(_) if library == HOST => None,
        Some(instance) => {
            let plugin = instance.split('@').next().unwrap_or(instance).replace('-', "_");
            let rest = library.replace('-', "_").strip_suffix(&plugin).map(str::to_owned);
            let own = rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('_'));
            (!own).then_some(target)
        }
    }
}

fn level_style(level: Level) -> Style {
    let color = match level {
        Level::ERROR => AnsiColor::Red,
        Level::WARN => AnsiColor::Yellow,
        Level::INFO => AnsiColor::Green,
        Level::DEBUG => AnsiColor::Blue,
        Level::TRACE => AnsiColor::Magenta,
    };
    color.on_default()
}

impl Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shown::Text(text) => write!(f, "{text:?}"),
            Shown::Formatted(text) => write!(f, "{}", Plain(text)),
            Shown::Other(value) => write!(f, "{value}"),
        }
    }
}

/// A text without what controls a terminal; further lines of it are indented.
struct Plain<'a>(&'a str);

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.trim_end_matches('\n').chars() {
            match c {
                '\n' => f.write_str("\n    ")?,
                '\t' => f.write_char(c)?,
                _ if c.is_control() => write!(f, "{}", c.escape_default())?,
                _ => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
