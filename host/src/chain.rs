//! Chains: splits a command line into stages, one plugin with its arguments each.
//!
//! ```text
//! countdown --from 3 echo --immediately      →  countdown --from 3 · echo --immediately
//! ```
//!
//! A word stands either *where a stage's name must stand* (at the start, after `--then`, after a
//! stage that takes no more), or inside a stage. Inside, the stage's command spec says what it makes
//! of the word, and that decides, with what the word is by itself:
//!
//! | the stage … the word | a plugin's name | `@FILE` | anything else |
//! |---|---|---|---|
//! | needs it: the value of an option, a required positional, all after `--` | the stage's | the stage's | the stage's |
//! | could take it: an optional or further value | the next stage | is read | the stage's |
//! | cannot take it | the next stage | is read | an unknown word |
//! | is wrong already, such as by an unknown option | the next stage | the stage's | the stage's |
//!
//! `--then` ends a stage, whatever the stage would make of it.
//!
//! Pure: specs and the words of files come from a [`Vocabulary`], stages go out, and nothing is
//! printed. A plugin's spec is asked for only where its name begins a stage. All mistakes are
//! collected: one does not hide the next. What a stage's own clap will complain about (an unknown
//! option, a bad value) is no mistake here.

use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use lifespan_abi::CommandSpec;

use crate::chain::reader::{Claim, Reader};
use crate::discover::RESERVED;

#[cfg(feature = "cli")]
mod cursor;
mod dash;
mod given;
mod hint;
mod mistake;
mod pointer;
mod reader;
mod suggest;
mod word;

pub(crate) mod argfile;

pub(crate) use crate::chain::argfile::ArgFileError;
#[cfg(feature = "cli")]
pub(crate) use crate::chain::cursor::{Cursor, cursor, expects};
pub(crate) use crate::chain::given::{Given, given};
pub(crate) use crate::chain::hint::hints;
pub(crate) use crate::chain::mistake::Mistake;
pub(crate) use crate::chain::pointer::render_pointer;
pub(crate) use crate::chain::suggest::alike;
pub(crate) use crate::chain::word::{Origin, Word};

/// The word that ends a stage, always.
pub(crate) const THEN: &str = "--then";

/// What the splitter must be told: names, specs, and what stands in files of arguments.
pub(crate) trait Vocabulary {
    /// Why a spec cannot be had.
    type Error;

    /// Whether a plugin has this name.
    fn is_plugin(&self, name: &str) -> bool;

    /// The names of all plugins, for suggestions.
    fn names(&self) -> Vec<String>;

    /// The command spec of a plugin that stands where a stage's name stands.
    ///
    /// # Errors
    ///
    /// The plugin cannot be loaded, or does not say what its arguments are.
    fn spec(&mut self, name: &str) -> Result<Arc<CommandSpec>, Self::Error>;

    /// The words in a file of arguments: [`argfile::read`], where files may be read. The second is
    /// where the file was named.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not of words.
    fn read_args(&mut self, path: &Path, named_by: &Origin) -> Result<Vec<Word>, ArgFileError>;
}

/// A plugin on the line, with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    /// The plugin's name.
    pub(crate) plugin: String,
    /// The name of its instance, where it was written as `plugin@name`.
    pub(crate) instance: Option<String>,
    /// The words after the name, as the plugin's own clap will see them.
    pub(crate) args: Vec<OsString>,
    /// The positions of its words in [`Split::words`], its name's first; the `--then` that ends it
    /// is not among them.
    pub(crate) span: Range<usize>,
    /// What ended it.
    pub(crate) ended_by: StageEnd,
}

/// What ended a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StageEnd {
    /// The end of the line.
    Line,
    /// `--then`.
    Then,
    /// The next plugin's name, or a word that stands where one must stand.
    PluginName {
        /// Whether the stage could have taken the word as a value: what the user meant is a guess
        /// then, and errors of either stage come with [`hints`].
        could_have_been_value: bool,
    },
}

/// A line that was split.
#[derive(Debug)]
pub(crate) struct Split<E> {
    /// The words, those of files after the word that names the file. Positions count in these.
    pub(crate) words: Vec<Word>,
    /// The stages, as far as they could be told.
    pub(crate) stages: Vec<Stage>,
    /// All mistakes, in the order of their places; if there are any, nothing must run.
    pub(crate) mistakes: Vec<Mistake<E>>,
}

/// Splits a line into its stages. See the [module](self) for the rules.
pub(crate) fn split<V: Vocabulary>(words: &[Word], vocabulary: &mut V) -> Split<V::Error> {
    let split = Split { words: words.to_vec(), stages: Vec::new(), mistakes: Vec::new() };
    let mut splitter = Splitter { vocabulary, split, next: 0, before: None };
    while splitter.next < splitter.split.words.len() {
        splitter.at_name();
    }
    splitter.split
}

struct Splitter<'v, V: Vocabulary> {
    vocabulary: &'v mut V,
    split: Split<V::Error>,
    /// The position of the word that is looked at.
    next: usize,
    /// The stage that ended just before, if it did not end by `--then`.
    before: Option<Before>,
}

/// What an unknown word may have been meant for in the stage before it.
struct Before {
    plugin: String,
    /// Its options and subcommands, as they are written.
    offers: Vec<String>,
}

/// What a word is by itself, wherever it stands.
enum Kind {
    Then,
    ArgFile(String),
    Plugin { name: String, instance: Option<String> },
    Other,
}

