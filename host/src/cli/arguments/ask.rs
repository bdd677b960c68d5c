//! The parent's side: has a child process load a library, and hears what it tells.

use std::path::Path;

use super::child::{MARK, WORD};
use super::{Asker, Told};
use crate::cli::asking::{Asking, ask as ask_child};
use crate::error::Failure;
use crate::exit::Exit;

/// What the library in that file tells of its plugins.
///
/// # Errors
///
/// It tells nothing: it ended the child, say, or took too long.
pub(super) fn ask(asker: &Asker<'_>, file: &Path) -> Result<Told, Failure> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let asking = Asking {
        options: asker.options,
        words: vec![WORD.into(), file.into()],
        mark: MARK,
        limit: asker.limit,
        ends_itself: false,
    };
    let heard = ask_child(asking, |told| serde_json::from_str::<Told>(told.trim_end()).ok());
    let heard = heard.map_err(|error| {
        Failure::from_error(Exit::Host, &error)
            .context(format!("no process can be started that loads `{name}`"))
    })?;
    let end = heard.end().unwrap_or_else(|| {
        let limit = humantime::format_duration(asker.limit);
        format!("did not tell its arguments within {limit}, and was stopped")
    });
    let detail = heard.last_lines();
    heard.told.ok_or_else(|| {
        let mut failure = Failure::new(Exit::Load, format!("`{name}` {end}")).hint(
            "its own code does that when it is loaded, and would do it in a chain too: ask its author",
        );
        failure.detail = detail;
        failure
    })
}
