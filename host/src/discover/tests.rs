//! Folders with libraries of all kinds, and what the catalog says of them.

use std::fs;

use lifespan_abi::abi_stable::prefix_type::WithMetadata;
use lifespan_abi::abi_stable::staticref;
use lifespan_abi::abi_stable::std_types::{ROption, RResult, RStr, RString};
use lifespan_abi::{
    ABI_VERSION, BindReply, BindRequest, BindStatus, LibraryRoot, LogSinkBox, WireReport,
};
use tempfile::TempDir;

pub(crate) use super::section::tests::native_library as native_bytes;
use super::*;

/// A folder of plugins.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Folder(TempDir::new().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where a library of that name lies in it.
    fn file(&self, name: &str) -> PathBuf {
        let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        self.path().join(format!("{prefix}{name}{suffix}"))
    }

    fn library(self, name: &str, plugins: &[&str]) -> Self {
        self.bytes(name, &native_bytes(&descriptor(ABI_VERSION, "unwind", plugins)))
    }

    fn bytes(self, name: &str, bytes: &[u8]) -> Self {
        fs::write(self.file(name), bytes).unwrap();
        self
    }
}

pub(crate) fn descriptor(abi: &str, panic: &str, plugins: &[&str]) -> String {
    let plugins: Vec<_> = plugins
        .iter()
        .map(|name| serde_json::json!({"name": name, "version": "1.0.0", "summary": "Do it"}))
        .collect();
    serde_json::json!({
        "abi": abi, "sdk": "0.1.0", "rustc": "rustc 1.88.0", "target": "any",
        "panic": panic, "debug_assertions": false, "plugins": plugins,
    })
    .to_string()
}

fn search(folders: &[&Folder]) -> Catalog {
    let path = folders.iter().fold(SearchPath::default(), |path, it| path.folder(it.path()));
    discover(Scope { path, ..Scope::default() })
}

fn names(catalog: &Catalog) -> Vec<&str> {
    catalog.plugins().map(Candidate::name).collect()
}

/// Each refusal as its file's name and its reason.
fn refusals(catalog: &Catalog) -> Vec<(String, String)> {
    let name = |it: &Refused| it.place.path().map_or("-".into(), |path| short_name(path));
    catalog.refused().iter().map(|it| (name(it), it.reason.to_string())).collect()
}

#[test]
fn libraries_of_all_folders_are_found_with_all_their_plugins() {
    let one = Folder::new().library("b", &["beta", "alpha"]).library("c", &[]);
    let two = Folder::new().library("a", &["gamma"]);
    let catalog = search(&[&one, &two]);
    assert_eq!(names(&catalog), ["alpha", "beta", "gamma"]);
    assert!(catalog.refused().is_empty(), "{:?}", catalog.refused());
    let Lookup::Found(alpha) = catalog.get("alpha") else { panic!("alpha is there") };
    assert_eq!(alpha.library().place(), Place::File(one.file("b")));
    assert_eq!(alpha.library().name(), "b");
    assert_eq!(alpha.facts().summary, "Do it");
    assert!(matches!(catalog.get("delta"), Lookup::Unknown));
}

