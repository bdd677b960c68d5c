//! Places in a file of configuration, and how they are shown.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::position::position;

/// A longer line is not shown: it would be broken, and the mark be somewhere.
const MOST_COLUMNS: usize = 76;

/// A file that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A part of a file. Shown as `FILE:LINE:COLUMN`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Place {
    file: Arc<Text>,
    span: Range<usize>,
}

impl Place {
    pub(crate) fn new(file: &Arc<Text>, span: Range<usize>) -> Place {
        Place { file: file.clone(), span }
    }

    /// The file's path.
    pub(crate) fn path(&self) -> &PathBuf {
        &self.file.path
    }

    /// Where in the file it comes, to put places in order.
    pub(crate) fn start(&self) -> usize {
        self.span.start
    }

    /// The place by its name, and its line with a mark below.
    pub(crate) fn pointer(&self) -> String {
        let text = &self.file.text;
        let before = text.get(..self.span.start).unwrap_or(text);
        let from = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text[from..].lines().next().unwrap_or_default().replace('\t', " ");
        let line = line.trim_end();
        if line.contains(char::is_control) || line.chars().count() > MOST_COLUMNS {
            return format!("  {self}\n");
        }
        let column = self.position().1 - 1;
        let marked = text.get(self.span.clone()).and_then(|marked| marked.lines().next());
        let carets = "^".repeat(marked.map_or(0, |marked| marked.chars().count()).max(1));
        format!("  {self}\n  {line}\n  {:column$}{carets}\n", "")
    }

    /// The numbers of the line and of the column.
    fn position(&self) -> (usize, usize) {
        position(self.file.text.as_bytes(), self.span.start)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.position();
        write!(f, "{}:{line}:{column}", self.path().display())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, marked: &str) -> Place {
        let start = text.find(marked).unwrap();
        let file = Text { path: "a.toml".into(), text: text.into() };
        Place::new(&Arc::new(file), start..start + marked.len())
    }

    #[test]
    fn a_place_is_shown_with_its_line_and_a_mark() {
        let place = place("# ä\n\tgröße = 3 # x\n", "größe");
        assert_eq!(place.to_string(), "a.toml:2:2");
        assert_eq!(place.pointer(), "  a.toml:2:2\n   größe = 3 # x\n   ^^^^^\n");
    }

    #[test]
    fn what_could_write_on_a_terminal_or_is_too_long_is_not_shown() {
        assert_eq!(place("a = '\u{1b}'", "a").pointer(), "  a.toml:1:1\n");
        assert_eq!(place(&format!("a = '{}'", "x".repeat(99)), "a").pointer(), "  a.toml:1:1\n");
    }

    #[test]
    fn a_place_at_the_end_or_over_several_lines_is_one_mark() {
        assert_eq!(place("a =", "").pointer(), "  a.toml:1:1\n  a =\n  ^\n");
        let file = Arc::new(Text { path: "a.toml".into(), text: "a = [\n1,\n]\n".into() });
        assert_eq!(Place::new(&file, 4..10).pointer(), "  a.toml:1:5\n  a = [\n      ^\n");
        assert_eq!(Place::new(&file, 11..11).pointer(), "  a.toml:4:1\n  \n  ^\n");
    }
}
