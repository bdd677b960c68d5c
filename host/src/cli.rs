//! The command line: from the words that a user typed to an exit code.
//!
//! [`main`] reads like the way of a run: `early` finds where the host's options end, `args` parses
//! them, `term` decides on colour and width, `logging` installs the subscriber, the library's
//! [`Host`] does the work, `signals` asks it to end, `report` prints. A host of another name and with
//! plugins of its own is one line too: everything it differs in is in its [`HostBuilder`].
//!
//! Only this module and those below it print, read the process's arguments, or listen for signals.

mod args;
mod arguments;
mod asking;
mod complete;
mod completions;
mod disabled;
mod early;
mod elevated;
mod help;
mod lines;
mod logging;
mod man;
mod output;
mod plugin;
mod report;
mod settings;
mod signals;
mod term;
mod trace;
mod word;

use std::env;
use std::ffi::OsString;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use lifespan_abi::LogFilter;

use crate::cli::args::{Brand, HostArgs};
use crate::cli::arguments::{child, remember};
use crate::cli::disabled::Disabled;
use crate::cli::early::Verbosity;
use crate::cli::help::Installed;
use crate::cli::logging::{LogFormat, LogOptions};
use crate::cli::output::Output;
use crate::cli::report::Reporter;
use crate::cli::settings::{Configured, Settings, user_file};
use crate::cli::term::Terminal;
use crate::config::{Config, Wrong};
use crate::discover::{Catalog, Lookup, Origin, cache_folder, default_folder, now};
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::files::{self, Read};
use crate::host::{Host, HostBuilder, Preparation, Prepared, Rendering};
use crate::log::FilterError;
use crate::prepare::nothing_to_run;
use crate::shutdown::Shutdown;
use crate::trust::Guard;

/// Runs a host on the process's own command line.
///
/// It reads the arguments, installs a `tracing` subscriber and signal handlers, and prints: it is for
/// a program's `main`, once. An embedder that wants none of this uses [`Host`].
///
/// # Examples
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use lifespan::Host;
///
/// fn main() -> ExitCode {
///     lifespan::cli::main(Host::builder("weather").version("1.0.0").about("Watch the weather"))
/// }
/// ```
pub fn main(builder: HostBuilder) -> ExitCode {
    run(builder, env::args_os().skip(1).collect()).into()
}

/// Runs a host on `words`, the command line behind the program's name.
fn run(builder: HostBuilder, mut words: Vec<OsString>) -> Exit {
    let brand = brand(&builder);
    let command = args::command(&brand);
    let early = early::scan(&command, &words);
    let allowed = elevated::judge(&early, &words);
    let configured = match allowed {
        Ok(()) => settings::read(&brand.name, &command, &early, reader(&words[early.chain..])),
        Err(_) => Configured::default(),
    };
    let Configured { config, settings, wrong } = configured;
    let color = early.color.or(settings.color).unwrap_or_default();
    let format = early.format.or(settings.format).unwrap_or_default();
    let terminal = Terminal::detect(color);
    let stderr = Output::stderr(terminal.err_color, logging::gap(format));
    let reporter = Reporter { terminal, format, stderr };

    let chain = words.split_off(early.chain);
    words.truncate(early.options);
    let options = words.clone();
    let args = match HostArgs::parse_from_words(command, words, &settings) {
        Ok(args) => args,
        Err(error) => {
            let mut failure = Failure::rendered(Exit::Usage, error.render().ansi().to_string());
            if early.verbosity != Verbosity::Quiet {
                let hint = format!("`{} --help` lists the options and the plugins", brand.name);
                failure = failure.hint(hint);
            }
            return reporter.failures(&[failure]);
        }
    };
    if args.version {
        return reporter.data(&format!("{} {}\n", brand.name, brand.version));
    }
    if let Some(words) = completions::words(&chain).filter(|_| !args.help) {
        // Whatever is wrong with files: a shell that starts must not show it.
        let done = completions::run(builder, &brand, &words, &reporter);
        return done.unwrap_or_else(|failures| reporter.failures(failures.as_slice()));
    }
    if let Err(failure) = allowed {
        return reporter.failures(&[failure]);
    }
    let is_doctor = !args.help && plugin::is_doctor(&chain);
    if !is_doctor && !wrong.is_empty() {
        let failures: Vec<_> = wrong.into_iter().map(|it| it.failure).collect();
        return reporter.failures(&failures);
    }
    let builder = with_files(builder, config, settings);
    let wrong = is_doctor.then_some(wrong);
    match answer(builder, &brand, &args, &options, chain, wrong, &reporter) {
        Ok(exit) => exit,
        Err(failures) => reporter.failures(failures.as_slice()),
    }
}

