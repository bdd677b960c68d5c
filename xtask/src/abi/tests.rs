//! The check catches what it is there for.

use super::*;
use crate::abi::surface::read as read_modules;

const SOURCE: &str = r#"
    //! A module.
    /// A value.
    #[repr(C)]
    #[derive(StableAbi, Clone)]
    pub struct Batch { /// How many.
        pub len: u32, messages: *const Message }

    #[repr(C)]
    #[derive(StableAbi)]
    #[sabi(kind(Prefix(prefix_ref = RootRef)))]
    pub struct Root {
        #[sabi(last_prefix_field)]
        pub bind: extern "C" fn(RStr<'_>) -> RResult<(), RString>,
    }

    #[sabi_trait]
    pub trait Bus: Send + Sync {
        /// Opens.
        fn topic(&self, name: RStr<'_>) -> TopicBox;
        #[sabi(last_prefix_field)]
        fn close(&self);
    }

    #[derive(Serialize, Deserialize)]
    pub struct Facts { pub name: String }

    #[derive(Serialize)]
    pub enum Level { Error }

    impl Mode { pub const LATEST: Mode = Mode(0); }
    pub const MAGIC: [u8; 2] = *b"LS";
    pub type BusBox = Bus_TO<'static, RBox<()>>;
    pub enum Fault { NotOnTheSurface }
    pub fn neither() {}
    struct Private { x: u8 }
"#;

fn surface(version: &str, text: &str) -> Surface {
    read_modules(version, &[Module { name: "bus".into(), text: text.into() }]).unwrap()
}

/// What the check says to a change of the source, at these versions.
fn changed(from: &str, to: &str, versions: [&str; 2]) -> Result<(), String> {
    assert!(SOURCE.contains(from), "{from}");
    let before = surface(versions[0], SOURCE);
    let now = surface(versions[1], &SOURCE.replace(from, to));
    may_replace(&before, &now).map_err(|error| error.to_string())
}

#[track_caller]
fn breaking(from: &str, to: &str) {
    let error = changed(from, to, ["0.1.0", "0.1.0"]).unwrap_err();
    assert!(error.contains("must be 0.2.0 or later"), "{error}");
    changed(from, to, ["0.1.0", "0.1.1"]).unwrap_err();
    changed(from, to, ["0.1.0", "0.2.0"]).unwrap();
    changed(from, to, ["1.4.0", "1.5.0"]).unwrap_err();
    changed(from, to, ["1.4.0", "2.0.0"]).unwrap();
}

#[track_caller]
fn additive(from: &str, to: &str) {
    let error = changed(from, to, ["0.1.0", "0.1.0"]).unwrap_err();
    assert!(error.contains("must be 0.1.1 or later"), "{error}");
    changed(from, to, ["0.1.0", "0.1.1"]).unwrap();
    changed(from, to, ["1.4.0", "1.4.1"]).unwrap_err();
    changed(from, to, ["1.4.0", "1.5.0"]).unwrap();
}

#[test]
fn a_changed_field_is_caught() {
    breaking("pub len: u32", "pub len: u64");
    breaking("pub len: u32,", "pub len: u32, pub more: u32,");
    breaking("pub len: u32, messages: *const Message", "messages: *const Message, pub len: u32");
    breaking("pub name: String", "pub title: String");
}

#[test]
fn an_added_method_is_caught() {
    let last = "#[sabi(last_prefix_field)]\n        fn close(&self);";
    additive(last, &format!("{last} fn flush(&self) {{}}"));
    // Without a default an old host lacks it; before the last of the prefix it moves the others.
    breaking(last, &format!("{last} fn flush(&self);"));
    breaking(last, &format!("fn flush(&self) {{}} {last}"));
    breaking("name: RStr<'_>) -> TopicBox", "name: RString) -> TopicBox");
}

#[test]
fn root_modules_grow_at_their_end_by_optional_fields() {
    let last = "RResult<(), RString>,\n    }";
    let field = "#[sabi(missing_field(option))] pub more: u64";
    additive(last, &last.replace('}', &format!("{field} }}")));
    breaking(last, &last.replace('}', "pub more: u64 }"));
}

#[test]
fn data_grows_by_fields_with_a_default() {
    additive("pub name: String", "#[serde(default)] pub more: u8, pub name: String");
    breaking("pub name: String", "pub name: String, pub more: u8");
    breaking("{ Error }", "{ Error, Warn }");
}

#[test]
fn constants_and_new_items_are_on_the_surface() {
    breaking("Mode(0)", "Mode(1)");
    breaking("*b\"LS\"", "*b\"XX\"");
    breaking("pub type BusBox = Bus_TO<'static, RBox<()>>;", "");
    additive("impl Mode {", "impl Mode { pub const LOSSY: Mode = Mode(2);");
}

#[test]
fn what_does_not_cross_may_change_freely() {
    for (from, to) in [
        ("/// A value.", "/// Another comment."),
        ("NotOnTheSurface", "Renamed"),
        ("struct Private { x: u8 }", ""),
        ("pub fn neither() {}", ""),
        ("#[derive(StableAbi, Clone)]", "#[derive(Debug, StableAbi)]"),
    ] {
        changed(from, to, ["0.1.0", "0.1.0"]).unwrap();
    }
}

#[test]
fn a_version_that_moved_must_be_recorded() {
    let before = surface("0.1.0", SOURCE);
    let recorded = [surface("0.0.9", SOURCE), before];
    judge(&recorded, &surface("0.1.0", SOURCE)).unwrap();
    for recorded in [&recorded[..], &[]] {
        let error = judge(recorded, &surface("0.1.1", SOURCE)).unwrap_err().to_string();
        assert!(error.contains("--bless"), "{error}");
    }
    let error = judge(&recorded, &surface("0.0.9", SOURCE)).unwrap_err().to_string();
    assert!(error.contains("never taken back"), "{error}");
}

/// The sources of the ABI in a folder of the test's own, with that change of `message.rs` and that
/// version; what the check says of them, and what recording them says.
fn told(name: &str, change: [&str; 2], version: &str) -> [Option<String>; 2] {
    let from = shell::root();
    let root = shell::profile_dir(false).unwrap().join("abi-tests").join(name);
    copy(&from.join("plugin-api/abi"), &root.join("plugin-api/abi"));
    fs::copy(from.join("Cargo.toml"), root.join("Cargo.toml")).unwrap();
    let own = read(&from).unwrap().version;
    for (file, [from, to]) in [
        ("plugin-api/abi/src/message.rs", change),
        ("plugin-api/abi/Cargo.toml", [own.as_str(), version]),
    ] {
        let text = fs::read_to_string(root.join(file)).unwrap();
        assert!(text.contains(from), "`{from}` is not in `{file}`");
        fs::write(root.join(file), text.replacen(from, to, 1)).unwrap();
    }
    let told = [check, bless].map(|task| task(&root).err().map(|error| format!("{error:#}")));
    fs::remove_dir_all(&root).unwrap();
    told
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, to).unwrap();
        }
    }
}

