//! Binding: every stage is parsed by its own plugin, and every instance gets its name.
//!
//! All mistakes are collected, since nothing has been set up yet that could be lost.

use std::collections::HashSet;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use lifespan_abi::abi_stable::std_types::ROption;
use lifespan_abi::{
    BindReply, BindRequest, BindSettings, BindStatus, InstanceBox, OsArg, PluginFacts, Report,
};

use crate::chain::Stage;
use crate::error::Failure;
use crate::exit::Exit;
use crate::host::{Host, Limits, Rendering};
use crate::load::LoadedLibrary;

/// A stage that its plugin has accepted.
pub(crate) struct BoundStage {
    /// The instance's name.
    pub(crate) instance: Arc<str>,
    pub(crate) facts: PluginFacts,
    pub(crate) args: Vec<OsString>,
    /// Where its library is, for people.
    pub(crate) library: String,
    pub(crate) limits: Limits,
    pub(crate) object: InstanceBox,
}

/// What binding one stage came to, if not to a failure.
pub(crate) enum Bound {
    Stage(Box<BoundStage>),
    /// Help or the version, which was asked for.
    Answer(String),
}

/// The names of the stages' instances: `plugin`, or `plugin@name` where the line names it or the
/// plugin stands there already.
///
/// # Errors
///
/// Two instances have one name.
pub(crate) fn instance_names(stages: &[Stage]) -> Result<Vec<Arc<str>>, Failure> {
    let mut taken: HashSet<String> = HashSet::new();
    for stage in stages {
        if let Some(given) = &stage.instance
            && !taken.insert(format!("{}@{given}", stage.plugin))
        {
            return Err(Failure::new(
                Exit::Usage,
                format!("`{}@{given}` stands on the line twice", stage.plugin),
            )
            .hint("give each instance a name of its own"));
        }
    }
    let named = stages.iter().map(|stage| match &stage.instance {
        Some(given) => format!("{}@{given}", stage.plugin).into(),
        None => next_name(&stage.plugin, &mut taken),
    });
    Ok(named.collect())
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
    let mut settings = BindSettings::default();
    settings.display_name = format!("{} {}", host.name(), stage.plugin);
    settings.instance = instance.to_string();
    settings.width = rendering.width;
    settings.color = rendering.color;
    let reply = library.bind(BindRequest {
        plugin: stage.plugin.as_str().into(),
        args: stage.args.iter().map(|arg| OsArg::from(arg.as_os_str())).collect(),
        settings: settings.to_json(),
    });
    let facts = library.library().descriptor().plugin(&stage.plugin).cloned().unwrap_or_default();
    match reply {
        BindReply { status: BindStatus::BOUND, instance: ROption::RSome(object), .. } => {
            Ok(Bound::Stage(Box::new(BoundStage {
                instance,
                limits: own_limits(host.limits(), &facts),
                facts,
                args: stage.args.clone(),
                library: library.library().place().to_string(),
                object,
            })))
        }
        BindReply { status: BindStatus::ANSWER, text, .. } => Ok(Bound::Answer(text.into())),
        BindReply { status: BindStatus::USAGE, text, .. } => {
            Err(Failure::rendered(Exit::Usage, text))
        }
        BindReply { report, .. } => {
            let report = match report {
                ROption::RSome(report) => Report::from(report),
                ROption::RNone => Report::error("it neither bound the stage nor said why"),
            };
            let mut failure = Failure::plugin(&instance, "bind", report);
            failure.exit = Exit::Load;
            Err(failure)
        }
    }
}

/// The host's deadlines with the plugin's own in their place.
fn own_limits(limits: Limits, facts: &PluginFacts) -> Limits {
    let own = |millis: Option<u64>, host| millis.map_or(host, Duration::from_millis);
    Limits {
        setup: own(facts.setup_timeout_ms, limits.setup),
        grace: own(facts.grace_ms, limits.grace),
        teardown: own(facts.teardown_timeout_ms, limits.teardown),
        shutdown: limits.shutdown,
    }
}
