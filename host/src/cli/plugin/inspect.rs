//! `plugin inspect`: all there is to know of a library and its plugins.
//!
//! The arguments come from a child process of the host, or from those that one told before; all else is
//! read from the file.

mod arguments;
mod settings;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use lifespan_abi::{ABI_VERSION, CommandSpec, Descriptor, PanicStrategy};
use serde::Serialize;

use self::settings::{SettingResult, settings};
use super::check::{RefusedResult, verdict};
use super::context::Context;
use super::format::{Format, FormatArgs, indented, json, path, table};
use super::run_path::{RunPathResult, run_path_text};
use super::target;
use crate::cli::arguments::{Asker, arguments};
use crate::discover::{Finds, Lookup, Source, read_open};
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::files;
use crate::trust::Digest;

/// Show all there is to know of a plugin, or of a library with all its plugins
///
/// The arguments are asked for in a process of their own; nothing else runs code of the library.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Exit codes: 0 when it can be used and has told its arguments, else 3 or 4")]
pub(crate) struct InspectArgs {
    /// The plugin's name, or the library's file
    #[arg(value_name = "NAME|PATH")]
    target: OsString,

    /// Give the library this long to tell its arguments
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    timeout: Duration,

    #[command(flatten)]
    format: FormatArgs,
}

/// The JSON of `plugin inspect`.
#[derive(Debug, Serialize)]
struct InspectResult {
    /// The library's file; `null` for one that is built in.
    path: Option<String>,
    /// The digest of its bytes, in hexadecimal digits; `null` where it cannot be read.
    sha256: Option<String>,
    /// How many bytes it has.
    size: Option<u64>,
    /// `usable` with all its plugins, `partly` with some of them, or `refused`.
    verdict: &'static str,
    /// Why it, or some of its plugins, cannot be used.
    reasons: Vec<RefusedResult>,
    /// Where it has what it needs looked for though others may put something there.
    run_path: Vec<RunPathResult>,
    /// What the library says of itself; `null` where it has no descriptor that can be read.
    descriptor: Option<DescriptorResult>,
    /// The host's ABI.
    host_abi: &'static str,
    /// Its plugins: the one that was named, or all.
    plugins: Vec<PluginResult>,
}

/// What a library says of itself.
#[derive(Debug, Serialize)]
struct DescriptorResult {
    /// The version of its ABI.
    abi: String,
    /// The version of the SDK.
    sdk: String,
    /// The compiler.
    rustc: String,
    /// What it is built for.
    target: String,
    /// What a panic does in it: `unwind` or `abort`.
    panic: &'static str,
    /// Whether it was built with debug assertions.
    debug_assertions: bool,
}

/// A plugin of the library.
#[derive(Debug, Serialize)]
struct PluginResult {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// One line about it.
    summary: String,
    /// The plugins that must be on the line too.
    requires: Vec<NeedResult>,
    /// Its arguments, as `lifespan_abi::CommandSpec` describes them; `null` where they are not known.
    arguments: Option<CommandSpec>,
    /// What its options are where the line does not say it.
    settings: Vec<SettingResult>,
    /// Why its arguments are not known.
    trouble: Option<TroubleResult>,
}

/// A plugin that another one needs.
#[derive(Debug, Serialize)]
struct NeedResult {
    /// Its name.
    plugin: String,
    /// Whether there is one that can be used.
    is_usable: bool,
}

/// Why arguments are not known.
#[derive(Debug, Serialize)]
struct TroubleResult {
    /// What went wrong.
    message: String,
    /// What caused it, outermost first.
    causes: Vec<String>,
    /// What to do about it.
    hints: Vec<String>,
    /// What else there is to see, such as what the library wrote.
    detail: Option<String>,
}

/// A library, and what of it is asked for.
struct Subject {
    file: Option<PathBuf>,
    /// The only plugin that is of interest.
    plugin: Option<String>,
    descriptor: Option<Descriptor>,
    finds: Finds,
}

/// Does it.
pub(crate) fn cmd_inspect(context: &Context<'_>, args: InspectArgs) -> Result<Exit, Failures> {
    let subject = subject(context, &args)?;
    let asker = Asker { host: context.host, options: context.options, limit: args.timeout };
    let result = inspect(context, &asker, &subject);
    let is_untold = result.plugins.iter().any(|plugin| plugin.trouble.is_some());
    let printed = context.reporter.data(&match args.format.format {
        Format::Text => text(&result, context.reporter.terminal.columns),
        Format::Json => json(&result),
    });
    let refused = subject.finds.refused.iter().map(|it| it.reason.exit());
    let untold = is_untold.then_some(Exit::Load);
    Ok(refused.chain(untold).fold(printed, Exit::worst))
}

fn subject(context: &Context<'_>, args: &InspectArgs) -> Result<Subject, Failure> {
    let name = args.target.to_string_lossy();
    if !target::is_path(&args.target)
        && let Lookup::Found(candidate) = context.host.catalog().get(&name)
        && let Source::Builtin(_) = candidate.library().source()
    {
        let finds = Finds { candidates: vec![candidate.clone()], refused: Vec::new() };
        let descriptor = Some(candidate.descriptor().clone());
        return Ok(Subject { file: None, plugin: Some(name.into_owned()), descriptor, finds });
    }
    let file = target::library(context, &args.target)?;
    let finds = context.judge(&file);
    let descriptor = files::open(&file).ok().and_then(|it| read_open(it).ok());
    let listed = |it: &Descriptor| it.plugin(&name).is_some();
    let is_plugin = !target::is_path(&args.target) && descriptor.as_ref().is_some_and(listed);
    let plugin = is_plugin.then(|| name.into_owned());
    Ok(Subject { file: Some(file), plugin, descriptor, finds })
}

