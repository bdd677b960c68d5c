//! What was there when it was looked at last, and what is another now.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use lifespan_plugin_api::prelude::*;
use serde::{Deserialize, Serialize};

use crate::events::Touched;
use crate::target::{Scope, Target};

/// What is watched, as it was when it was looked at last.
pub(crate) struct Sight {
    targets: Vec<Target>,
    /// By the path as it was given, for a folder with what follows in it.
    known: BTreeMap<PathBuf, Stamp>,
}

/// A file or folder has changed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) path: String,
    pub(crate) change: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Created,
    Modified,
    Removed,
}

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    folder: bool,
    length: u64,
    modified: Option<SystemTime>,
    file: FileId,
}

/// Which file it is, where the system says that.
#[cfg(unix)]
pub(crate) type FileId = (u64, u64);
#[cfg(not(unix))]
pub(crate) type FileId = ();

impl Sight {
    /// # Errors
    ///
    /// The folder of a file is not there.
    pub(crate) fn new(paths: Vec<PathBuf>, recursive: bool) -> Result<Sight> {
        let targets = paths.into_iter().map(|path| Target::new(path, recursive)).collect();
        let sight = Sight { targets, known: BTreeMap::new() };
        if let Some(missing) = sight.scope()?.missing.first() {
            return Err(anyhow!("the folder `{}` does not exist", missing.display()))
                .hint("make the folder first; a file in it may come later");
        }
        Ok(sight)
    }

    /// What has to be watched now.
    ///
    /// # Errors
    ///
    /// A folder cannot be reached.
    pub(crate) fn scope(&self) -> Result<Scope> {
        let mut scope = Scope::default();
        self.targets.iter().try_for_each(|target| target.add_to(&mut scope))?;
        Ok(scope)
    }

    /// Looks at what was touched.
    pub(crate) fn look(&mut self, touched: &Touched) -> Vec<Change> {
        let mut paths = BTreeMap::new();
        for target in &self.targets {
            if target.folder {
                self.in_folder(target, touched, &mut paths);
            } else {
                let written = touched.is_written(&target.path);
                *paths.entry(target.path.clone()).or_default() |= written;
            }
        }
        paths.into_iter().filter_map(|(path, written)| self.compare(path, written)).collect()
    }

    /// The paths of a folder that are to be looked at, and whether they were written to.
    fn in_folder(&self, target: &Target, touched: &Touched, paths: &mut BTreeMap<PathBuf, bool>) {
        let mut all_below = |folder: &Path| {
            let known = self.known.keys().filter(|path| path.starts_with(folder)).cloned();
            for path in known.chain(listed(folder, target.recursive)) {
                paths.entry(path).or_default();
            }
        };
        if touched.everything {
            all_below(&target.path);
            return;
        }
        // It was there a moment ago; where it is gone, its watch is too, and everything is touched.
        let Ok(real) = fs::canonicalize(&target.path) else { return };
        let mut single = Vec::new();
        for (path, written) in &touched.paths {
            let Ok(rest) = path.strip_prefix(&real) else { continue };
            let depth = rest.components().count();
            if depth == 0 || depth > 1 && !target.recursive {
                continue;
            }
            let path = target.path.join(rest);
            let folder = path.is_dir() || self.known.get(&path).is_some_and(|it| it.folder);
            if folder && target.recursive {
                // It may have come, or gone, with what is in it.
                all_below(&path);
            }
            single.push((path, *written));
        }
        for (path, written) in single {
            *paths.entry(path).or_default() |= written;
        }
    }

    fn compare(&mut self, path: PathBuf, written: bool) -> Option<Change> {
        let now = fs::metadata(&path).ok().map(|metadata| Stamp::of(&metadata));
        let change = match (self.known.get(&path), now) {
            (None, None) => return None,
            (None, Some(_)) => Kind::Created,
            (Some(_), None) => Kind::Removed,
            // What happens in a folder is told of what is in it.
            (Some(before), Some(now)) if before.folder && now.folder => return None,
            (Some(before), Some(now)) if *before == now && !written => return None,
            (Some(_), Some(_)) => Kind::Modified,
        };
        let text = path.to_string_lossy().into_owned();
        match now {
            Some(now) => self.known.insert(path, now),
            None => self.known.remove(&path),
        };
        Some(Change { path: text, change })
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        let (folder, length) = (metadata.is_dir(), metadata.len());
        Stamp { folder, length, modified: metadata.modified().ok(), file: file_id(metadata) }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let change = match self.change {
            Kind::Created => "created",
            Kind::Modified => "modified",
            Kind::Removed => "removed",
        };
        write!(f, "`{}` was {change}", self.path)
    }
}

#[cfg(unix)]
pub(crate) fn file_id(metadata: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
pub(crate) fn file_id(_metadata: &Metadata) -> FileId {}

/// All that is in a folder, or below it. What cannot be listed is as what is not there.
fn listed(folder: &Path, recursive: bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            // Links are not followed here, as they are not by who watches.
            if recursive && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found
}

#[cfg(test)]
mod tests;
