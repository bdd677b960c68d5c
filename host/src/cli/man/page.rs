//! Manual pages as text: that of the host, and that of a plugin made of its command spec.
//!
//! Pure. What a plugin says of itself goes through `roff`, which escapes what would be a macro.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use lifespan_abi::{ArgAction, ArgSpec, CommandSpec, PluginFacts};

use super::described::{below, described};
use crate::cli::args::{self, Brand};
use crate::cli::help::{CHAINS, EXIT_CODES};
use crate::cli::word;
use crate::discover::variable;

/// The section of the manual: programs.
const SECTION: &str = "1";

/// What `roff` writes before everything, which a page needs once: how an apostrophe is shown.
const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// The page of the host, which names those of the plugins.
pub(super) fn of_host(brand: &Brand, plugins: &[String]) -> String {
    let name = &brand.name;
    let command = args::command(brand);
    let mut page = Page::new(brand, name, command);
    page.section("SYNOPSIS");
    page.text([
        bold(name.as_str()),
        roman(" [OPTIONS] "),
        italic("PLUGIN"),
        roman(" [ARGS]... ["),
        italic("PLUGIN"),
        roman(" [ARGS]...]..."),
    ]);
    for command in word::commands(name) {
        page.control("br");
        page.text([bold(format!("{name} {}", command.get_name())), roman(" ...")]);
    }
    page.part(Man::render_description_section);
    page.part(Man::render_options_section);
    page.section("COMMANDS");
    for command in word::commands(name) {
        let word = command.get_name().to_owned();
        page.entry(&word, &about(&command));
        for subcommand in command.get_subcommands().filter(|it| it.get_name() != "help") {
            page.entry(&format!("{word} {}", subcommand.get_name()), &about(subcommand));
        }
    }
    page.section("CHAINS");
    for (left, right) in CHAINS {
        page.entry(left, right);
    }
    page.section("EXIT STATUS");
    for (left, right) in EXIT_CODES {
        page.entry(left, right);
    }
    page.section("ENVIRONMENT");
    page.entry(&variable(name), "folders in which plugins are looked for, behind --plugin-dir");
    page.entry("NO_COLOR, CLICOLOR_FORCE", "whether colour is used where --color does not say it");
    page.section("FILES");
    page.entry(
        &format!("{name}.toml"),
        "options by their long names, and tables [plugin.NAME] with options of plugins, for what a \
         line does not say: the user's own, in the folder of configuration, and files that --config \
         names",
    );
    if !plugins.is_empty() {
        page.section("SEE ALSO");
        let pages = plugins.iter().map(|plugin| format!("{}({SECTION})", title(name, plugin)));
        page.text([roman(pages.collect::<Vec<_>>().join(", "))]);
    }
    page.finish()
}

/// The page of a plugin.
pub(super) fn of_plugin(brand: &Brand, facts: &PluginFacts, spec: &CommandSpec) -> String {
    let name = &brand.name;
    let subcommands = below(spec);
    let title = title(name, &facts.name);
    let mut page = Page::new(brand, &title, described(facts, spec));
    let positionals = positionals(spec);
    let is_option = |arg: &&ArgSpec| !arg.is_positional() && !arg.hidden;
    page.section("SYNOPSIS");
    let mut synopsis = vec![bold(format!("{name} {}", facts.name))];
    synopsis.extend(spec.args.iter().find(is_option).map(|_| roman(" [OPTIONS]")));
    synopsis.extend(positionals.iter().map(|arg| roman(format!(" {}", written(arg)))));
    if !subcommands.is_empty() {
        synopsis.push(roman(if spec.subcommand_required { " COMMAND" } else { " [COMMAND]" }));
    }
    page.text(synopsis);
    page.part(Man::render_description_section);
    if !positionals.is_empty() {
        page.section("ARGUMENTS");
        for arg in positionals {
            page.entry(&written(arg), arg.help.as_deref().unwrap_or_default());
        }
    }
    if spec.args.iter().any(|arg| is_option(&arg)) {
        page.part(Man::render_options_section);
    }
    if !subcommands.is_empty() {
        page.section("SUBCOMMANDS");
        for subcommand in &subcommands {
            page.entry(&subcommand.path, &subcommand.about);
        }
    }
    for subcommand in subcommands {
        page.render(&Man::new(subcommand.command), Man::render_options_section);
    }
    page.section("VERSION");
    page.text([roman(facts.version.as_str())]);
    page.section("SEE ALSO");
    page.text([roman(format!("{name}({SECTION})"))]);
    page.finish()
}

