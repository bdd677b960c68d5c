//! Binding: every stage is parsed by its own plugin, and every instance gets its name.
//!
//! All mistakes are collected, since nothing has been set up yet that could be lost.

use std::collections::HashSet;
use std::ffi::OsString;
use std::sync::Arc;

use lifespan_abi::abi_stable::std_types::ROption;
use lifespan_abi::{
    BindReply, BindRequest, BindSettings, BindStatus, InstanceBox, OsArg, PluginFacts, Report,
    WireReport,
};

use crate::chain::Stage;
use crate::error::Failure;
use crate::exit::Exit;
use crate::host::{Host, Rendering};
use crate::limits::Deadlines;
use crate::load::LoadedLibrary;

/// A stage that its plugin has accepted.
pub(crate) struct BoundStage {
    /// The instance's name.
    pub(crate) instance: Arc<str>,
    pub(crate) facts: PluginFacts,
    pub(crate) args: Vec<OsString>,
    /// Where its library is, for people.
    pub(crate) library: String,
    pub(crate) deadlines: Deadlines,
    pub(crate) object: InstanceBox,
}

/// What binding one stage came to, if not to a failure.
pub(crate) enum Bound {
    Stage(Box<BoundStage>),
    /// Help or the version, which was asked for.
    Answer(String),
}

/// The names of the stages' instances: `plugin`, or `plugin@name` where the line names it or the
/// plugin stands there already. Beside them what is wrong: each stage that has the name of an
/// earlier one, by its place, with the failure.
pub(crate) fn instance_names(stages: &[Stage]) -> (Vec<Arc<str>>, Vec<(usize, Failure)>) {
    let mut taken: HashSet<String> = HashSet::new();
    let mut wrong = Vec::new();
    for (at, stage) in stages.iter().enumerate() {
        if let Some(given) = &stage.instance
            && !taken.insert(format!("{}@{given}", stage.plugin))
        {
            let message = format!("`{}@{given}` stands on the line already", stage.plugin);
            let failure = Failure::new(Exit::Usage, message);
            wrong.push((at, failure.hint("give each instance a name of its own")));
        }
    }
    let named = stages.iter().map(|stage| match &stage.instance {
        Some(given) => format!("{}@{given}", stage.plugin).into(),
        None => next_name(&stage.plugin, &mut taken),
    });
    (named.collect(), wrong)
}

/// The plugin's own name, or the first of `plugin@2`, `plugin@3`, … that is free.
fn next_name(plugin: &str, taken: &mut HashSet<String>) -> Arc<str> {
    let candidates =
        std::iter::once(plugin.to_owned()).chain((2_u64..).map(|nth| format!("{plugin}@{nth}")));
    let mut free = candidates.filter(|name| taken.insert(name.clone()));
    free.next().unwrap_or_else(|| plugin.to_owned()).into()
}

/// Has the plugin parse its stage.
///
/// # Errors
///
/// The arguments are wrong (in the words of the author's parser), or the plugin failed.
pub(crate) fn bind(
    stage: &Stage,
    instance: Arc<str>,
    library: &LoadedLibrary,
    host: &Host,
    rendering: Rendering,
) -> Result<Bound, Failure> {
    let reply = library.bind(request(&stage.plugin, &instance, &stage.args, host, rendering));
    let facts = library.library().descriptor().plugin(&stage.plugin).cloned().unwrap_or_default();
    match reply {
        BindReply { status: BindStatus::BOUND, instance: ROption::RSome(object), .. } => {
            Ok(Bound::Stage(Box::new(BoundStage {
                instance,
                deadlines: host.limits().deadlines(&facts),
                facts,
                args: stage.args.clone(),
                library: library.library().place().to_string(),
                object,
            })))
        }
        BindReply { status: BindStatus::ANSWER, text, .. } => Ok(Bound::Answer(text.into())),
        BindReply { status: BindStatus::USAGE, text, .. } => {
            let hint = format!("`{} help {}` shows what it takes", host.name(), stage.plugin);
            let mut failure = Failure::rendered(Exit::Usage, own_part(&text)).hint(hint);
            failure.instance = Some(instance.to_string());
            Err(failure)
        }
        BindReply { report, .. } => Err(failed(&instance, report)),
    }
}

