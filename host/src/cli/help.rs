//! The host's help: its own options, and what is installed.
//!
//! It reads facts that discovery found in the files; no library is loaded for it. What a file says of
//! itself is shown without control characters: a hostile one must not write on the terminal.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::PathBuf;

use anstyle::Style;
use clap::Command;

use super::args::{self, Brand};
use super::lines::{lines, plain};
use crate::chain::THEN;
use crate::discover::variable;

/// What is installed, as far as help shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Installed<'a> {
    /// Names and summaries, in any order; a name stands twice where two libraries claim it.
    pub(crate) plugins: Vec<(&'a str, &'a str)>,
    /// A line for each library that was refused, with the reason.
    pub(crate) refused: Vec<String>,
    /// Where plugins are looked for when nobody names a folder.
    pub(crate) default_folder: Option<PathBuf>,
    /// The user's own file of configuration.
    pub(crate) user_file: Option<PathBuf>,
}

/// The help of the whole host, with ANSI styles.
pub(crate) fn render(
    brand: &Brand,
    installed: &Installed<'_>,
    columns: u16,
    verbose: bool,
) -> String {
    let (heading, end) = (HEADING.render(), HEADING.render_reset());
    let template = format!(
        "{{about-with-newline}}\n{heading}Usage:{end} {{usage}}{{after-help}}\n\n{{all-args}}\n\n\
         {{before-help}}"
    );
    let command = args::command(brand)
        .term_width(columns.into())
        .help_template(template)
        // There may be a thousand plugins, and clap takes its time to wrap lines.
        .after_help(PLUGINS)
        // clap knows two texts of ours; this one stands at the end all the same.
        .before_help(reference(brand, installed));
    rendered(command).replacen(PLUGINS, &plugins(brand, installed, columns, verbose), 1)
}

/// Stands for the section about plugins.
const PLUGINS: &str = "\u{fffc}";

/// In fewer columns, wrapping leaves a word a line.
const FEWEST_COLUMNS: usize = 20;

const HEADING: Style = Style::new().bold().underline();
const LITERAL: Style = Style::new().bold();

/// clap styles what it renders, whether or not the terminal takes it; `report` strips it there.
fn rendered(mut command: Command) -> String {
    format!("{}\n", command.render_help().ansi().to_string().trim_end())
}

/// The section about plugins.
fn plugins(brand: &Brand, installed: &Installed<'_>, columns: u16, verbose: bool) -> String {
    let name = &brand.name;
    let [literal, end] = [LITERAL.render().to_string(), LITERAL.render_reset().to_string()];
    let mut text = String::new();
    let plugins = installed.plugins.iter();
    let mut plugins: Vec<_> = plugins.map(|(name, line)| (plain(name), plain(line))).collect();
    plugins.sort_by(|(a, _), (b, _)| a.cmp(b));
    let unique = || plugins.chunk_by(|(a, _), (b, _)| a == b);
    line(&mut text, format_args!("{}Plugins:{}", HEADING.render(), HEADING.render_reset()));
    if plugins.is_empty() {
        line(&mut text, format_args!("  none found; name their folder with --plugin-dir DIR"));
    }
    let width = plugins.iter().map(|(plugin, _)| plugin.chars().count()).max().unwrap_or(0);
    let below = format!("\n{:1$}", "", width + 4);
    let blanks = " ".repeat(width);
    let room = usize::from(columns).saturating_sub(width + 4).max(FEWEST_COLUMNS);
    for claims in unique() {
        let (plugin, summary) = &claims[0];
        let pad = width - plugin.chars().count();
        let summary = match claims.len() {
            1 => Cow::Borrowed(&**summary),
            claims => {
                Cow::Owned(format!("{summary} (claimed by {claims} libraries: cannot be used)"))
            }
        };
        let summary = match summary.len() {
            length if length <= room => summary,
            _ => Cow::Owned(lines(&summary, room).join(&below)),
        };
        let parts = ["  ", &literal, plugin, &end, &blanks[..pad], "  ", &summary, "\n"];
        text.extend(parts);
    }
    text.push('\n');
    match installed.refused.len() {
        0 => {}
        _ if verbose => {
            line(&mut text, format_args!("Refused libraries:"));
            for refused in &installed.refused {
                let room = usize::from(columns).saturating_sub(4);
                let refused = lines(&plain(refused), room).join("\n    ");
                line(&mut text, format_args!("  {refused}"));
            }
            text.push('\n');
        }
        1 => line(&mut text, format_args!("1 library was refused: `{name} -v --help` says why.")),
        n => line(
            &mut text,
            format_args!("{n} libraries were refused: `{name} -v --help` says why."),
        ),
    }
    line(&mut text, format_args!("`{name} help PLUGIN` shows the arguments of a plugin."));
    line(
        &mut text,
        format_args!("`{name} plugin` lists the commands that look after the plugins folders."),
    );
    write!(text, "`{name} man` prints the manual; `{name} help completions` helps your shell.")
        .unwrap_or_default();
    text
}

