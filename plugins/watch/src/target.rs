//! A path as it was given, and what has to be watched of the file system for it.
//!
//! Of a file that is the folder which it is in, so that one which comes later, or takes the place of
//! another, is noticed; of each link on the way the folder that it is in, and where they lead.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use lifespan_plugin_api::prelude::*;

/// More links than these on one way lead in a circle; Linux follows as many.
const MOST_LINKS: usize = 40;

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
    /// Where the links on each way lead.
    pub(crate) ends: Vec<PathBuf>,
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
        let (links, end) = way(&self.path).context("cannot reach the current folder")?;
        for link in &links {
            // Any of them may be another tomorrow.
            scope.add_file(link)?;
        }
        if !self.folder {
            scope.add_file(&self.path)?;
            if !links.is_empty() {
                // One that leads to nowhere is a file that is not there.
                let _ = scope.add_file(&end);
            }
            scope.ends.push(end);
            return Ok(());
        }
        scope.ends.push(end);
        match real(&self.path)? {
            Some(real) => {
                scope.all_of.insert((real.clone(), self.recursive));
                scope.folders.insert((real, self.recursive));
            }
            None => {
                scope.missing.insert(self.path.clone());
            }
        }
        Ok(())
    }
}

impl Scope {
    /// Adds a file, with the folder that it is in.
    fn add_file(&mut self, path: &Path) -> Result<()> {
        let name = path.file_name();
        let name = name.with_context(|| format!("`{}` names no file", path.display()))?;
        let folder = parent(path);
        if let Some(real) = real(folder)? {
            self.files.insert(real.join(name));
            self.folders.insert((real, false));
        } else {
            self.missing.insert(folder.to_owned());
        }
        Ok(())
    }

    /// The folders without those that another covers with all below it: the system has one watch a
    /// path, which both would share and one would end.
    pub(crate) fn apart(&self) -> BTreeSet<(PathBuf, bool)> {
        let covers = |outer: &(PathBuf, bool), inner: &(PathBuf, bool)| {
            outer.1 && outer != inner && inner.0.starts_with(&outer.0)
        };
        let covered = |folder: &&_| self.folders.iter().any(|outer| covers(outer, folder));
        self.folders.iter().filter(|folder| !covered(folder)).cloned().collect()
    }

    /// Whether that is one of the folders.
    pub(crate) fn follows(&self, path: &Path) -> bool {
        self.folders.iter().any(|(folder, _)| folder == path)
    }

    /// Whether something at that real path is of interest.
    pub(crate) fn concerns(&self, path: &Path) -> bool {
        let is = |(folder, below): &(PathBuf, bool)| {
            path.parent() == Some(folder) || path == folder || *below && path.starts_with(folder)
        };
        self.files.contains(path) || self.all_of.iter().any(is) || self.follows(path)
    }
}

/// The links on the way to a path, each by a path without links, and where the way ends, be there
/// something or not.
fn way(path: &Path) -> io::Result<(Vec<PathBuf>, PathBuf)> {
    let (mut links, mut at) = (Vec::new(), fs::canonicalize(".")?);
    let mut rest = path.to_owned();
    loop {
        let mut parts = rest.components();
        let Some(part) = parts.next() else { break };
        let after = parts.as_path().to_owned();
        rest = match part {
            Component::CurDir => after,
            Component::ParentDir => {
                at.pop();
                after
            }
            Component::Prefix(_) | Component::RootDir => {
                at.push(part);
                after
            }
            Component::Normal(name) => {
                at.push(name);
                match fs::read_link(&at) {
                    Ok(to) if links.len() < MOST_LINKS => {
                        links.push(at.clone());
                        at.pop();
                        to.join(after)
                    }
                    _ => after,
                }
            }
        };
    }
    Ok((links, at))
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
