//! Finds plugins: walks the search path, reads the descriptors of what lies there, and judges them.
//!
//! Nothing is loaded and no code of a found library runs: all facts come from bytes in files. What
//! cannot be used is kept with its reason ([`Refused`]), never dropped in silence.

pub(crate) mod abi;
mod cache;
mod catalog;
mod descriptor;
#[doc(hidden)]
pub mod fuzz;
mod known;
mod look;
mod platform;
pub(crate) mod refusal;
mod search;
mod section;
mod stamp;
mod unwanted;

use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lifespan_abi::{ABI_VERSION, Descriptor, LibraryRootRef, PluginFacts};

#[cfg(feature = "cli")]
pub(crate) use crate::discover::cache::keep;
use crate::discover::cache::{Cache, Content, Findings, Reading};
pub use crate::discover::catalog::{Catalog, Lookup};
pub(crate) use crate::discover::descriptor::RESERVED;
#[cfg(feature = "cli")]
pub(crate) use crate::discover::descriptor::{MAX_NAME, is_valid_name};
#[cfg(feature = "cli")]
pub(crate) use crate::discover::look::identify;
pub(crate) use crate::discover::look::{Identified, read_open};
use crate::discover::look::{Look, look};
pub use crate::discover::refusal::{Place, RefusalReason, Refused};
pub use crate::discover::search::{Origin, SearchEntry, SearchPath};
#[cfg(feature = "cli")]
pub(crate) use crate::discover::search::{
    cache_folder, config_folder, default_folder, is_library_name, variable,
};
use crate::discover::section::leads_astray;
pub(crate) use crate::discover::section::run_path;
#[cfg(feature = "cli")]
pub(crate) use crate::discover::section::{LooksIn, looks_in};
use crate::discover::stamp::Folder;
pub(crate) use crate::discover::stamp::Stamp;
#[cfg(feature = "cli")]
pub(crate) use crate::discover::stamp::now;
pub(crate) use crate::discover::unwanted::Unwanted;
use crate::files;
use crate::trust::{Approval, Distrust, Guard, JudgedFolder, Policy, is_elevated};

/// A plugin that can be used, as far as its library's file tells.
#[derive(Clone, Debug)]
pub struct Candidate {
    library: Arc<LibraryFile>,
    /// Which of the library's plugins it is.
    at: usize,
}

/// A library with its descriptor, not opened.
#[derive(Debug)]
pub(crate) struct LibraryFile {
    source: Source,
    descriptor: Descriptor,
    approval: Option<Approval>,
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

/// What is looked through, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    /// The folders.
    pub(crate) path: SearchPath,
    /// What is linked into the host's own program.
    pub(crate) builtins: Vec<Builtin>,
    /// Accepts libraries in which a panic ends the whole program.
    pub(crate) allow_abort: bool,
    /// Where what was read is kept until the next run, if anywhere.
    pub(crate) cache_dir: Option<PathBuf>,
    /// What is demanded of folders and files to be trusted.
    pub(crate) policy: Policy,
    /// The plugins that are as if they were not installed.
    pub(crate) unwanted: Unwanted,
}

/// What a library is judged by, beside what it says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    /// Accepts libraries in which a panic ends the whole program.
    pub(crate) allow_abort: bool,
    /// The ABI of the host that would load it.
    pub(crate) abi: &'a str,
}

impl Terms<'_> {
    /// Those of this host.
    pub(crate) fn of_this_host(allow_abort: bool) -> Self {
        Terms { allow_abort, abi: ABI_VERSION }
    }
}

/// Finds what the search path and the host's own program offer.
///
/// With a cache, what it does not need to look at is looked at when it is asked for.
pub(crate) fn discover(mut scope: Scope) -> Catalog {
    if is_elevated() {
        // Where the cache is, and what is in it, is said by whoever started the host.
        scope.cache_dir = None;
    }
    let fault = scope.cache_dir.as_deref().and_then(|dir| cache_fault(dir, &scope.policy));
    if let Some(fault) = &fault {
        // Not even to be written: it may lead anywhere by now.
        tracing::debug!("nothing is kept in the cache: {fault}");
        scope.cache_dir = None;
    }
    Catalog::new(scope, fault)
}

