//! The reasons of trust and of wishes: each is told with its name and a remedy, in text and in JSON, and gone
//! as soon as its cause is. And no reason that there is goes without such a test, here or in `refusals.rs`.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use lifespan::Exit;
use minisign::KeyPair;
use serde_json::Value;

use crate::artifacts::{bundled, library, workspace_root};
use crate::elevated::each_way;
use crate::env::TestEnv;
use crate::forge::sign;
use crate::management::data;
use crate::nested::{copy, skip};
use crate::place::{By, ME, OTHER, Place, chmod, give, list_for};
use crate::{refusals, schema};

/// A home with a plugins folder, in which `echo` lies.
struct World {
    env: TestEnv,
    dir: PathBuf,
}

/// A reason: the options of the line, the command that shows it, how its cause comes and goes.
struct Case {
    reason: &'static str,
    options: &'static str,
    command: Command,
    spoil: fn(&World),
    mend: fn(&World),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Command {
    List,
    /// Where a list does not look at so much.
    Check,
}

const CASES: &[Case] = &[
    Case {
        reason: "world-writable",
        spoil: |it| it.chmod(0o666),
        mend: |it| it.chmod(0o644),
        ..LISTED
    },
    Case {
        reason: "trust-unreadable",
        spoil: |it| fs::create_dir(it.lock()).expect("a new folder"),
        mend: |it| fs::remove_dir(it.lock()).expect("an empty folder"),
        ..LISTED
    },
    Case { reason: "broken-lock", spoil: |it| it.write_lock("?"), mend: World::unlock, ..LISTED },
    Case { reason: "no-lock", options: "--locked", spoil: |_| {}, mend: World::trust, ..LISTED },
    Case {
        reason: "not-approved",
        spoil: |it| it.write_lock("version = 1\n"),
        mend: World::trust,
        ..LISTED
    },
    Case {
        reason: "changed",
        spoil: |it| {
            it.trust();
            it.change();
        },
        mend: World::trust,
        ..LISTED
    },
    Case {
        reason: "unsigned",
        options: "--config ours.toml",
        command: Command::List,
        spoil: |it| {
            it.keys();
        },
        mend: |it| it.sign(&it.keys()),
    },
    Case {
        reason: "bad-signature",
        options: "--config ours.toml",
        command: Command::Check,
        spoil: |it| {
            it.sign(&it.keys());
            it.change();
        },
        mend: |it| it.sign(&it.keys()),
    },
    Case {
        reason: "disabled",
        spoil: |it| it.run("plugin disable echo"),
        mend: |it| it.run("plugin enable echo"),
        ..LISTED
    },
];

/// One that needs no option and is shown by a list.
const LISTED: Case =
    Case { reason: "", options: "", command: Command::List, spoil: |_| {}, mend: |_| {} };

/// What is done by the line and mended by another.
const LEFT_OUT: &str = "left-out";

/// Makes a cause, where it can be made.
type Spoil = fn(&Place) -> bool;

/// The same with a second user: the reason, and its cause where it can be made.
const WITH_ANOTHER: [(&str, Spoil); 3] = [
    ("group-writable", |it| {
        give(&it.library, ME, OTHER);
        chmod(&it.library, 0o664);
        true
    }),
    ("foreign-owner", |it| {
        give(&it.library, OTHER, OTHER);
        true
    }),
    ("access-list", |it| list_for(&it.library, OTHER)),
];

/// Of a host that has more rights than whoever starts it.
const NOT_ROOTS: &str = "not-roots";

/// Of such a host too: `elevated.rs` has it.
const RUN_PATH: &str = "run-path";

impl World {
    fn new() -> Self {
        let env = TestEnv::without_plugins();
        let dir = env.home().join("plugins");
        fs::create_dir(&dir).expect("a folder in a temporary folder");
        copy(&library(&bundled(), "echo"), &dir, "echo");
        World { env: env.plugin_dir(dir.clone()), dir }
    }

    fn library(&self) -> PathBuf {
        library(&self.dir, "echo")
    }

    fn lock(&self) -> PathBuf {
        self.dir.join("lifespan.lock")
    }

    fn run(&self, line: &str) {
        self.env.run(line).assert_code(Exit::Success);
    }

    fn trust(&self) {
        self.run(&format!("plugin trust {}", self.library().display()));
    }

    fn write_lock(&self, text: &str) {
        fs::write(self.lock(), text).expect("a file in a temporary folder");
    }

    fn unlock(&self) {
        fs::remove_file(self.lock()).expect("it is there");
    }

    fn chmod(&self, mode: u32) {
        fs::set_permissions(self.library(), Permissions::from_mode(mode)).expect("it is ours");
    }

