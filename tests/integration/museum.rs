//! What was built against an ABI once is run by every later host that covers it.
//!
//! The exhibits lie in `tests/museum`, a folder a version: a library, what it is (`exhibit.json`), and
//! its tour, the lines that a host must run with what they must tell. `cargo xtask museum` makes one.
//! That a tour finds what no comparison of layouts can is tried with a host that is broken on purpose.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lifespan::Exit;
use lifespan::abi::{ABI_VERSION, PanicStrategy};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::artifacts::{self, fixtures, library, workspace_root};
use crate::env::TestEnv;
use crate::forge::Forge;
use crate::nested::skip;
use crate::next::{Change, changed_host, next};

/// What to do about a tour that fails.
const REMEDY: &str = "a library of that ABI no longer runs: undo the change, or let the version of \
                      the ABI say that it breaks (plugin-api/ABI.md); as long as that version is not \
                      released, `cargo xtask museum --again` makes the exhibit anew";

/// A library that is kept.
struct Exhibit {
    folder: PathBuf,
    label: Value,
}

/// Two numbers mean each other's, which no layout tells.
const ANOTHER_MEANING: &[Change] = &[
    (
        "plugin-api/abi/src/instance.rs",
        "    pub const USAGE: BindStatus = BindStatus(1);\n",
        "    pub const USAGE: BindStatus = BindStatus(2);\n",
    ),
    (
        "plugin-api/abi/src/instance.rs",
        "    pub const ANSWER: BindStatus = BindStatus(2);\n",
        "    pub const ANSWER: BindStatus = BindStatus(1);\n",
    ),
];

#[test]
fn every_version_that_is_recorded_has_its_exhibit() {
    let stems = |folder: &str| {
        let entries = fs::read_dir(workspace_root().join(folder)).expect("the folder is there");
        let paths = entries.map(|entry| entry.expect("a folder can be listed").path());
        paths.collect::<BTreeSet<_>>()
    };
    let surfaces = stems("plugin-api/abi/surfaces");
    let recorded: BTreeSet<_> = surfaces.iter().filter_map(|it| it.file_stem()).collect();
    let exhibits = exhibits();
    let kept: BTreeSet<_> = exhibits.iter().filter_map(|it| it.folder.file_name()).collect();
    assert_eq!(recorded, kept, "`cargo xtask museum` makes the exhibit of the version of now");
    for (surface, exhibit) in surfaces.iter().zip(&exhibits) {
        let made_of = exhibit.text("surface_sha256");
        assert_eq!(made_of, sha256(surface), "{}: another surface. {REMEDY}", exhibit.name());
    }
}

#[test]
fn no_version_is_forgotten() {
    let changelog = fs::read_to_string(workspace_root().join("CHANGELOG.md")).expect("it is there");
    // Each section `ABI` says in the first words of its entries which versions there are.
    let sections = changelog.split("\n### ABI\n").skip(1);
    let entries = sections.flat_map(|it| it.lines().take_while(|line| !line.starts_with('#')));
    let versions = entries.filter_map(|line| line.strip_prefix("- ")?.split(',').next());
    let versions: BTreeSet<_> =
        versions.filter(|it| it.starts_with(|c: char| c.is_ascii_digit())).collect();
    let exhibits = exhibits();
    let kept: BTreeSet<_> = exhibits.iter().map(|it| it.text("abi")).collect();
    assert_eq!(versions, kept, "of the versions of the ABI that CHANGELOG.md tells of");
}

#[test]
fn exhibits_are_what_their_labels_say() {
    for exhibit in exhibits() {
        let library = exhibit.library();
        assert_eq!(exhibit.text("sha256"), sha256(&library), "{}", exhibit.name());
        let facts = Forge::of(&library).read_descriptor();
        let told = [&facts.abi, &facts.rustc, &facts.target].map(String::as_str);
        assert_eq!(told, ["abi", "rustc", "target"].map(|it| exhibit.text(it)));
        assert_eq!(exhibit.folder.file_name(), Some(facts.abi.as_ref()));
        assert_eq!(facts.panic, PanicStrategy::Unwind);
        assert!(!facts.debug_assertions, "{} is not built for release", exhibit.name());
    }
}

#[test]
fn this_host_runs_every_exhibit_that_it_covers_and_refuses_the_others() {
    for exhibit in exhibits_of_here() {
        let plugins = exhibit.installed();
        if covered(exhibit.text("abi")) {
            let tour = exhibit.tour();
            let complaints = tour_of(&tour, || world(plugins.path()));
            assert!(complaints.is_empty(), "{}: {REMEDY}\n{complaints:#?}", exhibit.name());
        } else {
            let refused = world(plugins.path()).run("bus");
            refused.assert_code(Exit::Load).assert_has(&["it was built against ABI"]);
        }
    }
}

#[test]
fn a_host_whose_abi_has_grown_runs_the_exhibits() {
    let host = next().host;
    for exhibit in exhibits_of_here().filter(|it| covered(it.text("abi"))) {
        let plugins = exhibit.installed();
        let complaints = tour_of(&exhibit.tour(), || world(plugins.path()).host(host.clone()));
        assert!(complaints.is_empty(), "{}: {complaints:#?}", exhibit.name());
    }
}

