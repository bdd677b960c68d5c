//! Plugins that are installed and not wanted: they are as if they were not there, but that whoever names
//! one is told why.
//!
//! Only names; who lists them says where they are from.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::discover::refusal::RefusalReason;

/// The names of plugins that are not wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unwanted {
    /// Those that this host does without.
    pub(crate) left_out: BTreeSet<String>,
    /// Those that the user has disabled.
    pub(crate) disabled: BTreeSet<String>,
    /// Where it is written that they are.
    pub(crate) file: PathBuf,
}

impl Unwanted {
    /// Whether a plugin is not wanted.
    pub(super) fn has(&self, plugin: &str) -> bool {
        self.left_out.contains(plugin) || self.disabled.contains(plugin)
    }

    /// Why a plugin is not wanted by the host of that name, if it is not.
    pub(super) fn reason(&self, host: &str, plugin: &str) -> Option<RefusalReason> {
        if self.left_out.contains(plugin) {
            return Some(RefusalReason::LeftOut(plugin.to_owned()));
        }
        self.disabled.contains(plugin).then(|| RefusalReason::Disabled {
            plugin: plugin.to_owned(),
            file: self.file.clone(),
            enable: format!("{host} plugin enable {plugin}"),
        })
    }
}