#[test]
fn what_is_not_usable_is_kept_with_its_reason_and_a_remedy() {
    let folder = Folder::new()
        .library("good", &["good"])
        .bytes("text", b"#!/bin/sh\necho hello\n")
        .bytes("empty", b"")
        .bytes("older", &native_bytes(&descriptor("0.0.1", "unwind", &["older"])))
        .bytes("aborts", &native_bytes(&descriptor(ABI_VERSION, "abort", &["aborts"])))
        .bytes("garbled", &native_bytes("{"))
        .library("mixed", &["fine", "help", "Bad Name"]);
    fs::create_dir(folder.file("dir")).unwrap();
    fs::create_dir(folder.path().join("deeper")).unwrap();
    fs::write(folder.path().join("deeper").join("x.so"), b"never looked at").unwrap();
    fs::write(folder.path().join("readme.txt"), b"no library by its name").unwrap();

    let catalog = search(&[&folder]);
    assert_eq!(names(&catalog), ["fine", "good"]);
    let expect = [
        (
            "aborts",
            "it is built with `panic = \"abort\"`: a panic in it would end the whole program",
        ),
        ("dir", "it is not a regular file"),
        ("empty", "it is damaged: it is empty"),
        ("garbled", "its descriptor is malformed"),
        ("mixed", "its plugin `help` has a name that is reserved"),
        ("mixed", "its plugin `Bad Name` has a name that is not valid"),
        ("older", "it was built against ABI 0.0.1, which this host (ABI 0.1.0) cannot serve"),
        ("text", "it is not a library"),
    ];
    let expect = expect.map(|(name, reason)| {
        (name.to_owned(), reason.replace("ABI 0.1.0", &format!("ABI {ABI_VERSION}")))
    });
    assert_eq!(refusals(&catalog), expect);
    assert!(catalog.refused().iter().all(|it| it.hint().is_some()));
}

#[test]
fn a_refused_library_answers_for_the_name_that_is_looked_for() {
    let folder = Folder::new()
        .bytes("lib", &native_bytes(&descriptor("9.9.9", "unwind", &["listed"])))
        .bytes("by_file", b"text")
        .library("mixed", &["fine", "help"]);
    let catalog = search(&[&folder]);
    let reason = |name: &str| match catalog.get(name) {
        Lookup::Refused(refused) => refused.reason.to_string(),
        other => panic!("{name}: {other:?}"),
    };
    assert!(reason("listed").contains("ABI 9.9.9"));
    assert_eq!(reason("by-file"), "it is not a library");
    assert!(reason("help").contains("reserved"));
    assert!(matches!(catalog.get("mixed"), Lookup::Unknown), "its plugins are known: it is none");
    assert!(catalog.is_name("listed") && catalog.is_name("fine"));
    assert!(!catalog.is_name("by-file") && !catalog.is_name("other"));
}

#[test]
fn a_library_that_aborts_is_taken_if_allowed() {
    let bytes = native_bytes(&descriptor(ABI_VERSION, "abort", &["aborts"]));
    let folder = Folder::new().bytes("aborts", &bytes);
    let path = SearchPath::default().folder(folder.path());
    assert_eq!(
        names(&discover(Scope { path: path.clone(), allow_abort: true, ..Scope::default() })),
        ["aborts"]
    );
    assert_eq!(names(&discover(Scope { path, ..Scope::default() })), [""; 0]);
}

#[test]
fn a_name_that_two_libraries_claim_is_nobodys() {
    let one = Folder::new().library("x", &["both", "only"]);
    let two = Folder::new().library("x", &["both"]);
    let catalog = search(&[&one, &two]);
    assert_eq!(names(&catalog), ["only"]);
    let Lookup::Ambiguous(claims) = catalog.get("both") else { panic!("two claim it") };
    let places: Vec<Place> = claims.iter().map(|it| it.library().place()).collect();
    assert_eq!(places, [Place::File(one.file("x")), Place::File(two.file("x"))]);
    let reasons = refusals(&catalog);
    assert_eq!(reasons.len(), 2);
    assert_eq!(reasons[0].1, format!("its plugin `both` is also in `{}`", two.file("x").display()));
    assert!(catalog.is_name("both"));
}