fn inspect(context: &Context<'_>, asker: &Asker<'_>, subject: &Subject) -> InspectResult {
    let Subject { file, plugin, descriptor, finds } = subject;
    let digest = file.as_ref().and_then(|it| Digest::of(files::open(it).ok()?).ok());
    let plugins = descriptor.iter().flat_map(|it| &it.plugins);
    let plugins = plugins.filter(|it| plugin.as_ref().is_none_or(|only| *only == it.name));
    let plugins = plugins.map(|facts| {
        let usable = finds.candidates.iter().find(|it| it.name() == facts.name);
        let told = usable.map(|candidate| arguments(asker, candidate));
        let (arguments, trouble) = match told {
            Some(Ok(spec)) => (Some(spec), None),
            Some(Err(failure)) => (None, Some(TroubleResult::of(failure))),
            // A library that is refused is not loaded, in whatever process.
            None => (None, None),
        };
        let is_usable = |it: &str| {
            matches!(context.host.catalog().get(it), Lookup::Found(_))
                || finds.candidates.iter().any(|other| other.name() == it)
        };
        let needs = facts.requires.iter();
        let needs = needs.map(|it| NeedResult { plugin: it.clone(), is_usable: is_usable(it) });
        let settings = arguments.iter().flat_map(|it| settings(context.host, &facts.name, it));
        PluginResult {
            settings: settings.collect(),
            name: facts.name.clone(),
            version: facts.version.clone(),
            summary: facts.summary.clone(),
            requires: needs.collect(),
            arguments,
            trouble,
        }
    });
    InspectResult {
        plugins: plugins.collect(),
        path: file.as_ref().map(|it| path(it)),
        sha256: digest.map(|(digest, _)| digest.to_string()),
        size: digest.map(|(_, size)| size),
        verdict: verdict(finds),
        reasons: finds.refused.iter().map(RefusedResult::of).collect(),
        run_path: file.as_ref().map(|it| context.run_path(it)).unwrap_or_default(),
        descriptor: descriptor.as_ref().map(DescriptorResult::of),
        host_abi: ABI_VERSION,
    }
}

impl DescriptorResult {
    fn of(descriptor: &Descriptor) -> Self {
        DescriptorResult {
            abi: descriptor.abi.clone(),
            sdk: descriptor.sdk.clone(),
            rustc: descriptor.rustc.clone(),
            target: descriptor.target.clone(),
            panic: match descriptor.panic {
                PanicStrategy::Unwind => "unwind",
                PanicStrategy::Abort => "abort",
            },
            debug_assertions: descriptor.debug_assertions,
        }
    }
}

impl TroubleResult {
    fn of(failure: Failure) -> Self {
        let message = failure.headline();
        let Failure { causes, hints, detail, .. } = failure;
        TroubleResult { message, causes, hints, detail }
    }
}

fn text(result: &InspectResult, columns: u16) -> String {
    let heading = result.path.clone().unwrap_or_else(|| "built into the host".into());
    let mut text = indented(&heading, 0, u16::MAX);
    let mut facts = vec![vec!["verdict".to_owned(), result.verdict.to_owned()]];
    let mut fact = |name: &str, value: String| facts.push(vec![name.to_owned(), value]);
    if let (Some(sha256), Some(size)) = (&result.sha256, result.size) {
        fact("size", format!("{size} bytes"));
        fact("sha256", sha256.clone());
    }
    if let Some(it) = &result.descriptor {
        fact("abi", format!("{} (this host: {})", it.abi, result.host_abi));
        fact("sdk", it.sdk.clone());
        fact("rustc", it.rustc.clone());
        fact("target", it.target.clone());
        let debug = if it.debug_assertions { ", with debug assertions" } else { "" };
        fact("panic", format!("{}{debug}", it.panic));
    }
    text += &table(&facts, 2, columns);
    for refused in &result.reasons {
        text += &refused.reason.text(columns);
    }
    text += &run_path_text(&result.run_path, columns);
    for plugin in &result.plugins {
        text += &format!("\n{}", about(plugin, columns));
    }
    text
}

/// A plugin with its needs and arguments.
fn about(plugin: &PluginResult, columns: u16) -> String {
    let PluginResult { name, version, summary, requires, .. } = plugin;
    let mut text = indented(&format!("{name} {version}: {summary}"), 0, columns);
    for need in requires {
        let note = if need.is_usable { "" } else { ", which is not there" };
        text += &indented(&format!("requires {}{note}", need.plugin), 2, columns);
    }
    if let Some(spec) = &plugin.arguments {
        text += &self::arguments::text(spec, columns);
        text += &self::settings::text(&plugin.settings, columns);
    }
    if let Some(trouble) = &plugin.trouble {
        text += &indented("its arguments are not known:", 2, columns);
        text += &indented(&trouble.message, 4, columns);
        for cause in &trouble.causes {
            text += &indented(&format!("caused by: {cause}"), 4, columns);
        }
        for line in trouble.detail.iter().flat_map(|it| it.lines()) {
            text += &indented(line, 4, u16::MAX);
        }
        for hint in &trouble.hints {
            text += &indented(&format!("hint: {hint}"), 4, columns);
        }
    }
    text
}