/// Why a cache may hold what others have put there. It is made if it is not there yet, and then judged again:
/// in a sticky folder somebody else may have been faster.
fn cache_fault(dir: &Path, policy: &Policy) -> Option<Distrust> {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let guard = Guard::new(policy);
    if let Err(fault) = guard.walk_there(&dir) {
        return Some(fault);
    }
    if dir.exists() {
        return None;
    }
    // Where it cannot be made nothing can be kept, which is told when it matters.
    let _ = files::make_folder(&dir);
    if dir.exists() { Guard::new(policy).walk(&dir).err() } else { None }
}

/// Judges where a library has what it needs looked for, if that may not depend on who started the host and on
/// where they stand.
///
/// # Errors
///
/// It would not be loaded.
pub(crate) fn judge_run_path(library: &Path) -> Result<(), Distrust> {
    if !is_elevated() {
        return Ok(());
    }
    let folders = files::open(library).map(run_path).unwrap_or_default();
    let astray = folders.into_iter().find(|folder| leads_astray(folder));
    astray.map_or(Ok(()), |folder| Err(Distrust::RunPath { folder }))
}

/// Looks at one file as if its folder were a plugins folder, and judges its bytes as they are judged when
/// it is loaded. Loads nothing.
#[cfg(feature = "cli")]
pub(crate) fn judge_file(file: &Path, allow_abort: bool, policy: &Policy) -> Finds {
    judge_file_on(file, Terms::of_this_host(allow_abort), policy)
}

/// The same on other terms than this host's: to tell, not to load.
#[cfg(feature = "cli")]
pub(crate) fn judge_file_on(file: &Path, terms: Terms<'_>, policy: &Policy) -> Finds {
    let mut finds = Finds::default();
    let dir = file.parent().unwrap_or(file);
    let name = file.file_name().unwrap_or_default();
    let guard = Guard::new(policy);
    let judged = guard.folder(dir);
    let trusted = |it: &Identified| judged.file(&guard, file, it);
    match look(&Folder::new(dir), name, file, |_| Content::Unknown, trusted) {
        Ok(look) => {
            finds.file(file.to_owned(), look, terms, &mut HashSet::new());
            finds.bytes(policy);
        }
        Err(reason) => finds.refuse(Place::File(file.to_owned()), Vec::new(), reason),
    }
    finds
}

/// Looks through all there is.
fn walk(scope: &Scope) -> Finds {
    let mut finds = Finds::default();
    finds.builtins(scope);
    let cache = scope.cache_dir.as_deref().map(Cache::new);
    let guard = Guard::new(&scope.policy);
    let mut seen = HashSet::new();
    for entry in scope.path.entries() {
        finds.folder(entry, scope.allow_abort, cache.as_ref(), &guard, &mut seen);
    }
    finds
}

impl Identity {
    /// The identity of the file with that stamp.
    #[cfg(unix)]
    fn of(_path: &Path, stamp: &Stamp) -> io::Result<Self> {
        Ok(Identity((stamp.device, stamp.inode)))
    }

    /// The identity of the file at that path.
    #[cfg(not(unix))]
    fn of(path: &Path, _stamp: &Stamp) -> io::Result<Self> {
        path.canonicalize().map(Identity)
    }
}

impl Candidate {
    /// The plugin's name.
    pub fn name(&self) -> &str {
        &self.facts().name
    }

    /// What the descriptor says of the plugin.
    pub fn facts(&self) -> &PluginFacts {
        &self.library.descriptor.plugins[self.at]
    }

    /// Where it is from.
    pub fn place(&self) -> Place {
        self.library.place()
    }

