//! What needs no real library: built-ins, files that the system refuses, and the words of errors.
//! Real libraries are opened in the integration tests.

use std::fs;

use lifespan_abi::abi_stable::std_types::{RString, RVec};
use lifespan_abi::{ABI_VERSION, BindStatus, LogSinkBox, Refusal};
use tempfile::TempDir;

use super::*;
use crate::discover::tests::{builtin_root, descriptor, native_bytes};
use crate::discover::{Builtin, Lookup, Scope, SearchPath, discover};

fn no_log(_: &str) -> LogSinkBox {
    unreachable!("nothing here comes as far as to its logs")
}

fn no_filter() -> RString {
    unreachable!("nothing here comes as far as to its logs")
}

/// The only library of a folder with one file of those bytes.
fn library(dir: &TempDir, bytes: &[u8], allow_abort: bool) -> Arc<LibraryFile> {
    let name = format!("{}x{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    fs::write(dir.path().join(name), bytes).unwrap();
    let catalog = discover(Scope {
        path: SearchPath::default().folder(dir.path()),
        allow_abort,
        ..Scope::default()
    });
    let mut plugins = catalog.plugins();
    plugins.next().unwrap().library().clone()
}

#[test]
fn a_built_in_is_loaded_as_it_is() {
    let catalog =
        discover(Scope { builtins: vec![Builtin::from(builtin_root())], ..Scope::default() });
    let Lookup::Found(own) = catalog.get("own") else { panic!("it is built in") };
    let loader = Loader::default();
    let loaded = loader.load(own.library(), no_log, no_filter, false).unwrap();
    assert!(loader.opened().is_empty());
    assert_eq!(loaded.command_spec("own").unwrap(), CommandSpec::default());
    let reply = loaded.bind(BindRequest {
        plugin: "own".into(),
        args: RVec::new(),
        settings: RString::new(),
    });
    assert_eq!(reply.status, BindStatus::ANSWER);
}

#[test]
fn what_the_system_refuses_is_told_in_its_words() {
    let dir = TempDir::new().unwrap();
    // A file with a descriptor and nothing that could be run.
    let library = library(&dir, &native_bytes(&descriptor(ABI_VERSION, "unwind", &["x"])), false);
    let error = Loader::default().load(&library, no_log, no_filter, false).unwrap_err();
    let LoadError::Open { path, .. } = &error else { panic!("{error:?}") };
    let told = format!("the library `{}` cannot be opened", path.display());
    assert_eq!(error.to_string(), told);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(!cause.is_empty() && cause != "dlopen failed", "{cause}");
    assert!(error.hint().is_some() && error.details().is_none());
}

#[test]
fn a_library_that_aborts_is_not_opened_unless_allowed() {
    let dir = TempDir::new().unwrap();
    let library = library(&dir, &native_bytes(&descriptor(ABI_VERSION, "abort", &["x"])), true);
    let load = |allow| Loader::default().load(&library, no_log, no_filter, allow).unwrap_err();
    assert!(matches!(load(false), LoadError::PanicAbort { .. }));
    assert!(matches!(load(true), LoadError::Open { .. }));
}

#[test]
fn a_library_is_opened_once_and_its_first_filter_is_asked_for_meanwhile() {
    let dir = TempDir::new().unwrap();
    let text = descriptor(ABI_VERSION, "abort", &["own", "inside"]);
    let library = library(&dir, &native_bytes(&text), true);
    let loader = Loader::default();
    let filter = || {
        // Whoever changes it now waits for the library to be there.
        assert!(loader.opened.try_lock().is_err());
        "{}".into()
    };
    let open = |_: &Opening<'_>| Ok(builtin_root());
    loader.load_by(open, &library, crate::log::sink, filter, true).unwrap();
    assert_eq!(loader.opened().len(), 1);
    loader.load(&library, no_log, no_filter, true).unwrap();
    assert_eq!(loader.opened().len(), 1);
}

#[test]
fn a_contradiction_is_told_with_both_sides_in_its_details() {
    let dir = TempDir::new().unwrap();
    let text = descriptor(ABI_VERSION, "unwind", &["x"]);
    let library = library(&dir, &native_bytes(&text), false);
    // A root module whose descriptor names other plugins.
    let error = compare(&library, Path::new("/x.so"), builtin_root()).unwrap_err();
    assert_eq!(error.to_string(), "the library `/x.so` contradicts its own descriptor");
    let details = error.details().unwrap();
    let (in_file, when_loaded) = details.split_once('\n').unwrap();
    assert!(in_file.contains("\"x\"") && when_loaded.contains("inside"), "{details}");
}

#[test]
fn another_abi_is_short_in_the_message_and_long_in_the_details() {
    let refused_at = |version: &str| LoadError::Abi {
        path: "/x.so".into(),
        source: Refusal::Layout { version: version.into(), differences: "a\nb\nc".into() },
    };
    assert_eq!(refused_at("9.0.0").to_string(), "the library `/x.so` does not fit this host");
    assert_eq!(refused_at("9.0.0").details().unwrap(), "a\nb\nc");
    assert!(refused_at("9.0.0").hint().unwrap().starts_with("use a host"));
    assert!(refused_at(ABI_VERSION).hint().unwrap().ends_with("the same sources"));
    assert!(refused_at("0.0.1").hint().unwrap().starts_with("build the library again"));
}
