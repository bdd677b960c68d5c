//! Where on a line the next word would stand: for completion.
//!
//! It splits the words before as a line of its own, so it says what a run would make of them.

use std::ffi::OsString;
use std::sync::Arc;

use lifespan_abi::CommandSpec;

use crate::chain::reader::{Expects, Reader};
use crate::chain::{Mistake, StageEnd, THEN, Vocabulary, Word, split};

/// Where the next word stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// Where a stage's name must stand.
    Name,
    /// In a stage.
    Stage {
        /// What its plugin takes.
        spec: Arc<CommandSpec>,
        /// The words that it has.
        args: Vec<OsString>,
    },
    /// In a stage of which nothing is known but that it has begun.
    Unknown,
}

/// Where the word behind these would stand.
pub(crate) fn cursor<V: Vocabulary>(words: &[Word], vocabulary: &mut V) -> Cursor {
    let split = split(words, vocabulary);
    let end = split.stages.last().map_or(0, |stage| stage.span.end);
    let open = split
        .stages
        .last()
        .filter(|stage| stage.ended_by == StageEnd::Line && stage.span.end == split.words.len());
    if let Some(stage) = open {
        return match vocabulary.spec(&stage.plugin) {
            Ok(spec) => Cursor::Stage { spec, args: stage.args.clone() },
            Err(_) => Cursor::Unknown,
        };
    }
    let begun = split.mistakes.iter().rev().find_map(|mistake| match mistake {
        Mistake::Spec { at, .. } if *at >= end => Some(*at),
        _ => None,
    });
    match begun {
        Some(at) if !split.words[at..].iter().any(|word| word.text == THEN) => Cursor::Unknown,
        _ => Cursor::Name,
    }
}

/// What may follow these words of a stage.
pub(crate) fn expects<'s>(spec: &'s CommandSpec, words: &[OsString]) -> Expects<'s> {
    words.iter().fold(Reader::new(spec), |reader, word| reader.read(word).1).expects()
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};

    use super::*;
    use crate::chain::testing::Plugins;

    fn check(line: &str, expect: Option<&str>) {
        let mut plugins = Plugins::default()
            .with(Command::new("countdown").arg(Arg::new("from").long("from")))
            .with(Command::new("echo"))
            .with_broken("closed")
            .with_file("words", "countdown --from");
        let words: Vec<_> = line.split_whitespace().collect();
        let found = match cursor(&Word::line(words), &mut plugins) {
            Cursor::Name => None,
            Cursor::Unknown => Some("?".to_owned()),
            Cursor::Stage { spec, args } => {
                let args: Vec<_> = args.iter().map(|arg| arg.to_str().unwrap()).collect();
                Some(format!("{} {}", spec.name, args.join(" ")).trim_end().to_owned())
            }
        };
        assert_eq!(found.as_deref(), expect, "{line}");
    }

    #[test]
    fn the_next_word_stands_in_the_stage_that_has_not_ended() {
        check("", None);
        check("countdown", Some("countdown"));
        check("countdown --from", Some("countdown --from"));
        check("countdown --from 3 echo", Some("echo"));
        check("countdown@fast --from echo", Some("countdown --from echo"));
        check("countdown --then", None);
        check("countdown --then echo", Some("echo"));
        check("countdown echo nonsense", None);
        check("@words", Some("countdown --from"));
    }

    #[test]
    fn a_plugin_that_is_not_known_has_begun_a_stage_all_the_same() {
        check("closed", Some("?"));
        check("closed --any 3", Some("?"));
        check("closed --any 3 --then", None);
        check("closed --any 3 echo", Some("echo"));
        check("countdown closed", Some("?"));
    }
}
