//! The workspace of cargo's that a new crate lies in, if any.

use std::path::{Component, Path, PathBuf};

use toml::{Table, Value};

use crate::files;

/// A manifest is smaller.
const LARGEST: u64 = 1 << 20;

/// What is around a folder that is to be a crate.
pub(super) struct Around {
    /// Where cargo will put what it builds unless it is told otherwise, from the crate's folder.
    pub(super) target: String,
    /// The manifest of a workspace that does not have the crate among its members, and what to add there.
    pub(super) unknowing: Option<(PathBuf, String)>,
}

impl Around {
    /// Looks at the folders above.
    pub(super) fn look(folder: &Path) -> Around {
        let alone = Around { target: "target".to_owned(), unknowing: None };
        let Some((root, workspace)) = folder.ancestors().skip(1).find_map(workspace) else {
            return alone;
        };
        let Ok(inner) = folder.strip_prefix(root) else { return alone };
        let parts: Vec<_> = inner.components().map(Component::as_os_str).collect();
        let member = parts.join("/".as_ref()).to_string_lossy().into_owned();
        if names(&workspace, "exclude").any(|it| begins(&member, it)) {
            return alone;
        }
        let known = names(&workspace, "members").any(|pattern| matches(&member, pattern));
        Around {
            target: "../".repeat(parts.len()) + "target",
            unknowing: (!known).then(|| (root.join("Cargo.toml"), member)),
        }
    }
}

/// The workspace whose root a folder is.
fn workspace(folder: &Path) -> Option<(&Path, Table)> {
    let manifest = table(&folder.join("Cargo.toml"))?;
    match manifest.get("workspace")? {
        Value::Table(workspace) => Some((folder, workspace.clone())),
        _ => None,
    }
}

/// A file of TOML; none if it is not there, or no such file.
pub(super) fn table(file: &Path) -> Option<Table> {
    files::read(file, LARGEST).and_then(files::text).ok()?.parse().ok()
}

fn names<'w>(workspace: &'w Table, key: &str) -> impl Iterator<Item = &'w str> + use<'w> {
    let names = workspace.get(key).and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str)
}

/// Whether a folder is another one or lies in it.
fn begins(folder: &str, other: &str) -> bool {
    let rest = folder.strip_prefix(other.trim_start_matches("./").trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a folder is one of a pattern's, in which a `*` is anything within one name.
fn matches(folder: &str, pattern: &str) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    let (names, patterns) = (folder.split('/'), pattern.split('/'));
    let same = |(name, pattern): (&str, &str)| match pattern.split_once('*') {
        None => name == pattern,
        Some((before, after)) => {
            name.len() >= before.len() + after.len()
                && name.starts_with(before)
                && name.ends_with(after)
        }
    };
    names.clone().count() == patterns.clone().count() && names.zip(patterns).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_the_folders_that_cargo_finds_by_it() {
        for (folder, pattern, expect) in [
            ("a", "a", true),
            ("a", "./a/", true),
            ("a", "b", false),
            ("plugins/a", "plugins/*", true),
            ("plugins/a/b", "plugins/*", false),
            ("plugins/my-a", "plugins/my-*", true),
            ("plugins/a", "plugins/my-*", false),
        ] {
            assert_eq!(matches(folder, pattern), expect, "{folder} {pattern}");
        }
        assert!(begins("a/b", "a") && begins("a", "./a/") && !begins("ab", "a"));
    }
}