#[test]
fn what_would_be_kept_today_passes_its_tour() {
    let complaints = tour_of(&todays_tour(), || world(&artifacts::exhibit()));
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn an_exhibit_stands_between_plugins_of_today() {
    for exhibit in exhibits_of_here().filter(|it| covered(it.text("abi"))) {
        // Some plugins have the names of fixtures: these are left out.
        let plugins = exhibit.installed();
        let world = world(plugins.path()).plugin_dir(fixtures());
        let output = world.run(
            "--without speak --without fault --until relay publish --topic new --count 2000 \
             relay --from new --to newer --count 2000 record --topic newer --to numbers.txt",
        );
        output.assert_code(Exit::Success);
        let numbers = world.read("numbers.txt");
        assert!(numbers.lines().eq((1..=2000).map(|number| number.to_string())), "{output}");
    }
}

#[test]
fn a_host_that_means_something_else_by_a_number_is_found() {
    let host = changed_host(ANOTHER_MEANING);
    let complaints = tour_of(&todays_tour(), || world(&artifacts::exhibit()).host(host.clone()));
    let lines: Vec<_> = complaints.iter().filter_map(|it| it.split('`').nth(1)).collect();
    // What is not about that number goes on as before.
    assert_eq!(lines, ["words --number many", "words --help", "help words"], "{complaints:#?}");
}

/// Takes a tour: what is not as it was promised, a line each.
fn tour_of(tour: &Value, world: impl Fn() -> TestEnv) -> Vec<String> {
    let stops = tour.as_array().expect("a tour is a list");
    assert!(stops.len() > 10, "a tour of {} lines", stops.len());
    let mut complaints = Vec::new();
    for stop in stops {
        let line = stop["line"].as_str().expect("a stop has a line");
        let output = world().run(line);
        let code = output.code.map(i64::from);
        let mut wrong = Vec::new();
        if code != stop["code"].as_i64() {
            wrong.push(format!("it ends with {code:?}, not with {}", stop["code"]));
        }
        for (stream, text) in [("out", &output.stdout), ("err", &output.stderr)] {
            let needles = stop[stream].as_array().into_iter().flatten();
            let needles = needles.map(|needle| needle.as_str().expect("a text"));
            let missing = needles.filter(|needle| !text.contains(needle));
            wrong.extend(missing.map(|needle| format!("std{stream} lacks `{needle}`")));
        }
        if !wrong.is_empty() {
            complaints.push(format!("`{line}`: {}\n{output}", wrong.join("; ")));
        }
    }
    complaints
}

/// The tour that an exhibit of today would have.
fn todays_tour() -> Value {
    read_json(&workspace_root().join("tests/fixtures/exhibit/tour.json"))
}

/// All that are kept, in the order of their folders.
fn exhibits() -> Vec<Exhibit> {
    let museum = workspace_root().join("tests/museum");
    let entries = fs::read_dir(&museum).expect("there is a museum");
    let folders = entries.map(|entry| entry.expect("a folder can be listed").path());
    let folders: BTreeSet<_> = folders.filter(|it| it.is_dir()).collect();
    assert!(!folders.is_empty(), "the museum is empty");
    let open = |folder: PathBuf| {
        let label = read_json(&folder.join("exhibit.json"));
        Exhibit { folder, label }
    };
    folders.into_iter().map(open).collect()
}

/// Those that can be loaded on this machine.
fn exhibits_of_here() -> impl Iterator<Item = Exhibit> {
    let here = Forge::echo().read_descriptor().target;
    exhibits().into_iter().filter(move |exhibit| {
        let target = exhibit.text("target");
        if target != here {
            skip(&exhibit.name(), &format!("it is built for {target}, and this is {here}"));
        }
        target == here
    })
}

impl Exhibit {
    fn name(&self) -> String {
        format!("the exhibit of ABI {}", self.text("abi"))
    }

    fn text(&self, field: &str) -> &str {
        self.label[field].as_str().unwrap_or_else(|| panic!("`{field}` is no text: {}", self.label))
    }

    fn library(&self) -> PathBuf {
        self.folder.join(self.text("library"))
    }

    fn tour(&self) -> Value {
        read_json(&self.folder.join("tour.json"))
    }

    /// Its library in a plugins folder; where the repository lies is no matter of these tests.
    fn installed(&self) -> TempDir {
        let folder = TempDir::new().expect("a temporary folder");
        let to = library(folder.path(), "exhibit");
        fs::copy(self.library(), to).expect("a file in a temporary folder");
        folder
    }
}

/// Whether this host promises to serve that version: see plugin-api/ABI.md.
fn covered(version: &str) -> bool {
    let parts = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (ours, theirs) = (parts(ABI_VERSION), parts(version));
    let same = if ours[0] == "0" { 2 } else { 1 };
    ours[..same] == theirs[..same]
}

fn world(plugins: &Path) -> TestEnv {
    TestEnv::without_plugins().plugin_dir(plugins.to_owned())
}

fn read_json(file: &Path) -> Value {
    let text = fs::read_to_string(file).unwrap_or_else(|it| panic!("{}: {it}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn sha256(file: &Path) -> String {
    let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
