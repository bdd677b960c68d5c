//! What has changed between two surfaces, and how far the version must move for it.
//!
//! Whatever is not known to be additive is breaking.

use std::fmt;

use anyhow::{Context, Result};

use crate::abi::surface::{Surface, SurfaceItem};

/// How much a change asks of the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// What was built against the version before goes on working in this one.
    Additive,
    /// It does not.
    Breaking,
}

/// A version of the ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version([u64; 3]);

impl Version {
    /// Reads `major.minor.patch`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let numbers: Option<Vec<u64>> = text.split('.').map(|part| part.parse().ok()).collect();
        let numbers = numbers.and_then(|numbers| numbers.try_into().ok());
        numbers.map(Version).with_context(|| format!("`{text}` is not a version of the ABI"))
    }

    /// The first version that may have such a change. While the major version is 0, the minor one
    /// stands for what breaks and the patch for what is added.
    pub(crate) fn after(self, change: Change) -> Version {
        let Version([major, minor, patch]) = self;
        Version(match (major, change) {
            (0, Change::Additive) => [0, minor, patch + 1],
            (0, Change::Breaking) => [0, minor + 1, 0],
            (_, Change::Additive) => [major, minor + 1, 0],
            (_, Change::Breaking) => [major + 1, 0, 0],
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Version([major, minor, patch]) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// Each change with a line that says what it is.
pub(crate) fn changes(before: &Surface, now: &Surface) -> Vec<(Change, String)> {
    let mut changes = Vec::new();
    for old in &before.items {
        match now.items.iter().find(|new| new.head == old.head) {
            None => changes.push((Change::Breaking, format!("gone: {}", old.head))),
            Some(new) if new.parts == old.parts => {}
            Some(new) => changes.extend(within(old, new)),
        }
    }
    let added = now.items.iter().filter(|new| before.items.iter().all(|old| old.head != new.head));
    changes.extend(added.map(|new| (Change::Additive, format!("new: {}", new.head))));
    changes
}

/// The changes of one item's parts.
fn within(old: &SurfaceItem, new: &SurfaceItem) -> Vec<(Change, String)> {
    let head = &old.head;
    let gone = old.parts.iter().filter(|part| !new.parts.contains(part));
    let mut changes: Vec<_> =
        gone.map(|part| (Change::Breaking, format!("gone from {head}: {part}"))).collect();
    let appended = new.parts.starts_with(&old.parts);
    for part in new.parts.iter().filter(|part| !old.parts.contains(part)) {
        let additive = match new.kind() {
            "object" => appended && part.ends_with("[default]"),
            "prefix" => appended && part.contains("missing_field(option)"),
            "data" => is_optional(new, part),
            _ => false,
        };
        let change = if additive { Change::Additive } else { Change::Breaking };
        changes.push((change, format!("new in {head}: {part}")));
    }
    if changes.is_empty() && new.kind() != "data" {
        changes.push((Change::Breaking, format!("another order in {head}")));
    }
    changes
}

/// Whether a text without that field can still be read: it, or the whole type, has a default. A new
/// variant of an enum is unknown to those that are there.
fn is_optional(item: &SurfaceItem, part: &str) -> bool {
    let default = |text: &str| text.contains("[serde(default");
    part.contains(": ") && (default(part) || default(&item.head))
}
