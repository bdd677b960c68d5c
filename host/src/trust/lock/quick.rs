//! Reads a lock file that looks as it was written by us, line by line, some ten times as fast as TOML is
//! read: a start looks at all of it, and a folder may have a thousand libraries.
//!
//! Only what TOML says of the same text is ever told: whatever is not in the expected form, a mistake too,
//! is left to the whole parser.

use std::collections::BTreeMap;

use crate::trust::lock::{Entry, VERSION};

/// What has been read of an entry so far.
#[derive(Default)]
struct Partial<'t> {
    name: &'t str,
    sha256: Option<&'t str>,
    size: Option<u64>,
    plugins: Option<BTreeMap<String, String>>,
}

/// The libraries in the text of a lock file; none if it must be read as any TOML is.
pub(super) fn parse(text: &str) -> Option<BTreeMap<String, Entry>> {
    let mut libraries = BTreeMap::new();
    let mut version = None;
    let mut entry: Option<Partial<'_>> = None;
    for line in text.lines() {
        if line.contains(char::is_control) {
            return None;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix("[libraries.\"").and_then(|it| it.strip_suffix("\"]"))
        {
            finish(entry.take(), &mut libraries)?;
            entry = Some(Partial { name: plain(name)?, ..Partial::default() });
            continue;
        }
        let (key, value) = line.split_once(" = ")?;
        match (&mut entry, key) {
            (None, "version") => set(&mut version, number(value)?)?,
            (Some(entry), "sha256") => set(&mut entry.sha256, string(value)?)?,
            (Some(entry), "size") => set(&mut entry.size, number(value)?)?,
            (Some(entry), "plugins") => set(&mut entry.plugins, table(value)?)?,
            _ => return None,
        }
    }
    finish(entry, &mut libraries)?;
    (version == Some(VERSION.into())).then_some(libraries)
}

fn finish(entry: Option<Partial<'_>>, libraries: &mut BTreeMap<String, Entry>) -> Option<()> {
    let Some(Partial { name, sha256, size, plugins }) = entry else { return Some(()) };
    let sha256 = sha256?.parse().ok()?;
    let entry = Entry { sha256, size: size?, plugins: plugins.unwrap_or_default() };
    match libraries.insert(name.to_owned(), entry) {
        None => Some(()),
        Some(_) => None,
    }
}

/// Sets what is not set yet.
fn set<T>(place: &mut Option<T>, value: T) -> Option<()> {
    match place.replace(value) {
        None => Some(()),
        Some(_) => None,
    }
}

fn string(value: &str) -> Option<&str> {
    plain(value.strip_prefix('"')?.strip_suffix('"')?)
}

/// What is between quotes, if it stands for itself.
fn plain(text: &str) -> Option<&str> {
    (!text.contains(['"', '\\'])).then_some(text)
}

/// A number as TOML writes one, of which the largest has 19 digits.
fn number(value: &str) -> Option<u64> {
    let is_written_so = value == "0" || !value.starts_with('0');
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    (is_written_so && digits && value.len() < 19).then(|| value.parse().ok())?
}

fn table(value: &str) -> Option<BTreeMap<String, String>> {
    let mut table = BTreeMap::new();
    if value == "{}" {
        return Some(table);
    }
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    for pair in value.strip_prefix("{ ")?.strip_suffix(" }")?.split(", ") {
        let (key, value) = pair.split_once(" = ")?;
        if key.is_empty() || !key.chars().all(is_bare) {
            return None;
        }
        if table.insert(key.to_owned(), string(value)?.to_owned()).is_some() {
            return None;
        }
    }
    Some(table)
}
