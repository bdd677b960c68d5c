//! The command line: from the words that a user typed to an exit code.
//!
//! [`main`] reads like the way of a run: `early` finds where the host's options end, `args` parses
//! them, `term` decides on colour and width, `logging` installs the subscriber, the library's
//! [`Host`] does the work, `signals` asks it to end, `report` prints. A host of another name and with
//! plugins of its own is one line too: everything it differs in is in its [`HostBuilder`].
//!
//! Only this module and those below it print, read the process's arguments, or listen for signals.

mod args;
mod early;
mod help;
mod logging;
mod report;
mod signals;
mod term;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::args::{Brand, HostArgs, LogFormatArg};
use crate::cli::help::Installed;
use crate::cli::logging::{LogFormat, LogOptions};
use crate::cli::term::Terminal;
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::discover::Catalog;
use crate::host::{Host, HostBuilder, Preparation, Prepared, Rendering};
use crate::shutdown::Shutdown;

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
    let terminal = Terminal::detect(early.color);

    let chain = words.split_off(early.chain);
    words.truncate(early.options);
    let args = match HostArgs::parse_from_words(command, words) {
        Ok(args) => args,
        Err(error) => {
            let failure = Failure::rendered(Exit::Usage, error.render().ansi().to_string())
                .hint(format!("`{} --help` lists the options and the plugins", brand.name));
            return report::failures(terminal, &[failure]);
        }
    };
    if args.version {
        return report::data(terminal, &format!("{} {}\n", brand.name, brand.version));
    }
    match answer(builder, &brand, &args, chain, terminal) {
        Ok(exit) => exit,
        Err(Failures(failures)) => report::failures(terminal, &failures),
    }
}

/// Builds the host, and does what the line asks of it.
fn answer(
    builder: HostBuilder,
    brand: &Brand,
    args: &HostArgs,
    chain: Vec<OsString>,
    terminal: Terminal,
) -> Result<Exit, Failures> {
    let host = build(builder, args, terminal)?;
    let rendering = Rendering {
        width: terminal.columns.into(),
        color: terminal.out_color || terminal.err_color,
    };
    let verbose = args.verbosity().is_verbose();
    let help = || help::render(brand, &installed(host.catalog()), terminal.columns, verbose);
    if args.help {
        return Ok(report::data(terminal, &help()));
    }
    if chain.is_empty() {
        report::talk(terminal, &help());
        return Ok(Exit::Usage);
    }
    if chain[0] == "help" {
        return match &chain[1..] {
            [] => Ok(report::data(terminal, &help())),
            [plugin] => {
                let text = host.help(&plugin.to_string_lossy(), rendering)?;
                Ok(report::data(terminal, &text))
            }
            _ => Err(Failure::new(Exit::Usage, "`help` takes the name of one plugin")
                .hint(format!("`{} help` lists them", brand.name))
                .into()),
        };
    }
    let mut prepared = match host.prepare(chain, rendering)? {
        Preparation::Ready(prepared) => prepared,
        Preparation::Answer(text) => return Ok(report::data(terminal, &text)),
    };
    await_instances(&mut prepared, &args.until)?;
    if args.dry_run {
        return Ok(report::plan(terminal, prepared.plan()));
    }
    let shutdown = Shutdown::new();
    obey_signals(&shutdown)?;
    Ok(report::outcome(terminal, &prepared.run(&shutdown)))
}

/// Installs the subscriber, and builds the host as the options want it.
fn build(builder: HostBuilder, args: &HostArgs, terminal: Terminal) -> Result<Host, Failures> {
    let filter = logging::install(&LogOptions {
        filter: args.log_filter(),
        format: match args.log_format {
            LogFormatArg::Text => LogFormat::Text,
            LogFormatArg::Json => LogFormat::Json,
        },
        color: terminal.err_color,
    })
    .map_err(|error| Failure::from_error(Exit::Usage, &error))?;
    let host = builder
        .standard_search_path(args.plugin_dir.iter().cloned())
        .limits(args.limits())
        .log_filter(filter)
        .allow_panic_abort(args.allow_panic_abort)
        .build();
    Ok(host)
}

/// Has the run end with these instances; all names that are wrong are told.
fn await_instances(prepared: &mut Prepared, instances: &[String]) -> Result<(), Failures> {
    let wrong = instances.iter().filter_map(|instance| prepared.until(instance).err());
    let wrong: Vec<_> = wrong.flat_map(|Failures(failures)| failures).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Failures(wrong)) }
}

/// The first signal asks the run to end; a second one forces it.
fn obey_signals(shutdown: &Shutdown) -> Result<(), Failures> {
    let shutdown = shutdown.clone();
    let asked = AtomicBool::new(false);
    let heard = move |signal: signals::Signal| {
        // Relaxed: one thread hears all signals.
        if asked.swap(true, Ordering::Relaxed) {
            shutdown.force(signal.number);
        } else {
            shutdown.request(signal.name);
        }
    };
    signals::listen(heard).map_err(|error| {
        Failure::from_error(Exit::Host, &error).context("cannot listen for signals").into()
    })
}

fn brand(builder: &HostBuilder) -> Brand {
    Brand {
        name: builder.name.clone(),
        version: builder.version.clone(),
        about: builder.about.clone(),
        limits: builder.limits,
    }
}

fn installed(catalog: &Catalog) -> Installed {
    let plugins = catalog.plugins().map(|plugin| plugin.facts());
    Installed {
        plugins: plugins.map(|facts| (facts.name.clone(), facts.summary.clone())).collect(),
        refused: catalog.refused().iter().map(ToString::to_string).collect(),
    }
}
