//! Every reason there is: its name is one of the schemas', and its words can stand beside others.

use std::collections::BTreeSet;
use std::fs;
use std::iter::successors;
use std::path::Path;

use serde_json::Value;

use super::*;
use crate::trust::Digest;

/// One of each, in the order of the enum. Whoever adds a reason is led here by the compiler.
fn next(reason: &RefusalReason) -> Option<RefusalReason> {
    let failed = || io::Error::other("no");
    let name = || "echo".to_owned();
    Some(match reason {
        RefusalReason::FolderMissing => RefusalReason::FolderRelative,
        RefusalReason::FolderRelative => RefusalReason::FolderUnreadable(failed()),
        RefusalReason::FolderUnreadable(_) => RefusalReason::Unreadable(failed()),
        RefusalReason::Unreadable(_) => RefusalReason::NotAFile,
        RefusalReason::NotAFile => RefusalReason::NotALibrary,
        RefusalReason::NotALibrary => RefusalReason::NotShared,
        RefusalReason::NotShared => RefusalReason::Damaged("it is cut off".into()),
        RefusalReason::Damaged(_) => {
            RefusalReason::WrongPlatform { built_for: "a".into(), host: "b".into() }
        }
        RefusalReason::WrongPlatform { .. } => RefusalReason::NoDescriptor,
        RefusalReason::NoDescriptor => RefusalReason::Descriptor(DescriptorFault::Magic),
        RefusalReason::Descriptor(_) => {
            RefusalReason::Abi { library: "0.9.0".into(), host: "0.1.0".into() }
        }
        RefusalReason::Abi { .. } => {
            RefusalReason::AbiElsewhere { library: "0.9.0".into(), host: "0.8.0".into() }
        }
        RefusalReason::AbiElsewhere { .. } => RefusalReason::PanicAbort,
        RefusalReason::PanicAbort => RefusalReason::ReservedName(name()),
        RefusalReason::ReservedName(_) => RefusalReason::InvalidName(name()),
        RefusalReason::InvalidName(_) => RefusalReason::RepeatedName(name()),
        RefusalReason::RepeatedName(_) => RefusalReason::ControlCharacters(name()),
        RefusalReason::ControlCharacters(_) => RefusalReason::Disabled {
            plugin: name(),
            file: "/etc/plugins.toml".into(),
            enable: "lifespan plugin enable echo".into(),
        },
        RefusalReason::Disabled { .. } => RefusalReason::LeftOut(name()),
        RefusalReason::LeftOut(_) => {
            RefusalReason::Claimed { name: name(), others: vec![Place::Builtin] }
        }
        RefusalReason::Claimed { .. } => {
            let path = PathBuf::from("/plugins");
            RefusalReason::Distrusted(Distrust::WorldWritable { path, mode: 0o777 })
        }
        RefusalReason::Distrusted(distrust) => RefusalReason::Distrusted(next_distrust(distrust)?),
    })
}

fn next_distrust(distrust: &Distrust) -> Option<Distrust> {
    let path = || PathBuf::from("/plugins");
    let approve = || "lifespan plugin trust echo".to_owned();
    Some(match distrust {
        Distrust::WorldWritable { .. } => {
            Distrust::GroupWritable { path: path(), mode: 0o775, group: 7 }
        }
        Distrust::GroupWritable { .. } => Distrust::AccessList { path: path() },
        Distrust::AccessList { .. } => Distrust::Owner { path: path(), owner: 7 },
        Distrust::Owner { .. } => Distrust::NotRoots { path: path(), owner: 7 },
        Distrust::NotRoots { .. } => Distrust::RunPath { folder: "lib".into() },
        Distrust::RunPath { .. } => Distrust::Unreadable { path: path(), error: "no".into() },
        Distrust::Unreadable { .. } => {
            Distrust::BrokenLock { path: path(), line: 1, column: 1, problem: "no".into() }
        }
        Distrust::BrokenLock { .. } => Distrust::NoLock { folder: path(), approve: approve() },
        Distrust::NoLock { .. } => {
            Distrust::NotApproved { library: path(), lock: path(), approve: approve() }
        }
        Distrust::NotApproved { .. } => Distrust::Changed {
            library: path(),
            lock: path(),
            approved: Digest::of(&b""[..]).unwrap().0,
            found: None,
            approve: approve(),
        },
        Distrust::Changed { .. } => Distrust::Unsigned { signature: path() },
        Distrust::Unsigned { .. } => {
            Distrust::BadSignature { signature: path(), problem: "no".into() }
        }
        Distrust::BadSignature { .. } => return None,
    })
}

/// The names that a schema lists.
fn listed(schema: &str) -> BTreeSet<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(schema);
    let schema: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let mut names = BTreeSet::new();
    collect(&schema, &mut names);
    names
}

fn collect(schema: &Value, names: &mut BTreeSet<String>) {
    let reasons = schema["reason"]["enum"].as_array().into_iter().flatten();
    names.extend(reasons.filter_map(Value::as_str).map(str::to_owned));
    let below: Vec<_> = match schema {
        Value::Object(object) => object.values().collect(),
        Value::Array(list) => list.iter().collect(),
        _ => Vec::new(),
    };
    below.into_iter().for_each(|it| collect(it, names));
}

#[test]
fn each_reason_is_in_the_schemas_and_has_words_and_a_remedy() {
    let mut names = BTreeSet::new();
    for reason in successors(Some(RefusalReason::FolderMissing), next) {
        let (name, message) = (reason.name(), reason.to_string());
        // This host or another: for programs it is one reason.
        let is_again = matches!(reason, RefusalReason::AbiElsewhere { .. });
        assert_ne!(names.insert(name.to_owned()), is_again, "`{name}` is the name of two");
        let hint = reason.hint().unwrap_or_default();
        for text in [&message, &hint] {
            assert!(!text.is_empty() && !text.ends_with('.'), "{name}: {text}");
            assert!(!text.starts_with(char::is_uppercase), "{name}: {text}");
        }
    }
    let whole = ["list", "check", "inspect", "validate"];
    for schema in whole.map(|command| format!("plugin-{command}.json")) {
        assert_eq!(listed(&schema), names, "{schema}");
    }
    // What the doctor finds besides stands there too.
    assert!(listed("plugin-doctor.json").is_superset(&names));
    let of_trust = listed("plugin-verify.json");
    assert!(!of_trust.is_empty() && of_trust.is_subset(&names));
}
