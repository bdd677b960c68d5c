//! `plugin validate`: the conformance run of a library's plugins.
//!
//! What is checked is the library's affair ([`crate::validate`]); here the checks are chosen, each is run
//! in a process of its own ([`run`], [`child`]), and what they found is shown.

pub(crate) mod child;

mod run;
mod text;

use std::ffi::OsString;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use serde::Serialize;

use self::run::{Run, run};
use super::check::RefusedResult;
use super::context::Context;
use super::format::{Format, FormatArgs, json, path, table};
use super::target;
use crate::discover::{Candidate, Finds};
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::validate::{CHECKS, Check, Finding, Reach, Verdict};

/// How wide the checks are in its help.
const HELP_COLUMNS: u16 = 80;

/// What stands at the end of its help.
const EXIT_CODES: &str = "Exit codes: 0 when no check failed, 1 when one did, 2 when the arguments are \
                          not the plugin's, 3 or 4 when the library cannot be loaded or is not trusted";

/// Try whether plugins keep what a host relies on: the conformance run, for authors
///
/// It loads the library and runs its plugins, over and over and in unkind ways, each check in a process
/// of its own: what is refused elsewhere is refused here too, and else its code may do all that you
/// may. On the topics that a plugin opens a few small values are published. A plugin that needs
/// arguments is given them after `--`; without, what needs them is skipped.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = ending())]
pub(crate) struct ValidateArgs {
    /// The library's file, or the name of an installed plugin
    #[arg(value_name = "PATH|NAME", required_unless_present = "list")]
    target: Option<OsString>,

    /// Check this plugin of the library only
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,

    /// Run only checks whose name has this in it; may be given several times
    #[arg(long, value_name = "TEXT")]
    filter: Vec<String>,

    /// Choose as a run with this seed did
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// Give each check this long
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    timeout: Duration,

    /// Run the checks in this process one after the other, for a debugger; nothing limits them
    #[arg(long)]
    in_process: bool,

    /// List the checks with what each proves, and run none
    #[arg(long)]
    list: bool,

    #[command(flatten)]
    format: FormatArgs,

    /// The arguments to start the plugin with
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<OsString>,
}

/// The JSON of `plugin validate`.
#[derive(Debug, Serialize)]
struct ValidateResult {
    /// The library's file.
    path: String,
    /// The seed that repeats it.
    seed: u64,
    /// How many checks ended in which way.
    counts: Counts,
    /// Why it, or some of its plugins, cannot be used.
    reasons: Vec<RefusedResult>,
    /// What was checked of the library as a whole.
    library: Vec<CheckResult>,
    /// What was checked of its plugins.
    plugins: Vec<PluginResult>,
}

/// How many checks ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Counts {
    passed: usize,
    failed: usize,
    warned: usize,
    skipped: usize,
}

/// A plugin with its checks.
#[derive(Debug, Serialize)]
struct PluginResult {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// What was checked.
    checks: Vec<CheckResult>,
}

/// A check and how it ended.
#[derive(Debug, Serialize)]
struct CheckResult {
    /// Its name.
    check: &'static str,
    /// `passed`, `failed`, `warned` or `skipped`.
    verdict: Verdict,
    /// Why; empty where it passed.
    reason: String,
    /// What caused it, outermost first.
    causes: Vec<String>,
    /// What to do; `null` where nothing is to be done.
    remedy: Option<&'static str>,
    /// What else may be done.
    hints: Vec<String>,
    /// How far it went; `null` where it has no measure.
    note: Option<String>,
    /// At how many points it tried, and whether these were all; `null` where it has none.
    reach: Option<Reach>,
    /// What else there is to see.
    detail: Option<String>,
}

/// The JSON of `plugin validate --list`.
#[derive(Debug, Serialize)]
struct ListResult {
    checks: Vec<ListedResult>,
}

/// A check that there is.
#[derive(Debug, Serialize)]
struct ListedResult {
    check: &'static str,
    proves: &'static str,
    remedy: &'static str,
}

/// Does it.
pub(crate) fn cmd_validate(context: &Context<'_>, args: ValidateArgs) -> Result<Exit, Failures> {
    let checks = chosen(context, &args)?;
    let Some(word) = args.target.as_ref().filter(|_| !args.list) else {
        return Ok(context.reporter.data(&list(context, &checks, args.format.format)));
    };
    let file = target::library(context, word)?;
    let finds = context.judge(&file);
    let plugins = plugins(&args, word, &finds)?;
    if plugins.len() > 1 && !args.args.is_empty() {
        let names: Vec<_> = plugins.iter().map(|it| format!("`{}`", it.name())).collect();
        let message = format!("the library has {}: whose are the arguments?", names.join(", "));
        let hint = "name one with `--plugin`, before the `--`";
        return Err(Failure::new(Exit::Usage, message).hint(hint).into());
    }
    let wanted = Run {
        context,
        file: &file,
        plugins: &plugins,
        checks: &checks,
        args: &args.args,
        seed: args.seed.unwrap_or_else(any_seed),
        limit: args.timeout,
        in_process: args.in_process,
    };
    let (result, exit) = checked(&wanted, &file, &finds)?;
    let printed = context.reporter.data(&match args.format.format {
        Format::Text => text::text(&wanted, &finds, &result),
        Format::Json => json(&result),
    });
    let refused = finds.refused.iter().map(|it| it.reason.exit());
    Ok(refused.fold(printed.worst(exit), Exit::worst))
}