/// How a file is read that the line names. In a child of the host's the parent has read what is in a pipe: the
/// child must not go on as if it said nothing.
fn reader(chain: &[OsString]) -> Read {
    let is_child = |word: &OsString| word == child::WORD || word == plugin::child::WORD;
    if chain.first().is_some_and(is_child) { files::read } else { files::read_named }
}

/// The builder with what files say, but for what became words of the line.
fn with_files(builder: HostBuilder, config: Config, settings: Settings) -> HostBuilder {
    let mut builder =
        settings.signed_by.into_iter().fold(builder.config(config), HostBuilder::signed_by);
    builder.config_dirs = settings.plugin_dirs;
    builder
}

/// Builds the host, and does what the line asks of it. Where it asks for what is `wrong` with files, that
/// is what was found so far.
fn answer(
    builder: HostBuilder,
    brand: &Brand,
    args: &HostArgs,
    options: &[OsString],
    chain: Vec<OsString>,
    mut wrong: Option<Vec<Wrong>>,
    reporter: &Reporter,
) -> Result<Exit, Failures> {
    let terminal = reporter.terminal;
    let began = now();
    // For data that comes while plugins run: they do not wait for its reader.
    let stdout = Output::stdout();
    // The process ends with this line: what is known of a thousand libraries is not freed one by one.
    let host = ManuallyDrop::new(build(builder, args, reporter, &stdout, wrong.as_mut())?);
    let words: Vec<_> = chain.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    if let [child::WORD, _] = words.as_slice() {
        return Ok(child::tell(&host, &chain[1]));
    }
    if let [plugin::child::WORD, ..] = words.as_slice() {
        // Its thread is none of the plugin's.
        reporter.stderr.start();
        return Ok(plugin::child::tell(&host, &chain[1..]));
    }
    let management = plugin::Context {
        host: &host,
        options,
        reporter,
        is_verbose: args.verbosity().is_verbose(),
        wrong: wrong.as_deref().unwrap_or_default(),
    };
    match words.as_slice() {
        [plugin::WORD, ..] if !args.help => return plugin::run(&management, &chain[1..]),
        ["help", plugin::WORD, ..] if !args.help => {
            return plugin::run(&management, &help_of(&chain[2..]));
        }
        [man::WORD, ..] if !args.help => return man::run(&management, brand, &chain[1..]),
        ["help", man::WORD] if !args.help => {
            return man::run(&management, brand, &help_of(&[]));
        }
        _ => {}
    }
    if args.help || chain.is_empty() {
        // All will be shown, so there is no use in asking for less before.
        host.catalog().refused();
    }
    check_folders(host.catalog())?;
    let rendering = Rendering {
        width: terminal.columns.into(),
        color: terminal.out_color || terminal.err_color,
    };
    let verbose = args.verbosity().is_verbose();
    let help = || help::render(brand, &installed(&host, verbose), terminal.columns, verbose);
    if args.help {
        return Ok(reporter.data(&help()));
    }
    if chain.is_empty() {
        return match reporter.format {
            LogFormat::Text => {
                reporter.talk(help());
                Ok(Exit::Usage)
            }
            LogFormat::Json => Err(nothing_to_run(host.name()).into()),
        };
    }
    if chain[0] == "help" {
        return match &chain[1..] {
            [] => Ok(reporter.data(&help())),
            [plugin] => {
                let plugin = plugin.to_string_lossy();
                let exit = reporter.data(&host.help(&plugin, rendering)?);
                remember(&host, [&*plugin].into_iter(), began);
                Ok(exit)
            }
            _ => Err(Failure::new(Exit::Usage, "`help` takes the name of one plugin")
                .hint(format!("`{} help` lists them", brand.name))
                .into()),
        };
    }
    // Before anything is loaded: both take their while, at the same time.
    reporter.stderr.start();
    let mut prepared = match host.prepare(chain, rendering)? {
        Preparation::Ready(prepared) => prepared,
        Preparation::Answer(text) => return Ok(reporter.data(&text)),
    };
    await_instances(&mut prepared, &args.until)?;
    let plugins: Vec<_> = prepared.plan().stages.iter().map(|it| it.plugin.clone()).collect();
    if args.dry_run {
        let exit = reporter.plan(prepared.plan());
        remember(&host, plugins.iter().map(|it| &**it), began);
        return Ok(exit);
    }
    // Until here there is nothing to tear down: a signal ends the process as it ends any other, also
    // where a library's own constructor hangs.
    let shutdown = Shutdown::new();
    obey_signals(&shutdown).map_err(deaf)?;
    let outcome = prepared.run(&shutdown);
    let exit = reporter.outcome(&outcome).worst(reporter.end_of_data(&stdout));
    // Whoever was abandoned may still run: nothing more is asked of a library then.
    if outcome.abandoned.is_empty() {
        remember(&host, plugins.iter().map(|it| &**it), began);
    }
    Ok(exit)
}

