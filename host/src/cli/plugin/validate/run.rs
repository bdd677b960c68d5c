//! The parent's side: has the checks run, as many at a time as there are processors.
//!
//! They are run stage by stage: what has no meaning since something more fundamental failed is not even
//! tried.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::child::{MARK, Order};
use crate::cli::asking::{Asking, Heard, ask};
use crate::cli::lines::plain;
use crate::cli::plugin::context::Context;
use crate::discover::Candidate;
use crate::error::Failure;
use crate::exit::Exit;
use crate::validate::{Check, Finding, Stage, Verdict};

/// What is to be run.
pub(super) struct Run<'r> {
    pub(super) context: &'r Context<'r>,
    pub(super) file: &'r Path,
    pub(super) plugins: &'r [&'r Candidate],
    pub(super) checks: &'r [&'static Check],
    pub(super) args: &'r [OsString],
    pub(super) seed: u64,
    pub(super) limit: Duration,
    pub(super) in_process: bool,
}

/// A check of a plugin, by its place, or of the library; and what it found.
pub(super) type Found = (&'static Check, Option<usize>, Finding);

/// A check that is still to be done, and of what.
type Job = (&'static Check, Option<usize>);

/// Runs them; the answer is in the order in which they stand, a plugin after the other.
///
/// # Errors
///
/// No process can be started.
pub(super) fn run(run: &Run<'_>) -> Result<Vec<Found>, Failure> {
    if run.in_process {
        // What it writes with is none of the plugin's.
        run.context.reporter.stderr.start();
    }
    let mut found: Vec<Found> = Vec::new();
    for stage in [Stage::Library, Stage::Arguments, Stage::First, Stage::Whole, Stage::Lives] {
        let mut jobs = Vec::new();
        for (check, plugin) in jobs_of(run, stage) {
            match found.iter().find(|it| bars(it, check, plugin)) {
                Some((by, _, finding)) => found.push((check, plugin, barred(by, finding))),
                None => jobs.push((check, plugin)),
            }
        }
        found.extend(all(run, &jobs)?);
    }
    let place = |check: &Check| run.checks.iter().position(|it| it.name == check.name);
    found.sort_by_key(|(check, plugin, _)| (*plugin, place(check)));
    Ok(found)
}

fn jobs_of(run: &Run<'_>, stage: Stage) -> Vec<Job> {
    let checks = run.checks.iter().filter(|it| it.stage == stage);
    let of = |check: &&'static Check| -> Vec<Job> {
        match stage {
            Stage::Library if run.plugins.is_empty() => Vec::new(),
            Stage::Library => vec![(*check, None)],
            Stage::Arguments | Stage::First | Stage::Whole | Stage::Lives => {
                (0..run.plugins.len()).map(|plugin| (*check, Some(plugin))).collect()
            }
        }
    };
    checks.flat_map(of).collect()
}

/// Whether what was found leaves nothing to be found by a check.
fn bars(found: &Found, check: &Check, plugin: Option<usize>) -> bool {
    let (by, of, finding) = found;
    let is_above = of.is_none() || *of == plugin;
    let matters = match by.stage {
        Stage::Library | Stage::First | Stage::Whole => true,
        // A plugin without a word of help can be run.
        Stage::Arguments => finding.exit.is_some(),
        Stage::Lives => false,
    };
    let went_wrong = match finding.verdict {
        Verdict::Failed => true,
        // It could not even be tried.
        Verdict::Skipped => matches!(by.stage, Stage::First | Stage::Whole),
        Verdict::Passed | Verdict::Warned => false,
    };
    is_above && by.stage < check.stage && matters && went_wrong
}

fn barred(by: &Check, finding: &Finding) -> Finding {
    match finding.verdict {
        Verdict::Skipped => Finding::skipped(finding.reason.clone()),
        _ => Finding::skipped(format!("it has not come so far: see `{}`", by.name)),
    }
}

fn all(run: &Run<'_>, jobs: &[Job]) -> Result<Vec<Found>, Failure> {
    let found = Mutex::new(Vec::with_capacity(jobs.len()));
    let next = AtomicUsize::new(0);
    let work = || {
        // Relaxed: each takes another number, and that is all.
        while let Some(&(check, plugin)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let done = one(run, check, plugin).map(|finding| (check, plugin, finding));
            found.lock().unwrap_or_else(PoisonError::into_inner).push(done);
        }
    };
    let workers = match run.in_process {
        true => 1,
        false => thread::available_parallelism().map_or(1, usize::from).min(jobs.len()),
    };
    thread::scope(|scope| {
        (1..workers).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
}

fn one(run: &Run<'_>, check: &'static Check, plugin: Option<usize>) -> Result<Finding, Failure> {
    let Some(candidate) = run.plugins.get(plugin.unwrap_or_default()) else {
        return Ok(Finding::skipped("there is no plugin in it"));
    };
    let order = Order {
        check,
        file: run.file,
        plugin: candidate.name(),
        seed: run.seed,
        limit: run.limit,
        args: run.args,
    };
    let is_stdout = check.name == "stdout";
    if run.in_process {
        return Ok(match is_stdout {
            true => Finding::skipped("what it writes is seen from another process only"),
            false => order.obey(run.context.host),
        });
    }
    let asking = Asking {
        options: run.context.options,
        words: order.words(),
        mark: MARK,
        limit: run.limit,
        ends_itself: true,
    };
    let heard = ask(asking, |told| serde_json::from_str::<Finding>(told.trim_end()).ok());
    let heard = heard.map_err(|error| {
        Failure::from_error(Exit::Host, &error).context("no process can be started for a check")
    })?;
    Ok(match &heard.told {
        None => crashed(run, check, &heard),
        Some(finding) if is_stdout && finding.verdict == Verdict::Passed => {
            written(&heard.stdout).unwrap_or_else(|| finding.clone())
        }
        Some(finding) => finding.clone(),
    })
}

/// What is to be said of a check that said nothing.
fn crashed(run: &Run<'_>, check: &Check, heard: &Heard<Finding>) -> Finding {
    let mut finding = match heard.end() {
        Some(end) => Finding::failed(format!("it {end}")),
        None => {
            let limit = humantime::format_duration(run.limit);
            Finding::failed(format!("it did not end within {limit}, and was stopped")).hint(
                "`--in-process` shows in a debugger where it hangs; `--timeout` gives it longer",
            )
        }
    };
    finding.detail = heard.last_lines();
    // Whoever loads it in earnest comes no further either.
    finding.exit = (check.stage == Stage::Library).then(|| Exit::Load.code());
    finding
}

/// The fault of having written that to stdout.
fn written(stdout: &[u8]) -> Option<Finding> {
    const MOST: usize = 60;
    let text = String::from_utf8_lossy(stdout);
    let first = text.lines().map(plain).find(|line| !line.is_empty())?;
    let shown: String = first.chars().take(MOST).collect();
    let bytes = stdout.len();
    Some(Finding::failed(format!("{bytes} bytes were written to stdout, beginning with `{shown}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_line_is_nothing_written() {
        assert_eq!(written(b"\n"), None);
        let finding = written(b"\nhello\x1b[2J\nmore").unwrap();
        assert!(finding.reason.ends_with("beginning with `hello\u{fffd}[2J`"), "{finding:?}");
    }

    #[test]
    fn what_is_more_fundamental_bars_the_rest() {
        let check = |name| Check::named(name).unwrap();
        let found = |name, plugin, finding| (check(name), plugin, finding);
        let (failed, load) =
            (Finding::failed("no"), Finding { exit: Some(3), ..Finding::failed("no") });
        for (by, plugin, finding, barred) in [
            ("library", None, failed.clone(), true),
            ("set-up", Some(0), failed.clone(), true),
            ("set-up", Some(0), Finding::skipped("no"), true),
            ("set-up", Some(1), failed.clone(), false),
            ("help", Some(0), failed.clone(), false),
            ("help", Some(0), load, true),
            ("set-up", Some(0), Finding::warned("no"), false),
            ("task", Some(0), failed.clone(), true),
            ("cancel", Some(0), failed, false),
        ] {
            let found = found(by, plugin, finding);
            assert_eq!(
                bars(&found, check("cancel"), Some(0)),
                barred,
                "{found:?}",
                found = found.2
            );
        }
    }
}
