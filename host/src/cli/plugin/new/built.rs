//! Where cargo will put what it builds of a new crate, by its environment and its files of configuration.
//!
//! Cargo is not asked: it would not answer before the crate is there and its workspace knows of it. What is
//! looked at is what says where, as cargo does: the environment first, then `.cargo/config.toml` of the
//! crate's folder, of each one above it, and of cargo's own home.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::workspace::table;
use crate::trust::quoted;

/// What cargo's environment says; none where a variable is not there, or empty.
type Env<'e> = &'e dyn Fn(&str) -> Option<OsString>;

/// A file of configuration, and the folder from which its paths are counted.
type Config = (PathBuf, Table);

/// The folder of the libraries as a shell in the crate's folder takes it; `target` is where they are unless
/// something else is said. `folder` need not be there yet.
pub(super) fn built(folder: &Path, target: &str, env: Env<'_>) -> String {
    let configs = configs(folder, env);
    let set =
        |key: &str| configs.iter().find_map(|(base, it)| Some((base, it.get("build")?.get(key)?)));
    let named = |names: &[&str]| names.iter().find_map(|name| env(name)).map(PathBuf::from);

    let place = named(&["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"])
        .or_else(|| set("target-dir").and_then(|(base, it)| Some(base.join(it.as_str()?))));
    let mut place = place.unwrap_or_else(|| target.into());
    let triple = named(&["CARGO_BUILD_TARGET"])
        .or_else(|| set("target").and_then(|(_, it)| only(it)).map(PathBuf::from));
    // What is described by a file is called like that.
    if let Some(triple) = triple.as_deref().and_then(|it| match it.extension() {
        Some(extension) if extension == "json" => it.file_stem(),
        _ => Some(it.as_os_str()),
    }) {
        place.push(triple);
    }
    place.push("debug");
    quoted(place.as_os_str())
}

/// The files of configuration, the one that decides first.
fn configs(folder: &Path, env: Env<'_>) -> Vec<Config> {
    let home = env("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(etcetera::home_dir().ok()?.join(".cargo")));
    let folders = folder.ancestors().map(|it| it.join(".cargo")).chain(home);
    // The one without an ending is older, and goes before the other.
    let read = |folder: PathBuf| {
        let found = ["config", "config.toml"].iter().find_map(|it| table(&folder.join(it)))?;
        Some((folder.parent()?.to_owned(), found))
    };
    folders.filter_map(read).collect()
}

/// The target, if it is one: with several none is where the others are.
fn only(targets: &Value) -> Option<&str> {
    match targets {
        Value::String(target) => Some(target),
        Value::Array(targets) => match targets.as_slice() {
            [target] => target.as_str(),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn what_says_where_is_heard_in_cargos_order() {
        let dir = TempDir::new().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (home, crate_folder) = (root.join("home"), root.join("a b/work/hello"));
        let write = |folder: &Path, name: &str, text: &str| {
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join(name), text).unwrap();
        };
        let with = |vars: &[(&str, &str)]| {
            let env = |name: &str| match vars.iter().find(|(it, _)| *it == name) {
                Some((_, value)) => Some(value.into()),
                None => (name == "CARGO_HOME").then(|| home.clone().into_os_string()),
            };
            built(&crate_folder, "../target", &env)
        };
        assert_eq!(with(&[]), "../target/debug");
        write(&home, "config.toml", "[build]\ntarget-dir = \"/all\"\n");
        assert_eq!(with(&[]), "/all/debug");
        write(&root.join("a b/.cargo"), "config.toml", "[build]\ntarget-dir = \"out\"\n");
        assert_eq!(with(&[]), format!("'{}/a b/out/debug'", root.display()));
        let target = "[build]\ntarget = [\"deep/some.json\"]\n";
        write(&root.join("a b/work/.cargo"), "config.toml", target);
        assert_eq!(with(&[]), format!("'{}/a b/out/some/debug'", root.display()));
        assert_eq!(with(&[("CARGO_BUILD_TARGET_DIR", "/x")]), "/x/some/debug");
        let both = [("CARGO_BUILD_TARGET_DIR", "/x"), ("CARGO_TARGET_DIR", "y")];
        assert_eq!(with(&both), "y/some/debug");
        write(&root.join("a b/work/.cargo"), "config", "no toml");
        assert_eq!(with(&[("CARGO_BUILD_TARGET", "t"), both[1]]), "y/t/debug");
    }
}