/// The words that ask a command for its help. Behind `--` it would be a word like any other, and the
/// command carried out.
fn help_of(command: &[OsString]) -> Vec<OsString> {
    let words = command.iter().take_while(|word| *word != "--").cloned();
    words.chain(["--help".into()]).collect()
}

#[cfg(test)]
#[test]
fn help_that_is_asked_for_is_never_the_command() {
    let words = ["plugin", "untrust", "--", "echo"].map(OsString::from);
    assert_eq!(help_of(&words), ["plugin", "untrust", "--help"].map(OsString::from));
}

/// Installs the subscriber, and builds the host as the options want it.
fn build(
    builder: HostBuilder,
    args: &HostArgs,
    reporter: &Reporter,
    stdout: &Output,
    wrong: Option<&mut Vec<Wrong>>,
) -> Result<Host, Failures> {
    let trace = trace::wanted(&args.bus_trace, stdout)?;
    let filter = log_filter(&builder, args);
    let options = LogOptions {
        filter: filter.clone(),
        format: args.log_format,
        color: reporter.terminal.err_color,
    };
    let crosses = logging::install(&options, reporter.stderr.clone())
        .map_err(|error| bad_filter(&error, &filter, args.log.as_deref().unwrap_or(&filter)))?;
    let mut builder = configured(builder, args, crosses);
    let guard = Guard::new(&builder.policy);
    match (Disabled::read(&builder.name, &guard), wrong) {
        (Ok(Some(list)), _) => builder = builder.disabled(list.names(), list.file),
        (Ok(None), _) => {}
        (Err(broken), Some(wrong)) => wrong.push(broken),
        (Err(broken), None) => return Err(broken.failure.into()),
    }
    let host = trace.into_iter().fold(builder, HostBuilder::bus_trace).build();
    for name in &args.without {
        if let Lookup::Unknown = host.catalog().get(name) {
            tracing::warn!("no plugin is called `{name}`, so nothing is left out by `--without`");
        }
    }
    Ok(host)
}

/// What is logged: the line says it, else the builder, else it is what an operator wants to know.
fn log_filter(builder: &HostBuilder, args: &HostArgs) -> String {
    let built_in = builder.log_filter.as_ref().map(logging::written);
    args.log_filter().or(built_in).unwrap_or_else(|| "info".to_owned())
}

