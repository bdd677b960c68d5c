//! The two forms of a result: text for people, JSON for programs.
//!
//! Makes strings; prints nothing. The JSON of a command is one object, whose fields are described in
//! the command's file. Later versions may add fields; none goes away, and none changes its meaning.
//! Paths that are not UTF-8 are shown with `U+FFFD` in place of what cannot be shown.

use std::path::Path;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::cli::lines::{lines, plain};

/// The option that chooses the form.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct FormatArgs {
    /// Print in this format
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

/// A form of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs: one JSON object
    Json,
}

/// The JSON of a result, in lines.
pub(crate) fn json(result: &impl Serialize) -> String {
    // Only maps with keys that are no strings cannot be written, and no result has one.
    serde_json::to_string_pretty(result).map(|text| text + "\n").unwrap_or_default()
}

/// A path as the JSON of a result has it.
pub(crate) fn path(path: &Path) -> String {
    path.display().to_string()
}

/// A text in lines that begin with so many blanks; what goes on is two further in.
pub(crate) fn indented(text: &str, blanks: usize, columns: u16) -> String {
    let room = usize::from(columns).saturating_sub(blanks + 2).max(FEWEST_COLUMNS);
    let mut out = String::new();
    for (at, line) in lines(&plain(text), room).iter().enumerate() {
        let blanks = blanks + if at == 0 { 0 } else { 2 };
        out += &format!("{:blanks$}{line}\n", "");
    }
    out
}

/// Rows with their cells below each other. The last cell is broken where it does not fit, or stands
/// below the row where next to nothing of it would.
pub(crate) fn table<T: AsRef<str>>(
    rows: &[impl AsRef<[T]>],
    blanks: usize,
    columns: u16,
) -> String {
    let narrow = |cells: &[T]| cells.len().saturating_sub(1);
    let rows = || rows.iter().map(AsRef::as_ref);
    let mut widths = vec![0; rows().map(narrow).max().unwrap_or(0)];
    for cells in rows() {
        for (width, cell) in widths.iter_mut().zip(&cells[..narrow(cells)]) {
            *width = (*width).max(cell.as_ref().chars().count());
        }
    }
    let left = blanks + widths.iter().map(|width| width + 2).sum::<usize>();
    let columns = usize::from(columns);
    let (below, room) = match columns.checked_sub(left) {
        Some(room) if room >= FEWEST_COLUMNS => (left, room),
        _ => (blanks + 4, columns.saturating_sub(blanks + 4).max(FEWEST_COLUMNS)),
    };
    let mut text = String::new();
    for cells in rows() {
        let Some((last, narrow)) = cells.split_last() else { continue };
        pad(&mut text, blanks);
        for (cell, width) in narrow.iter().map(AsRef::as_ref).zip(&widths) {
            text += cell;
            pad(&mut text, width + 2 - cell.chars().count());
        }
        let last = last.as_ref();
        if below == left && last.len() <= room {
            text += last.trim_end();
        } else {
            // There is one at least, which may be empty.
            let mut broken = lines(last, room);
            if below == left {
                text += &broken.remove(0);
            }
            for line in broken.iter().filter(|line| !line.is_empty()) {
                text.truncate(text.trim_end_matches(' ').len());
                text.push('\n');
                pad(&mut text, below);
                text += line;
            }
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    text
}

fn pad(text: &mut String, blanks: usize) {
    text.extend(std::iter::repeat_n(' ', blanks));
}

/// In fewer columns, wrapping leaves a word a line.
const FEWEST_COLUMNS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[[&str; 3]]) -> Vec<Vec<String>> {
        rows.iter().map(|cells| cells.map(String::from).to_vec()).collect()
    }

    #[test]
    fn cells_stand_below_each_other_and_the_last_is_broken() {
        let rows = rows(&[["a", "1.0", "Do it all day and all of the night"], ["long", "2", "Go"]]);
        assert_eq!(
            table(&rows, 2, 36),
            "  a     1.0  Do it all day and all\n             of the night\n  long  2    Go\n"
        );
    }

    #[test]
    fn where_there_is_no_room_the_last_stands_below() {
        let rows = rows(&[["a-very-long-name-indeed", "1.0", "Do it"], ["b", "2", ""]]);
        let text = table(&rows, 2, 40);
        assert_eq!(
            text,
            "  a-very-long-name-indeed  1.0\n      Do it\n  b                        2\n"
        );
    }

    #[test]
    fn what_goes_on_is_further_in() {
        assert_eq!(
            indented("one two three four five six", 2, 24),
            "  one two three four\n    five six\n"
        );
    }
}