/// What there is to know beside options and plugins.
fn reference(brand: &Brand, installed: &Installed<'_>) -> String {
    let name = &brand.name;
    let mut folders = vec![
        "the folders that --plugin-dir names".to_owned(),
        format!("those in the environment's list {}", variable(name)),
    ];
    if let Some(folder) = &installed.default_folder {
        let folder = folder.display().to_string();
        let folder = plain(&folder);
        folders.push(format!("where nobody names one: {folder}"));
    }
    let folders: Vec<_> = folders.into_iter().map(|text| (String::new(), text)).collect();
    let mut files = vec!["the files that --config names".to_owned()];
    if let Some(file) = &installed.user_file {
        files.push(format!("the user's own: {}", plain(&file.display().to_string())));
    }
    let files: Vec<_> = files.into_iter().map(|text| (String::new(), text)).collect();
    let mut text = String::new();
    section(&mut text, "Chains", &pairs(&CHAINS));
    section(&mut text, "Plugins are looked for in", &folders);
    section(&mut text, "What the line does not say is read from", &files);
    section(&mut text, "Exit codes", &pairs(&EXIT_CODES));
    text
}

/// What stands on a line beside names and arguments.
pub(crate) const CHAINS: [(&str, &str); 5] = [
    ("PLUGIN", "begins a stage: a plugin's name ends the stage before it"),
    ("PLUGIN@NAME", "names the instance, such as `countdown@fast`"),
    (THEN, "ends a stage, where the next word could be meant for it"),
    ("--", "has a stage take all words up to `--then` as values"),
    ("@FILE", "stands for the words in that file"),
];

/// What the process answers with.
pub(crate) const EXIT_CODES: [(&str, &str); 7] = [
    ("0", "all went well; also after an orderly end by a signal"),
    ("1", "a plugin failed"),
    ("2", "the command line is wrong"),
    ("3", "a library could not be loaded, or a plugin not be bound"),
    ("4", "the configuration is wrong, or something is not trusted"),
    ("5", "the host itself failed"),
    ("128+N", "a second signal, of number N, forced the end"),
];

fn pairs(table: &[(&str, &str)]) -> Vec<(String, String)> {
    table.iter().map(|(left, right)| ((*left).to_owned(), (*right).to_owned())).collect()
}

/// A heading with rows of two columns below; the left may be empty in all.
fn section(text: &mut String, heading: &str, rows: &[(String, String)]) {
    let (literal, end) = (LITERAL.render(), LITERAL.render_reset());
    if !text.is_empty() {
        text.push('\n');
    }
    line(text, format_args!("{}{heading}:{}", HEADING.render(), HEADING.render_reset()));
    let width = rows.iter().map(|(left, _)| left.len()).max().unwrap_or(0);
    let gap = if width == 0 { "" } else { "  " };
    for (left, right) in rows {
        let pad = width - left.len();
        line(text, format_args!("  {literal}{left}{end}{:pad$}{gap}{right}", ""));
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").unwrap_or_default();
}

#[cfg(test)]
mod tests;
