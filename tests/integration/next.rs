//! The next version of everything: copies of the workspace with another ABI. One has grown as it may,
//! the other has changed as it must not.
//!
//! The copy is made from the sources as they are. A change whose place is not found fails the test
//! with its name: then it is to be adapted here.

use std::collections::BTreeSet;
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use lifespan::abi::ABI_VERSION;

use crate::artifacts::{scratch, workspace_root};
use crate::nested::{cargo, finish, nested_target, plugins_folder};

/// In a file, some text is replaced: the file, the text, what stands in its place.
pub(crate) type Change = (&'static str, &'static str, &'static str);

/// What is built of the copy.
#[derive(Clone)]
pub(crate) struct Next {
    /// The host.
    pub(crate) host: PathBuf,
    /// A folder with `countdown`, as it is, and `fan`, which uses what is new.
    pub(crate) plugins: PathBuf,
}

/// What is copied: the two sides of the boundary, and one plugin.
const COPIED: [&str; 3] = ["host", "plugin-api", "plugins/countdown"];

/// A workspace of its own in there, with files that are no text.
const LEFT_OUT: &str = "host/fuzz";

/// The ABI has grown, and says so.
const GROWN: &[Change] = &[
    // The ABI: a field, a method of the host's, a method of the plugin's.
    (
        "plugin-api/abi/src/library.rs",
        "    pub bind: extern \"C\" fn(BindRequest) -> BindReply,\n",
        "    pub bind: extern \"C\" fn(BindRequest) -> BindReply,\n\
         \x20   /// New.\n\
         \x20   #[sabi(missing_field(option))]\n\
         \x20   pub greeting: extern \"C\" fn() -> RStr<'static>,\n",
    ),
    (
        "plugin-api/abi/src/services.rs",
        "    fn bus(&self) -> BusBox;\n",
        "    fn bus(&self) -> BusBox;\n\n\
         \x20   /// New.\n\
         \x20   fn applause(&self) -> RString {\n\
         \x20       RString::from(\"silence\")\n\
         \x20   }\n",
    ),
    (
        "plugin-api/abi/src/instance.rs",
        "    fn teardown(&self) -> FfiFuture<RResult<(), WireReport>>;\n",
        "    fn teardown(&self) -> FfiFuture<RResult<(), WireReport>>;\n\n\
         \x20   /// New.\n\
         \x20   fn mood(&self) -> RString {\n\
         \x20       RString::from(\"as it always was\")\n\
         \x20   }\n",
    ),
    // The SDK.
    (
        "plugin-api/src/export.rs",
        "        bind: Root::<L>::bind,\n",
        "        bind: Root::<L>::bind,\n        greeting: Root::<L>::greeting,\n",
    ),
    (
        "plugin-api/src/export.rs",
        "    extern \"C\" fn descriptor() -> RStr<'static> {\n",
        "    extern \"C\" fn greeting() -> RStr<'static> {\n\
         \x20       \"hello from a new library\".into()\n\
         \x20   }\n\n\
         \x20   extern \"C\" fn descriptor() -> RStr<'static> {\n",
    ),
    (
        "plugin-api/src/instance.rs",
        "    fn cancel(&self) {\n",
        "    fn mood(&self) -> lifespan_abi::abi_stable::std_types::RString {\n\
         \x20       \"as new\".into()\n\
         \x20   }\n\n\
         \x20   fn cancel(&self) {\n",
    ),
    (
        "plugin-api/src/context.rs",
        "impl fmt::Debug for Context {\n",
        "impl Context {\n\
         \x20   /// New.\n\
         \x20   pub fn applause(&self) -> String {\n\
         \x20       self.0.services.applause().into_string()\n\
         \x20   }\n\
         }\n\n\
         impl fmt::Debug for Context {\n",
    ),
    // The host.
    (
        "host/src/services.rs",
        "    fn bus(&self) -> BusBox {\n",
        "    fn applause(&self) -> RString {\n\
         \x20       \"the host claps\".into()\n\
         \x20   }\n\n\
         \x20   fn bus(&self) -> BusBox {\n",
    ),
    (
        "host/src/load.rs",
        "        compare(library, path, root)?;\n",
        "        compare(library, path, root)?;\n\
         \x20       tracing::info!(\"greeting: {:?}\", root.greeting().map(|it| it().to_string()));\n",
    ),
    (
        "host/src/bind.rs",
        "                object,\n",
        "                object: {\n\
         \x20                   tracing::info!(\"mood: {}\", object.mood());\n\
         \x20                   object\n\
         \x20               },\n",
    ),
];

const FAN_MANIFEST: &str = r#"[package]
name = "fan"
version = "0.1.0"
edition = "2024"

[lib]
crate-type = ["cdylib"]

[dependencies]
lifespan-plugin-api.workspace = true
"#;

const FAN: &str = r#"//! A plugin that knows the new ABI.

use lifespan_plugin_api::prelude::*;

/// Ask for applause
#[plugin]
async fn fan(_args: (), ctx: Context) -> Result<()> {
    info!("applause: {}", ctx.applause());
    Ok(())
}

lifespan_plugin_api::export![fan];
"#;

/// The next version, built.
pub(crate) fn next() -> Next {
    static BUILT: OnceLock<Next> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

/// The version of the next ABI: additive, so that its host serves plugins of this one.
pub(crate) fn next_version() -> String {
    let (line, patch) = ABI_VERSION.rsplit_once('.').expect("a version has three parts");
    let patch: u64 = patch.parse().expect("the last part is a number");
    format!("{line}.{}", patch + 1)
}

/// A host that has these changes, and says that it is of this version still.
///
/// There is room for one: cargo tells two copies that say the same version only by when files changed.
pub(crate) fn changed_host(changes: &[Change]) -> PathBuf {
    let home = scratch("abi-changed");
    build_copy(&home, changes, ABI_VERSION, &["-p", "lifespan", "--bins"], |_| ())
}

fn build() -> Next {
    let home = scratch("abi-next");
    let mut plugins = PathBuf::new();
    let what = ["--workspace", "--lib", "--bins"];
    let host = build_copy(&home, GROWN, &next_version(), &what, |built| {
        plugins = plugins_folder(&home, built, &["countdown", "fan"]);
    });
    Next { host, plugins }
}

/// Builds a part of a copy; its host, and what else is `taken` from where all has been built.
fn build_copy(
    home: &Path,
    changes: &[Change],
    version: &str,
    what: &[&str],
    taken: impl FnOnce(&Path),
) -> PathBuf {
    /// One at a time: all leave what they build at the same place.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _building = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);

    let workspace = home.join("workspace");
    let target = nested_target();
    write_workspace(&workspace, changes, version);
    let mut build = cargo(&workspace, &target);
    build.args(what);
    finish(build);
    let built = target.join("debug");
    taken(&built);
    let name = format!("lifespan{EXE_SUFFIX}");
    let host = home.join(&name);
    fs::copy(built.join(name), &host).expect("the host has been built");
    host
}

/// Makes the copy what it should be. What is so already is not touched, so that cargo builds only
/// what has changed.
fn write_workspace(workspace: &Path, changes: &[Change], version: &str) {
    let root = workspace_root();
    let mut files = BTreeSet::new();
    for folder in COPIED {
        collect(&root, Path::new(folder), &mut files);
    }
    let mut wanted = BTreeSet::new();
    for file in &files {
        let text = fs::read_to_string(root.join(file)).expect("sources are text");
        write(workspace, file, &changed(file, text, changes, version), &mut wanted);
    }
    for change in changes {
        assert!(files.contains(Path::new(change.0)), "there is no file `{}`", change.0);
    }
    write(workspace, Path::new("Cargo.toml"), &manifest(&root), &mut wanted);
    write(workspace, Path::new("plugins/fan/Cargo.toml"), FAN_MANIFEST, &mut wanted);
    write(workspace, Path::new("plugins/fan/src/lib.rs"), FAN, &mut wanted);
    let lock = fs::read_to_string(root.join("Cargo.lock")).expect("the workspace has a lock file");
    let used = workspace.join("Cargo.lock.from");
    if fs::read_to_string(&used).is_ok_and(|it| it == lock) {
        wanted.insert("Cargo.lock".into());
    }
    write(workspace, Path::new("Cargo.lock.from"), &lock, &mut wanted);
    write_once(workspace, &lock, &mut wanted);
    remove_others(workspace, workspace, &wanted);
}

/// Cargo changes the lock file of the copy: it is renewed only when the original changes.
fn write_once(workspace: &Path, lock: &str, wanted: &mut BTreeSet<PathBuf>) {
    let file = PathBuf::from("Cargo.lock");
    if wanted.insert(file.clone()) || !workspace.join(&file).exists() {
        fs::write(workspace.join(file), lock).expect("a file below the target folder");
    }
}

/// The sources below a folder, by their paths from the root.
fn collect(root: &Path, folder: &Path, files: &mut BTreeSet<PathBuf>) {
    let entries = fs::read_dir(root.join(folder)).expect("the workspace has this folder");
    for entry in entries {
        let entry = entry.expect("a folder can be listed");
        let path = folder.join(entry.file_name());
        if path == Path::new(LEFT_OUT) {
            continue;
        }
        if entry.path().is_dir() {
            collect(root, &path, files);
        } else {
            files.insert(path);
        }
    }
}

/// A file's text, with the changes that concern it.
fn changed(file: &Path, mut text: String, changes: &[Change], version: &str) -> String {
    for (_, from, to) in changes.iter().filter(|change| Path::new(change.0) == file) {
        assert_eq!(
            text.matches(from).count(),
            1,
            "`{from}` should stand once in `{}`: adapt the change",
            file.display(),
        );
        text = text.replacen(from, to, 1);
    }
    if file == Path::new("plugin-api/abi/Cargo.toml") {
        let from = format!("version = \"{ABI_VERSION}\"");
        assert!(text.contains(&from), "the ABI's manifest does not say `{from}`");
        text = text.replacen(&from, &format!("version = \"{version}\""), 1);
    }
    text
}

/// The root manifest, with the members that are copied.
fn manifest(root: &Path) -> String {
    const MEMBERS: &str = r#"members = ["host", "plugin-api", "plugin-api/abi", "plugin-api/macros", "plugins/countdown", "plugins/fan"]"#;
    let text = fs::read_to_string(root.join("Cargo.toml")).expect("the workspace has a manifest");
    let start = text.find("members = [").expect("the workspace has members");
    let len = text[start..].find(']').expect("the members end") + 1;
    format!("{}{MEMBERS}{}", &text[..start], &text[start + len..])
}

fn write(workspace: &Path, file: &Path, text: &str, wanted: &mut BTreeSet<PathBuf>) {
    let to = workspace.join(file);
    if fs::read_to_string(&to).ok().as_deref() != Some(text) {
        fs::create_dir_all(to.parent().expect("a file is in a folder")).expect("a folder of ours");
        fs::write(&to, text).expect("a file below the target folder");
    }
    wanted.insert(file.to_owned());
}

/// Removes what is no longer there in the original.
fn remove_others(workspace: &Path, folder: &Path, wanted: &BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of ours") {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            remove_others(workspace, &path, wanted);
        } else if !path.strip_prefix(workspace).is_ok_and(|it| wanted.contains(it)) {
            fs::remove_file(path).expect("a file of ours");
        }
    }
}
