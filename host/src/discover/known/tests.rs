//! With a cache, the catalog answers as without one, whatever happens to the files meanwhile.

use std::thread;
use std::time::Duration;

use lifespan_abi::ABI_VERSION;
use tempfile::TempDir;

use super::*;
use crate::discover::tests::{descriptor, native_bytes};
use crate::discover::{Catalog, Lookup, SearchPath, discover};

/// A folder of plugins, and a cache that knows it.
struct World {
    plugins: TempDir,
    cache: TempDir,
}

impl World {
    /// With a library a name, each of one plugin of that name.
    fn new(names: &[&str]) -> Self {
        let world = World { plugins: TempDir::new().unwrap(), cache: TempDir::new().unwrap() };
        for name in names {
            world.write(name, &[name]);
        }
        world.settle();
        world
    }

    /// Has the clock tick, after which what was read holds.
    fn settle(&self) {
        thread::sleep(Duration::from_millis(2100));
        self.catalog().refused();
    }

    fn file(&self, name: &str) -> PathBuf {
        let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        self.plugins.path().join(format!("{prefix}{name}{suffix}"))
    }

    /// Writes a library where it lies.
    fn write(&self, name: &str, plugins: &[&str]) {
        let bytes = native_bytes(&descriptor(ABI_VERSION, "unwind", plugins));
        fs::write(self.file(name), bytes).unwrap();
    }

    fn scope(&self) -> Scope {
        Scope {
            path: SearchPath::default().folder(self.plugins.path()),
            cache_dir: Some(self.cache.path().to_owned()),
            ..Scope::default()
        }
    }

    fn catalog(&self) -> Catalog {
        discover(self.scope())
    }

    fn known(&self) -> Option<Known> {
        Known::recall(&self.scope())
    }

    /// Fails unless the catalog says of each of these names and of all together what one without a
    /// cache says.
    #[track_caller]
    fn check(&self, names: &[&str]) {
        let plain = discover(Scope { cache_dir: None, ..self.scope() });
        for name in names {
            // A new one each time: none has looked through everything.
            assert_eq!(shown(&self.catalog(), name), shown(&plain, name), "{name}");
            assert_eq!(self.catalog().is_name(name), plain.is_name(name), "{name}");
        }
        let all = |catalog: &Catalog| -> (Vec<String>, Vec<String>) {
            let plugins = catalog.plugins().map(|it| format!("{} {}", it.name(), it.place()));
            (plugins.collect(), catalog.refused().iter().map(ToString::to_string).collect())
        };
        assert_eq!(all(&self.catalog()), all(&plain));
    }
}

fn shown(catalog: &Catalog, name: &str) -> String {
    match catalog.get(name) {
        Lookup::Found(found) => format!("{} in {}: {:?}", name, found.place(), found.facts()),
        Lookup::Ambiguous(several) => format!("{} libraries", several.len()),
        Lookup::Refused(refused) => refused.to_string(),
        Lookup::Unknown => "unknown".to_owned(),
    }
}

#[test]
fn a_name_is_found_without_a_look_at_the_others() {
    let world = World::new(&["a", "b"]);
    let known = world.known().expect("nothing has changed");
    assert_eq!(known.find("a").map(Candidate::name), Some("a"));
    assert!(known.find("c").is_none());
    assert_eq!([known.is_name("a"), known.is_name("c")], [Some(true), Some(false)]);
    world.check(&["a", "b", "c"]);
}

#[test]
fn a_library_that_is_written_over_is_read_again() {
    let world = World::new(&["a", "b"]);
    world.write("a", &["c"]);
    let known = world.known().expect("no file came or went");
    assert!(known.find("a").is_none(), "it must be looked at");
    assert_eq!(known.find("b").map(Candidate::name), Some("b"));
    assert_eq!(known.is_name("c"), None, "nobody can be sure");
    world.check(&["a", "b", "c"]);
    // What was read of it at once does not hold: it may be written over in the same tick again.
    world.write("a", &["d"]);
    world.check(&["a", "c", "d"]);
    world.settle();
    assert_eq!(world.known().unwrap().find("d").map(Candidate::name), Some("d"));
}

#[test]
fn files_that_come_go_or_are_replaced_are_noticed() {
    let world = World::new(&["a", "b"]);
    fs::remove_file(world.file("a")).unwrap();
    assert!(world.known().is_none());
    world.check(&["a", "b"]);
    world.write("c", &["c", "a"]);
    world.check(&["a", "b", "c"]);
    world.write("new", &["b2"]);
    fs::rename(world.file("new"), world.file("b")).unwrap();
    world.check(&["b", "b2", "c"]);
}

#[test]
fn a_cache_that_is_garbage_is_as_none_and_is_made_anew() {
    let world = World::new(&["a"]);
    let folders = world.cache.path().join("folders");
    for file in fs::read_dir(&folders).unwrap().flatten() {
        fs::write(
            file.path(),
            "garbage, longer than a head is in any case, and then some more of it",
        )
        .unwrap();
    }
    assert!(world.known().is_none());
    world.check(&["a", "b"]);
    assert!(world.known().is_some());
}

#[test]
fn a_cache_that_cannot_be_written_is_no_trouble() {
    let world = World::new(&["a"]);
    let file = world.cache.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let scope = Scope { cache_dir: Some(file), ..world.scope() };
    for _ in 0..2 {
        let catalog = discover(scope.clone());
        assert!(matches!(catalog.get("a"), Lookup::Found(_)));
        assert_eq!(catalog.refused().len(), 0);
    }
}

#[test]
fn what_is_claimed_twice_or_refused_is_told_as_without_a_cache() {
    let world = World::new(&["a", "b"]);
    world.write("c", &["b", "help", "c"]);
    fs::write(world.file("text"), "no library at all").unwrap();
    let alien = descriptor("99.0.0", "unwind", &["alien"]);
    fs::write(world.file("alien"), native_bytes(&alien)).unwrap();
    let aborts = descriptor(ABI_VERSION, "abort", &["aborts"]);
    fs::write(world.file("aborts"), native_bytes(&aborts)).unwrap();
    let names = ["a", "b", "c", "help", "text", "alien", "aborts", "unknown"];
    world.check(&names);
    world.settle();
    world.check(&names);
    let known = world.known().expect("nothing has changed");
    assert!(known.find("b").is_none() && known.find("aborts").is_none());
    assert!(known.find("c").is_some());
    // Judged anew each time: what is allowed now is taken.
    let allowing = discover(Scope { allow_abort: true, ..world.scope() });
    assert!(matches!(allowing.get("aborts"), Lookup::Found(_)));
}
