//! What would be run: the stages of a line in the order of their set-up, as data.

use crate::bind::BoundStage;

/// The stages in the order of set-up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// In the order of set-up.
    pub stages: Vec<PlannedStage>,
}

/// One stage of a [`Plan`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedStage {
    /// The instance's name.
    pub instance: String,
    /// The plugin's name.
    pub plugin: String,
    /// Its arguments; what is not UTF-8 is replaced.
    pub args: Vec<String>,
    /// Where its library is; `built in` where there is none.
    pub library: String,
    /// The plugins that are set up before it for its sake.
    pub requires: Vec<String>,
}

impl Plan {
    pub(crate) fn of(stages: &[BoundStage]) -> Plan {
        let stages = stages.iter().map(|stage| PlannedStage {
            instance: stage.instance.to_string(),
            plugin: stage.facts.name.clone(),
            args: stage.args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect(),
            library: stage.library.clone(),
            requires: stage.facts.requires.clone(),
        });
        Plan { stages: stages.collect() }
    }
}
