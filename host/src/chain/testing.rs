//! A vocabulary for tests: plugins by their clap commands, files by their text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Command;
use lifespan_abi::CommandSpec;
use lifespan_plugin_api::__private::describe;
use thiserror::Error;

use crate::chain::word::ArgFile;
use crate::chain::{ArgFileError, Origin, Vocabulary, Word, argfile};
use crate::files;

/// Plugins and files that are there, and a record of whose spec was asked for.
#[derive(Default)]
pub(super) struct Plugins {
    specs: BTreeMap<String, Arc<CommandSpec>>,
    broken: Vec<String>,
    files: BTreeMap<PathBuf, String>,
    pub(super) asked: Vec<String>,
}

#[derive(Debug, Error)]
#[error("it is broken")]
pub(super) struct Broken;

impl Plugins {
    pub(super) fn with(mut self, command: Command) -> Self {
        let spec = describe(&command).expect("the test's commands can be described");
        self.specs.insert(spec.name.clone(), Arc::new(spec));
        self
    }

    pub(super) fn with_broken(mut self, name: &str) -> Self {
        self.broken.push(name.into());
        self
    }

    pub(super) fn with_file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }
}

impl Vocabulary for Plugins {
    type Error = Broken;

    fn is_plugin(&self, name: &str) -> bool {
        self.specs.contains_key(name) || self.broken.iter().any(|broken| broken == name)
    }

    fn names(&self) -> Vec<String> {
        self.specs.keys().chain(&self.broken).cloned().collect()
    }

    fn spec(&mut self, name: &str) -> Result<Arc<CommandSpec>, Broken> {
        self.asked.push(name.into());
        self.specs.get(name).cloned().ok_or(Broken)
    }

    fn read_args(&mut self, path: &Path, named_by: &Origin) -> Result<Vec<Word>, ArgFileError> {
        let file = Arc::new(ArgFile { path: path.into(), named_by: named_by.clone() });
        let Some(text) = self.files.get(path) else {
            return argfile::read(Path::new("/nowhere/at/all"), named_by, files::read);
        };
        argfile::words(text, &file)
    }
}