    /// Adds a byte that nobody looks at.
    fn change(&self) {
        let mut bytes = fs::read(self.library()).expect("it is there");
        bytes.push(0);
        fs::write(self.library(), bytes).expect("it is ours");
    }

    /// New keys, of which the configuration demands a signature.
    fn keys(&self) -> KeyPair {
        let keys = KeyPair::generate_unencrypted_keypair().expect("randomness");
        self.env.write("ours.toml", &format!("signed-by = '{}'\n", keys.pk.to_base64()));
        keys
    }

    fn sign(&self, keys: &KeyPair) {
        sign(keys, &self.library());
    }
}

/// The refusal of that reason in the JSON of a list or a check.
#[track_caller]
fn find<'j>(told: &'j Value, reason: &str) -> &'j Value {
    let lists = [&told["refused"], &told["libraries"][0]["reasons"]];
    let found = lists.into_iter().filter_map(Value::as_array).flatten();
    let mut found = found.filter(|it| it["reason"] == reason);
    found.next().unwrap_or_else(|| panic!("`{reason}` is not told:\n{told:#}"))
}

#[track_caller]
fn assert_told(world: &World, case: &Case) {
    let Case { reason, options, command, .. } = case;
    let (schema, command) = match command {
        Command::List => ("plugin-list", "plugin list".to_owned()),
        Command::Check => ("plugin-check", format!("plugin check {}", world.library().display())),
    };
    let json = world.env.run(&format!("{options} {command} --format json"));
    let told = data(&json);
    schema::check(schema, &told);
    let refused = find(&told, reason);
    let [message, hint] = ["message", "hint"].map(|it| refused[it].as_str().unwrap_or_default());
    assert!(!message.is_empty() && !hint.is_empty(), "{json}");
    let text = world.env.run(&format!("{options} {command}"));
    let words = text.words();
    assert!(words.contains(message) && words.contains(&format!("hint: {hint}")), "{text}");

    let chain = world.env.run(&format!("{options} --dry-run echo"));
    chain.assert_code(Exit::Config).assert_has(&[&format!("  hint: {hint}")]);
    let json = world.env.run(&format!("{options} --log-format json --dry-run echo"));
    let error: Value = serde_json::from_str(json.stderr.trim()).expect("one JSON line");
    assert_eq!(error["fields"]["hints"][0], hint, "{json}");
}

#[test]
fn each_reason_of_trust_has_a_name_and_a_remedy_and_goes_with_its_cause() {
    for case in CASES {
        let world = World::new();
        (case.spoil)(&world);
        assert_told(&world, case);
        (case.mend)(&world);
        world.env.run(&format!("{} --dry-run echo", case.options)).assert_code(Exit::Success);
    }
    let world = World::new();
    let told = data(&world.env.run("--without echo plugin list --format json"));
    assert!(find(&told, LEFT_OUT)["hint"].is_string(), "{told:#}");
    let chain = world.env.run("--without echo --dry-run echo");
    chain.assert_code(Exit::Usage).assert_has(&["  hint: take it off the line, or the option"]);
    world.run("--dry-run echo");
}

#[test]
fn each_reason_that_needs_a_second_user_has_a_name_and_a_remedy() {
    let listed = |place: &Place, reason: &str| {
        let output = place.run_as(ME, By::Option, &["plugin", "list", "--format", "json"]);
        let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        schema::check("plugin-list", &told);
        assert!(find(&told, reason)["hint"].is_string(), "{told:#}");
        let text = place.run_as(ME, By::Option, &["plugin", "list"]);
        assert!(String::from_utf8_lossy(&text.stdout).contains("  hint: "));
    };
    for (reason, spoil) in WITH_ANOTHER {
        let Some(place) = Place::new() else { return };
        if spoil(&place) {
            listed(&place, reason);
        } else {
            skip(reason, "the file system does not know it");
        }
    }
    each_way(|place| listed(place, NOT_ROOTS));
}

#[test]
fn no_reason_goes_without_a_test() {
    let file = workspace_root().join("host/schemas/plugin-list.json");
    let text = fs::read_to_string(Path::new(&file)).expect("there is a schema");
    let schema: Value = serde_json::from_str(&text).expect("it is JSON");
    let names = schema["$defs"]["refused"]["properties"]["reason"]["enum"].as_array();
    let names: BTreeSet<_> =
        names.expect("it lists them").iter().filter_map(Value::as_str).collect();
    let tried = CASES.iter().map(|it| it.reason).chain(refusals::tried());
    let tried = tried.chain(WITH_ANOTHER.map(|(reason, _)| reason));
    let tried = tried.chain([LEFT_OUT, NOT_ROOTS, RUN_PATH]);
    assert_eq!(tried.collect::<BTreeSet<_>>(), names);
}
