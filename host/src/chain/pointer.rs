//! Shows where in a line a mistake is: the line, and a caret below the word.

use std::ffi::OsStr;
use std::ops::Range;

use crate::chain::word::{Origin, Word};

/// In fewer columns than these nothing is shown in a way that helps.
const FEWEST: usize = 20;

/// How far the line is indented.
const INDENT: &str = "  ";

/// What stands for what is left out.
const CUT: char = '…';

/// The line of the words in `span`, cut to so many columns (0 is without limit), with carets below
/// them; for words in a file, the line there of the first, below the file's name. Each line ends with
/// a line feed; nothing is shown of a span that is not in these words.
pub(crate) fn render_pointer(words: &[Word], span: Range<usize>, width: u32) -> String {
    let Some(word) = words.get(span.start) else { return String::new() };
    let mut line = Vec::new();
    let mut marked: Option<Range<usize>> = None;
    for (at, other) in words.iter().enumerate().filter(|(_, other)| on_same_line(word, other)) {
        if !line.is_empty() {
            line.push(' ');
        }
        let start = line.len();
        line.extend(shown(&other.text));
        if span.contains(&at) {
            marked = Some(marked.map_or(start, |marked| marked.start)..line.len());
        }
    }
    let width = if width == 0 { usize::MAX } else { FEWEST.max(width as usize) };
    let marked = marked.unwrap_or_default();
    let (line, start, length) = window(&line, marked.start, marked.end, width - INDENT.len());
    let place = match &word.origin {
        Origin::Argv(_) => String::new(),
        Origin::File { file, line } => format!("{INDENT}{}:{line}\n", file.path.display()),
    };
    let (blanks, carets) = (" ".repeat(start), "^".repeat(length.max(1)));
    format!("{place}{INDENT}{line}\n{INDENT}{blanks}{carets}\n")
}

fn on_same_line(word: &Word, other: &Word) -> bool {
    match (&word.origin, &other.origin) {
        (Origin::Argv(_), Origin::Argv(_)) => true,
        (Origin::File { file, line }, Origin::File { file: other, line: of_other }) => {
            file == other && line == of_other
        }
        _ => false,
    }
}

/// A word as one could have typed it: in quotes where it needs them, on one line, and with a mark for
/// what is no text.
fn shown(word: &OsStr) -> Vec<char> {
    let text = word.to_string_lossy();
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"'\"\\#".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.chars().collect();
    }
    let escape = |c: char| -> Vec<char> {
        if c.is_control() { c.escape_default().collect() } else { vec![c] }
    };
    ['\''].into_iter().chain(text.chars().flat_map(escape)).chain(['\'']).collect()
}

/// Cuts a line to `width` columns around what is marked. Gives the text, and where in it the mark is
/// and how long.
fn window(line: &[char], start: usize, end: usize, width: usize) -> (String, usize, usize) {
    if line.len() <= width {
        return (line.iter().collect(), start, end - start);
    }
    // One column on either side may be lost to the sign of a cut.
    let shown = width - 2;
    let marked = (end - start).min(shown);
    let before = (shown - marked) / 2;
    let from = start.saturating_sub(before).min(line.len() - shown);
    let to = from + shown;
    let mut text = String::new();
    let mut shift = 0;
    if from > 0 {
        text.push(CUT);
        shift = 1;
    }
    text.extend(&line[from..to]);
    if to < line.len() {
        text.push(CUT);
    }
    (text, start - from + shift, marked)
}

#[cfg(test)]
mod tests;
