//! Lock files: good ones, broken ones, and what is kept when they are changed.

use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::trust::{Guard, Policy};

const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn entry(size: u64) -> Entry {
    let plugins = [("echo".to_owned(), "0.1.0".to_owned())].into();
    Entry { sha256: DIGEST.parse().unwrap(), size, plugins }
}

fn open(folder: impl AsRef<Path>) -> Result<Editing, EditError> {
    Editing::open(&Guard::new(&Policy::default()), folder.as_ref())
}

fn broken_at(text: impl AsRef<[u8]>) -> (usize, usize, String) {
    match parse(Path::new("/p/lifespan.lock"), text.as_ref()) {
        Err(Distrust::BrokenLock { line, column, problem, .. }) => (line, column, problem),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_written_is_read() {
    let folder = TempDir::new().unwrap();
    let mut editing = open(&folder).unwrap();
    editing.approve("libecho.so", &entry(7));
    editing.approve("a \"b\".so", &entry(8));
    editing.save().unwrap();
    let lock = Lock::read(&folder.path().join(LOCK_FILE)).unwrap();
    assert_eq!(lock.get("libecho.so"), Some(&entry(7)));
    assert_eq!(lock.get("a \"b\".so"), Some(&entry(8)));
    assert_eq!(lock.get("other"), None);
    assert_eq!(lock.libraries().count(), 2);

    let mut editing = open(&folder).unwrap();
    assert!(editing.remove("libecho.so"));
    assert!(!editing.remove("libecho.so"));
    editing.save().unwrap();
    let lock = Lock::read(&folder.path().join(LOCK_FILE)).unwrap();
    assert_eq!(lock.libraries().map(|(name, _)| name).collect::<Vec<_>>(), ["a \"b\".so"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_new_file_reads_well() {
    let folder = TempDir::new().unwrap();
    let mut editing = open(&folder).unwrap();
    editing.approve("libecho.so", &entry(7));
    editing.save().unwrap();
    let text = fs::read_to_string(folder.path().join(LOCK_FILE)).unwrap();
    let expect = format!(
        "# What may be loaded from this folder. `plugin trust` adds a library, `plugin untrust`\n\
         # takes it out. Remove the file to have nothing checked.\n\
         version = 1\n\n[libraries.\"libecho.so\"]\nsha256 = \"{DIGEST}\"\nsize = 7\n\
         plugins = {{ echo = \"0.1.0\" }}\n"
    );
    assert_eq!(text, expect);
}

#[test]
fn what_people_have_written_stays() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(LOCK_FILE);
    let text = format!(
        "# ours\nversion = 1 # the first\n\n# asked Anna about it\n[libraries.\"libecho.so\"]\n\
         sha256 = \"{}\" # on Monday\nsize = 1\n\n# last word\n[libraries.\"other.so\"]\n\
         sha256 = \"{DIGEST}\"\nsize = 2\n",
        "0".repeat(64),
    );
    fs::write(&path, &text).unwrap();
    let mut editing = open(&folder).unwrap();
    editing.approve("libecho.so", &entry(7));
    editing.save().unwrap();
    let new = fs::read_to_string(&path).unwrap();
    for kept in ["# ours", "# the first", "# asked Anna", "# on Monday", "# last word"] {
        assert!(new.contains(kept), "{kept} is gone\n{new}");
    }
    assert_eq!(Lock::read(&path).unwrap().get("libecho.so"), Some(&entry(7)));
}

#[test]
fn a_broken_file_is_told_with_the_place_and_not_overwritten() {
    let (line, column, problem) = broken_at("version = 1\nlibraries = [\n");
    assert_eq!((line, column), (2, 14), "{problem}");
    assert!(!problem.is_empty());
    let (line, column, problem) = broken_at("version = 1\nsurprise = 3\n");
    assert_eq!((line, column), (2, 1), "{problem}");
    assert!(problem.contains("surprise"), "{problem}");
    let (line, column, problem) = broken_at("# later\nversion = 2\n");
    assert_eq!((line, column), (2, 1), "{problem}");
    assert_eq!(problem, "its version is 2; this host knows 1");
    let (line, column, _) = broken_at(b"version = 1\n# \xff\n");
    assert_eq!((line, column), (2, 3));
    let (.., problem) = broken_at("");
    assert!(problem.contains("version"), "{problem}");
    let short = "version = 1\n[libraries.\"x.so\"]\nsize = 1\nsha256 = \"abc\"\n";
    let (line, _, problem) = broken_at(short);
    assert_eq!((line, problem.contains("64")), (4, true), "{problem}");
    for bad in [
        format!("version = 1\n[libraries.x]\nsha256 = \"{DIGEST}\"\n"),
        format!("version = 1\n[libraries.x]\nsha256 = \"{DIGEST}\"\nsize = -1\n"),
        format!("version = 1\n[libraries.x]\nsha256 = \"{DIGEST}\"\nsize = 1\nother = 1\n"),
        "version = 1\n[libraries.x]\n[libraries.x]\n".to_owned(),
        "\0".to_owned(),
    ] {
        broken_at(bad);
    }

    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(LOCK_FILE), "version = 1\nsurprise = 3\n").unwrap();
    assert!(matches!(open(&folder), Err(EditError::Distrusted(Distrust::BrokenLock { .. }))));
    fs::remove_file(folder.path().join(LOCK_FILE)).unwrap();
    fs::create_dir(folder.path().join(LOCK_FILE)).unwrap();
    let unreadable = open(&folder);
    assert!(matches!(unreadable, Err(EditError::Distrusted(Distrust::Unreadable { .. }))));
    assert!(matches!(open(folder.path().join("none")), Err(EditError::Io { .. })));
}

/// Lines of an entry, each good or bad in some way; the good ones stand several times.
const NAMES: [&str; 8] = ["a.so", "b.so", "c.so", "d e.so", "ä.so", "", "a\\u0062", "a\"b"];
const SIZES: [&str; 10] =
    ["7", "7", "7", "0", "123456789012345678", "1234567890123456789", "007", "-1", "", "1_0"];
const PLUGINS: [&str; 9] = [
    "{}",
    "{ echo = \"0.1.0\" }",
    "{ echo = \"0.1.0\" }",
    "{ echo = \"0.1.0\", count-down = \"ä\" }",
    "{ echo = \"0.1.0\", echo = \"1\" }",
    "{ \"e\" = \"1\" }",
    "{ a = \"1, b = 2\" }",
    "{ a = \"1\\n\" }",
    "{ a.b = \"1\" }",
];
const EXTRA: [&str; 14] = [
    "",
    "",
    "",
    "# a comment",
    "# a comment",
    " ",
    "size = 7",
    "version = 1",
    "version = 2",
    "other = 1",
    "[libraries]",
    "[other]",
    "# \u{7f}",
    "\r",
];

fn lock_text() -> impl Strategy<Value = String> {
    let of = |texts: &'static [&'static str]| proptest::sample::select(texts);
    let digest = prop_oneof![9 => Just(format!("\"{DIGEST}\"")), 1 => Just("\"abc\"".to_owned())];
    let entry = (of(&NAMES), digest, of(&SIZES), proptest::option::of(of(&PLUGINS)), of(&EXTRA))
        .prop_map(|(name, digest, size, plugins, extra)| {
            let plugins = plugins.map(|it| format!("plugins = {it}\n")).unwrap_or_default();
            let begin = format!("[libraries.\"{name}\"]\nsha256 = {digest}\nsize = {size}\n");
            format!("{begin}{plugins}{extra}\n")
        });
    let entries = proptest::collection::vec(entry, 0..3);
    let begin = prop_oneof![9 => Just("version = 1\n"), 1 => Just("version = 1 # one\n")];
    (begin, of(&EXTRA), entries)
        .prop_map(|(begin, extra, entries)| format!("{begin}{extra}\n{}", entries.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_quick_reader_says_what_toml_says_or_nothing(text in lock_text()) {
        if let Some(quick) = quick::parse(&text) {
            let form: Form = toml::from_str(&text).unwrap();
            prop_assert_eq!(form.version, VERSION);
            prop_assert_eq!(form.libraries, quick);
        }
    }
}

#[test]
fn what_is_written_is_read_quickly() {
    let folder = TempDir::new().unwrap();
    let mut editing = open(&folder).unwrap();
    let none = Entry { plugins: BTreeMap::new(), ..entry(9) };
    let two = [("a".to_owned(), "1".to_owned()), ("b-c".to_owned(), "2.0.0-rc.1+x".to_owned())];
    editing.approve("libecho.so", &entry(7));
    editing.approve("libnone.so", &none);
    editing.approve("libtwo.so", &Entry { plugins: two.into(), ..entry(8) });
    editing.save().unwrap();
    let text = fs::read_to_string(folder.path().join(LOCK_FILE)).unwrap();
    let quick = quick::parse(&text).unwrap();
    assert_eq!(quick.len(), 3);
    assert_eq!(quick, toml::from_str::<Form>(&text).unwrap().libraries);
}
