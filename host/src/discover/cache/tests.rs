//! A cache's file gives back what was written, and no damage to it is taken for truth.

use std::io::Write as _;

use lifespan_abi::ABI_VERSION;
use tempfile::TempDir;

use super::*;
use crate::discover::tests::descriptor;

fn stamp(number: u64) -> Stamp {
    Stamp { device: 1, inode: number, size: 100 + number, modified: 5, changed: 6 }
}

/// A time at which these stamps are settled.
const LATER: i64 = 1 << 60;

fn names(names: &[&'static str]) -> Vec<Cow<'static, OsStr>> {
    names.iter().map(|name| Cow::Borrowed(OsStr::new(*name))).collect()
}

fn new(number: u64, content: Content) -> Reading {
    Reading::New(Box::new((stamp(number), content)))
}

fn holds(plugins: &[&str]) -> Content {
    let text = descriptor(ABI_VERSION, "unwind", plugins);
    Content::Descriptor(lifespan_abi::Descriptor::from_text(&text).unwrap())
}

/// A cache that knows one folder.
fn cache(dir: &TempDir) -> Cache {
    let cache = Cache::new(dir.path());
    let readings = [
        new(1, holds(&["b", "x"])),
        new(2, Content::NoDescriptor),
        new(3, Content::Text("{".into())),
        new(4, holds(&["a", "x"])),
    ];
    let findings = Findings {
        stamp: stamp(9),
        started: LATER,
        names: &names(&["a.so", "b.so", "c.so", "d.so"]),
        readings: &readings,
        remembered: None,
    };
    cache.remember(Path::new("/plugins"), &findings);
    cache
}

fn only_file(dir: &TempDir) -> PathBuf {
    let mut files = fs::read_dir(dir.path().join("folders")).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none(), "nothing but one cache is written");
    file
}

#[test]
fn what_was_written_is_known_again() {
    let dir = TempDir::new().unwrap();
    let cache = cache(&dir);
    for all in [false, true] {
        let remembered = cache.recall(Path::new("/plugins"), all).unwrap();
        assert!(remembered.lists(&stamp(9)) && !remembered.lists(&stamp(8)));
        let libraries: Vec<_> = remembered.libraries().map(Option::unwrap).collect();
        assert_eq!(libraries, ["a.so", "b.so", "c.so", "d.so"]);
        let content = |name: &str, number| remembered.content(OsStr::new(name), 0, &stamp(number));
        assert_eq!(content("a.so", 1), holds(&["b", "x"]));
        assert_eq!(content("b.so", 2), Content::NoDescriptor);
        assert_eq!(content("c.so", 3), Content::Text("{".into()));
        assert_eq!(content("d.so", 4), holds(&["a", "x"]));
        for (name, number) in [("a.so", 2), ("c.so", 1), ("c.so", 0), ("e.so", 1), ("", 1)] {
            assert_eq!(content(name, number), Content::Unknown, "{name}");
        }
        let claims = |plugin| remembered.claims(plugin).map(|(_, it)| it).collect::<Vec<_>>();
        assert_eq!(claims("a"), [3]);
        assert_eq!(claims("b"), [0]);
        assert_eq!(claims("x"), [0, 3]);
        for unknown in ["", "aa", "z"] {
            assert_eq!(claims(unknown), [0; 0], "{unknown}");
        }
    }
    assert!(cache.recall(Path::new("/other"), true).is_none());
}

#[test]
fn what_has_not_settled_is_not_trusted() {
    let dir = TempDir::new().unwrap();
    let cache = Cache::new(dir.path());
    let findings = Findings {
        stamp: stamp(9),
        started: 7,
        names: &names(&["a.so"]),
        readings: &[new(1, holds(&["a"]))],
        remembered: None,
    };
    cache.remember(Path::new("/plugins"), &findings);
    let remembered = cache.recall(Path::new("/plugins"), true).unwrap();
    assert!(!remembered.lists(&stamp(9)));
    assert_eq!(remembered.content(OsStr::new("a.so"), 0, &stamp(1)), Content::Unknown);
}

#[test]
fn what_still_holds_is_carried_over() {
    let dir = TempDir::new().unwrap();
    let cache = cache(&dir);
    let before = cache.recall(Path::new("/plugins"), true).unwrap();
    let findings = Findings {
        stamp: stamp(10),
        started: LATER,
        names: &names(&["b.so", "d.so", "e.so"]),
        readings: &[Reading::AsBefore, Reading::AsBefore, new(5, holds(&["e"]))],
        remembered: Some(&before),
    };
    cache.remember(Path::new("/plugins"), &findings);
    let remembered = cache.recall(Path::new("/plugins"), false).unwrap();
    assert_eq!(remembered.content(OsStr::new("b.so"), 0, &stamp(2)), Content::NoDescriptor);
    assert_eq!(remembered.content(OsStr::new("d.so"), 0, &stamp(4)), holds(&["a", "x"]));
    assert_eq!(remembered.claims("x").count(), 1);
}

#[test]
fn no_damage_is_taken_for_truth() {
    let dir = TempDir::new().unwrap();
    let cache = cache(&dir);
    let file = only_file(&dir);
    let good = fs::read(&file).unwrap();
    let check = |bytes: &[u8], what: &str| {
        fs::write(&file, bytes).unwrap();
        for all in [false, true] {
            let Some(remembered) = cache.recall(Path::new("/plugins"), all) else { continue };
            // The head has a checksum: only texts can have changed, and these have their own.
            for (name, number, plugins) in [("a.so", 1, ["b", "x"]), ("d.so", 4, ["a", "x"])] {
                let content = remembered.content(OsStr::new(name), 0, &stamp(number));
                assert!(
                    content == holds(&plugins) || content == Content::Unknown,
                    "{what}: {content:?}"
                );
            }
            assert_eq!(remembered.claims("x").count(), 2, "{what}");
        }
    };
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x55;
        check(&bad, &format!("byte {at} is another"));
        fs::write(&file, &good[..at]).unwrap();
        assert!(cache.recall(Path::new("/plugins"), at % 2 == 0).is_none(), "cut off at {at}");
    }
    let mut longer = fs::OpenOptions::new().append(true).open(&file).unwrap();
    longer.write_all(b"more").unwrap();
    assert!(cache.recall(Path::new("/plugins"), false).is_none());
}

#[test]
fn old_folders_are_forgotten_and_no_temporary_file_is_left() {
    let dir = TempDir::new().unwrap();
    let cache = Cache::new(dir.path());
    for number in 0..=MOST_FOLDERS + 5 {
        let findings = Findings {
            stamp: stamp(9),
            started: LATER,
            names: &[],
            readings: &[],
            remembered: None,
        };
        cache.remember(Path::new(&format!("/plugins/{number}")), &findings);
    }
    let files: Vec<_> = fs::read_dir(dir.path().join("folders")).unwrap().flatten().collect();
    assert_eq!(files.len(), MOST_FOLDERS);
    assert!(files.iter().all(|it| it.path().extension() == Some(OsStr::new("index"))));
}
