//! Words of a line, and where they come from.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::chain::argfile::{ArgFileError, DEEPEST};

/// A word of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// The word itself, without the quotes it may have had.
    pub(crate) text: OsString,
    /// Where it stands.
    pub(crate) origin: Origin,
}

/// Where a word stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// On the command line, at this position.
    Argv(usize),
    /// In a file of arguments.
    File {
        /// The file.
        file: Arc<ArgFile>,
        /// The line in which the word begins, from 1.
        line: usize,
    },
}

/// A file of arguments that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArgFile {
    /// As it is found from the current folder.
    pub(crate) path: PathBuf,
    /// Where it was named.
    pub(crate) named_by: Origin,
}

impl Word {
    /// The words of a command line.
    pub(crate) fn line<T: Into<OsString>>(argv: impl IntoIterator<Item = T>) -> Vec<Word> {
        let word = |(at, text): (usize, T)| Word { text: text.into(), origin: Origin::Argv(at) };
        argv.into_iter().enumerate().map(word).collect()
    }
}

impl Origin {
    /// The files around the place, the innermost first.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Arc<ArgFile>> {
        std::iter::successors(self.file(), |file| file.named_by.file())
    }

    fn file(&self) -> Option<&Arc<ArgFile>> {
        match self {
            Origin::Argv(_) => None,
            Origin::File { file, .. } => Some(file),
        }
    }
}

/// The path that `@name` means at a place: within a file, from the file's own folder.
pub(super) fn file_named(name: &str, at: &Origin) -> Result<PathBuf, ArgFileError> {
    let folder = at.file().and_then(|file| file.path.parent()).unwrap_or(Path::new(""));
    let path = folder.join(name);
    if at.files().count() >= DEEPEST {
        return Err(ArgFileError::TooDeep { path });
    }
    Ok(path)
}
