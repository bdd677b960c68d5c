//! `cargo xtask museum`: makes the exhibit of this version of the ABI, below `tests/museum`.
//!
//! An exhibit is a library as an author would have released it on that day, with a tour: lines that
//! every later host that covers the version must run, and what they must tell. It is made once, when a
//! version is released; the tests take the tours. Talks to cargo, and to `abi` about what is recorded.

use std::env;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{abi, shell};

/// Where exhibits are, a folder a version.
const MUSEUM: &str = "tests/museum";

/// What they are made of, and its folder.
const PACKAGE: [&str; 2] = ["lifespan-fixture-exhibit", "tests/fixtures/exhibit"];

/// The profile that makes them small.
const PROFILE: &str = "museum";

/// Makes the exhibit; one that is there is replaced only where it is asked for.
pub(crate) fn make(again: bool) -> Result<()> {
    let root = shell::root();
    let (version, surface) = abi::record_of_now(&root)?;
    let folder = root.join(MUSEUM).join(&version);
    ensure!(
        again || !folder.exists(),
        "there is an exhibit of ABI {version}: a released one is kept as it is; as long as \
         {version} is not released, `cargo xtask museum --again` replaces it"
    );
    let built = build()?;
    let library = fs::read(&built).with_context(|| format!("cannot read `{}`", built.display()))?;
    let name = built.file_name().unwrap_or_default();
    let [rustc, target] = compiler()?;
    let label = json!({
        "abi": version,
        "surface_sha256": sha256(surface.as_bytes()),
        "rustc": rustc,
        "target": target,
        "built": shell::today(),
        "library": name.to_string_lossy(),
        "bytes": library.len(),
        "sha256": sha256(&library),
    });
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    let write = |name: &Path, bytes: &[u8]| {
        let to = folder.join(name);
        fs::write(&to, bytes).with_context(|| format!("cannot write `{}`", to.display()))
    };
    let tour = fs::read(root.join(PACKAGE[1]).join("tour.json")).context("there is no tour")?;
    write(Path::new(name), &library)?;
    write(Path::new("tour.json"), &tour)?;
    write(Path::new("exhibit.json"), format!("{label:#}\n").as_bytes())?;
    shell::say(&format!("the exhibit of ABI {version}: {} bytes, {rustc}", library.len()));
    Ok(())
}

/// Builds the library apart from all else, so that nothing else decides on its features, and without
/// paths of this machine in it.
fn build() -> Result<PathBuf> {
    let mut build = shell::cargo(["build", "--locked", "--profile", PROFILE]);
    build.args(["--package", PACKAGE[0]]);
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".cargo")));
    let home = home.context("neither CARGO_HOME nor HOME is set")?;
    let unnamed = format!("--remap-path-prefix={}=/cargo", home.display());
    shell::build_apart(&mut build, "museum", &[&unnamed])?;
    shell::must(&mut build)?;
    let target = shell::profile_dir(false)?.with_file_name("museum");
    Ok(target.join(PROFILE).join(format!("{DLL_PREFIX}exhibit{DLL_SUFFIX}")))
}

/// The compiler's name for itself, and the target that it builds for.
fn compiler() -> Result<[String; 2]> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let (ok, text) = shell::ask(Command::new(rustc).arg("-vV"))?;
    ensure!(ok, "`rustc -vV` failed: {text}");
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    let name = text.lines().next().filter(|line| line.starts_with("rustc "));
    let both = name.zip(host).with_context(|| format!("`rustc -vV` tells no version: {text}"))?;
    Ok([both.0.to_owned(), both.1.to_owned()])
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