/// The builder with what the line says; the rest stays as it is there.
fn configured(builder: HostBuilder, args: &HostArgs, log_filter: LogFilter) -> HostBuilder {
    let limits = args.limits(builder.limits);
    let stall_warning = args.stall_warning().unwrap_or(builder.stall_warning);
    let cache_dir = builder.cache_dir.clone().or_else(|| cache_folder(&builder.name));
    let builder = cache_dir.into_iter().fold(builder, HostBuilder::cache_dir);
    let builder = builder
        .standard_search_path(args.plugin_dir.iter().cloned())
        .limits(limits)
        .stall_warning(stall_warning)
        .log_filter(log_filter);
    let builder = args.without.iter().fold(builder, |builder, name| builder.without(name));
    let builder = if args.locked { builder.locked(true) } else { builder };
    let builder = if args.allow_unsafe_permissions {
        builder.allow_unsafe_permissions(true)
    } else {
        builder
    };
    if args.allow_panic_abort { builder.allow_panic_abort(true) } else { builder }
}

/// A filter that is none. It was made of what is `written` on the line, which is its end.
fn bad_filter(error: &FilterError, filter: &str, written: &str) -> Failure {
    let mut failure = Failure::from_error(Exit::Usage, error).hint(error.hint());
    let at = error.at.saturating_sub(filter.len() - written.len());
    failure.pointer = point("--log", written, at..at + error.directive.len());
    failure
}

/// Marks some bytes of an option's value; where there are none, their place.
fn point(option: &str, value: &str, marked: Range<usize>) -> Option<String> {
    if value.contains(char::is_control) {
        return None;
    }
    let (before, marked) = (value.get(..marked.start)?, value.get(marked)?);
    let blanks = " ".repeat(option.len() + before.chars().count());
    let carets = "^".repeat(marked.chars().count().max(1));
    Some(format!("  {option} {value}\n   {blanks}{carets}\n"))
}

/// A folder that the command line names must be there; of others it is enough to know.
fn check_folders(catalog: &Catalog) -> Result<(), Failures> {
    let mut failures = Vec::new();
    for refused in catalog.refused_folders() {
        let entries = catalog.search_path().entries().iter();
        let mut named = entries.filter(|entry| Some(&entry.dir) == refused.place.path());
        if named.any(|entry| entry.origin == Origin::Option) {
            let mut failure = Failure::from_error(Exit::Config, &refused.reason)
                .context(format!("the plugins folder {} cannot be used", refused.place));
            failure.hints.extend(refused.hint());
            failures.push(failure);
        } else {
            tracing::warn!(
                "the plugins folder {} cannot be used: {}",
                refused.place,
                refused.reason
            );
        }
    }
    Failures::check(failures)
}

/// Has the run end with these instances; all names that are wrong are told.
fn await_instances(prepared: &mut Prepared, instances: &[String]) -> Result<(), Failures> {
    let wrong = instances.iter().filter_map(|instance| prepared.until(instance).err());
    Failures::check(wrong.flatten().collect())
}

/// The first signal asks the run to end; a second one forces it, and the process's end if need be.
fn obey_signals(shutdown: &Shutdown) -> io::Result<()> {
    let shutdown = shutdown.clone();
    let asked = AtomicBool::new(false);
    let heard = move |signal: signals::Signal| {
        // Relaxed: one thread hears all signals.
        if asked.swap(true, Ordering::Relaxed) {
            shutdown.force(signal.number);
            signals::end_soon(signal);
        } else {
            shutdown.request(signal.name);
        }
    };
    signals::listen(heard)
}

fn deaf(error: io::Error) -> Failures {
    Failure::from_error(Exit::Host, &error).context("cannot listen for signals").into()
}

fn brand(builder: &HostBuilder) -> Brand {
    Brand {
        name: builder.name.clone(),
        version: builder.version.clone(),
        about: builder.about.clone(),
        limits: builder.limits,
        stall_warning: builder.stall_warning,
    }
}

fn installed(host: &Host, verbose: bool) -> Installed<'_> {
    let plugins = host.catalog().plugins().map(|plugin| plugin.facts());
    // A library that has nothing to do with plugins may lie where it is.
    let refused = host.catalog().refused().iter().filter(|it| verbose || !it.is_bystander());
    Installed {
        plugins: plugins.map(|facts| (&*facts.name, &*facts.summary)).collect(),
        refused: refused.map(ToString::to_string).collect(),
        default_folder: default_folder(host.name()),
        user_file: user_file(host.name()),
    }
}

#[cfg(test)]
mod tests;