#[test]
fn one_file_reached_twice_is_one_library() {
    let folder = Folder::new().library("x", &["once"]);
    fs::hard_link(folder.file("x"), folder.file("y")).unwrap();
    let catalog = search(&[&folder, &folder]);
    #[cfg(unix)]
    assert_eq!((names(&catalog), catalog.refused().len()), (vec!["once"], 0));
    // Elsewhere links are told from each other, but a folder named twice is still one.
    #[cfg(not(unix))]
    assert_eq!(catalog.refused().len(), 2);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_broken_ones_told() {
    let there = Folder::new().library("x", &["once"]);
    let folder = Folder::new();
    std::os::unix::fs::symlink(there.file("x"), folder.file("x")).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", folder.file("broken")).unwrap();
    let catalog = search(&[&folder, &there]);
    assert_eq!(names(&catalog), ["once"]);
    assert_eq!(refusals(&catalog), [("broken".into(), "the file cannot be read".into())]);
}

#[test]
fn a_folder_that_someone_named_must_be_there() {
    let gone = Folder::new();
    let dir = gone.path().to_owned();
    drop(gone);
    let file = Folder::new().bytes("x", b"");
    let path = SearchPath::default()
        .with(dir.clone(), Origin::Option)
        .with("plugins".into(), Origin::Environment)
        .with(file.file("x"), Origin::Builder)
        .with(dir.clone(), Origin::Default);
    let catalog = discover(Scope { path, ..Scope::default() });
    let told: Vec<String> = catalog.refused().iter().map(Refused::to_string).collect();
    let expect = [
        format!("`{}`: the folder does not exist", dir.display()),
        "`plugins`: the folder is named by a relative path".to_owned(),
        format!("`{}`: the folder cannot be read", file.file("x").display()),
    ];
    assert_eq!(told, expect);
    assert!(catalog.refused().iter().all(Refused::is_folder));
}

#[test]
fn libraries_that_are_none_of_plugins_are_bystanders() {
    let bytes = native_bytes("{}");
    let at = bytes.windows(8).position(|it| it == b"lifespan" || it == b".lspan\0\0").unwrap();
    let mut other = bytes.clone();
    other[at + 1] = b'0';
    let catalog = search(&[&Folder::new().bytes("other", &other)]);
    assert!(catalog.refused()[0].is_bystander(), "{:?}", catalog.refused());
    assert!(matches!(catalog.get("other"), Lookup::Refused(_)));
}

#[test]
fn built_ins_stand_beside_libraries_and_win_nothing_in_silence() {
    let folder = Folder::new().library("x", &["inside", "outside"]);
    let builtin = Builtin::from(builtin_root());
    let alone = discover(Scope { builtins: vec![builtin], ..Scope::default() });
    assert_eq!(names(&alone), ["inside", "own"]);
    let Lookup::Found(own) = alone.get("own") else { panic!("it is built in") };
    assert!(matches!(own.library().source(), Source::Builtin(_)));
    assert_eq!(own.library().place().to_string(), "the host itself");

    let both = discover(Scope {
        path: SearchPath::default().folder(folder.path()),
        builtins: vec![builtin],
        ..Scope::default()
    });
    assert_eq!(names(&both), ["outside", "own"]);
    assert!(matches!(both.get("inside"), Lookup::Ambiguous([_, _])));
}

/// A root module with a descriptor and nothing else.
pub(crate) fn builtin_root() -> LibraryRootRef {
    extern "C" fn text() -> RStr<'static> {
        static TEXT: std::sync::OnceLock<String> = std::sync::OnceLock::new();
        let text = || descriptor(ABI_VERSION, "abort", &["own", "inside"]);
        RStr::from_str(TEXT.get_or_init(text))
    }
    extern "C" fn init(_: LogSinkBox, _: RStr<'_>) -> RResult<(), WireReport> {
        RResult::ROk(())
    }
    extern "C" fn set_log_filter(_: RStr<'_>) {}
    extern "C" fn command_spec(_: RStr<'_>) -> RResult<RString, WireReport> {
        RResult::ROk("{}".into())
    }
    extern "C" fn bind(_: BindRequest) -> BindReply {
        BindReply {
            status: BindStatus::ANSWER,
            instance: ROption::RNone,
            text: "help\n".into(),
            report: ROption::RNone,
        }
    }
    struct Root;
    impl Root {
        staticref! {
            const META: WithMetadata<LibraryRoot> =
                WithMetadata::new(LibraryRoot { descriptor: text, init, set_log_filter, command_spec, bind });
        }
    }
    LibraryRootRef(Root::META.as_prefix())
}
