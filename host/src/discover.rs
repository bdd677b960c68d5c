//! Finds plugins: walks the search path, reads the descriptors of what lies there, and judges them.
//!
//! Nothing is loaded and no code of a found library runs: all facts come from bytes in files. What
//! cannot be used is kept with its reason ([`Refused`]), never dropped in silence.

pub(crate) mod abi;
mod catalog;
mod descriptor;
#[doc(hidden)]
pub mod fuzz;
mod platform;
pub(crate) mod refusal;
mod search;
mod section;

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File};
use std::io;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lifespan_abi::{Descriptor, LibraryRootRef, PluginFacts};

pub use crate::discover::catalog::{Catalog, Lookup};
pub(crate) use crate::discover::descriptor::RESERVED;
pub use crate::discover::refusal::{Place, RefusalReason, Refused};
pub use crate::discover::search::{Origin, SearchEntry, SearchPath};
#[cfg(feature = "cli")]
pub(crate) use crate::discover::search::{default_folder, variable};

/// A plugin that can be used, as far as its library's file tells.
#[derive(Clone, Debug)]
pub struct Candidate {
    facts: PluginFacts,
    library: Arc<LibraryFile>,
}

/// A library with its descriptor, not opened.
#[derive(Debug)]
pub(crate) struct LibraryFile {
    source: Source,
    descriptor: Descriptor,
    descriptor_text: String,
}

/// Where a library is from.
#[derive(Clone)]
pub(crate) enum Source {
    /// A file on the search path.
    File {
        /// Its path, as it was found.
        path: PathBuf,
        /// What tells it from other files.
        identity: Identity,
    },
    /// The host's own program.
    Builtin(LibraryRootRef),
}

/// What tells one file from another, however it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity(IdentityInner);

#[cfg(unix)]
type IdentityInner = (u64, u64);
#[cfg(not(unix))]
type IdentityInner = PathBuf;

/// Plugins that are linked into the host's own program: what `builtins![…]` of the SDK makes.
#[derive(Clone, Copy)]
pub struct Builtin(LibraryRootRef);

/// Finds what the search path and the host's own program offer.
///
/// `allow_abort` accepts libraries in which a panic ends the whole program.
pub(crate) fn discover(path: &SearchPath, builtins: &[Builtin], allow_abort: bool) -> Catalog {
    let mut finds = Finds::default();
    for builtin in builtins {
        // The host's own program panics as it was built to: that is not judged here.
        finds.library(Source::Builtin(builtin.0), read_builtin(*builtin), true);
    }
    let mut seen = HashSet::new();
    for entry in path.entries() {
        for file in finds.list(entry) {
            let identity = match identify(&file) {
                Ok(identity) => identity,
                Err(reason) => {
                    finds.refuse(Place::File(file), Vec::new(), reason);
                    continue;
                }
            };
            if seen.insert(identity.clone()) {
                let descriptor = read_file(&file);
                finds.library(Source::File { path: file, identity }, descriptor, allow_abort);
            }
        }
    }
    Catalog::new(path.clone(), finds.candidates, finds.refused)
}

impl Candidate {
    /// The plugin's name.
    pub fn name(&self) -> &str {
        &self.facts.name
    }

    /// What the descriptor says of the plugin.
    pub fn facts(&self) -> &PluginFacts {
        &self.facts
    }

    /// Where it is from.
    pub fn place(&self) -> Place {
        self.library.place()
    }

    /// What its library says of itself and of all its plugins.
    pub fn descriptor(&self) -> &Descriptor {
        self.library.descriptor()
    }

    /// The library that it is in.
    pub(crate) fn library(&self) -> &Arc<LibraryFile> {
        &self.library
    }
}

impl LibraryFile {
    /// Where it is from.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Where it is from, for people.
    pub(crate) fn place(&self) -> Place {
        self.source.place()
    }

    /// What it says of itself.
    pub(crate) fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The text of its descriptor, as it stands in the file.
    pub(crate) fn descriptor_text(&self) -> &str {
        &self.descriptor_text
    }

    /// A short name for logs: `countdown` for `libcountdown.so`.
    pub(crate) fn name(&self) -> String {
        match &self.source {
            Source::File { path, .. } => short_name(path),
            Source::Builtin(_) => "builtin".to_owned(),
        }
    }
}

