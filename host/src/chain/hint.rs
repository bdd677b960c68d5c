//! What to say with an error of a stage whose end was a guess.

use crate::chain::{Stage, StageEnd, THEN};

/// What may help where the stage at `index` is wrong, since a plugin's name ended it, or the one
/// before it, that could have been a value.
pub(crate) fn hints(stages: &[Stage], index: usize) -> Vec<String> {
    let ends = index.checked_sub(1).into_iter().chain([index]);
    ends.filter_map(|end| hint(stages.get(end)?, stages.get(end + 1)?)).collect()
}

fn hint(stage: &Stage, next: &Stage) -> Option<String> {
    let StageEnd::PluginName { could_have_been_value: true } = stage.ended_by else { return None };
    let (plugin, word) = (&stage.plugin, name_as_written(next));
    Some(format!(
        "`{word}` was taken as the next plugin; if `{plugin}` was to have it as a value, write it \
         after `--`, or as `--option={word}`; `{THEN}` ends a stage in any case"
    ))
}

fn name_as_written(stage: &Stage) -> String {
    match &stage.instance {
        Some(instance) => format!("{}@{instance}", stage.plugin),
        None => stage.plugin.clone(),
    }
}
