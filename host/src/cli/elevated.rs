//! What a host with more rights than whoever started it (set-uid, or with capabilities of its file) does
//! for them: it runs and lists plugins that are root's.
//!
//! It reads no file that the line names, writes none, and starts no process. That is said here for the whole
//! line, before any of it is done. What stands within a chain (`@FILE`), and whatever writes a file or starts
//! a process all the same, asks [`own_rights`] by itself.

use std::ffi::OsString;

use super::arguments::child;
use super::early::Early;
use super::{man, plugin};
use crate::error::Failure;
use crate::exit::Exit;
use crate::trust::own_rights;

/// Judges a line by what its options and its first words ask for.
///
/// # Errors
///
/// It asks for more than such a host does.
pub(super) fn judge(early: &Early, line: &[OsString]) -> Result<(), Failure> {
    let chain = &line[early.chain..];
    let words: Vec<_> = chain.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    if early.config.is_empty() && is_harmless(&words) {
        return Ok(());
    }
    own_rights().map_err(|elevated| {
        Failure::from_error(Exit::Config, &elevated)
            .hint("use a host that is not set-uid, as root or as yourself")
    })
}

/// Of the host's own commands only these: those that print what is the same for everybody, or what is in a
/// folder that whoever asks may read themselves.
fn is_harmless(chain: &[&str]) -> bool {
    match chain {
        [plugin::WORD] | [plugin::WORD, "list" | "help" | "--help" | "-h", ..] => true,
        [man::WORD] | [man::WORD, "--help" | "-h"] => true,
        [plugin::WORD | man::WORD | child::WORD | plugin::child::WORD, ..] => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_touches_nothing_on_their_word_is_harmless() {
        let harmless = |line: &str| is_harmless(&line.split_whitespace().collect::<Vec<_>>());
        for line in [
            "",
            "countdown --from 3 echo",
            "help",
            "help man",
            "help countdown",
            "plugin",
            "plugin list --format json",
            "plugin --help trust",
            "man",
            "completions bash --answer -- plugin trust",
        ] {
            assert!(harmless(line), "{line}");
        }
        for line in [
            "plugin trust --all",
            "plugin path",
            "plugin check list",
            "plugin --format list",
            "man --dir x",
            "man countdown",
            "man -h --dir x",
            "__arguments x",
            "__validate arguments x",
        ] {
            assert!(!harmless(line), "{line}");
        }
    }
}
