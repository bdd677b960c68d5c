//! The two forms of a result: text for people, JSON for programs.
//!
//! Makes strings; prints nothing. The JSON of a command is one object, whose fields are described in
//! the command's file. Later versions may add fields; none goes away, and none changes its meaning.
//! Paths that are not UTF-8 are shown with `U+FFFD` in place of what cannot be shown.

use std::path::Path;

use clap::{Args, ValueEnum};
use serde::Serialize;

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
