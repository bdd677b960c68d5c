//! What can be wrong with a line before any plugin has looked at its arguments.

use thiserror::Error;

use crate::chain::THEN;
use crate::chain::argfile::ArgFileError;

/// A mistake in a line, with the position of its word in [`Split::words`](super::Split::words).
/// `E` is why a spec cannot be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum Mistake<E> {
    /// A word that stands where a plugin's name must stand, and is none.
    #[error("no plugin is called `{word}`{}", not_taken(after.as_deref()))]
    UnknownWord {
        /// Its position.
        at: usize,
        /// The word.
        word: String,
        /// The plugin whose stage ended before it, since it has no place for it either.
        after: Option<String>,
        /// Names, options and subcommands that are like it.
        suggestions: Vec<String>,
    },
    /// An option where a plugin's name must stand.
    #[error("`{word}` stands where the name of a plugin must stand")]
    OptionForName {
        /// Its position.
        at: usize,
        /// The option.
        word: String,
    },
    /// `--then` without a stage before it.
    #[error("`{THEN}` ends a stage, and there is none before it")]
    EmptyStage {
        /// Its position.
        at: usize,
    },
    /// `plugin@name` with a name that no instance can have.
    #[error("`{name}` cannot be the name of an instance of `{plugin}`")]
    BadInstance {
        /// Its position.
        at: usize,
        /// The plugin.
        plugin: String,
        /// The name.
        name: String,
    },
    /// A reserved word where a plugin's name must stand.
    #[error("`{word}` is a reserved word, not a plugin")]
    Reserved {
        /// Its position.
        at: usize,
        /// The word.
        word: String,
        /// The plugin whose stage ended before it.
        after: Option<String>,
    },
    /// `@FILE` with a file that cannot be taken.
    #[error("cannot take arguments from a file")]
    ArgFile {
        /// The position of the word that names the file.
        at: usize,
        /// Why.
        source: ArgFileError,
    },
    /// A plugin whose arguments are not known.
    #[error("cannot tell what arguments `{plugin}` takes")]
    Spec {
        /// The position of its name.
        at: usize,
        /// The plugin.
        plugin: String,
        /// Why.
        source: E,
    },
}

impl<E> Mistake<E> {
    /// The position of its word.
    pub(crate) fn at(&self) -> usize {
        match self {
            Mistake::UnknownWord { at, .. }
            | Mistake::OptionForName { at, .. }
            | Mistake::EmptyStage { at }
            | Mistake::BadInstance { at, .. }
            | Mistake::Reserved { at, .. }
            | Mistake::ArgFile { at, .. }
            | Mistake::Spec { at, .. } => *at,
        }
    }

    /// What the user may do next.
    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Mistake::UnknownWord { suggestions, .. } => {
                if suggestions.is_empty() {
                    return Vec::new();
                }
                let quoted: Vec<_> = suggestions.iter().map(|word| format!("`{word}`")).collect();
                vec![format!("did you mean {}?", quoted.join(" or "))]
            }
            Mistake::OptionForName { .. } => {
                vec![
                    "options of the host come before the first plugin, a plugin's after its name"
                        .into(),
                ]
            }
            Mistake::EmptyStage { .. } => {
                vec![format!("write a plugin with its arguments before `{THEN}`, or leave it out")]
            }
            Mistake::BadInstance { .. } => {
                vec!["a name is made of letters, digits, `_`, `.` and `-`".into()]
            }
            Mistake::ArgFile { .. } => {
                vec![
                    "a value that begins with `@` is given after `--`, or as `--option=@value`"
                        .into(),
                ]
            }
            Mistake::Reserved { .. } | Mistake::Spec { .. } => Vec::new(),
        }
    }
}

fn not_taken(after: Option<&str>) -> String {
    after.map(|plugin| format!(", and `{plugin}` has no place for it")).unwrap_or_default()
}