    /// Its library's file; one that is built in has none.
    #[cfg(feature = "cli")]
    pub(crate) fn file(&self) -> Option<&Path> {
        match self.library.source() {
            Source::File { path, .. } => Some(path),
            Source::Builtin(_) => None,
        }
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

    /// That these very bytes were approved, where the folder's lock file says so.
    pub(crate) fn approval(&self) -> Option<&Approval> {
        self.approval.as_ref()
    }

    /// Judges its bytes, where anything is demanded of them.
    ///
    /// # Errors
    ///
    /// It would not be loaded.
    #[cfg(feature = "cli")]
    pub(crate) fn judge_bytes(&self, policy: &Policy) -> Result<(), Distrust> {
        match &self.source {
            Source::File { path, .. } if policy.is_strict(self.approval()) => {
                policy.judge_bytes(path, self.approval()).map(drop)
            }
            Source::File { .. } | Source::Builtin(_) => Ok(()),
        }
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
#[derive(Debug, Default)]
pub(crate) struct Finds {
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) refused: Vec<Refused>,
}

impl Finds {
    /// The host's own program panics as it was built to, and is trusted: that is not judged here.
    fn builtins(&mut self, scope: &Scope) {
        for builtin in &scope.builtins {
            let descriptor = descriptor::parse_text(builtin.0.descriptor()().as_str());
            let terms = Terms::of_this_host(true);
            self.library(Source::Builtin(builtin.0), descriptor, terms, Ok(None));
        }
    }

    /// A folder's libraries. What is remembered of it is used as far as it holds; where that was not
    /// all, it is remembered anew.
    fn folder(
        &mut self,
        entry: &SearchEntry,
        allow_abort: bool,
        cache: Option<&Cache>,
        guard: &Guard,
        seen: &mut HashSet<Identity>,
    ) {
        if is_elevated() {
            // What lies in a folder that is not root's is not even looked at: whoever started the host may
            // not be allowed to.
            if let Some(fault) = guard.folder(&entry.dir).fault() {
                let place = Place::Folder(entry.dir.clone());
                return self.refuse(place, Vec::new(), fault.clone().into());
            }
        }
        // Before it is listed: a file that comes while it is has changed the folder since.
        let started = stamp::now();
        let stamp = fs::metadata(&entry.dir).ok().filter(|_| entry.dir.is_absolute());
        let stamp = stamp.as_ref().map(Stamp::of);
        let remembered = cache.and_then(|cache| cache.recall(&entry.dir, true));
        let remembered = remembered.as_ref();
        let listed = remembered.filter(|it| stamp.is_some_and(|stamp| it.lists(&stamp)));
        let known = listed.and_then(|it| it.libraries().collect::<Option<Vec<_>>>());
        let (mut is_news, mut is_whole) = (known.is_none(), true);
        let names: Vec<Cow<'_, OsStr>> = match known {
            Some(names) => names.into_iter().map(Cow::Borrowed).collect(),
            None => {
                let (names, fault) = list(entry);
                if let Some(reason) = fault {
                    self.refuse(Place::Folder(entry.dir.clone()), Vec::new(), reason);
                    is_whole = false;
                }
                names
            }
        };
        // What is wrong with a folder is told of it, and again of each library in it, which is then
        // found by the names of its plugins.
        let judged = stamp.map(|_| guard.folder(&entry.dir));
        if let Some(fault) = judged.as_ref().and_then(JudgedFolder::fault) {
            let place = Place::Folder(entry.dir.clone());
            self.refuse(place, Vec::new(), fault.clone().into());
        }
        let folder = Folder::new(&entry.dir);
        seen.reserve(names.len());
        let mut readings = Vec::with_capacity(names.len());
        for (nth, name) in names.iter().enumerate() {
            let path = entry.dir.join(name);
            let known = |stamp: &Stamp| {
                remembered.map_or(Content::Unknown, |it| it.content(name, nth, stamp))
            };
            let trusted = |it: &Identified| {
                judged.as_ref().map_or(Ok(None), |folder| folder.file(guard, &path, it))
            };
            let reading = match look(&folder, name, &path, known, trusted) {
                Ok(look) => self.file(path, look, Terms::of_this_host(allow_abort), seen),
                Err(reason) => {
                    self.refuse(Place::File(path), Vec::new(), reason);
                    Reading::Nothing
                }
            };
            is_news |= matches!(reading, Reading::New(..));
            readings.push(reading);
        }
        if let (true, Some(cache), Some(stamp)) = (is_news && is_whole, cache, stamp) {
            let (names, readings) = (&names, &readings);
            let findings = Findings { stamp, started, names, readings, remembered };
            cache.remember(&entry.dir, &findings);
        }
    }

    /// One file, if it was not found by another way before: what there is to be remembered of it.
    fn file(
        &mut self,
        path: PathBuf,
        look: Look,
        terms: Terms<'_>,
        seen: &mut HashSet<Identity>,
    ) -> Reading {
        let Look { identity, descriptor, reading, approval } = look;
        if seen.insert(identity.clone()) {
            self.library(Source::File { path, identity }, descriptor, terms, approval);
        }
        reading
    }

    /// One library, judged.
    fn library(
        &mut self,
        source: Source,
        descriptor: Result<Descriptor, RefusalReason>,
        terms: Terms<'_>,
        approval: Result<Option<Approval>, Distrust>,
    ) {
        let descriptor = match descriptor {
            Ok(descriptor) => descriptor,
            Err(reason) => return self.refuse(source.place(), Vec::new(), reason),
        };
        if let Err(reason) = descriptor::judge_library(&descriptor, terms) {
            let plugins = descriptor.plugins.into_iter().map(|plugin| plugin.name).collect();
            return self.refuse(source.place(), plugins, reason);
        }
        let approval = approval.and_then(|approval| {
            if let Source::File { path, .. } = &source {
                judge_run_path(path)?;
            }
            Ok(approval)
        });
        let approval = match approval {
            Ok(approval) => approval,
            Err(distrust) => {
                let plugins = descriptor.plugins.into_iter().map(|plugin| plugin.name).collect();
                return self.refuse(source.place(), plugins, distrust.into());
            }
        };
        let library = Arc::new(LibraryFile { source, descriptor, approval });
        let mut unfit = HashSet::new();
        for (name, reason) in descriptor::judge_plugins(&library.descriptor) {
            unfit.insert(name);
            self.refuse(library.place(), vec![name.to_owned()], reason);
        }
        let plugins = library.descriptor.plugins.iter().enumerate();
        let fit = plugins.filter(|(_, it)| !unfit.contains(&*it.name));
        self.candidates.extend(fit.map(|(at, _)| Candidate { library: library.clone(), at }));
    }

    /// Judges the bytes of the one library that was found.
    #[cfg(feature = "cli")]
    fn bytes(&mut self, policy: &Policy) {
        let Some(library) = self.candidates.first().map(|it| it.library.clone()) else { return };
        if let Err(distrust) = library.judge_bytes(policy) {
            let plugins = self.candidates.drain(..).map(|it| it.name().to_owned()).collect();
            self.refuse(library.place(), plugins, distrust.into());
        }
    }

    fn refuse(&mut self, place: Place, plugins: Vec<String>, reason: RefusalReason) {
        self.refused.push(Refused { place, plugins, reason });
    }
}

/// The files of a folder that are named as libraries are, in the order of their names, and what went
/// wrong while it was listed.
fn list(entry: &SearchEntry) -> (Vec<Cow<'static, OsStr>>, Option<RefusalReason>) {
    if !entry.dir.is_absolute() {
        return (Vec::new(), Some(RefusalReason::FolderRelative));
    }
    let entries = match fs::read_dir(&entry.dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let missed = entry.is_explicit().then_some(RefusalReason::FolderMissing);
            return (Vec::new(), missed);
        }
        Err(error) => return (Vec::new(), Some(RefusalReason::FolderUnreadable(error))),
    };
    let mut files = Vec::new();
    let mut fault = None;
    for entry in entries {
        match entry.map(|entry| entry.file_name()) {
            Ok(name) if search::is_library_name(Path::new(&name)) => files.push(Cow::Owned(name)),
            Ok(_) => {}
            Err(error) => fault = Some(RefusalReason::FolderUnreadable(error)),
        }
    }
    files.sort();
    (files, fault)
}

/// The files of a folder that are named as libraries are, as far as it can be listed.
#[cfg(feature = "cli")]
pub(crate) fn libraries_of(dir: &Path) -> Vec<PathBuf> {
    let entry = SearchEntry { dir: dir.to_owned(), origin: Origin::Default };
    list(&entry).0.into_iter().map(|name| dir.join(name)).collect()
}

/// All that speaks against a library and its plugins, as far as its descriptor tells.
#[cfg(feature = "cli")]
pub(crate) fn judge_descriptor(descriptor: &Descriptor, allow_abort: bool) -> Vec<RefusalReason> {
    let terms = Terms::of_this_host(allow_abort);
    let library = descriptor::judge_library(descriptor, terms).err();
    let plugins = descriptor::judge_plugins(descriptor).into_iter().map(|(_, reason)| reason);
    library.into_iter().chain(plugins).collect()
}

/// The name that a library's file carries: `count_down` for `libcount_down.so`.
fn short_name(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let prefix = std::env::consts::DLL_PREFIX;
    stem.strip_prefix(prefix).filter(|rest| !rest.is_empty()).unwrap_or(&stem).to_owned()
}

#[cfg(test)]
pub(crate) mod tests;