#[test]
fn who_changes_the_sources_is_told_what_to_do() {
    let own = read(&shell::root()).unwrap().version;
    let version = Version::parse(&own).unwrap();
    let (added, broken) = (version.after(Change::Additive), version.after(Change::Breaking));
    let same = ["/// How many [`Message`]s point here.", "/// Another comment."];
    let grown = ["    size: usize,\n}", "    size: usize,\n    more: u32,\n}"];
    let last = "RSlice<'_, u8>) -> RResult<Message, RString>,\n";
    let appended =
        format!("{last}    /// More.\n    #[sabi(missing_field(option))]\n    pub more: u64,\n");

    assert_eq!(told("same", same, &own), [None, None]);
    let [check, bless] = told("grown", grown, &own).map(Option::unwrap);
    assert_eq!(check, bless);
    for needle in [
        "breaking: new in value message::MessageHeader [repr(C)]: more: u32",
        &format!("it is {own}, and must be {broken} or later"),
        "set `version` in plugin-api/abi/Cargo.toml",
        "`cargo xtask abi --bless`",
        "not released",
    ] {
        assert!(check.contains(needle), "`{needle}` is missing: {check}");
    }
    let [check, bless] = told("appended", [last, &appended], &own).map(Option::unwrap);
    assert!(check.contains(&format!("must be {added} or later")) && check == bless, "{check}");
    for (change, version) in [([last, appended.as_str()], added), (grown, broken)] {
        let [check, bless] = told("moved", change, &version.to_string());
        assert!(check.unwrap().contains("is not recorded yet"));
        assert_eq!(bless, None);
    }
}

#[test]
fn crates_whose_types_cross_are_pinned() {
    let manifest = "abi_stable = { version = \"=0.11.3\" }\nasync-ffi = \"0.5\"\n";
    assert_eq!(pinned(manifest, "abi_stable").unwrap(), "{ version = \"=0.11.3\" }");
    assert_eq!(pinned(manifest, "async-ffi"), None);
    let surface = |version: &str| Surface {
        version: "0.1.0".to_owned(),
        items: vec![SurfaceItem { head: "crate abi_stable".into(), parts: vec![version.into()] }],
    };
    let error = may_replace(&surface("\"=0.11.3\""), &surface("\"=0.11.4\"")).unwrap_err();
    assert!(error.to_string().contains("must be 0.2.0"), "{error}");
}

#[test]
fn everything_with_a_layout_must_be_stable_abi() {
    for (from, to, message) in [
        ("#[derive(StableAbi, Clone)]", "#[derive(Clone)]", "does not derive StableAbi"),
        ("#[repr(C)]", "", "has no `repr`"),
        ("#[sabi_trait]", "", "not a `#[sabi_trait]`"),
        ("#[derive(Serialize)]", "#[repr(u8)] #[derive(StableAbi)]", "make it a number"),
        ("messages:", "#[sabi(unsafe_opaque_field)] messages:", "hides what crosses"),
    ] {
        let text = SOURCE.replacen(from, to, 1);
        let module = Module { name: "bus".into(), text };
        let error = format!("{:#}", read_modules("0.1.0", &[module]).unwrap_err());
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn the_recorded_text_is_read_back() {
    let now = surface("0.1.0", SOURCE);
    let text = now.to_text();
    assert_eq!(Surface::from_text(&text).unwrap(), now);
    assert!(text.contains("\nobject bus::Bus: Send + Sync\n"), "{text}");
    assert!(text.contains("    fn topic(&self, name: RStr<'_>) -> TopicBox\n"), "{text}");
    assert!(text.contains("    messages: *const Message\n"), "{text}");
}

#[test]
fn the_surface_of_the_sources_can_be_read() {
    let surface = read(&shell::root()).unwrap();
    assert!(surface.items.iter().any(|item| item.head.starts_with("prefix library::LibraryRoot")));
}
