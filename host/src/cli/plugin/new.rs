//! `plugin new`: writes a crate with a plugin that builds, passes its tests and runs.
//!
//! What is written is made of the files in `host/templates/plugin`. Where the SDK is stands in [`sdk`],
//! what the names may be in [`names`], whether a workspace wants to know of the crate in [`workspace`],
//! and where its library will be in [`built`]. Nothing is fetched, no program is run, and nothing that is there is written over.

mod built;
mod names;
mod sdk;
mod template;
mod workspace;

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use self::built::built;
use self::sdk::Sdk;
use self::template::Wanted;
use self::workspace::Around;
use super::context::Context;
use super::format::{Format, FormatArgs, json, path};
use crate::error::{Failure, Failures};
use crate::exit::Exit;

/// Write a crate with a plugin that builds, is tested and runs
#[derive(Clone, Debug, Args)]
pub(crate) struct NewArgs {
    /// What the plugin and its crate are called
    name: String,

    /// Write it into this folder, which must not be there yet; by default one of its name
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// A struct with a method for each phase, in place of one function
    #[arg(long = "trait")]
    of_trait: bool,

    /// With a tokio runtime of its own
    #[arg(long)]
    tokio: bool,

    /// With a message of this type, in a crate of its own that others can share
    #[arg(long, value_name = "TYPE")]
    message: Option<String>,

    /// The SDK: a folder with it, or a version
    ///
    /// By default that of the repository which this program was built from, or else the version of this
    /// program.
    #[arg(long, value_name = "PATH|VERSION")]
    api: Option<String>,

    #[command(flatten)]
    format: FormatArgs,
}

/// The JSON of `plugin new`.
#[derive(Debug, Serialize)]
struct NewResult {
    /// The plugin's name.
    plugin: String,
    /// The folder of its crate.
    folder: String,
    /// What was written there, by paths from the folder.
    files: Vec<String>,
    /// The folder of the SDK; `null` where it is one of a registry.
    sdk_path: Option<String>,
    /// The version of the SDK that is demanded of a registry; `null` where it is a folder.
    sdk_version: Option<String>,
    /// What is to be changed before it can be built; `null` where nothing is.
    workspace: Option<WorkspaceResult>,
    /// The commands that build, run and test it, from its folder.
    commands: Vec<String>,
}

/// A workspace that does not know the crate yet.
#[derive(Debug, Serialize)]
struct WorkspaceResult {
    /// Its manifest.
    manifest: String,
    /// What to add to its `members`.
    member: String,
}

/// Does it.
pub(crate) fn cmd_new(context: &Context<'_>, args: NewArgs) -> Result<Exit, Failures> {
    names::check(&args.name, args.message.as_deref())?;
    let sdk = Sdk::find(context, args.api.as_deref())?;
    let folder = args.dir.unwrap_or_else(|| PathBuf::from(&args.name));
    let absolute = std::path::absolute(&folder).map_err(|error| cannot(&folder, &error))?;
    // As cargo will see it: without links on the way.
    let above = absolute.parent().and_then(|above| above.canonicalize().ok());
    let real = above.zip(absolute.file_name()).map(|(above, name)| above.join(name));
    let real = real.as_deref().unwrap_or(&absolute);
    let around = Around::look(real);
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let built = built(real, &around.target, &set);
    let wanted = Wanted {
        host: context.name(),
        name: &args.name,
        of_trait: args.of_trait,
        tokio: args.tokio,
        message: args.message.as_deref(),
        sdk: &sdk,
        built: &built,
    };
    let files = template::files(&wanted);
    write(&absolute, &files).map_err(|error| cannot(&folder, &error))?;
    let result = NewResult {
        plugin: args.name.clone(),
        folder: path(&absolute),
        files: files.iter().map(|(name, _)| (*name).to_owned()).collect(),
        sdk_path: sdk.path().map(path),
        sdk_version: sdk.version().map(str::to_owned),
        workspace: around
            .unknowing
            .map(|(manifest, member)| WorkspaceResult { manifest: path(&manifest), member }),
        commands: template::commands(&wanted),
    };
    Ok(context.reporter.data(&match args.format.format {
        Format::Text => text(&folder, &result),
        Format::Json => json(&result),
    }))
}

/// Writes the files into a folder that is not there yet.
fn write(folder: &Path, files: &[(&str, String)]) -> io::Result<()> {
    fs::create_dir(folder)?;
    for (name, text) in files {
        let file = folder.join(name);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        OpenOptions::new().write(true).create_new(true).open(&file)?.write_all(text.as_bytes())?;
    }
    Ok(())
}

fn cannot(folder: &Path, error: &io::Error) -> Failure {
    let shown = folder.display();
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::new(Exit::Config, format!("`{shown}` is there already, and is left as it is"))
                .hint("choose another name, or another folder with `--dir DIR`")
        }
        _ => Failure::from_error(Exit::Config, error)
            .context(format!("cannot write into `{shown}`"))
            .hint("see that the folder above it is there, and that you may write to it"),
    }
}

fn text(folder: &Path, result: &NewResult) -> String {
    let mut text = format!("wrote the plugin {} into {}\n", result.plugin, folder.display());
    for file in &result.files {
        text += &format!("  {file}\n");
    }
    let sdk = result.sdk_path.iter().chain(&result.sdk_version);
    text += &sdk.map(|sdk| format!("its SDK is {sdk}; --api names another\n")).collect::<String>();
    if let Some(WorkspaceResult { manifest, member }) = &result.workspace {
        text += &format!("it lies in a workspace: add \"{member}\" to the members of {manifest}\n");
    }
    text += &format!("to build, run and test it:\n  cd {}\n", folder.display());
    text += &result.commands.iter().map(|line| format!("  {line}\n")).collect::<String>();
    text
}

#[cfg(test)]
mod tests;