/// Has the plugin's own parser render its help.
///
/// # Errors
///
/// The plugin failed, or its parser knows no `--help`.
pub(crate) fn help(
    plugin: &str,
    library: &LoadedLibrary,
    host: &Host,
    rendering: Rendering,
) -> Result<String, Failure> {
    match library.bind(request(plugin, plugin, &["--help".into()], host, rendering)) {
        BindReply { status: BindStatus::ANSWER, text, .. } => Ok(text.into()),
        BindReply { status: BindStatus::BOUND | BindStatus::USAGE, .. } => {
            Err(Failure::new(Exit::Plugin, format!("`{plugin}` has no help")))
        }
        BindReply { report, .. } => Err(failed(plugin, report)),
    }
}

fn request(
    plugin: &str,
    instance: &str,
    args: &[OsString],
    host: &Host,
    rendering: Rendering,
) -> BindRequest {
    let mut settings = BindSettings::default();
    settings.display_name = format!("{} {plugin}", host.name());
    settings.instance = instance.to_owned();
    settings.width = rendering.width;
    settings.color = rendering.color;
    BindRequest {
        plugin: plugin.into(),
        args: args.iter().map(|arg| OsArg::from(arg.as_os_str())).collect(),
        settings: settings.to_json(),
    }
}

/// What a parser rendered, without its closing word about `--help`: where the stage is not the last,
/// that is no advice for this line.
fn own_part(rendered: &str) -> &str {
    let rendered = rendered.trim_end();
    match rendered.rsplit_once('\n') {
        Some((before, last)) if last.starts_with("For more information, try ") => before.trim_end(),
        _ => rendered,
    }
}

fn failed(instance: &str, report: ROption<WireReport>) -> Failure {
    let report = match report {
        ROption::RSome(report) => Report::from(report),
        ROption::RNone => Report::error("it neither bound the stage nor said why"),
    };
    let mut failure = Failure::plugin(instance, "bind", report);
    failure.exit = Exit::Load;
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::StageEnd;

    fn stages(line: &str) -> Vec<Stage> {
        let words = line.split(' ').enumerate().map(|(at, word)| {
            let (plugin, instance) = match word.split_once('@') {
                Some((plugin, instance)) => (plugin, Some(instance.to_owned())),
                None => (word, None),
            };
            let span = at..at + 1;
            let ended_by = StageEnd::Line;
            Stage { plugin: plugin.to_owned(), instance, args: Vec::new(), span, ended_by }
        });
        words.collect()
    }

    #[test]
    fn each_instance_has_a_name_and_all_double_ones_are_told() {
        for (line, expect, wrong) in [
            ("a b", "a b", vec![]),
            ("a a a@x a", "a a@2 a@x a@3", vec![]),
            ("a a a@2", "a a@3 a@2", vec![]),
            ("a@x b@x", "a@x b@x", vec![]),
            ("a@x b a@x b@y b@y", "a@x b a@x b@y b@y", vec![2, 4]),
        ] {
            let (names, told) = instance_names(&stages(line));
            assert_eq!(names.join(" "), expect, "{line}");
            assert_eq!(told.iter().map(|(at, _)| *at).collect::<Vec<_>>(), wrong, "{line}");
        }
    }

    #[test]
    fn the_parsers_advice_about_the_whole_line_is_left_out() {
        let closing = "For more information, try '\u{1b}[1m--help\u{1b}[0m'.";
        assert_eq!(
            own_part(&format!("error: a\n\n  tip: b\n\n{closing}\n")),
            "error: a\n\n  tip: b"
        );
        assert_eq!(own_part("error: a\n\nFor more\n"), "error: a\n\nFor more");
    }
}