/// Runs the checks, and tells how the process is to end because of them.
fn checked(
    wanted: &Run<'_>,
    file: &std::path::Path,
    finds: &Finds,
) -> Result<(ValidateResult, Exit), Failure> {
    let found = run(wanted)?;
    let exits = found.iter().filter_map(|(_, _, finding)| exit(finding));
    let exit = exits.fold(Exit::Success, Exit::worst);
    let mut counts = Counts::default();
    let (mut library, mut plugins) = (Vec::new(), Vec::new());
    plugins.extend(wanted.plugins.iter().map(|it| PluginResult {
        name: it.facts().name.clone(),
        version: it.facts().version.clone(),
        checks: Vec::new(),
    }));
    for (check, plugin, finding) in found {
        counts.add(finding.verdict);
        let result = CheckResult::of(check, finding);
        match plugin {
            Some(plugin) => plugins[plugin].checks.push(result),
            None => library.push(result),
        }
    }
    let reasons = finds.refused.iter().map(RefusedResult::of).collect();
    let (path, seed) = (path(file), wanted.seed);
    Ok((ValidateResult { path, seed, counts, reasons, library, plugins }, exit))
}

/// How the process ends because of a check.
fn exit(finding: &Finding) -> Option<Exit> {
    let all = [Exit::Usage, Exit::Load, Exit::Config, Exit::Host];
    let said = all.into_iter().find(|exit| Some(exit.code()) == finding.exit);
    said.or((finding.verdict == Verdict::Failed).then_some(Exit::Plugin))
}

fn chosen(context: &Context<'_>, args: &ValidateArgs) -> Result<Vec<&'static Check>, Failure> {
    let is_chosen = |check: &&Check| {
        args.filter.is_empty() || args.filter.iter().any(|it| check.name.contains(it.as_str()))
    };
    let checks: Vec<_> = CHECKS.iter().filter(is_chosen).collect();
    if checks.is_empty() {
        let message = format!("no check has `{}` in its name", args.filter.join("` or `"));
        let hint = format!("`{} plugin validate --list` lists them", context.name());
        return Err(Failure::new(Exit::Usage, message).hint(hint));
    }
    Ok(checks)
}

/// The plugins to check: the one that is named, or all.
fn plugins<'f>(
    args: &ValidateArgs,
    word: &OsString,
    finds: &'f Finds,
) -> Result<Vec<&'f Candidate>, Failure> {
    let by_name = word.to_str().filter(|_| !target::is_path(word));
    let Some(name) = args.plugin.as_deref().or(by_name) else {
        return Ok(finds.candidates.iter().collect());
    };
    let named: Vec<_> = finds.candidates.iter().filter(|it| it.name() == name).collect();
    if named.is_empty() && !finds.candidates.is_empty() {
        let names: Vec<_> = finds.candidates.iter().map(|it| format!("`{}`", it.name())).collect();
        return Err(Failure::new(Exit::Usage, format!("the library has no plugin `{name}`"))
            .hint(format!("it has {}", names.join(", "))));
    }
    Ok(named)
}

/// The end of the long help: the checks too.
fn ending() -> String {
    let rows: Vec<_> = CHECKS.iter().map(|it| [it.name, it.proves]).collect();
    format!("Checks:\n{}\n{EXIT_CODES}", table(&rows, 2, HELP_COLUMNS))
}

/// One that was not chosen.
fn any_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Short enough to be typed.
    u64::from(now.subsec_nanos())
}

fn list(context: &Context<'_>, checks: &[&Check], format: Format) -> String {
    match format {
        Format::Text => {
            let rows: Vec<_> = checks.iter().map(|it| [it.name, it.proves]).collect();
            table(&rows, 0, context.reporter.terminal.columns)
        }
        Format::Json => {
            let listed = checks.iter().map(|it| ListedResult {
                check: it.name,
                proves: it.proves,
                remedy: it.remedy,
            });
            json(&ListResult { checks: listed.collect() })
        }
    }
}

impl Counts {
    fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Passed => &mut self.passed,
            Verdict::Failed => &mut self.failed,
            Verdict::Warned => &mut self.warned,
            Verdict::Skipped => &mut self.skipped,
        } += 1;
    }
}

impl CheckResult {
    fn of(check: &'static Check, finding: Finding) -> Self {
        let Finding { verdict, reason, causes, hints, note, reach, detail, .. } = finding;
        let is_remediable = matches!(verdict, Verdict::Failed | Verdict::Warned);
        let remedy = is_remediable.then_some(check.remedy);
        CheckResult {
            check: check.name,
            verdict,
            reason,
            causes,
            remedy,
            hints,
            note,
            reach,
            detail,
        }
    }
}
