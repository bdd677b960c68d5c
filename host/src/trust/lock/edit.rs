//! Writes lock files: one entry at a time, with all that people have written around it kept.
//!
//! The file appears in one step, so a host that starts meanwhile sees the old one or the new one.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use toml_edit::{DocumentMut, InlineTable, Item, Table, value};

use crate::files::{self, Staged, hold};
use crate::trust::Guard;
use crate::trust::distrust::Distrust;
use crate::trust::lock::{Entry, LOCK_FILE, Lock, VERSION, parse};

const HEAD: &str = "# What may be loaded from this folder. `plugin trust` adds a library, `plugin untrust`\n\
    # takes it out. Remove the file to have nothing checked.\n";

/// A lock file that is being changed; nothing is written before [`save`](Self::save).
pub(crate) struct Editing {
    path: PathBuf,
    document: DocumentMut,
    before: Option<Lock>,
    /// Held until the end, so that two who change it do so one after the other.
    _alone: Option<File>,
}

/// Why a lock file was not changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum EditError {
    /// It is broken, and what stands in it would be lost; or others may write to it.
    #[error(transparent)]
    Distrusted(#[from] Distrust),
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
    /// Opens the lock file of a folder, or begins one. Nobody else changes it, or what it is about, as long
    /// as this is there.
    pub(crate) fn open(guard: &Guard, folder: &Path) -> Result<Self, EditError> {
        let path = folder.join(LOCK_FILE);
        let alone = hold(folder).map_err(|source| EditError::Io { path: path.clone(), source })?;
        // What is not a lock file is not made one.
        let (before, document) = match guard.lock_bytes(folder)? {
            Some(bytes) => {
                let before = parse(&path, &bytes)?;
                let document = String::from_utf8_lossy(&bytes).parse().unwrap_or_default();
                (Some(before), document)
            }
            None => (None, new_document()),
        };
        Ok(Editing { path, document, before, _alone: alone })
    }

    /// What it was, if there was one.
    pub(crate) fn before(&self) -> Option<&Lock> {
        self.before.as_ref()
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
        let staged = self.stage()?;
        self.place(staged)
    }

    /// The first half of it, so that what it is about can be changed where nothing but the second half is
    /// left to fail.
    pub(crate) fn stage(&self) -> Result<Staged, EditError> {
        files::stage(&self.path, self.document.to_string().as_bytes())
            .map_err(|source| self.failed(source))
    }

    /// The second half of it.
    pub(crate) fn place(self, staged: Staged) -> Result<(), EditError> {
        staged.place().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> EditError {
        EditError::Io { path: self.path.clone(), source }
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
