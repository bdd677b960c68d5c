//! The lock file of a plugins folder: which libraries in it are approved, by their digests.
//!
//! Reads it here; `edit` writes it. Whether it may be trusted itself is judged before it is read.

#[cfg(feature = "cli")]
mod edit;
mod quick;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

#[cfg(feature = "cli")]
use lifespan_abi::Descriptor;
use serde::{Deserialize, Serialize};

use crate::files;
use crate::position::position;
use crate::trust::digest::Digest;
use crate::trust::distrust::Distrust;
#[cfg(feature = "cli")]
pub(crate) use crate::trust::lock::edit::{EditError, Editing};

/// The name of the lock file in a plugins folder.
pub(crate) const LOCK_FILE: &str = "lifespan.lock";

/// The version of the lock file's form.
const VERSION: u32 = 1;

/// The largest lock file, in bytes: enough for tens of thousands of libraries.
const MAX_SIZE: u64 = 16 << 20;

/// What is approved in a folder.
#[derive(Clone, Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    libraries: BTreeMap<String, Entry>,
}

/// One approved library.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// The digest of its bytes.
    pub(crate) sha256: Digest,
    /// How many they are.
    pub(crate) size: u64,
    /// The versions of its plugins by their names, for readers: the digest covers them.
    #[serde(default)]
    pub(crate) plugins: BTreeMap<String, String>,
}

/// The form of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    version: u32,
    #[serde(default)]
    libraries: BTreeMap<String, Entry>,
}

impl Lock {
    /// Reads the lock file at `path`.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is none.
    #[cfg(feature = "cli")]
    pub(crate) fn read(path: &Path) -> Result<Lock, Distrust> {
        parse(path, &bytes(path)?)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What it says of the library with that file name.
    pub(crate) fn get(&self, library: &str) -> Option<&Entry> {
        self.libraries.get(library)
    }

    /// All libraries, by the names of their files.
    #[cfg(feature = "cli")]
    pub(crate) fn libraries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.libraries.iter().map(|(name, entry)| (name.as_str(), entry))
    }
}

#[cfg(feature = "cli")]
impl Entry {
    /// What is to be written of a library.
    pub(crate) fn of(sha256: Digest, size: u64, descriptor: &Descriptor) -> Self {
        let plugins = descriptor.plugins.iter();
        let plugins = plugins.map(|it| (it.name.clone(), it.version.clone())).collect();
        Entry { sha256, size, plugins }
    }
}

/// What stands in the lock file at `path`.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, Distrust> {
    files::read(path, MAX_SIZE)
        .map_err(|error| Distrust::Unreadable { path: path.to_owned(), error: error.to_string() })
}

pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Lock, Distrust> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        broken(path, bytes, Some(error.valid_up_to()..error.valid_up_to()), "it is not UTF-8")
    })?;
    if let Some(libraries) = quick::parse(text) {
        return Ok(Lock { path: path.to_owned(), libraries });
    }
    let form: Form =
        toml::from_str(text).map_err(|error| broken(path, bytes, error.span(), error.message()))?;
    if form.version != VERSION {
        let problem = format!("its version is {}; this host knows {VERSION}", form.version);
        return Err(broken(path, bytes, text.find("version").map(|at| at..at), &problem));
    }
    Ok(Lock { path: path.to_owned(), libraries: form.libraries })
}

fn broken(path: &Path, bytes: &[u8], span: Option<Range<usize>>, problem: &str) -> Distrust {
    let (line, column) = position(bytes, span.map_or(0, |it| it.start));
    // A parser's message may have several lines.
    let problem = problem.lines().collect::<Vec<_>>().join(" ");
    Distrust::BrokenLock { path: path.to_owned(), line, column, problem }
}

#[cfg(all(test, feature = "cli"))]
mod tests;
