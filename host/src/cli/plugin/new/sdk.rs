//! Where the SDK of a new crate is: in a folder, or a version in a registry.
//!
//! By default it is the one of the repository that this program was built from, as long as that is there
//! and nobody else may write to it; else the version of this program.

use std::path::{Path, PathBuf};

use super::Context;
use super::workspace::table;
use crate::error::Failure;
use crate::exit::Exit;
use crate::trust::Guard;

/// The SDK's package.
const PACKAGE: &str = "lifespan-plugin-api";

/// Where the SDK is, if this program is built where it was written.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin-api");

/// Where the SDK is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sdk {
    /// In that folder.
    Path(PathBuf),
    /// In the registry.
    Version(String),
}

impl Sdk {
    /// The one that is named, or the default.
    ///
    /// # Errors
    ///
    /// What is named is neither a folder with the SDK nor a version.
    pub(super) fn find(context: &Context<'_>, named: Option<&str>) -> Result<Sdk, Failure> {
        let Some(named) = named else {
            return Ok(beside(&Guard::new(context.host.policy())).unwrap_or_else(|| {
                // Up to the patch: any later one will do.
                let version = env!("CARGO_PKG_VERSION");
                Sdk::Version(
                    version.rsplit_once('.').map_or(version, |(minor, _)| minor).to_owned(),
                )
            }));
        };
        if is_version(named) {
            return Ok(Sdk::Version(named.to_owned()));
        }
        // The SDK's own folder, or that of the repository.
        let folder = Path::new(named);
        let found =
            [folder.to_owned(), folder.join("plugin-api")].into_iter().find(|it| has_it(it));
        let found = found.and_then(|it| it.canonicalize().ok());
        found.map(Sdk::Path).ok_or_else(|| {
            let message = format!("`{named}` is neither a folder with `{PACKAGE}` nor a version");
            Failure::new(Exit::Usage, message)
                .hint("give the folder `plugin-api` of a checkout of lifespan, or a version such as `0.1`")
        })
    }

    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Sdk::Path(path) => Some(path),
            Sdk::Version(_) => None,
        }
    }

    pub(super) fn version(&self) -> Option<&str> {
        match self {
            Sdk::Path(_) => None,
            Sdk::Version(version) => Some(version),
        }
    }

    /// What stands in a manifest of it.
    pub(super) fn requirement(&self) -> String {
        let (key, value) = match self {
            Sdk::Path(path) => ("path", path.to_string_lossy()),
            Sdk::Version(version) => ("version", version.into()),
        };
        format!("{key} = {}", toml_edit::Value::from(value.into_owned()))
    }
}

/// The SDK beside the sources of this program.
fn beside(guard: &Guard) -> Option<Sdk> {
    let folder = Path::new(BESIDE).canonicalize().ok()?;
    // Who could put another one there could have it built.
    (has_it(&folder) && guard.walk(&folder).is_ok()).then_some(Sdk::Path(folder))
}

/// Whether a folder has the SDK in it.
fn has_it(folder: &Path) -> bool {
    let manifest = table(&folder.join("Cargo.toml"));
    let name = manifest.as_ref().and_then(|it| it.get("package")?.get("name")?.as_str());
    name == Some(PACKAGE)
}

/// Whether it is what cargo takes for versions, such as `0.1`, `=0.1.0` or `>=0.1, <0.3`.
fn is_version(text: &str) -> bool {
    let text = text.trim_start_matches(['=', '^', '~', '<', '>', ' ']);
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-+,<>=*~^ ".contains(c);
    text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(fits)
}
