//! `man`: writes manual pages, one for the host and one a plugin.
//!
//! The host's own comes from the same descriptions as its help. Those of plugins are made of their command
//! specs: the authors' parsers are not asked.

mod described;
mod page;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Command, ValueHint};

use super::args::Brand;
use super::report::Reporter;
use super::word;
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::host::Host;
use crate::prepare::{self, named};

/// The word that begins this command.
pub(crate) const WORD: &str = "man";

/// Print the manual page of this program, or of a plugin
#[derive(Clone, Debug, Args)]
struct ManArgs {
    /// The plugin
    #[arg(value_name = word::PLUGIN)]
    plugin: Option<String>,

    /// Write the pages of this program and of all plugins into this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "plugin")]
    dir: Option<PathBuf>,
}

/// The command that parses this command's arguments.
pub(crate) fn command(host: &str) -> Command {
    word::command_of::<ManArgs>(host, WORD)
}

/// Does what the words behind `man` say.
pub(crate) fn run(
    host: &Host,
    brand: &Brand,
    words: &[OsString],
    reporter: &Reporter,
) -> Result<Exit, Failures> {
    let args: ManArgs = match word::parse(command(&brand.name), words, reporter) {
        Ok(args) => args,
        Err(answer) => return answer,
    };
    match (&args.dir, &args.plugin) {
        (Some(dir), _) => write_all(host, brand, dir, reporter),
        (None, Some(plugin)) => Ok(reporter.data(&of_plugin(host, brand, plugin)?)),
        (None, None) => Ok(reporter.data(&page::of_host(brand, &names(host)))),
    }
}

/// Writes all pages, and prints their paths. A plugin that has none keeps no other from having one.
fn write_all(
    host: &Host,
    brand: &Brand,
    dir: &Path,
    reporter: &Reporter,
) -> Result<Exit, Failures> {
    fs::create_dir_all(dir).map_err(|error| failed(&error, dir))?;
    let plugins = names(host);
    let mut failures = Vec::new();
    let mut written = String::new();
    let mut write = |title: &str, page: &str| -> Result<(), Failures> {
        let file = dir.join(page::file_name(title));
        fs::write(&file, page).map_err(|error| failed(&error, &file))?;
        written += &format!("{}\n", file.display());
        Ok(())
    };
    write(&brand.name, &page::of_host(brand, &plugins))?;
    for plugin in &plugins {
        match of_plugin(host, brand, plugin) {
            Ok(page) => write(&page::title(&brand.name, plugin), &page)?,
            Err(wrong) => failures.extend(wrong),
        }
    }
    let exit = reporter.data(&written);
    Failures::check(failures).map(|()| exit)
}

fn of_plugin(host: &Host, brand: &Brand, plugin: &str) -> Result<String, Failures> {
    let candidate = named(host, plugin, WORD)?;
    let spec = prepare::spec(host, candidate)?;
    Ok(page::of_plugin(brand, candidate.facts(), &spec))
}

fn names(host: &Host) -> Vec<String> {
    host.catalog().plugins().map(|plugin| plugin.name().to_owned()).collect()
}

fn failed(error: &std::io::Error, path: &Path) -> Failures {
    let what = format!("cannot write `{}`", path.display());
    Failure::from_error(Exit::Host, error).context(what).into()
}
