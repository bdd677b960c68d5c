//! The parent's side: has the checks run, as many plugins at a time as there are processors.
//!
//! What has no meaning since something more fundamental failed is not even tried.

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
    let library = match run.plugins {
        [] => Vec::new(),
        _ => each(run, None, &[])?,
    };
    let found = Mutex::new(Vec::with_capacity(run.plugins.len()));
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            // Relaxed: each takes another number, and that is all.
            let plugin = next.fetch_add(1, Ordering::Relaxed);
            if plugin >= run.plugins.len() {
                break;
            }
            let done = each(run, Some(plugin), &library).map(|found| (plugin, found));
            found.lock().unwrap_or_else(PoisonError::into_inner).push(done);
        }
    };
    let workers = match run.in_process {
        true => 1,
        false => thread::available_parallelism().map_or(1, usize::from).min(run.plugins.len()),
    };
    thread::scope(|scope| {
        (1..workers).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
    found.sort_by_key(|(plugin, _)| *plugin);
    Ok(library.into_iter().chain(found.into_iter().flat_map(|(_, found)| found)).collect())
}

/// Runs the checks of a plugin, or of the library, one after the other: two at a time would be in each
/// other's way where it wants something that there is only once, such as a port.
fn each(run: &Run<'_>, plugin: Option<usize>, before: &[Found]) -> Result<Vec<Found>, Failure> {
    let mut found: Vec<Found> = Vec::new();
    let is_of_library = |check: &Check| check.stage == Stage::Library;
    for &check in run.checks.iter().filter(|it| is_of_library(it) == plugin.is_none()) {
        let bar = before.iter().chain(&found).find(|it| bars(it, check));
        let finding = match bar {
            Some((by, _, finding)) => barred(by, finding),
            None => one(run, check, plugin)?,
        };
        found.push((check, plugin, finding));
    }
    Ok(found)
}

/// Whether what was found, of the same plugin or its library, leaves nothing to be found by a check.
fn bars((by, _, finding): &Found, check: &Check) -> bool {
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
    by.stage < check.stage && matters && went_wrong
}

fn barred(by: &Check, finding: &Finding) -> Finding {
    match finding.verdict {
        Verdict::Skipped => Finding::skipped(finding.reason.clone()),
        _ => Finding::skipped(format!("it has not come so far: see `{}`", by.name)),
    }
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
            written(&heard.stdout, heard.stdout_bytes).unwrap_or_else(|| finding.clone())
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

/// The fault of having written to stdout: so many bytes beside what was told, beginning with these.
fn written(begin: &[u8], bytes: u64) -> Option<Finding> {
    const MOST: usize = 60;
    // The line end before what is told is ours.
    let bytes = bytes.checked_sub(1).filter(|bytes| *bytes > 0)?;
    let text = String::from_utf8_lossy(begin);
    let first = text.lines().map(plain).find(|line| !line.is_empty());
    let begin = match first {
        Some(line) => format!("`{}`", line.chars().take(MOST).collect::<String>()),
        None => "a blank line".to_owned(),
    };
    let s = if bytes == 1 { " was" } else { "s were" };
    Some(Finding::failed(format!("{bytes} byte{s} written to stdout, beginning with {begin}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_but_our_own_is_written() {
        let found = |text: &[u8]| written(text, text.len() as u64).map(|it| it.reason);
        assert_eq!(found(b"\n"), None);
        for (text, reason) in [
            (&b"\n\n"[..], "1 byte was written to stdout, beginning with a blank line"),
            (b" \n", "1 byte was written to stdout, beginning with a blank line"),
            (b"x\n", "1 byte was written to stdout, beginning with `x`"),
            (b"\nhi\x1b[2J\n", "7 bytes were written to stdout, beginning with `hi\u{fffd}[2J`"),
        ] {
            assert_eq!(found(text).as_deref(), Some(reason));
        }
    }

    #[test]
    fn what_is_more_fundamental_bars_the_rest() {
        let check = |name| Check::named(name).unwrap();
        let (failed, load) =
            (Finding::failed("no"), Finding { exit: Some(3), ..Finding::failed("no") });
        for (by, finding, barred) in [
            ("library", failed.clone(), true),
            ("set-up", failed.clone(), true),
            ("set-up", Finding::skipped("no"), true),
            ("help", failed.clone(), false),
            ("help", load, true),
            ("set-up", Finding::warned("no"), false),
            ("task", failed.clone(), true),
            ("cancel", failed, false),
        ] {
            let found = (check(by), None, finding);
            assert_eq!(bars(&found, check("messages")), barred, "{:?}", found.2);
        }
    }
}
