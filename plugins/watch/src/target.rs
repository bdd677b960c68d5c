//! A path as it was given, and what has to be watched of the file system for it.
//!
//! Of a file that is the folder which it is in, so that one which comes later, or takes the place of
//! another, is noticed; if there are links on the way, also the folder to which they lead.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lifespan_plugin_api::prelude::*;

/// A path that was given.
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    /// Whether it is a folder of which the content is meant.
    pub(crate) folder: bool,
    /// Whether all that is below the folder is.
    pub(crate) recursive: bool,
}

/// What is watched: real paths, without links.
#[derive(Default)]
pub(crate) struct Scope {
    /// The folders, and whether with all below them.
    pub(crate) folders: BTreeSet<(PathBuf, bool)>,
    /// Those of them in which everything counts.
    pub(crate) all_of: BTreeSet<(PathBuf, bool)>,
    /// The files that count.
    pub(crate) files: BTreeSet<PathBuf>,
    /// Folders that are not there.
    pub(crate) missing: BTreeSet<PathBuf>,
}

impl Target {
    pub(crate) fn new(path: PathBuf, recursive: bool) -> Target {
        let folder = path.is_dir();
        Target { path, folder, recursive: folder && recursive }
    }

    /// Adds what is to be watched for it.
    ///
    /// # Errors
    ///
    /// A folder cannot be reached; that it is not there is none.
    pub(crate) fn add_to(&self, scope: &mut Scope) -> Result<()> {
        let folder = if self.folder { &*self.path } else { parent(&self.path) };
        let Some(real) = real(folder)? else {
            scope.missing.insert(folder.to_owned());
            return Ok(());
        };
        if self.folder {
            scope.all_of.insert((real.clone(), self.recursive));
            scope.folders.insert((real, self.recursive));
            return Ok(());
        }
        let name = self.path.file_name();
        let name = name.with_context(|| format!("`{}` names no file", self.path.display()))?;
        let beside = real.join(name);
        scope.files.insert(beside.clone());
        // A link that is broken, or cannot be followed, is a file that is not there.
        let file = fs::canonicalize(&self.path).unwrap_or_else(|_| beside.clone());
        if file != beside || beside.is_symlink() {
            // Any of the links on the way may be another tomorrow.
            scope.all_of.insert((real.clone(), false));
            scope.folders.insert((parent(&file).to_owned(), false));
            scope.files.insert(file);
        }
        scope.folders.insert((real, false));
        Ok(())
    }
}

impl Scope {
    /// Whether something at that real path is of interest.
    pub(crate) fn concerns(&self, path: &Path) -> bool {
        let is = |(folder, below): &(PathBuf, bool)| {
            path.parent() == Some(folder) || path == folder || *below && path.starts_with(folder)
        };
        self.files.contains(path)
            || self.all_of.iter().any(is)
            || self.folders.iter().any(|(folder, _)| folder == path)
    }
}

/// The folder that a path is in.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A folder's path without links; none if it is not there.
fn real(folder: &Path) -> Result<Option<PathBuf>> {
    match fs::canonicalize(folder) {
        Ok(real) if real.is_dir() => Ok(Some(real)),
        Ok(_) => bail!("`{}` is no folder", folder.display()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot reach `{}`", folder.display())),
    }
}
