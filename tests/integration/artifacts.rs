//! What the tests run: the host, the bundled plugins and the fixtures, built once and put in folders.
//!
//! It calls the caller's cargo with the caller's profile and target folder, so a second run builds
//! nothing. `cargo test --workspace` has fetched all dependencies by then: it never goes online.

use std::env;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The host's binary.
pub(crate) fn host() -> PathBuf {
    built().join(format!("lifespan{EXE_SUFFIX}"))
}

/// A folder with the bundled plugins, and nothing else.
pub(crate) fn bundled() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER
        .get_or_init(|| folder("bundled", &["countdown", "echo", "exec", "http", "watch"]))
        .clone()
}

/// A folder with the library of fixtures, and nothing else.
pub(crate) fn fixtures() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| folder("fixtures", &["fixtures"])).clone()
}

/// A folder with the plugins that have a runtime of their own, and nothing else.
pub(crate) fn own_runtime() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| folder("own-runtime", &["own_runtime"])).clone()
}

/// A folder with the library that the museum would keep today, and nothing else.
pub(crate) fn exhibit() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| folder("exhibit", &["exhibit"])).clone()
}

/// A folder with the library of plugins that a conformance run must find, and nothing else.
pub(crate) fn broken() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| folder("broken", &["broken"])).clone()
}

/// A folder with the plugin that uses clients of a web server and a database, and nothing else.
pub(crate) fn clients() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| folder("clients", &["clients"])).clone()
}

/// The file of a library in a folder, as the platform names it.
pub(crate) fn library(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"))
}

/// The root of the workspace.
pub(crate) fn workspace_root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("`tests` is in the workspace").to_owned()
}

/// A folder that is kept between runs, for builds with a target folder of their own.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let scratch = target().join("tests").join(name);
    fs::create_dir_all(&scratch).expect("a folder below the target folder");
    scratch
}

/// The folder that the workspace has been built into.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.args(["build", "--workspace", "--offline", "--locked", "--quiet", "--target-dir"]);
        build.arg(target()).current_dir(workspace_root());
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let status = build.status().expect("cargo can be run");
        assert!(status.success(), "the workspace does not build: {build:?}");
        profile_folder()
    })
}

/// The target folder.
pub(crate) fn target() -> PathBuf {
    let profile = profile_folder();
    profile.parent().expect("the profile's folder is in the target folder").to_owned()
}

/// `target/debug` or `target/release`: this test is `target/debug/deps/integration-…`.
fn profile_folder() -> PathBuf {
    let test = env::current_exe().expect("the test knows its own file");
    test.ancestors().nth(2).expect("cargo puts tests two folders deep").to_owned()
}

/// Links built libraries into a folder of their own. Other test processes may do it too, so each file
/// appears in one step.
fn folder(name: &str, libraries: &[&str]) -> PathBuf {
    let folder = scratch(name);
    for name in libraries {
        let from = library(built(), name);
        let temporary = folder.join(format!(".{name}.{}", std::process::id()));
        fs::copy(&from, &temporary).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        fs::rename(&temporary, library(&folder, name))
            .expect("a file can be renamed in its folder");
    }
    folder
}
