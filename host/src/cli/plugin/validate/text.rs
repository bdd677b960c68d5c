//! The result for people: a line a check, and below it all there is to say of it.

use std::env;
use std::ffi::OsString;

use humantime::format_duration;

use super::run::Run;
use super::{CheckResult, Counts, PluginResult, ValidateResult};
use crate::cli::plugin::format::{indented, table};
use crate::cli::plugin::refusal::ReasonResult;
use crate::discover::Finds;
use crate::trust::quoted;
use crate::validate::Verdict;

/// Columns before what is said of a check.
const MARGIN: usize = 11;

pub(super) fn text(run: &Run<'_>, finds: &Finds, result: &ValidateResult) -> String {
    let columns = run.context.reporter.terminal.columns;
    let mut text = indented(&result.path, 0, u16::MAX);
    for refused in &finds.refused {
        text += &ReasonResult::in_full(&refused.reason).text(columns);
    }
    text += &about(run, None, &result.library, columns);
    for (plugin, candidate) in result.plugins.iter().zip(run.plugins) {
        let PluginResult { name, version, checks } = plugin;
        let summary = &candidate.facts().summary;
        text += &format!("\n{}", indented(&format!("{name} {version}: {summary}"), 0, columns));
        text += &about(run, Some(name), checks, columns);
    }
    let Counts { passed, failed, warned, skipped } = result.counts;
    text + &format!("\n{passed} passed, {failed} failed, {warned} warned, {skipped} skipped\n")
}

/// The checks of a plugin. Those that are skipped one after the other for the same reason are told
/// together.
fn about(run: &Run<'_>, plugin: Option<&str>, checks: &[CheckResult], columns: u16) -> String {
    let is_alike = |one: &CheckResult, other: &CheckResult| {
        let skipped = [one, other].map(|it| it.verdict == Verdict::Skipped);
        skipped == [true; 2] && one.reason == other.reason
    };
    let mut text = String::new();
    for alike in checks.chunk_by(is_alike) {
        let [check, ..] = alike else { continue };
        let names: Vec<_> = alike.iter().map(|it| it.check).collect();
        text += &table(&[[word(check.verdict), &*names.join(", ")]], 2, columns);
        text += &said(run, plugin, check, columns);
    }
    text
}

/// What there is to say of a check.
fn said(run: &Run<'_>, plugin: Option<&str>, check: &CheckResult, columns: u16) -> String {
    let note: String = check.note.iter().map(|it| indented(it, MARGIN, columns)).collect();
    if check.verdict == Verdict::Passed {
        return note;
    }
    let mut text = indented(&check.reason, MARGIN, columns) + &note;
    for cause in &check.causes {
        text += &indented(&format!("caused by: {cause}"), MARGIN, columns);
    }
    for hint in check.remedy.iter().copied().chain(check.hints.iter().map(|it| &**it)) {
        text += &indented(&format!("hint: {hint}"), MARGIN, columns);
    }
    for detail in check.detail.iter().flat_map(|it| it.lines()) {
        text += &indented(detail, MARGIN, u16::MAX);
    }
    if check.verdict != Verdict::Skipped {
        text += &format!("{:MARGIN$}again: {}\n", "", again(run, plugin, check.check));
    }
    text
}

/// A verdict in a word, as wide as each other.
fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed ",
        Verdict::Failed => "failed ",
        Verdict::Warned => "warned ",
        Verdict::Skipped => "skipped",
    }
}

/// The line that does it again, for a shell.
fn again(run: &Run<'_>, plugin: Option<&str>, check: &str) -> String {
    // As it was called: it need not be where the shell looks.
    let host = env::args_os().next().unwrap_or_else(|| run.context.name().into());
    let mut words = vec![host];
    words.extend(run.context.options.iter().cloned());
    words.extend(["plugin", "validate"].map(OsString::from));
    words.push(run.file.into());
    words.extend(plugin.into_iter().flat_map(|it| ["--plugin", it]).map(OsString::from));
    let limit = format_duration(run.limit).to_string().replace(' ', "");
    let seed = run.seed.to_string();
    words.extend(["--filter", check, "--seed", &seed, "--timeout", &limit].map(OsString::from));
    words.extend(run.in_process.then(|| "--in-process".into()));
    // A library as a whole takes none.
    if plugin.is_some() && !run.args.is_empty() {
        words.push("--".into());
        words.extend(run.args.iter().cloned());
    }
    words.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(" ")
}
