//! What may be wrong with a configuration.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::config::place::Place;
use crate::error::Failure;
use crate::exit::Exit;

/// What is wrong.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum Mistake {
    /// The file cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    /// It is larger than a configuration may be.
    #[error("it is larger than 1 MiB")]
    TooLarge,
    /// It is not TOML; what is wrong.
    #[error("the configuration is not TOML: {0}")]
    Syntax(String),
    /// A table stands where none is known.
    #[error("there is no table `{0}`")]
    UnknownTable(String),
    /// There is a value where the plugins' tables stand.
    #[error("`{0}` must be a table")]
    NotATable(String),
    /// A table stands among a plugin's options.
    #[error("`{0}` is a table, where options of a plugin stand")]
    NestedTable(String),
    /// A list holds something else than single values.
    #[error("the list `{0}` may hold texts, numbers, and `true` or `false`")]
    NestedList(String),
    /// The host has no such option.
    #[cfg(feature = "cli")]
    #[error("there is no option `{0}`")]
    UnknownKey(String),
    /// An option of the host that a file cannot give.
    #[error("`{0}` can only be given on the command line")]
    LineOnly(String),
    /// A plugin's table, and no plugin of that name.
    #[error("no plugin is called `{0}`")]
    UnknownPlugin(String),
    /// A plugin has no such option.
    #[error("`{plugin}` has no option `{option}`")]
    UnknownOption { plugin: String, option: String },
    /// A value that is not what the option takes; what it takes.
    #[error("`{option}` takes {wanted}")]
    Value { option: String, wanted: String },
    /// The option's own parser refuses it.
    #[cfg(feature = "cli")]
    #[error("`{value}` is no value of `{option}`")]
    Refused {
        option: String,
        value: String,
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

/// A mistake with its place; shown in one line.
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) mistake: Mistake,
    pub(crate) place: Place,
    pub(crate) hints: Vec<String>,
}

/// Something that is wrong with a file, or in it.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "cli"),
    expect(dead_code, reason = "only the command line has several files, and a doctor")
)]
pub(crate) struct Wrong {
    pub(crate) file: PathBuf,
    /// Where in the file.
    pub(crate) at: usize,
    /// What people are told of it.
    pub(crate) failure: Failure,
}

impl Mistake {
    /// What to do, where nothing better is known.
    pub(crate) fn hint(&self) -> String {
        match self {
            Mistake::Unreadable(_) => "see that it is there, and that you may read it".into(),
            Mistake::TooLarge => "see that it is the file that you mean".into(),
            Mistake::Syntax(message) if message.contains("duplicate key") => {
                "keep one of the two".into()
            }
            Mistake::Syntax(_) => {
                "a line is `key = value`, a text stands in quotes, and the options \
                 of a plugin follow `[plugin.NAME]`"
                    .into()
            }
            Mistake::UnknownTable(_) => {
                "the options of a plugin follow `[plugin.NAME]`, those of the \
                 host stand before all tables"
                    .into()
            }
            Mistake::NotATable(name) if name.contains('.') => {
                format!("its options follow `[{name}]`")
            }
            Mistake::NotATable(name) => format!("the options of a plugin follow `[{name}.NAME]`"),
            Mistake::NestedTable(_) => "an option has a value, or a list of values".into(),
            Mistake::NestedList(_) => "write its values one after the other".into(),
            #[cfg(feature = "cli")]
            Mistake::UnknownKey(_) => REMOVE.into(),
            Mistake::UnknownPlugin(_) | Mistake::UnknownOption { .. } => REMOVE.into(),
            Mistake::LineOnly(option) => {
                format!("take it out of the file, and put `--{option}` on the line")
            }
            Mistake::Value { .. } => CHANGE.into(),
            #[cfg(feature = "cli")]
            Mistake::Refused { .. } => CHANGE.into(),
        }
    }
}

const REMOVE: &str = "take it out of the file";

const CHANGE: &str = "change the value, or take the line out to have the default";

impl Located {
    pub(crate) fn new(mistake: Mistake, place: &Place) -> Located {
        Located { mistake, place: place.clone(), hints: Vec::new() }
    }

    /// With keys that may have been meant.
    pub(crate) fn suggesting(mut self, alike: &[String]) -> Located {
        if !alike.is_empty() {
            let keys: Vec<_> = alike.iter().map(|key| format!("`{key}`")).collect();
            self.hints.push(format!("did you mean {}?", keys.join(" or ")));
        }
        self
    }

    /// What people are told of it.
    pub(crate) fn failure(&self) -> Failure {
        let mut failure = Failure::from_error(Exit::Config, &self.mistake);
        failure.pointer = Some(self.place.pointer());
        failure.hints.clone_from(&self.hints);
        if failure.hints.is_empty() {
            failure.hints.push(self.mistake.hint());
        }
        failure
    }

    /// The same, with its file.
    pub(crate) fn wrong(&self) -> Wrong {
        let (file, at) = (self.place.path().clone(), self.place.start());
        Wrong { file, at, failure: self.failure() }
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.mistake)?;
        self.hints.iter().try_for_each(|hint| write!(f, "; {hint}"))
    }
}
