//! The README's commands: each line of its `sh` blocks is run, and must end with 0.
//!
//! The opening ones are cargo's, and are run where the repository is. The others are an operator's, and are
//! run on Linux, whose names of files the README has: each block in a world of its own, with a home in
//! which the bundled plugins are installed, and a folder that holds them in `plugins` and in
//! `target/debug`, and whatever file the README shows (a block of TOML that begins with `# NAME`). Lines
//! that are run otherwise stand in a table; one that the README has no more is a mistake.

#[cfg(target_os = "linux")]
mod world;

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::shell;

/// What the tests must be called by in the README: the step `tests` runs it.
pub(crate) const TEST_COMMAND: &str = "cargo test --workspace";

/// How a line is run that does not end by itself with 0, or not everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// By another step.
    Elsewhere,
    /// Until Ctrl-C, once stderr holds this.
    Interrupted(&'static str),
    /// Where this program is installed.
    With(&'static str),
}

const ENDED: &str = "Finished counting down";

const OTHERWISE: [(&str, How); 5] = [
    (TEST_COMMAND, How::Elsewhere),
    ("cargo xtask run -v countdown --from 3 echo --immediately", How::Interrupted(ENDED)),
    ("lifespan --bus-trace '**' countdown --from 3 echo --immediately", How::Interrupted(ENDED)),
    ("lifespan watch notes.txt --as text http --port 0", How::Interrupted("Serving http://")),
    ("lifespan man countdown | man -l -", How::With("man")),
];

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// What follows the fence.
    pub(crate) language: String,
    pub(crate) text: String,
}

/// Runs all of them.
pub(crate) fn readme() -> Result<()> {
    let text =
        fs::read_to_string(shell::root().join("README.md")).context("cannot read README.md")?;
    let blocks = blocks(&text);
    let stale = stale(&blocks);
    ensure!(stale.is_empty(), "README.md does not say any more: {}", stale.join("; "));
    let opening = blocks.iter().find(|it| it.language == "sh").map(Block::lines);
    let Some([_, tests]) = opening.as_deref() else {
        bail!("README.md does not open with a block of two commands");
    };
    ensure!(tests == TEST_COMMAND, "README.md says `{tests}`, and the tests are `{TEST_COMMAND}`");
    run(&blocks)
}

#[cfg(target_os = "linux")]
fn run(blocks: &[Block]) -> Result<()> {
    world::run(blocks)
}

/// Elsewhere only the first: the names of files are those of Linux.
#[cfg(not(target_os = "linux"))]
fn run(blocks: &[Block]) -> Result<()> {
    let first = blocks.iter().find(|it| it.language == "sh").map(Block::lines).unwrap_or_default();
    let line = first.first().context("README.md has no command")?;
    shell::say(&format!("$ {line}"));
    let words = line.strip_prefix("cargo ").context("README.md's first command is not cargo's")?;
    shell::must(&mut shell::cargo(words.split_whitespace()))
}

/// How a line is run, if otherwise than to its end.
#[cfg(target_os = "linux")]
fn how(line: &str) -> Option<How> {
    OTHERWISE.iter().find(|(it, _)| *it == line).map(|(_, how)| *how)
}

/// The lines of the table that are in no block.
fn stale(blocks: &[Block]) -> Vec<&'static str> {
    let lines: Vec<_> =
        blocks.iter().filter(|it| it.language == "sh").flat_map(Block::lines).collect();
    let is_there = |line: &&str| lines.iter().any(|it| it == line);
    OTHERWISE.iter().map(|(line, _)| *line).filter(|line| !is_there(line)).collect()
}

/// The fenced blocks of a text, in their order.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let inner = lines.by_ref().take_while(|line| !line.starts_with("```"));
        let text = inner.map(|line| format!("{line}\n")).collect();
        blocks.push(Block { language: language.trim().to_owned(), text });
    }
    blocks
}

impl Block {
    /// Its commands, without prompts and comments.
    fn lines(&self) -> Vec<String> {
        let lines = self.text.lines().map(|line| line.trim().trim_start_matches("$ "));
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(|line| line.split(" #").next().unwrap_or(line).trim_end().to_owned()).collect()
    }

    /// The name of the file that it shows, if it shows one.
    #[cfg(target_os = "linux")]
    fn file(&self) -> Option<&str> {
        let name = self.text.lines().next()?.strip_prefix("# ")?;
        (self.language == "toml" && !name.contains(['/', ' '])).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_commands_and_files() {
        let text = "# x\n\n```sh\n# a demo\n$ cargo xtask run -v\n\ncargo test  # all\n```\n\
            ```toml\n# a.toml\nb = 1\n```\n```toml\n[lib]\n```\n";
        let blocks = blocks(text);
        let languages: Vec<_> = blocks.iter().map(|it| it.language.as_str()).collect();
        assert_eq!(languages, ["sh", "toml", "toml"]);
        assert_eq!(blocks[0].lines(), ["cargo xtask run -v", "cargo test"]);
        #[cfg(target_os = "linux")]
        assert_eq!([blocks[1].file(), blocks[2].file()], [Some("a.toml"), None]);
    }

    #[test]
    fn a_line_that_is_not_there_any_more_is_told() {
        let lines: String = OTHERWISE[1..].iter().map(|(line, _)| format!("{line}\n")).collect();
        assert_eq!(stale(&blocks(&format!("```sh\n{lines}```\n"))), [TEST_COMMAND]);
        assert_eq!(stale(&blocks(&format!("```sh\n{TEST_COMMAND}\n{lines}```\n"))), [""; 0]);
        assert_eq!(
            stale(&blocks(&format!("```\n{TEST_COMMAND}\n{lines}```\n"))).len(),
            OTHERWISE.len()
        );
    }
}
