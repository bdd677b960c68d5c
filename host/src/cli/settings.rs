//! The host's options as files of configuration give them: `grace = 3` is `--grace=3`.
//!
//! The user's own file is read first, then those that `--config` names, so later ones count. A file
//! that others may write to is refused, as a library is. A key is an option's long name; each setting
//! is parsed by the option's own parser, by itself, so that what it says of a value can be told with
//! the place. What the line gives is not taken from a file.

use std::error::Error;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, ValueEnum};

use super::early::Early;
use super::logging::LogFormat;
use super::term::ColorWhen;
use crate::chain::alike;
use crate::config::{Config, Located, MOST, Mistake, Scalar, Setting, Value, Wrong};
use crate::discover::config_folder;
use crate::error::Failure;
use crate::exit::Exit;
use crate::files::{self, Read};
use crate::log::{FilterError, parse_filter};
use crate::trust::{Distrust, Guard, KeyError, Policy, PublicKey};

/// Options of which a file would make no sense: they are about one line, or ask for something.
const LINE_ONLY: [&str; 8] =
    ["bus_trace", "config", "dry_run", "help", "quiet", "until", "verbose", "version"];

/// The key that is no option: a demand that a line could leave out would be none.
const SIGNED_BY: &str = "signed-by";

/// What files say of the host's options.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// Each option's id with its words.
    words: Vec<(String, Vec<OsString>)>,
    /// The plugins folders, from the root.
    pub(crate) plugin_dirs: Vec<PathBuf>,
    /// The keys of which one must have signed each library.
    pub(crate) signed_by: Vec<PublicKey>,
    /// What must be known before the line is parsed.
    pub(crate) color: Option<ColorWhen>,
    pub(crate) format: Option<LogFormat>,
}

/// What the files say that count for a line.
#[derive(Debug, Default)]
pub(crate) struct Configured {
    pub(crate) config: Config,
    pub(crate) settings: Settings,
    /// All that is wrong, in the order of the files and of the places in each.
    pub(crate) wrong: Vec<Wrong>,
}

/// Reads the files that count for a line, as far as they can be; those that it names in that way.
pub(crate) fn read(host: &str, command: &Command, early: &Early, named: Read) -> Configured {
    let own = user_file(host).filter(|file| is_there(file));
    let allow_unsafe_permissions = early.allow_unsafe_permissions;
    let guard = Guard::new(&Policy { allow_unsafe_permissions, ..Policy::default() });
    let mut config = Config::default();
    let mut wrong = Vec::new();
    let named = early.config.iter().map(|file| (file, named));
    for (file, read) in own.iter().map(|file| (file, files::read as Read)).chain(named) {
        if let Err(distrusted) = judge_file(&guard, file) {
            wrong.push(Wrong { file: file.clone(), at: 0, failure: distrusted });
            continue;
        }
        let (later, mistakes) = Config::what_can_be(read(file, MOST), file);
        config = config.overlaid(later);
        wrong.extend(mistakes);
    }
    let (settings, mistakes) = judge(&config.host, command);
    wrong.extend(mistakes.iter().map(Located::wrong));
    let files: Vec<_> = own.iter().chain(&early.config).collect();
    wrong.sort_by_key(|it| (files.iter().position(|file| **file == it.file), it.at));
    Configured { config, settings, wrong }
}

/// The user's own file for a host of that name, such as `~/.config/lifespan/lifespan.toml`; none where
/// there is no home.
pub(crate) fn user_file(host: &str) -> Option<PathBuf> {
    Some(config_folder(host)?.join(format!("{host}.toml")))
}

impl Settings {
    /// The words of all options that the line, as it was parsed, does not give.
    pub(crate) fn words(&self, line: &ArgMatches) -> Vec<OsString> {
        let given = |id: &str| line.value_source(id) == Some(ValueSource::CommandLine);
        let louder = given("verbose") || given("quiet");
        let left = self.words.iter().filter(|(id, _)| !(given(id) || id == "log" && louder));
        left.flat_map(|(_, words)| words.clone()).collect()
    }
}

/// The user's own file need not be there; one that is there must be read.
pub(super) fn is_there(file: &Path) -> bool {
    let missing = [ErrorKind::NotFound, ErrorKind::NotADirectory];
    !file.metadata().is_err_and(|error| missing.contains(&error.kind()))
}

/// What a file says decides on what is loaded, so nobody else may write to it.
pub(super) fn judge_file(guard: &Guard, file: &Path) -> Result<(), Failure> {
    // An empty path is none, and is told when it is read.
    let Ok(path) = std::path::absolute(file) else { return Ok(()) };
    guard.walk(&path).map_err(|distrust| {
        let wrong = match distrust {
            Distrust::Unreadable { .. } => "cannot be used",
            _ => "is not trusted",
        };
        let what = format!("the configuration `{}` {wrong}", file.display());
        Failure::from_error(Exit::Config, &distrust).context(what).hint(distrust.hint())
    })
}

fn judge(host: &[Setting], command: &Command) -> (Settings, Vec<Located>) {
    let mut settings = Settings::default();
    let mut mistakes = Vec::new();
    for setting in host {
        if setting.key == SIGNED_BY {
            match keys(setting) {
                Ok(keys) => settings.signed_by = keys,
                Err(wrong) => mistakes.push(wrong),
            }
            continue;
        }
        match option(setting, command).and_then(|arg| Ok((arg, words(setting, arg, command)?))) {
            Err(mistake) => mistakes.push(mistake),
            Ok((arg, words)) => settings.set(arg.get_id().as_str(), words, setting),
        }
    }
    (settings, mistakes)
}

