//! The list of plugins that the user has disabled, in the user's folder of configuration.
//!
//! It is the user's own wish and holds in all plugins folders; another user of the same folders has a
//! list of their own. `plugin disable` and `plugin enable` change it, the host obeys it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, Item, value};

use crate::cli::settings::{is_there, judge_file};
use crate::config::{MOST, Wrong};
use crate::discover::config_folder;
use crate::error::Failure;
use crate::exit::Exit;
use crate::files::{self, hold};
use crate::position::position;
use crate::trust::{Guard, Unmade, quoted};

/// The list's name in the folder of configuration.
const FILE: &str = "plugins.toml";

const KEY: &str = "disabled";

const HEAD: &str = "# Plugins that are as if they were not installed. `plugin disable` and `plugin enable`\n\
    # change the list.\n";

/// The list, as it is in the file.
pub(crate) struct Disabled {
    /// The file, which need not be there.
    pub(crate) file: PathBuf,
    document: DocumentMut,
    /// Held until the end, so that two who change it do so one after the other.
    _alone: Option<File>,
}

impl Disabled {
    /// Reads the list of a host of that name; none where there is no home, or where it is not the
    /// user's to say. It decides on what is loaded, so nobody else may write to it.
    pub(crate) fn read(host: &str, guard: &Guard) -> Result<Option<Self>, Wrong> {
        let Some(folder) = config_folder(host) else { return Ok(None) };
        let file = folder.join(FILE);
        let wrong = |at, failure| Wrong { file: file.clone(), at, failure };
        let text = if is_there(&file) {
            judge_file(guard, &file).map_err(|distrusted| wrong(0, distrusted))?;
            files::read(&file, MOST).and_then(files::text).map_err(|error| {
                let failure = Failure::from_error(Exit::Config, &error)
                    .context(format!("`{}` cannot be read", file.display()))
                    .hint("see that it is a file that you may read");
                wrong(0, failure)
            })?
        } else {
            String::new()
        };
        let broken = |at: usize, problem: &str| {
            let (line, column) = position(text.as_bytes(), at);
            let shown = file.display();
            let problem = problem.lines().collect::<Vec<_>>().join(" ");
            let message = format!("`{shown}` is broken at line {line}, column {column}: {problem}");
            let hint = "mend it there; or remove the file";
            wrong(at, Failure::new(Exit::Config, message).hint(hint))
        };
        let parsed = toml_edit::Document::parse(text.as_str())
            .map_err(|error| broken(error.span().map_or(0, |it| it.start), error.message()))?;
        for (key, item) in parsed.iter() {
            let at = parsed.key(key).and_then(toml_edit::Key::span).or_else(|| item.span());
            let at = at.map_or(0, |it| it.start);
            if key != KEY {
                return Err(broken(at, &format!("`{key}` is unknown; there is only `{KEY}`")));
            }
            let names = item.as_array();
            if !names.is_some_and(|it| it.iter().all(toml_edit::Value::is_str)) {
                return Err(broken(at, &format!("`{KEY}` is a list of names, in quotes")));
            }
        }
        Ok(Some(Disabled { document: parsed.into_mut(), file, _alone: None }))
    }

    /// Reads the list to change it: nobody else does as long as this is there. A folder that is not there yet is
    /// made, unless somebody else's link leads there.
    pub(crate) fn edit(host: &str, guard: &Guard) -> Result<Option<Self>, Failure> {
        let Some(folder) = config_folder(host) else { return Ok(None) };
        let file = folder.join(FILE);
        guard.make_folder(&folder).map_err(|unmade| match unmade {
            Unmade::Io(error) => unwritten(&file, &error),
            Unmade::Distrusted(distrust) => Failure::from_error(Exit::Config, &distrust)
                .context(format!("`{}` is not written", file.display()))
                .hint(distrust.hint()),
        })?;
        let alone = hold(&folder).map_err(|error| unwritten(&file, &error))?;
        let list = Self::read(host, guard).map_err(|wrong| wrong.failure)?;
        Ok(list.map(|list| Disabled { _alone: alone, ..list }))
    }

    /// The names.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let names = self.document.get(KEY).and_then(Item::as_array);
        names.into_iter().flatten().filter_map(|it| it.as_str()).map(str::to_owned).collect()
    }

    /// Adds a name; whether it was not there.
    pub(crate) fn add(&mut self, name: &str) -> bool {
        if self.names().contains(name) {
            return false;
        }
        if self.document.get(KEY).is_none() {
            self.document.insert(KEY, value(Array::new()));
            if let Some(mut key) = self.document.key_mut(KEY) {
                key.leaf_decor_mut().set_prefix(HEAD);
            }
        }
        if let Some(names) = self.document.get_mut(KEY).and_then(Item::as_array_mut) {
            names.push(name);
        }
        true
    }

    /// Takes a name out; whether it was there.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let there = self.names().contains(name);
        if let Some(names) = self.document.get_mut(KEY).and_then(Item::as_array_mut) {
            names.retain(|it| it.as_str() != Some(name));
        }
        there
    }

    /// Writes it, in one step.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        files::write(&self.file, self.document.to_string().as_bytes())
            .map_err(|error| unwritten(&self.file, &error))
    }
}

fn unwritten(file: &Path, error: &io::Error) -> Failure {
    let failure = Failure::from_error(Exit::Config, error)
        .context(format!("`{}` cannot be written", file.display()));
    failure.hint(write_hint(file, error))
}

/// What to do about a file that cannot be written.
pub(crate) fn write_hint(file: &Path, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::WouldBlock {
        let folder = file.parent().unwrap_or(file);
        return format!("see which process that is: `fuser -v {}`", quoted(folder.as_os_str()));
    }
    "see that you may write to its folder".to_owned()
}
