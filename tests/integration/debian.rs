//! Plugins built by the compiler that Debian ships, in a host built by the caller's.
//!
//! The package is `rustc-web`, whose version differs from the caller's and follows Debian's own
//! releases. Where it is not installed the tests are skipped, and say so.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::artifacts::{bundled, library, scratch, workspace_root};
use crate::forge::Forge;
use crate::layouts::{add_shapes, runs, shapes};
use crate::nested::{cargo, finish, plugins_folder, skip};

/// Debian's package of a compiler that is newer than the distribution.
const PACKAGE: &str = "rustc-web";

/// What is built by it, a command each. The host is not among what these need: it may ask for a newer
/// compiler than a plugin does.
const BUILDS: [&[&str]; 2] = [
    &["--lib", "-p", "lifespan-countdown", "-p", "lifespan-echo"],
    &["--examples", "-p", "lifespan-fixture-shapes"],
];

#[test]
fn plugins_built_by_debians_compiler() {
    let Some(debians) = built() else { return };
    runs(&debians, &debians);
    shapes(&debians, &debians);
}

#[test]
fn plugins_built_by_debians_compiler_and_by_ours() {
    let Some(debians) = built() else { return };
    runs(&debians, &bundled());
    runs(&bundled(), &debians);
}

/// A folder with the plugins that Debian's compiler has built; none where there is no such compiler.
fn built() -> Option<PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT
        .get_or_init(|| match compiler() {
            Ok(compiler) => Some(build(&compiler)),
            Err(reason) => {
                skip("plugins built by Debian's compiler", &reason);
                None
            }
        })
        .clone()
}

fn build(compiler: &Path) -> PathBuf {
    let home = scratch("debian");
    let target = home.join("target");
    for what in BUILDS {
        let mut cargo = cargo(&workspace_root(), &target);
        cargo.arg("--locked").args(what).env("RUSTC", compiler);
        finish(cargo);
    }
    let built = target.join("debug");
    let folder = plugins_folder(&home, &built, &["countdown", "echo"]);
    add_shapes(&built, &folder);

    let theirs = Forge::of(&library(&folder, "echo")).read_descriptor().rustc;
    assert_eq!(theirs, version(compiler).expect("a compiler that has just built something"));
    let ours = Forge::echo().read_descriptor().rustc;
    if theirs == ours {
        skip("another compiler", &format!("the one of `{PACKAGE}` is the caller's: {ours}"));
    }
    folder
}

/// The package's compiler, or why there is none.
fn compiler() -> Result<PathBuf, String> {
    let listed = Command::new("dpkg-query").args(["--listfiles", PACKAGE]).output();
    let listed = listed.map_err(|error| format!("`dpkg-query` cannot be run: {error}"))?;
    let files = String::from_utf8_lossy(&listed.stdout);
    let file = files.lines().map(Path::new).find(|it| it.ends_with("bin/rustc") && it.is_file());
    let file = file.ok_or_else(|| format!("Debian's package `{PACKAGE}` is not installed"))?;
    version(file)?;
    Ok(file.to_owned())
}

/// What a compiler says of its version, if it works.
fn version(compiler: &Path) -> Result<String, String> {
    let told = Command::new(compiler).arg("--version").output();
    let told = told.map_err(|error| format!("`{}` cannot be run: {error}", compiler.display()))?;
    if !told.status.success() {
        return Err(format!("`{}` does not work ({})", compiler.display(), told.status));
    }
    Ok(String::from_utf8_lossy(&told.stdout).trim().to_owned())
}
