//! Refusals as the commands show them: what is refused, why, and what to do about it.

use serde::Serialize;

use super::format::{indented, path};
use crate::discover::{Place, RefusalReason, Refused};
use crate::error::Failure;

/// Something that is refused, in the JSON of a command.
#[derive(Debug, Serialize)]
pub(super) struct RefusalResult {
    /// What is refused: a `folder`, a `file`, or something `builtin`.
    kind: &'static str,
    /// Its path; `null` for what is built in.
    path: Option<String>,
    /// The names of the plugins that are refused with it, as far as they are known.
    plugins: Vec<String>,
    #[serde(flatten)]
    reason: ReasonResult,
}

/// Why something is refused.
#[derive(Debug, Serialize)]
pub(super) struct ReasonResult {
    /// The reason's name, which stays the same in later versions.
    reason: &'static str,
    /// The reason in words, which may change.
    message: String,
    /// What caused it, outermost first.
    causes: Vec<String>,
    /// What to do about it.
    hint: Option<String>,
}

impl RefusalResult {
    pub(super) fn of(refused: &Refused) -> Self {
        let kind = match refused.place {
            Place::Folder(_) => "folder",
            Place::File(_) => "file",
            Place::Builtin => "builtin",
        };
        RefusalResult {
            kind,
            path: refused.place.path().map(|it| path(it)),
            plugins: refused.plugins.clone(),
            reason: ReasonResult::of(&refused.reason),
        }
    }
}

impl ReasonResult {
    pub(super) fn of(reason: &RefusalReason) -> Self {
        let Failure { message, causes, .. } = Failure::from_error(reason.exit(), reason);
        ReasonResult { reason: reason.name(), message, causes, hint: reason.hint() }
    }

    /// With what a list has no room and no time for: the digests of what is not approved.
    pub(super) fn in_full(reason: &RefusalReason) -> Self {
        let mut result = Self::of(reason);
        result.causes.extend(reason.details());
        result
    }

    /// With its causes and its remedy, below what it is about.
    pub(super) fn text(&self, columns: u16) -> String {
        let causes = self.causes.iter().map(|cause| format!("caused by: {cause}"));
        let hint = self.hint.iter().map(|hint| format!("hint: {hint}"));
        let parts = std::iter::once(self.message.clone()).chain(causes).chain(hint);
        parts.map(|part| indented(&part, 2, columns)).collect()
    }
}
