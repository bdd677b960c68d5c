//! Configuration: what `lifespan.toml` files say, with the place of each word.
//!
//! ```toml
//! grace = 3                   # an option of the host, by its long name
//! plugin-dir = ["plugins"]    # from the file's own folder
//!
//! [plugin.countdown]
//! from = 5                    # an option of a plugin, by its long name
//! ```
//!
//! What a plugin's table says becomes a default of its options: `words` turns it into words of the
//! stage, unless the line or the environment gives the option. What the host's own keys mean is the
//! affair of the command line. Nothing is read that nobody asked for, and nothing is printed.

mod mistake;
#[cfg(feature = "cli")]
mod origin;
mod parse;
mod place;
mod words;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use crate::config::place::{Place, Text};
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::files;

pub(crate) use crate::config::mistake::{Located, Mistake, Wrong};
#[cfg(feature = "cli")]
pub(crate) use crate::config::origin::{Origin as SettingOrigin, Resolved, resolved};
pub(crate) use crate::config::words::{Taken, words};

/// The most bytes of a file.
pub(crate) const MOST: u64 = 1 << 20;

/// What files of configuration say.
///
/// Keys outside of the plugins' tables are options of the command line; a program without one has no
/// use for them.
///
/// # Examples
///
/// ```
/// use std::path::Path;
///
/// use lifespan::{Config, Host};
///
/// # fn main() -> Result<(), lifespan::Failures> {
/// let config = Config::parse("[plugin.countdown]\nfrom = 5\n", Path::new("acme.toml"))?;
/// let host = Host::builder("acme").config(config).build();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The host's own, in the order in which they were read; a later one counts.
    pub(crate) host: Vec<Setting>,
    /// The plugins' tables.
    plugins: BTreeMap<String, Table>,
}

/// A plugin's table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Where it was named first.
    place: Place,
    /// Each option at most once.
    settings: Vec<Setting>,
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) key: String,
    pub(crate) value: Value,
    /// Where the key stands.
    pub(crate) place: Place,
    /// Where the value stands.
    pub(crate) value_place: Place,
}

/// A value of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    One(Scalar),
    Many(Vec<Scalar>),
}

/// A single value, as far as it matters on a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// A text, or whatever is written as one.
    Text(String),
    /// A number, as one writes it on a command line.
    Number(String),
    Bool(bool),
}

impl Config {
    /// Reads a configuration in a text; `file` is what it is called.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, each with its place.
    pub fn parse(text: &str, file: &Path) -> Result<Config, Failures> {
        Config::whole(Config::as_far_as_it_goes(text.to_owned(), file))
    }

    /// Reads the configuration in a file, which may be a pipe. Who may write to it is not judged.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or all that is wrong with what it says.
    pub fn read(file: &Path) -> Result<Config, Failures> {
        Config::whole(Config::what_can_be(files::read_named(file, MOST), file))
    }

    fn whole((config, wrong): (Config, Vec<Wrong>)) -> Result<Config, Failures> {
        Failures::check(wrong.into_iter().map(|it| it.failure).collect()).map(|()| config)
    }

    /// The configuration in what was read of a file, beside all that is wrong with it.
    pub(crate) fn what_can_be(read: io::Result<Vec<u8>>, file: &Path) -> (Config, Vec<Wrong>) {
        match text(read) {
            Ok(text) => Config::as_far_as_it_goes(text, file),
            Err(mistake) => {
                let failure = Failure::from_error(Exit::Config, &mistake).hint(mistake.hint());
                let what = format!("the configuration `{}` cannot be used", file.display());
                let failure = failure.context(what);
                (Config::default(), vec![Wrong { file: file.to_owned(), at: 0, failure }])
            }
        }
    }

    fn as_far_as_it_goes(text: String, file: &Path) -> (Config, Vec<Wrong>) {
        let text = Arc::new(Text { path: file.to_owned(), text });
        let (config, mistakes) = parse::parse(&text);
        (config, mistakes.iter().map(Located::wrong).collect())
    }

    /// This configuration with a later one over it: what both set is as the later one has it.
    #[must_use]
    pub fn overlaid(mut self, later: Config) -> Config {
        self.host.extend(later.host);
        for (name, table) in later.plugins {
            match self.plugins.get_mut(&name) {
                Some(earlier) => table.settings.into_iter().for_each(|it| earlier.set(it)),
                None => drop(self.plugins.insert(name, table)),
            }
        }
        self
    }

    /// The table of a plugin.
    pub(crate) fn plugin(&self, name: &str) -> Option<&Table> {
        self.plugins.get(name)
    }

    /// The plugins that have tables, each with the place of its table.
    pub(crate) fn plugins(&self) -> impl Iterator<Item = (&str, &Place)> {
        self.plugins.iter().map(|(name, table)| (&**name, &table.place))
    }
}

impl Table {
    fn set(&mut self, setting: Setting) {
        self.settings.retain(|earlier| earlier.key != setting.key);
        self.settings.push(setting);
    }
}

impl Scalar {
    /// As it stands on a command line.
    pub(crate) fn word(&self) -> &str {
        match self {
            Scalar::Text(text) | Scalar::Number(text) => text,
            Scalar::Bool(true) => "true",
            Scalar::Bool(false) => "false",
        }
    }
}

fn text(read: io::Result<Vec<u8>>) -> Result<String, Mistake> {
    read.and_then(files::text).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => Mistake::TooLarge,
        _ => Mistake::Unreadable(error),
    })
}

#[cfg(test)]
mod tests;
