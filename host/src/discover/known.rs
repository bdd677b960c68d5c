//! Finds one plugin by what the caches of the folders know, without looking at every library.
//!
//! A folder's stamp tells that no file came or went, so a name that one library had is still only its
//! own; that library is looked at, to see that it is as it was. That a name is nobody's is only sure when
//! all libraries are as they were, since one may have been written over where it lies. Where what is
//! known is not enough, the answer is none: whoever asks has everything looked through then.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::discover::cache::{Cache, Content, Remembered};
use crate::discover::look::{Identified, identify_in};
use crate::discover::stamp::{Folder, Stamp};
use crate::discover::{Candidate, Finds, Scope, Source, Terms};
use crate::trust::{Guard, JudgedFolder};

/// What the caches of all folders know.
#[derive(Debug)]
pub(super) struct Known {
    builtins: Finds,
    folders: Vec<KnownFolder>,
    allow_abort: bool,
    guard: Guard,
    /// Whether all libraries are as they were; looked at when it matters.
    is_whole: OnceLock<bool>,
}

#[derive(Debug)]
struct KnownFolder {
    dir: PathBuf,
    judged: JudgedFolder,
    remembered: Remembered,
    /// What was found, by the place of its name among the names.
    found: Vec<OnceLock<Option<Box<Candidate>>>>,
}

/// How many libraries had a plugin of some name.
enum Claims<'a> {
    None,
    One(Claim<'a>),
    Several,
}

/// A library that had a plugin of some name.
struct Claim<'a> {
    folder: &'a KnownFolder,
    /// The place of that name among the folder's names.
    name: usize,
    library: usize,
    stamp: Stamp,
}

impl Known {
    /// What the caches know, if each folder is as it was.
    pub(super) fn recall(scope: &Scope) -> Option<Known> {
        let cache = Cache::new(scope.cache_dir.as_deref()?);
        let guard = Guard::new(&scope.policy);
        let mut folders = Vec::new();
        for entry in scope.path.entries() {
            let stamp = match fs::metadata(&entry.dir) {
                Ok(metadata) if entry.dir.is_absolute() => Stamp::of(&metadata),
                // A default that nobody has made holds nothing.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !entry.is_explicit() => {
                    continue;
                }
                _ => return None,
            };
            let remembered = cache.recall(&entry.dir, false).filter(|it| it.lists(&stamp))?;
            let judged = guard.folder(&entry.dir);
            if judged.fault().is_some() {
                return None;
            }
            let found = (0..remembered.names()).map(|_| OnceLock::new()).collect();
            folders.push(KnownFolder { dir: entry.dir.clone(), judged, remembered, found });
        }
        let mut builtins = Finds::default();
        builtins.builtins(scope);
        let allow_abort = scope.allow_abort;
        Some(Known { builtins, folders, allow_abort, guard, is_whole: OnceLock::new() })
    }

    /// The only plugin of that name, if it is sure that it is the only one and can be used.
    pub(super) fn find(&self, name: &str) -> Option<&Candidate> {
        let mut builtins = self.builtins.candidates.iter().filter(|it| it.name() == name);
        match (builtins.next(), builtins.next(), self.claims(name)) {
            (Some(builtin), None, Claims::None) => Some(builtin),
            (None, _, Claims::One(claim)) => {
                let found = claim.folder.found.get(claim.name)?;
                found.get_or_init(|| self.look(&claim, name).map(Box::new)).as_deref()
            }
            _ => None,
        }
    }

    /// Whether that is the name of a plugin, usable or not, if it is sure.
    pub(super) fn is_name(&self, name: &str) -> Option<bool> {
        if self.find(name).is_some() {
            return Some(true);
        }
        let is_whole = self.is_whole.get_or_init(|| self.folders.iter().all(KnownFolder::is_whole));
        let is_builtin = || {
            let refused = self.builtins.refused.iter().flat_map(|it| &it.plugins);
            let usable = self.builtins.candidates.iter().map(Candidate::name);
            refused.map(String::as_str).chain(usable).any(|it| it == name)
        };
        is_whole.then(|| !matches!(self.claims(name), Claims::None) || is_builtin())
    }

    fn claims(&self, plugin: &str) -> Claims<'_> {
        let mut claims = Claims::None;
        for folder in &self.folders {
            for (name, library) in folder.remembered.claims(plugin) {
                let Some(stamp) = folder.remembered.stamp_of(library) else {
                    return Claims::Several;
                };
                match claims {
                    Claims::None => claims = Claims::One(Claim { folder, name, library, stamp }),
                    // One file, by two ways: the first is taken.
                    Claims::One(ref first) if first.stamp.is_of_same_file(&stamp) => {}
                    _ => return Claims::Several,
                }
            }
        }
        claims
    }

    /// Looks at the library: whether it is as it was, and its plugin can be used.
    fn look(&self, claim: &Claim<'_>, name: &str) -> Option<Candidate> {
        let remembered = &claim.folder.remembered;
        let dir = &claim.folder.dir;
        let file = remembered.file(claim.library)?;
        let path = dir.join(file);
        let file = identify_in(&Folder::new(dir), file, &path).ok()?;
        let approval = claim.folder.judged.file(&self.guard, &path, &file);
        let Identified { identity, stamp, .. } = file;
        let Content::Descriptor(descriptor) = remembered.content_of(claim.library, &stamp) else {
            return None;
        };
        let mut finds = Finds::default();
        let source = Source::File { path, identity };
        let terms = Terms::of_this_host(self.allow_abort);
        finds.library(source, Ok(descriptor), terms, approval);
        let mut named = finds.candidates.into_iter().filter(|it| it.name() == name);
        named.next().filter(|_| named.next().is_none())
    }
}

impl KnownFolder {
    /// Whether every library is as it was. One that has to be read each time may be anything.
    fn is_whole(&self) -> bool {
        let folder = Folder::new(&self.dir);
        self.remembered.libraries().enumerate().all(|(library, file)| {
            let seen = file.and_then(|file| folder.look_at(file).ok());
            seen.is_some_and(|seen| self.remembered.knows(library, &seen.stamp))
        })
    }
}

#[cfg(test)]
mod tests;
