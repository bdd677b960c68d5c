//! The first look at the command line: where the host's options end, and what of them must be known
//! before they are parsed in full.
//!
//! Errors of the full parse must obey `--color`, and clap must never see the chain: given the whole
//! line, it would swallow a `--` that belongs to a stage. This scan reads names and arities only, and
//! judges nothing; whatever is wrong, the full parse will say.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::{Arg, Command, ValueEnum};

use super::logging::LogFormat;
use super::term::ColorWhen;
use crate::chain::THEN;

/// What the first look found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Early {
    /// How many words are the host's options.
    pub(crate) options: usize,
    /// Where the chain begins: behind the options, and behind a `--` that ended them.
    pub(crate) chain: usize,
    /// The colour that was asked for; the last one where there are several.
    pub(crate) color: Option<ColorWhen>,
    /// The form of logs and failures that was asked for; the last one where there are several.
    pub(crate) format: Option<LogFormat>,
    /// The files of configuration that were named.
    pub(crate) config: Vec<PathBuf>,
    /// Whether files are to be read that others may write to.
    pub(crate) allow_unsafe_permissions: bool,
    /// How much talk was asked for.
    pub(crate) verbosity: Verbosity,
}

/// How much talk there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// `-q`: warnings and errors.
    Quiet,
    /// What an operator wants to know.
    #[default]
    Normal,
    /// `-v`: what a developer wants to know.
    Debug,
    /// `-vv`: everything.
    Trace,
}

impl Verbosity {
    /// From the number of `-v`, and whether there is a `-q`.
    pub(crate) fn new(verbose: usize, quiet: bool) -> Self {
        match (quiet, verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, 1) => Verbosity::Debug,
            (false, _) => Verbosity::Trace,
        }
    }

    /// Whether more than usual was asked for.
    pub(crate) fn is_verbose(self) -> bool {
        matches!(self, Verbosity::Debug | Verbosity::Trace)
    }
}

/// Scans the words behind the program's name.
pub(crate) fn scan(command: &Command, words: &[OsString]) -> Early {
    let mut early = Early::default();
    let (mut verbose, mut quiet) = (0, false);
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if word == "--" {
            early.chain = at + 1;
            break;
        }
        let bytes = word.as_encoded_bytes();
        if bytes.len() < 2 || bytes[0] != b'-' || word == THEN {
            early.chain = at;
            break;
        }
        at += 1;
        // An option that is not UTF-8 is none of ours.
        let occurrences = word.to_str().map_or_else(Vec::new, |word| read(command, word));
        for Occurrence { arg, joined } in occurrences {
            let mut value = joined.map(OsStr::new);
            if value.is_none() && arg.get_action().takes_values() {
                value = words.get(at).map(OsString::as_os_str);
                at += 1;
            }
            match arg.get_id().as_str() {
                "verbose" => verbose += 1,
                "quiet" => quiet = true,
                "color" => early.color = choice(value).or(early.color),
                "log_format" => early.format = choice(value).or(early.format),
                "allow_unsafe_permissions" => early.allow_unsafe_permissions = true,
                "config" => early.config.extend(value.map(PathBuf::from)),
                _ => {}
            }
        }
        early.chain = at;
    }
    early.chain = early.chain.min(words.len());
    early.options = at.min(words.len());
    early.verbosity = Verbosity::new(verbose, quiet);
    early
}

/// One option in a word, with the value that is joined to it.
struct Occurrence<'a> {
    arg: &'a Arg,
    joined: Option<&'a str>,
}

/// The options in a word: one long, or several short ones, of which only the last can take a value.
/// One that is not known takes no value.
fn read<'a>(command: &'a Command, word: &'a str) -> Vec<Occurrence<'a>> {
    if let Some(long) = word.strip_prefix("--") {
        let (name, joined) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        let arg = command.get_arguments().find(|arg| arg.get_long() == Some(name));
        return arg.map(|arg| Occurrence { arg, joined }).into_iter().collect();
    }
    let mut found = Vec::new();
    let mut rest = word.chars();
    rest.next();
    while let Some(short) = rest.next() {
        let Some(arg) = command.get_arguments().find(|arg| arg.get_short() == Some(short)) else {
            continue;
        };
        if arg.get_action().takes_values() {
            let joined = Some(rest.as_str()).filter(|rest| !rest.is_empty());
            found.push(Occurrence { arg, joined });
            break;
        }
        found.push(Occurrence { arg, joined: None });
    }
    found
}

fn choice<T: ValueEnum>(value: Option<&OsStr>) -> Option<T> {
    T::from_str(value?.to_str()?, false).ok()
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use std::os::unix::ffi::OsStrExt;

    use super::*;
    use crate::cli::args;

    fn check(line: &str, options: usize, chain: usize) -> Early {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        let early = scan(&args::command(&args::Brand::default()), &words);
        assert_eq!((early.options, early.chain), (options, chain), "{line}");
        early
    }

    #[test]
    fn the_chain_begins_at_the_first_word_that_is_no_option() {
        check("", 0, 0);
        check("countdown --from 3", 0, 0);
        check("-v --until countdown countdown --from 3 echo", 3, 3);
        check("--until=countdown countdown", 1, 1);
        check("--plugin-dir a --plugin-dir b -q echo -- x", 5, 5);
        check("--color", 1, 1);
        check("-v - echo", 1, 1);
        // Unknown options are for the full parse to report.
        check("--frmo 3 countdown", 1, 1);
        check("-vx countdown", 1, 1);
        // The chain's own, if at a wrong place: the splitter will say.
        check("-v --then countdown", 1, 1);
    }

    #[test]
    fn two_dashes_end_the_options_and_a_stages_own_are_kept() {
        check("-- countdown -- echo", 0, 1);
        check("-v -- countdown", 1, 2);
        check("-v -- -- countdown", 1, 2);
        check("--until -- countdown", 2, 2);
    }

    #[test]
    fn colour_and_verbosity_are_known_even_where_the_parse_will_fail() {
        let early = check("--nonsense --color always -vv echo --color never", 4, 4);
        assert_eq!((early.color, early.verbosity), (Some(ColorWhen::Always), Verbosity::Trace));
        let early = check("--color=never -q --color=purple", 3, 3);
        assert_eq!((early.color, early.verbosity), (Some(ColorWhen::Never), Verbosity::Quiet));
        let early = check("--log-format json --nonsense echo --log-format text", 3, 3);
        assert_eq!(early.format, Some(LogFormat::Json));
        let early = check("--config a -v --config=b --config echo", 6, 6);
        assert_eq!(early.config, ["a", "b", "echo"].map(PathBuf::from));
        assert!(!early.allow_unsafe_permissions);
        assert!(check("--allow-unsafe-permissions echo", 1, 1).allow_unsafe_permissions);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_utf8_is_left_to_the_parse() {
        let word = OsStr::from_bytes(b"--\xff").to_owned();
        let command = args::command(&args::Brand::default());
        assert_eq!(scan(&command, &[word, "echo".into()]).options, 1);
    }
}
