//! Files of arguments: what `@FILE` on a line stands for.
//!
//! The words are separated by white space, lines count for nothing, `#` at the beginning of a word
//! comments out the rest of its line. As in a shell, `'…'` keeps everything, `"…"` keeps everything
//! but a backslash before `"` or `\`, and a backslash outside of quotes keeps the next character, or
//! joins two lines. Nothing else is expanded.
//!
//! [`read`] is the one function here that touches the file system; the splitter asks for it through
//! its vocabulary. `@FILE` within a file is not read here but where the splitter meets it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::chain::word::{ArgFile, Origin, Word};
use crate::files::Read;
use crate::trust::{Elevated, own_rights};

/// How many files may stand one within the other.
pub(super) const DEEPEST: usize = 8;

/// No line of arguments is longer; what is, is no file of arguments.
const LARGEST: u64 = 1 << 20;

/// Why a file of arguments cannot be taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ArgFileError {
    /// The system says no.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The host has more rights than whoever named the file.
    #[error("`{}` is not read", path.display())]
    Elevated {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Elevated,
    },
    /// It is larger than any file of arguments.
    #[error("`{}` is larger than {} KiB", path.display(), LARGEST >> 10)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is not text.
    #[error("{}:{line}: not UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
    },
    /// A quote does not end.
    #[error("{}:{line}: no closing `{quote}`", path.display())]
    OpenQuote {
        /// The file.
        path: PathBuf,
        /// Where the quote begins, from 1.
        line: usize,
        /// `'` or `"`.
        quote: char,
    },
    /// A backslash with nothing after it.
    #[error("{}:{line}: nothing follows the backslash", path.display())]
    LoneBackslash {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
    },
    /// The file contains itself.
    #[error("`{}` contains itself", path.display())]
    Cycle {
        /// The file.
        path: PathBuf,
    },
    /// Too many files stand one within the other.
    #[error("`{}` stands more than {DEEPEST} files deep", path.display())]
    TooDeep {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a file of arguments that was named at a place, in that way.
///
/// # Errors
///
/// The file cannot be read, contains itself, or is not of words.
pub(crate) fn read(path: &Path, named_by: &Origin, read: Read) -> Result<Vec<Word>, ArgFileError> {
    own_rights().map_err(|source| ArgFileError::Elevated { path: path.into(), source })?;
    let same = |other: &Path| matches!((path.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if named_by.files().any(|around| same(&around.path)) {
        return Err(ArgFileError::Cycle { path: path.into() });
    }
    let bytes = read(path, LARGEST).map_err(|source| match source.kind() {
        ErrorKind::FileTooLarge => ArgFileError::TooLarge { path: path.into() },
        _ => ArgFileError::Read { path: path.into(), source },
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        ArgFileError::NotText { path: path.into(), line: line_after(before) }
    })?;
    words(&text, &Arc::new(ArgFile { path: path.into(), named_by: named_by.clone() }))
}

/// The words in the text of a file.
///
/// # Errors
///
/// A quote or a backslash does not end.
pub(crate) fn words(text: &str, file: &Arc<ArgFile>) -> Result<Vec<Word>, ArgFileError> {
    let mut scanner = Scanner { rest: text.chars(), line: 1 };
    let mut words = Vec::new();
    while let Some((word, line)) = scanner.word().map_err(|open| open.error(file))? {
        words.push(Word { text: word.into(), origin: Origin::File { file: file.clone(), line } });
    }
    Ok(words)
}

struct Scanner<'t> {
    rest: std::str::Chars<'t>,
    line: usize,
}

/// What was not closed, and where.
enum Unclosed {
    Quote(char, usize),
    Backslash(usize),
}

impl Scanner<'_> {
    /// The next word, with the line it begins in.
    fn word(&mut self) -> Result<Option<(String, usize)>, Unclosed> {
        let Some(first) = self.after_blanks() else { return Ok(None) };
        let start = self.line;
        let mut word = String::new();
        let mut next = Some(first);
        while let Some(c) = next {
            match c {
                '\'' | '"' => self.quoted(c, &mut word)?,
                '\\' => match self.next() {
                    Some('\n') => {}
                    Some(kept) => word.push(kept),
                    None => return Err(Unclosed::Backslash(self.line)),
                },
                blank if blank.is_whitespace() => break,
                other => word.push(other),
            }
            next = self.next();
        }
        Ok(Some((word, start)))
    }

    /// The first character that is neither blank nor in a comment, nor a line that goes on.
    fn after_blanks(&mut self) -> Option<char> {
        loop {
            match self.next()? {
                '#' => while self.next()? != '\n' {},
                '\\' if self.rest.as_str().starts_with('\n') => drop(self.next()),
                blank if blank.is_whitespace() => {}
                other => return Some(other),
            }
        }
    }

    fn quoted(&mut self, quote: char, word: &mut String) -> Result<(), Unclosed> {
        let start = self.line;
        let end = || Unclosed::Quote(quote, start);
        loop {
            match self.next().ok_or_else(end)? {
                c if c == quote => return Ok(()),
                '\\' if quote == '"' => match self.next().ok_or_else(end)? {
                    '\n' => {}
                    kept @ ('"' | '\\') => word.push(kept),
                    other => word.extend(['\\', other]),
                },
                other => word.push(other),
            }
        }
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        if next == '\n' {
            self.line += 1;
        }
        Some(next)
    }
}

impl Unclosed {
    fn error(self, file: &ArgFile) -> ArgFileError {
        let path = file.path.clone();
        match self {
            Unclosed::Quote(quote, line) => ArgFileError::OpenQuote { path, line, quote },
            Unclosed::Backslash(line) => ArgFileError::LoneBackslash { path, line },
        }
    }
}

/// The line that follows these bytes, from 1.
fn line_after(bytes: &[u8]) -> usize {
    1 + bytes.iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests;
