//! What was found, by name.
//!
//! Asks [`known`](super::known) first, where a cache may answer for one plugin, and has everything looked
//! through when that is not enough.

#[cfg(feature = "cli")]
use std::path::Path;
use std::sync::OnceLock;

use crate::discover::known::Known;
use crate::discover::refusal::{RefusalReason, Refused};
use crate::discover::{Candidate, Finds, Scope, SearchPath, short_name, walk};
use crate::trust::Distrust;

/// The plugins that were found, and all that was refused.
#[derive(Debug)]
pub struct Catalog {
    scope: Scope,
    /// Why the cache that was named is not used.
    cache_fault: Option<Distrust>,
    /// What the caches of the folders know, if all of them know enough. Looked for when a name is.
    known: OnceLock<Option<Known>>,
    /// All there is. Looked through at once where there is no cache, else when it is needed.
    all: OnceLock<All>,
}

/// All that a search found.
#[derive(Debug)]
struct All {
    /// In the order of their names.
    plugins: Vec<Candidate>,
    refused: Vec<Refused>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Lookup<'a> {
    /// One plugin.
    Found(&'a Candidate),
    /// Plugins of several libraries, none of which is preferred.
    Ambiguous(&'a [Candidate]),
    /// No plugin that can be used; this is refused, and likely what is meant.
    Refused(&'a Refused),
    /// Nothing that is known.
    Unknown,
}

impl Catalog {
    pub(super) fn new(scope: Scope, cache_fault: Option<Distrust>) -> Self {
        let known = OnceLock::new();
        let catalog = Catalog { scope, cache_fault, known, all: OnceLock::new() };
        if catalog.scope.cache_dir.is_none() {
            catalog.all();
        }
        catalog
    }

    /// The plugins that can be used, in the order of their names.
    pub fn plugins(&self) -> impl Iterator<Item = &Candidate> {
        self.all().by_name().filter_map(|all| match all {
            [one] => Some(one),
            _ => None,
        })
    }

    /// Their names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.plugins().map(|plugin| plugin.name().to_owned()).collect()
    }

    /// The plugins that can be used but for others of the same name, too; in the order of their names.
    #[cfg(feature = "cli")]
    pub(crate) fn candidates(&self) -> &[Candidate] {
        &self.all().plugins
    }

    /// Those of one name.
    #[cfg(feature = "cli")]
    pub(crate) fn named(&self, name: &str) -> &[Candidate] {
        self.all().named(name)
    }

    /// What a name stands for.
    pub fn get(&self, name: &str) -> Lookup<'_> {
        let wanted = !self.scope.unwanted.has(name);
        let known = self.caches().filter(|_| wanted).and_then(|caches| caches.find(name));
        known.map_or_else(|| self.all().get(name), Lookup::Found)
    }

    /// Whether a word is the name of a plugin, whether it can be used or not: of one that is in a
    /// descriptor, as opposed to a guess from a file's name. One that is not wanted is not there.
    pub fn is_name(&self, name: &str) -> bool {
        if self.scope.unwanted.has(name) {
            return false;
        }
        match self.caches().map(|caches| caches.is_name(name)) {
            Some(Some(is_name)) => is_name,
            _ => self.all().is_name(name),
        }
    }

    /// All that was refused, in the order in which it was found; of plugins that several libraries
    /// claim, each claim.
    pub fn refused(&self) -> &[Refused] {
        &self.all().refused
    }

    /// The folders among what was refused.
    pub fn refused_folders(&self) -> impl Iterator<Item = &Refused> {
        // A folder of which something is known is there, and as it was.
        let refused = if self.caches().is_some() { &[] } else { self.refused() };
        refused.iter().filter(|refused| refused.is_folder())
    }

    /// Where was searched.
    pub fn search_path(&self) -> &SearchPath {
        &self.scope.path
    }

    /// Where what was read is kept, if anywhere.
    #[cfg(feature = "cli")]
    pub(crate) fn cache_dir(&self) -> Option<&Path> {
        self.scope.cache_dir.as_deref()
    }

    /// Why nothing is kept in the cache that was named: others may write there.
    pub fn cache_fault(&self) -> Option<&Distrust> {
        self.cache_fault.as_ref()
    }

    /// What caches can tell; nothing where all has been looked through.
    fn caches(&self) -> Option<&Known> {
        match self.all.get() {
            Some(_) => None,
            None => self.known.get_or_init(|| Known::recall(&self.scope)).as_ref(),
        }
    }

    fn all(&self) -> &All {
        self.all.get_or_init(|| All::of(walk(&self.scope), &self.scope))
    }
}

impl All {
    fn of(finds: Finds, scope: &Scope) -> Self {
        let Finds { candidates: mut plugins, mut refused } = finds;
        plugins.retain(|plugin| {
            let reason = scope.unwanted.reason(&scope.policy.host, plugin.name());
            let Some(reason) = reason else { return true };
            let plugins = vec![plugin.name().to_owned()];
            refused.push(Refused { place: plugin.place(), plugins, reason });
            false
        });
        // Of one name, those found first stay first.
        plugins.sort_by(|a, b| a.name().cmp(b.name()));
        let mut all = All { plugins, refused };
        let claims: Vec<_> = all.by_name().filter(|of| of.len() > 1).flat_map(claims).collect();
        all.refused.extend(claims);
        all
    }

    /// The plugins, those of one name together.
    fn by_name(&self) -> impl Iterator<Item = &[Candidate]> {
        self.plugins.chunk_by(|a, b| a.name() == b.name())
    }

    fn named(&self, name: &str) -> &[Candidate] {
        let from = self.plugins.partition_point(|it| it.name() < name);
        let rest = &self.plugins[from..];
        &rest[..rest.partition_point(|it| it.name() == name)]
    }

    fn get(&self, name: &str) -> Lookup<'_> {
        match self.named(name) {
            [] => self.refused_as(name).map_or(Lookup::Unknown, Lookup::Refused),
            [one] => Lookup::Found(one),
            several => Lookup::Ambiguous(several),
        }
    }

    fn is_name(&self, name: &str) -> bool {
        !self.named(name).is_empty()
            || self.refused.iter().any(|it| it.plugins.iter().any(|plugin| plugin == name))
    }

    /// What is likely meant by the name of no usable plugin: a library whose descriptor has it, else
    /// one whose file is called so.
    fn refused_as(&self, name: &str) -> Option<&Refused> {
        let listed = |it: &&Refused| it.plugins.iter().any(|plugin| plugin == name);
        let called = |it: &&Refused| {
            let file = it.place.path().filter(|_| !it.is_folder());
            // Cargo writes a package's `-` as `_` in the file's name.
            it.plugins.is_empty()
                && file.is_some_and(|it| short_name(it).replace('_', "-") == name.replace('_', "-"))
        };
        self.refused.iter().find(listed).or_else(|| self.refused.iter().find(called))
    }
}

/// A refusal for each of the libraries that claim one name.
fn claims(all: &[Candidate]) -> impl Iterator<Item = Refused> {
    all.iter().enumerate().map(move |(nth, claimant)| {
        let others = all.iter().enumerate().filter(|(other, _)| *other != nth);
        let others = others.map(|(_, it)| it.library().place()).collect();
        let name = claimant.name().to_owned();
        Refused {
            place: claimant.library().place(),
            plugins: vec![name.clone()],
            reason: RefusalReason::Claimed { name, others },
        }
    })
}