impl Source {
    /// Where it is, for people.
    pub(crate) fn place(&self) -> Place {
        match self {
            Source::File { path, .. } => Place::File(path.clone()),
            Source::Builtin(_) => Place::Builtin,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File { path, .. } => f.debug_tuple("File").field(path).finish(),
            Source::Builtin(_) => f.write_str("Builtin"),
        }
    }
}

impl From<LibraryRootRef> for Builtin {
    fn from(root: LibraryRootRef) -> Self {
        Builtin(root)
    }
}

impl fmt::Debug for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Builtin")
    }
}

/// What has been found so far.
#[derive(Default)]
struct Finds {
    candidates: Vec<Candidate>,
    refused: Vec<Refused>,
}

impl Finds {
    /// The files of a folder that are named as libraries are, in the order of their names.
    fn list(&mut self, entry: &SearchEntry) -> Vec<PathBuf> {
        let (files, fault) = if entry.dir.is_absolute() {
            list_libraries(&entry.dir)
        } else {
            (Vec::new(), Some(RefusalReason::FolderRelative))
        };
        match fault {
            Some(RefusalReason::FolderMissing) if !entry.is_explicit() => {}
            Some(reason) => self.refuse(Place::Folder(entry.dir.clone()), Vec::new(), reason),
            None => {}
        }
        files
    }

    fn library(
        &mut self,
        source: Source,
        descriptor: Result<(Descriptor, String), RefusalReason>,
        allow_abort: bool,
    ) {
        let (descriptor, descriptor_text) = match descriptor {
            Ok(read) => read,
            Err(reason) => return self.refuse(source.place(), Vec::new(), reason),
        };
        if let Err(reason) = descriptor::judge_library(&descriptor, allow_abort) {
            let plugins = descriptor.plugins.into_iter().map(|plugin| plugin.name).collect();
            return self.refuse(source.place(), plugins, reason);
        }
        let library = Arc::new(LibraryFile { source, descriptor, descriptor_text });
        let mut unfit = HashSet::new();
        for (name, reason) in descriptor::judge_plugins(&library.descriptor) {
            unfit.insert(name);
            self.refuse(library.place(), vec![name.to_owned()], reason);
        }
        let fit = library.descriptor.plugins.iter().filter(|it| !unfit.contains(&*it.name));
        self.candidates
            .extend(fit.map(|it| Candidate { facts: it.clone(), library: library.clone() }));
    }

    fn refuse(&mut self, place: Place, plugins: Vec<String>, reason: RefusalReason) {
        self.refused.push(Refused { place, plugins, reason });
    }
}

/// The libraries of a folder, and what went wrong while it was listed.
fn list_libraries(dir: &Path) -> (Vec<PathBuf>, Option<RefusalReason>) {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return (Vec::new(), Some(RefusalReason::FolderMissing));
        }
        Err(error) => return (Vec::new(), Some(RefusalReason::FolderUnreadable(error))),
    };
    let mut files = Vec::new();
    let mut fault = None;
    for entry in entries {
        match entry {
            Ok(entry) if search::is_library_name(&entry.path()) => files.push(entry.path()),
            Ok(_) => {}
            Err(error) => fault = Some(RefusalReason::FolderUnreadable(error)),
        }
    }
    files.sort();
    (files, fault)
}

/// Which file this is, if it is one that may be opened: opening a pipe would wait for its writer.
fn identify(file: &Path) -> Result<Identity, RefusalReason> {
    let metadata = fs::metadata(file).map_err(RefusalReason::Unreadable)?;
    if !metadata.is_file() {
        return Err(RefusalReason::NotAFile);
    }
    #[cfg(unix)]
    let identity = (metadata.dev(), metadata.ino());
    #[cfg(not(unix))]
    let identity = file.canonicalize().map_err(RefusalReason::Unreadable)?;
    Ok(Identity(identity))
}

fn read_file(file: &Path) -> Result<(Descriptor, String), RefusalReason> {
    let file = File::open(file).map_err(RefusalReason::Unreadable)?;
    descriptor::parse_section(&section::read(file, &platform::Platform::host())?)
}

fn read_builtin(builtin: Builtin) -> Result<(Descriptor, String), RefusalReason> {
    descriptor::parse_text(builtin.0.descriptor()().as_str())
}

/// The name that a library's file carries: `count_down` for `libcount_down.so`.
fn short_name(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let prefix = std::env::consts::DLL_PREFIX;
    stem.strip_prefix(prefix).filter(|rest| !rest.is_empty()).unwrap_or(&stem).to_owned()
}

#[cfg(test)]
pub(crate) mod tests;