/// What the page of a plugin is called, and its file but for the section.
pub(super) fn title(host: &str, plugin: &str) -> String {
    format!("{host}-{plugin}")
}

/// The file of a page.
pub(super) fn file_name(title: &str) -> String {
    format!("{title}.{SECTION}")
}

/// The positionals that are shown, in their order.
fn positionals(spec: &CommandSpec) -> Vec<&ArgSpec> {
    let shown = spec.args.iter().filter(|arg| arg.is_positional() && !arg.hidden);
    let mut shown: Vec<_> = shown.collect();
    shown.sort_by_key(|arg| arg.index);
    shown
}

/// A positional as a synopsis has it.
fn written(arg: &ArgSpec) -> String {
    let own = [arg.id.to_uppercase()];
    let names = if arg.value_names.is_empty() { &own[..] } else { &arg.value_names[..] };
    let many =
        if arg.max_values == Some(1) && arg.action != ArgAction::Append { "" } else { "..." };
    let dashes = if arg.last { "-- " } else { "" };
    let words = format!("{dashes}{}", names.join(" "));
    if arg.required { format!("{words}{many}") } else { format!("[{words}]{many}") }
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// A page in the making.
struct Page {
    man: Man,
    text: String,
    /// What was written since the last part of `man`.
    own: Roff,
}

impl Page {
    fn new(brand: &Brand, title: &str, command: Command) -> Page {
        let man = Man::new(command.name(title.to_owned()).disable_help_subcommand(true));
        let mut page = Page { man, text: PREAMBLE.to_owned(), own: Roff::new() };
        let source = format!("{} {}", brand.name, brand.version);
        // Without a date; clap's own line has no place for one that is empty.
        let quoted = |text: &str| text.replace('"', "").replace('-', "\\-");
        page.text += &format!(".TH \"{}\" {SECTION} \"\" \"{}\"\n", quoted(title), quoted(&source));
        page.part(Man::render_name_section);
        page
    }

    /// Adds a section as clap has it.
    fn part(&mut self, render: impl Fn(&Man, &mut dyn io::Write) -> io::Result<()>) {
        let mut text = Vec::new();
        // Writing to memory cannot fail.
        render(&self.man, &mut text).unwrap_or_default();
        self.add(&text);
    }

    /// Adds a section of another command.
    fn render(&mut self, man: &Man, render: impl Fn(&Man, &mut dyn io::Write) -> io::Result<()>) {
        let mut text = Vec::new();
        render(man, &mut text).unwrap_or_default();
        self.add(&text);
    }

    fn add(&mut self, text: &[u8]) {
        self.flush();
        let text = String::from_utf8_lossy(text);
        self.text += text.strip_prefix(PREAMBLE).unwrap_or(&text);
    }

    fn section(&mut self, heading: &str) {
        self.control_with("SH", [heading]);
    }

    /// A word, and below it what it means.
    fn entry(&mut self, word: &str, meaning: &str) {
        self.control("TP");
        self.text([bold(word)]);
        self.text([roman(meaning)]);
    }

    fn control(&mut self, name: &str) {
        self.control_with(name, []);
    }

    fn control_with<'a>(&mut self, name: &str, args: impl IntoIterator<Item = &'a str>) {
        self.own.control(name, args);
    }

    fn text(&mut self, inlines: impl Into<Vec<Inline>>) {
        self.own.text(inlines);
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.own).render();
        self.text += text.strip_prefix(PREAMBLE).unwrap_or(&text);
    }

    fn finish(mut self) -> String {
        self.flush();
        self.text
    }
}

#[cfg(test)]
mod tests;