impl<V: Vocabulary> Splitter<'_, V> {
    /// Takes the word where a stage's name must stand, and all that belongs to it.
    fn at_name(&mut self) {
        let at = self.next;
        match self.kind(at) {
            Kind::Then => {
                self.split.mistakes.push(Mistake::EmptyStage { at });
                self.next += 1;
                self.before = None;
            }
            Kind::ArgFile(path) => self.expand(&path),
            Kind::Plugin { name, instance } => {
                self.before = None;
                self.next += 1;
                let instance = self.checked_instance(at, &name, instance);
                match self.vocabulary.spec(&name) {
                    Ok(spec) => self.stage(at, name, instance, &spec),
                    Err(source) => {
                        self.split.mistakes.push(Mistake::Spec { at, plugin: name, source });
                        self.skip();
                    }
                }
            }
            Kind::Other => {
                let mistake = self.no_plugin(at);
                self.split.mistakes.push(mistake);
                self.before = None;
                self.next += 1;
                self.skip();
            }
        }
    }

    /// Takes the words of a stage, by what its spec makes of each.
    fn stage(&mut self, at: usize, plugin: String, instance: Option<String>, spec: &CommandSpec) {
        let mut reader = Reader::new(spec);
        let mut args = Vec::new();
        let ended_by = loop {
            let Some(word) = self.split.words.get(self.next) else { break StageEnd::Line };
            let (claim, taken) = reader.read(&word.text);
            // What an option needs is its value, whatever it is called: nobody is asked about it.
            let kind = match claim {
                Claim::Needs if word.text != THEN => Kind::Other,
                _ => self.kind(self.next),
            };
            match (kind, claim) {
                (Kind::Then, _) => break StageEnd::Then,
                (_, Claim::Needs)
                | (Kind::Other, Claim::Takes)
                | (Kind::Other | Kind::ArgFile(_), Claim::Swallows) => {
                    args.push(word.text.clone());
                    reader = taken;
                    self.next += 1;
                }
                (Kind::ArgFile(path), _) => self.expand(&path),
                (Kind::Plugin { .. } | Kind::Other, claim) => {
                    break StageEnd::PluginName { could_have_been_value: claim == Claim::Takes };
                }
            }
        };
        if matches!(ended_by, StageEnd::PluginName { .. }) {
            self.before = Some(Before { plugin: plugin.clone(), offers: reader.offers() });
        }
        self.split.stages.push(Stage { plugin, instance, args, span: at..self.next, ended_by });
        self.skip_then();
    }

    /// Passes over words of which nothing can be told, up to where the next stage surely begins.
    fn skip(&mut self) {
        while self.next < self.split.words.len()
            && !matches!(self.kind(self.next), Kind::Then | Kind::Plugin { .. })
        {
            self.next += 1;
        }
        self.skip_then();
    }

    /// Passes over the `--then` that ends a stage.
    fn skip_then(&mut self) {
        if self.split.words.get(self.next).is_some_and(|word| word.text == THEN) {
            self.next += 1;
        }
    }

    /// Puts the words of a file after the word that names it.
    fn expand(&mut self, path: &str) {
        let at = self.next;
        self.next += 1;
        match word::file_named(path, &self.split.words[at].origin)
            .and_then(|path| self.vocabulary.read_args(&path, &self.split.words[at].origin))
        {
            Ok(words) => drop(self.split.words.splice(self.next..self.next, words)),
            Err(source) => self.split.mistakes.push(Mistake::ArgFile { at, source }),
        }
    }

    fn kind(&self, at: usize) -> Kind {
        let Some(text) = self.split.words[at].text.to_str() else { return Kind::Other };
        if text == THEN {
            return Kind::Then;
        }
        if let Some(path) = text.strip_prefix('@').filter(|path| !path.is_empty()) {
            return Kind::ArgFile(path.into());
        }
        let (name, instance) = parts(text);
        if name.starts_with('-') || RESERVED.contains(&name) || !self.vocabulary.is_plugin(name) {
            return Kind::Other;
        }
        Kind::Plugin { name: name.into(), instance: instance.map(Into::into) }
    }

    fn checked_instance(
        &mut self,
        at: usize,
        plugin: &str,
        name: Option<String>,
    ) -> Option<String> {
        let name = name?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if !name.is_empty() && name.chars().all(allowed) {
            return Some(name);
        }
        self.split.mistakes.push(Mistake::BadInstance { at, plugin: plugin.into(), name });
        None
    }

    /// What is wrong with a word that stands where a stage's name must stand, and is none.
    fn no_plugin(&self, at: usize) -> Mistake<V::Error> {
        let word = self.split.words[at].text.to_string_lossy().into_owned();
        let (name, instance) = parts(&word);
        if RESERVED.contains(&name) {
            let after = self.before.as_ref().map(|before| before.plugin.clone());
            return Mistake::Reserved { at, word, after };
        }
        if word.starts_with('-') {
            return Mistake::OptionForName { at, word };
        }
        let mut known = self.vocabulary.names();
        known.retain(|known| !RESERVED.contains(&known.as_str()));
        let mut suggestions = alike(name, &known);
        if let Some(instance) = instance {
            suggestions.iter_mut().for_each(|plugin| *plugin = format!("{plugin}@{instance}"));
        }
        let (after, offers) = match &self.before {
            Some(before) => (Some(before.plugin.clone()), &before.offers[..]),
            None => (None, &[][..]),
        };
        suggestions.extend(alike(&word, offers));
        Mistake::UnknownWord { at, word, after, suggestions }
    }
}

/// The plugin's name and the instance's in a word where a stage's name stands.
fn parts(word: &str) -> (&str, Option<&str>) {
    match word.split_once('@') {
        Some((plugin, instance)) => (plugin, Some(instance)),
        None => (word, None),
    }
}

#[cfg(test)]
pub(crate) mod properties;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