impl Settings {
    fn set(&mut self, id: &str, words: Vec<OsString>, setting: &Setting) {
        let scalars = scalars(&setting.value);
        match id {
            // Of all files: they are a list as those of the line are.
            "plugin_dir" => {
                let folder = std::path::absolute(setting.place.path()).unwrap_or_default();
                let folder = folder.parent().unwrap_or(Path::new(""));
                self.plugin_dirs.extend(scalars.iter().map(|dir| folder.join(dir.word())));
                return;
            }
            "color" => self.color = choice(scalars),
            "log_format" => self.format = choice(scalars),
            _ => {}
        }
        self.words.retain(|(earlier, _)| earlier != id);
        self.words.push((id.to_owned(), words));
    }
}

fn choice<T: ValueEnum>(scalars: &[Scalar]) -> Option<T> {
    T::from_str(scalars.last()?.word(), false).ok()
}

/// The option that a key means.
fn option<'c>(setting: &Setting, command: &'c Command) -> Result<&'c Arg, Located> {
    let found = command.get_arguments().find(|arg| arg.get_long() == Some(&setting.key));
    let Some(arg) = found else {
        let options = command.get_arguments().filter(|arg| !is_line_only(arg));
        let known = options.filter_map(Arg::get_long).chain([SIGNED_BY]);
        let known: Vec<_> = known.map(ToOwned::to_owned).collect();
        let likely = alike(&setting.key, &known);
        let mistake = Mistake::UnknownKey(setting.key.clone());
        let mut mistake = Located::new(mistake, &setting.place);
        if likely.is_empty() {
            mistake.hints.push(format!("the options are: {}", known.join(", ")));
        }
        return Err(mistake.suggesting(&likely));
    };
    if is_line_only(arg) {
        return Err(Located::new(Mistake::LineOnly(setting.key.clone()), &setting.place));
    }
    Ok(arg)
}

fn is_line_only(arg: &Arg) -> bool {
    LINE_ONLY.contains(&arg.get_id().as_str())
}

/// A setting as words of the line, each of which the option takes.
fn words(setting: &Setting, arg: &Arg, command: &Command) -> Result<Vec<OsString>, Located> {
    let option = format!("--{}", setting.key);
    let wanted = |wanted: &str| {
        let mistake = Mistake::Value { option: setting.key.clone(), wanted: wanted.into() };
        Located::new(mistake, &setting.value_place)
    };
    if !arg.get_action().takes_values() {
        return match setting.value {
            Value::One(Scalar::Bool(set)) => Ok(set.then(|| option.into()).into_iter().collect()),
            _ => Err(wanted("`true` or `false`")),
        };
    }
    let is_list = matches!(arg.get_action(), ArgAction::Append);
    if matches!(setting.value, Value::Many(_)) && !is_list {
        return Err(wanted("one value"));
    }
    let mut words = Vec::new();
    for value in scalars(&setting.value) {
        let word = OsString::from(format!("{option}={}", value.word()));
        let parsed = command.clone().no_binary_name(true).try_get_matches_from([word.clone()]);
        parsed.map_err(|error| refused(&error, setting, value))?;
        if arg.get_id() == "log" {
            parse_filter(value.word()).map_err(|error| bad_filter(error, setting, value))?;
        }
        words.push(word);
    }
    Ok(words)
}

fn scalars(value: &Value) -> &[Scalar] {
    match value {
        Value::One(scalar) => std::slice::from_ref(scalar),
        Value::Many(scalars) => scalars,
    }
}

/// What an option's own parser says of a value.
fn refused(error: &clap::Error, setting: &Setting, value: &Scalar) -> Located {
    let hint = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(known)) if !known.is_empty() => {
            Some(format!("its values are: {}", known.join(", ")))
        }
        _ => None,
    };
    let source = error.source().map(|source| source.to_string().into());
    no_value(setting, value, source, hint)
}

/// The public keys in a setting.
fn keys(setting: &Setting) -> Result<Vec<PublicKey>, Located> {
    let key = |value: &Scalar| {
        value.word().parse().map_err(|error: KeyError| {
            let hint = "it is the second line of a `minisign.pub`".to_owned();
            no_value(setting, value, Some(Box::new(error)), Some(hint))
        })
    };
    if scalars(&setting.value).is_empty() {
        let (option, wanted) = (setting.key.clone(), "at least one key".into());
        return Err(Located::new(Mistake::Value { option, wanted }, &setting.value_place));
    }
    scalars(&setting.value).iter().map(key).collect()
}

/// A filter of logs has more to say of what is wrong than the parser of words.
fn bad_filter(error: FilterError, setting: &Setting, value: &Scalar) -> Located {
    let hint = error.hint().to_owned();
    no_value(setting, value, Some(Box::new(error)), Some(hint))
}

/// What a setting's option does not take.
fn no_value(
    setting: &Setting,
    value: &Scalar,
    source: Option<Box<dyn Error + Send + Sync>>,
    hint: Option<String>,
) -> Located {
    let (option, value) = (setting.key.clone(), value.word().escape_debug().to_string());
    let mistake = Mistake::Refused { option, value, source };
    let mut located = Located::new(mistake, &setting.value_place);
    located.hints.extend(hint);
    located
}

#[cfg(test)]
mod tests;
