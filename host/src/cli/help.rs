//! The host's help: its own options, and what is installed.
//!
//! It reads facts that discovery found in the files; no library is loaded for it. What a file says of
//! itself is shown without control characters: a hostile one must not write on the terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::Style;
use clap::Command;

use super::args::{self, Brand};

/// What is installed, as far as help shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Installed {
    /// Names and summaries, in any order; a name stands twice where two libraries claim it.
    pub(crate) plugins: Vec<(String, String)>,
    /// A line for each library that was refused, with the reason.
    pub(crate) refused: Vec<String>,
}

/// The help of the whole host, with ANSI styles.
pub(crate) fn render(brand: &Brand, installed: &Installed, columns: u16, verbose: bool) -> String {
    let (heading, end) = (HEADING.render(), HEADING.render_reset());
    let template = format!(
        "{{about-with-newline}}\n{heading}Usage:{end} {{usage}}{{after-help}}\n\n{{all-args}}"
    );
    let command = args::command(brand)
        .term_width(columns.into())
        .help_template(template)
        .after_help(plugins(brand, installed, verbose));
    rendered(command)
}

const HEADING: Style = Style::new().bold().underline();
const LITERAL: Style = Style::new().bold();

/// clap styles what it renders, whether or not the terminal takes it; `report` strips it there.
fn rendered(mut command: Command) -> String {
    format!("{}\n", command.render_help().ansi().to_string().trim_end())
}

/// The section about plugins.
fn plugins(brand: &Brand, installed: &Installed, verbose: bool) -> String {
    let name = &brand.name;
    let (literal, end) = (LITERAL.render(), LITERAL.render_reset());
    let mut text = String::new();
    let mut unique: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for (plugin, summary) in &installed.plugins {
        unique.entry(plain(plugin)).or_insert_with(|| (plain(summary), 0)).1 += 1;
    }
    line(&mut text, format_args!("{}Plugins:{}", HEADING.render(), HEADING.render_reset()));
    if unique.is_empty() {
        line(&mut text, format_args!("  none found; name their folder with --plugin-dir DIR"));
    }
    let width = unique.keys().map(|plugin| plugin.chars().count()).max().unwrap_or(0);
    for (plugin, (summary, claims)) in &unique {
        let pad = width - plugin.chars().count();
        let note = match claims {
            1 => String::new(),
            claims => format!(" (claimed by {claims} libraries: cannot be used)"),
        };
        line(&mut text, format_args!("  {literal}{plugin}{end}{:pad$}  {summary}{note}", ""));
    }
    text.push('\n');
    match installed.refused.len() {
        0 => {}
        _ if verbose => {
            line(&mut text, format_args!("Refused libraries:"));
            for refused in &installed.refused {
                line(&mut text, format_args!("  {}", plain(refused)));
            }
            text.push('\n');
        }
        1 => line(&mut text, format_args!("1 library was refused: `{name} -v --help` says why.")),
        n => line(
            &mut text,
            format_args!("{n} libraries were refused: `{name} -v --help` says why."),
        ),
    }
    write!(text, "`{name} help PLUGIN` shows the arguments of a plugin.").unwrap_or_default();
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").unwrap_or_default();
}

/// A text from a file, on one line and without control characters.
fn plain(text: &str) -> String {
    let text: Vec<_> = text.split_whitespace().collect();
    text.join(" ").replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests;
