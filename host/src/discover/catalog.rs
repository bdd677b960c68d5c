//! What was found, by name.
//!
//! Holds the answers of one discovery; looks at no file.

use std::collections::BTreeMap;

use crate::discover::refusal::{RefusalReason, Refused};
use crate::discover::{Candidate, SearchPath, short_name};

/// The plugins that were found, and all that was refused.
#[derive(Debug)]
pub struct Catalog {
    path: SearchPath,
    plugins: BTreeMap<String, Vec<Candidate>>,
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
    pub(super) fn new(
        path: SearchPath,
        candidates: Vec<Candidate>,
        mut refused: Vec<Refused>,
    ) -> Self {
        let mut plugins = BTreeMap::<String, Vec<Candidate>>::new();
        for candidate in candidates {
            plugins.entry(candidate.name().to_owned()).or_default().push(candidate);
        }
        refused.extend(plugins.iter().filter(|(_, all)| all.len() > 1).flat_map(claims));
        Catalog { path, plugins, refused }
    }

    /// The plugins that can be used, in the order of their names.
    pub fn plugins(&self) -> impl Iterator<Item = &Candidate> {
        self.plugins.values().filter_map(|all| match all.as_slice() {
            [one] => Some(one),
            _ => None,
        })
    }

    /// What a name stands for.
    pub fn get(&self, name: &str) -> Lookup<'_> {
        match self.plugins.get(name).map(Vec::as_slice) {
            Some([one]) => Lookup::Found(one),
            Some(several) => Lookup::Ambiguous(several),
            None => self.refused_as(name).map_or(Lookup::Unknown, Lookup::Refused),
        }
    }

    /// Whether a word is the name of a plugin, whether it can be used or not: of one that is in a
    /// descriptor, as opposed to a guess from a file's name.
    pub fn is_name(&self, name: &str) -> bool {
        self.plugins.contains_key(name)
            || self.refused.iter().any(|it| it.plugins.iter().any(|plugin| plugin == name))
    }

    /// All that was refused, in the order in which it was found; of plugins that several libraries
    /// claim, each claim.
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// Where was searched.
    pub fn search_path(&self) -> &SearchPath {
        &self.path
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
fn claims<'a>((name, all): (&'a String, &'a Vec<Candidate>)) -> impl Iterator<Item = Refused> {
    all.iter().enumerate().map(move |(nth, claimant)| {
        let others = all.iter().enumerate().filter(|(other, _)| *other != nth);
        let others = others.map(|(_, it)| it.library().place()).collect();
        Refused {
            place: claimant.library().place(),
            plugins: vec![name.clone()],
            reason: RefusalReason::Claimed { name: name.clone(), others },
        }
    })
}
