//! Failures, outcomes and plans as text for people, with ANSI styles. Pure: it writes nowhere.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::cli::lines::{lines, visible};
use crate::error::Failure;
use crate::exit::Exit;
use crate::lifespan::{Lost, Outcome};
use crate::plan::{Plan, PlannedStage};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const STRONG: Style = Style::new().bold();

/// All failures, one after the other; wrapped at `wrap` columns where that is known.
pub(crate) fn failures(failures: &[Failure], wrap: Option<u16>) -> String {
    let mut text = String::new();
    for (at, failure) in failures.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        one(&mut text, failure, wrap);
    }
    text
}

/// The failures of a run, and what was given up or lost in its end.
pub(crate) fn outcome(outcome: &Outcome, wrap: Option<u16>) -> String {
    let mut text = failures(&outcome.failures, wrap);
    for instance in &outcome.abandoned {
        labelled(&mut text, WARNING, "warning", &abandoned(instance, outcome.exit), wrap);
    }
    for loss in &outcome.lost {
        labelled(&mut text, WARNING, "warning", &lost(loss), wrap);
    }
    text
}

/// That an instance was left behind. Whether it had begun to end is not known here: it may have
/// blocked, or waited for its turn behind another that did.
pub(super) fn abandoned(instance: &str, exit: Exit) -> String {
    let why = match exit {
        Exit::Signal(_) => "a second signal came",
        Exit::Success | Exit::Plugin | Exit::Usage | Exit::Load | Exit::Config | Exit::Host => {
            "the time was up"
        }
    };
    format!("`{instance}` was abandoned: {why} before all of it had ended")
}

/// What an instance did not get.
pub(super) fn lost(lost: &Lost) -> String {
    let Lost { instance, topic, messages } = lost;
    let noun = if *messages == 1 { "message" } else { "messages" };
    format!(
        "{messages} {noun} on topic `{topic}` lost for `{instance}`: not delivered when the grace \
         period ended"
    )
}

/// What would be run, in the order of set-up: a block for each instance.
pub(crate) fn plan(plan: &Plan) -> String {
    let mut text = String::new();
    for (i, stage) in plan.stages.iter().enumerate() {
        let PlannedStage { instance, plugin, args, library, requires, .. } = stage;
        let (strong, end) = (STRONG.render(), STRONG.render_reset());
        push(&mut text, format_args!("{}. {strong}{instance}{end}\n", i + 1));
        let words: Vec<_> = std::iter::once(plugin).chain(args).map(|word| quoted(word)).collect();
        push(&mut text, format_args!("   stage     {}\n", visible(&words.join(" "))));
        push(&mut text, format_args!("   library   {}\n", visible(library)));
        if !requires.is_empty() {
            push(&mut text, format_args!("   requires  {}\n", requires.join(", ")));
        }
    }
    text
}

fn one(text: &mut String, failure: &Failure, wrap: Option<u16>) {
    let detail = failure.detail.as_deref().map(str::trim_end).filter(|detail| !detail.is_empty());
    if failure.message.is_empty() {
        // Another parser has rendered it, with a label and hints of its own.
        push(text, format_args!("{}\n", detail.unwrap_or_default()));
    } else {
        labelled(text, ERROR, "error", &failure.headline(), wrap);
    }
    for cause in &failure.causes {
        labelled(text, STRONG, "  caused by", cause, wrap);
    }
    if let (Some(detail), false) = (detail, failure.message.is_empty()) {
        push(text, format_args!("{detail}\n"));
    }
    if let Some(pointer) = &failure.pointer {
        // What a parser has rendered may be of several paragraphs: this is one more.
        if failure.message.is_empty() && detail.is_some_and(|detail| detail.contains('\n')) {
            text.push('\n');
        }
        push(text, format_args!("{}\n", pointer.trim_end()));
    }
    for hint in &failure.hints {
        labelled(text, HINT, "  hint", hint, wrap);
    }
}

/// `label: message`, further lines indented below the message.
fn labelled(text: &mut String, style: Style, label: &str, message: &str, wrap: Option<u16>) {
    let name = label.trim_start();
    let indent = label.len() - name.len();
    let (start, end) = (style.render(), style.render_reset());
    push(text, format_args!("{:indent$}{start}{name}:{end} ", ""));
    let below = label.len() + 2;
    let room = wrap.map_or(usize::MAX, |columns| usize::from(columns).saturating_sub(below));
    for (i, line) in lines(message, room).iter().enumerate() {
        let indent = if i == 0 { 0 } else { below };
        // What it tells of may be called as somebody likes who wants to write on the terminal.
        push(text, format_args!("{:indent$}{}\n", "", visible(line)));
    }
}

/// A word as a shell would take it back.
fn quoted(word: &str) -> String {
    let bare = |c: char| c.is_alphanumeric() || "-_=+./:,@%".contains(c);
    if !word.is_empty() && word.chars().all(bare) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Writing to a string cannot fail.
fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).unwrap_or_default();
}

#[cfg(test)]
mod tests;
