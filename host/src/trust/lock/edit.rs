//! Writes lock files: one entry at a time, with all that people have written around it kept.
//!
//! The file appears in one step, so a host that starts meanwhile sees the old one or the new one.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::thread;
use std::time::Duration;
#[cfg(unix)]
use std::time::Instant;

#[cfg(unix)]
use rustix::fs::{FlockOperation, flock};
#[cfg(unix)]
use rustix::io::Errno;
use thiserror::Error;
use toml_edit::{DocumentMut, InlineTable, Item, Table, value};

use crate::files;
use crate::trust::distrust::Distrust;
use crate::trust::lock::{Entry, LOCK_FILE, MAX_SIZE, VERSION, parse};

const HEAD: &str = "# What may be loaded from this folder. `plugin trust` adds a library, `plugin untrust`\n\
    # takes it out. Remove the file to have nothing checked.\n";

/// How long somebody else who changes a folder's files is waited for.
const LIMIT: Duration = Duration::from_secs(10);

/// How long between two tries.
#[cfg(unix)]
const PAUSE: Duration = Duration::from_millis(20);

/// A lock file that is being changed; nothing is written before [`save`](Self::save).
pub(crate) struct Editing {
    path: PathBuf,
    document: DocumentMut,
    /// Held until the end, so that two who change it do so one after the other.
    _alone: Option<File>,
}

/// Why a lock file was not changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum EditError {
    /// It is broken: what stands in it would be lost.
    #[error(transparent)]
    Broken(#[from] Distrust),
    /// It cannot be read or written.
    #[error("the lock file `{}` cannot be written", .path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Editing {
    /// Opens the lock file of a folder, or begins one.
    pub(crate) fn open(folder: &Path) -> Result<Self, EditError> {
        let path = folder.join(LOCK_FILE);
        let failed = |source| EditError::Io { path: path.clone(), source };
        let alone = hold(folder, LIMIT).map_err(failed)?;
        let document = match files::read(&path, MAX_SIZE) {
            Ok(bytes) => {
                // What is not a lock file is not made one.
                parse(&path, &bytes)?;
                String::from_utf8_lossy(&bytes).parse().unwrap_or_default()
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => new_document(),
            Err(error) => return Err(failed(error)),
        };
        Ok(Editing { path, document, _alone: alone })
    }

    /// Approves a library: `name` is its file's name.
    pub(crate) fn approve(&mut self, name: &str, entry: &Entry) {
        let libraries = self.document.entry("libraries").or_insert_with(implicit_table);
        let Some(libraries) = libraries.as_table_like_mut() else { return };
        let mut plugins = InlineTable::new();
        for (plugin, version) in &entry.plugins {
            plugins.insert(plugin, version.as_str().into());
        }
        let item = libraries.entry(name).or_insert_with(|| Item::Table(Table::new()));
        let Some(table) = item.as_table_like_mut() else { return };
        let size = i64::try_from(entry.size).unwrap_or(i64::MAX);
        for (key, new) in [
            ("sha256", value(entry.sha256.to_string())),
            ("size", value(size)),
            ("plugins", value(plugins)),
        ] {
            // In place, so that a comment at the end of the line stays.
            match table.get_mut(key).and_then(Item::as_value_mut) {
                Some(old) => {
                    let decor = old.decor().clone();
                    if let Item::Value(mut new) = new {
                        *new.decor_mut() = decor;
                        *old = new;
                    }
                }
                None => {
                    table.insert(key, new);
                }
            }
        }
    }

    /// Takes a library out; whether it was in.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let libraries = self.document.get_mut("libraries").and_then(Item::as_table_like_mut);
        libraries.is_some_and(|it| it.remove(name).is_some())
    }

    /// Writes it, in one step.
    pub(crate) fn save(self) -> Result<(), EditError> {
        let failed = |source| EditError::Io { path: self.path.clone(), source };
        files::write(&self.path, self.document.to_string().as_bytes()).map_err(failed)
    }
}

fn new_document() -> DocumentMut {
    let mut document = DocumentMut::new();
    document.insert("version", value(i64::from(VERSION)));
    if let Some(mut key) = document.key_mut("version") {
        key.leaf_decor_mut().set_prefix(HEAD);
    }
    document
}

/// A table that is only there for those in it.
fn implicit_table() -> Item {
    let mut table = Table::new();
    table.set_implicit(true);
    Item::Table(table)
}

/// Waits until nobody else changes files of the folder in this way, but not for ever: whoever may read the
/// folder could hold it.
#[cfg(unix)]
pub(super) fn hold(folder: &Path, limit: Duration) -> io::Result<Option<File>> {
    let folder = File::open(folder)?;
    let end = Instant::now() + limit;
    loop {
        match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(folder)),
            Err(Errno::WOULDBLOCK) if Instant::now() < end => thread::sleep(PAUSE),
            Err(Errno::WOULDBLOCK) => {
                let message = "another process holds the folder";
                return Err(io::Error::new(io::ErrorKind::WouldBlock, message));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(not(unix))]
pub(super) fn hold(_: &Path, _: Duration) -> io::Result<Option<File>> {
    Ok(None)
}
