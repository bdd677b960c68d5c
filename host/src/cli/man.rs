//! `man`: writes manual pages, one for the host and one a plugin.
//!
//! The host's own comes from the same descriptions as its help. Those of plugins are made of their command
//! specs: the authors' parsers are not asked, and no library is loaded in this process.

mod described;
mod page;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Command, ValueHint};

use super::args::Brand;
use super::arguments::{Asker, arguments};
use super::plugin::Context;
use super::word;
use crate::cli::lines::visible;
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::files;
use crate::prepare::named;

/// The word that begins this command.
pub(crate) const WORD: &str = "man";

/// How long a library may take to tell its arguments.
const LIMIT: Duration = Duration::from_secs(5);

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
    context: &Context<'_>,
    brand: &Brand,
    words: &[OsString],
) -> Result<Exit, Failures> {
    let Context { host, reporter, .. } = *context;
    let args: ManArgs = match word::parse(command(&brand.name), words, reporter) {
        Ok(args) => args,
        Err(answer) => return answer,
    };
    match (&args.dir, &args.plugin) {
        (Some(dir), _) => write_all(context, brand, dir),
        (None, Some(plugin)) => Ok(reporter.data(&of_plugin(context, brand, plugin)?)),
        (None, None) => Ok(reporter.data(&page::of_host(brand, &host.catalog().names()))),
    }
}

/// Writes all pages, and prints their paths. A plugin that has none keeps no other from having one.
fn write_all(context: &Context<'_>, brand: &Brand, dir: &Path) -> Result<Exit, Failures> {
    files::make_folder(dir).map_err(|error| failed(&error, dir))?;
    let plugins = context.host.catalog().names();
    let mut failures = Vec::new();
    let mut written = String::new();
    let mut write = |title: &str, page: &str| -> Result<(), Failures> {
        let file = dir.join(page::file_name(title));
        files::write(&file, page.as_bytes()).map_err(|error| failed(&error, &file))?;
        written += &format!("{}\n", visible(&file.to_string_lossy()));
        Ok(())
    };
    write(&brand.name, &page::of_host(brand, &plugins))?;
    for plugin in &plugins {
        match of_plugin(context, brand, plugin) {
            Ok(page) => write(&page::title(&brand.name, plugin), &page)?,
            Err(wrong) => failures.extend(wrong),
        }
    }
    let exit = context.reporter.data(&written);
    Failures::check(failures).map(|()| exit)
}

fn of_plugin(context: &Context<'_>, brand: &Brand, plugin: &str) -> Result<String, Failures> {
    let candidate = named(context.host, plugin, WORD)?;
    let asker = Asker { host: context.host, options: context.options, limit: LIMIT };
    let spec = arguments(&asker, candidate)?;
    Ok(page::of_plugin(brand, candidate.facts(), &spec))
}

fn failed(error: &std::io::Error, path: &Path) -> Failures {
    let what = format!("cannot write `{}`", path.display());
    Failure::from_error(Exit::Host, error).context(what).into()
}
