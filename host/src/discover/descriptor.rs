//! From a library's descriptor to what may be used of it: the checks that need no loading.
//!
//! Works on text and facts; the file is read in [`section`](super::section).

use std::collections::HashSet;

use lifespan_abi::descriptor::{DescriptorFault, section_text};
use lifespan_abi::{ABI_VERSION, Descriptor, PanicStrategy, PluginFacts};
use serde_json::Value;

use crate::discover::abi::abi_covers;
use crate::discover::refusal::RefusalReason;
use crate::discover::{Terms, platform};

/// The names that no plugin may have: the host's own commands, now or later.
pub(crate) const RESERVED: [&str; 5] = ["help", "plugin", "completions", "man", "run"];

/// The longest name of a plugin, in bytes.
pub(crate) const MAX_NAME: usize = 64;

/// The descriptor's text in the bytes of a section.
pub(super) fn text(section: &[u8]) -> Result<String, RefusalReason> {
    section_text(section).map(str::to_owned).map_err(RefusalReason::Descriptor)
}

/// The descriptor in a text.
pub(super) fn parse_text(text: &str) -> Result<Descriptor, RefusalReason> {
    let mut descriptor = Descriptor::from_text(text).map_err(|fault| explain(text, fault))?;
    // Most have one plugin, and room for four: with a thousand libraries that is felt.
    descriptor.plugins.shrink_to_fit();
    Ok(descriptor)
}

/// Whether the library may be loaded on these terms at all.
pub(super) fn judge_library(
    descriptor: &Descriptor,
    terms: Terms<'_>,
) -> Result<(), RefusalReason> {
    judge_abi(&descriptor.abi, terms.abi)?;
    if platform::is_foreign(&descriptor.target) {
        return Err(RefusalReason::WrongPlatform {
            built_for: shown(&descriptor.target),
            host: platform::host_system(),
        });
    }
    if descriptor.panic == PanicStrategy::Abort && !terms.allow_abort {
        return Err(RefusalReason::PanicAbort);
    }
    Ok(())
}

/// What is wrong with each plugin that may not be used; a name stands here once.
pub(super) fn judge_plugins(descriptor: &Descriptor) -> Vec<(&str, RefusalReason)> {
    let mut seen = HashSet::new();
    let mut told = HashSet::new();
    let mut faults: Vec<(&str, RefusalReason)> = Vec::new();
    for plugin in &descriptor.plugins {
        let name = plugin.name.as_str();
        // Most libraries have one, and there may be a thousand libraries.
        let repeated = descriptor.plugins.len() > 1 && !seen.insert(name);
        let fault = judge_plugin(plugin)
            .or_else(|| repeated.then(|| RefusalReason::RepeatedName(name.to_owned())));
        if let Some(fault) = fault
            && told.insert(name)
        {
            faults.push((name, fault));
        }
    }
    faults
}

/// A descriptor of another ABI may have another form: that it is another ABI is then the reason.
fn explain(text: &str, fault: DescriptorFault) -> RefusalReason {
    let value: Option<Value> = serde_json::from_str(text).ok();
    let abi = value.as_ref().and_then(|it| it.get("abi")).and_then(Value::as_str);
    match abi.map(|abi| judge_abi(abi, ABI_VERSION)) {
        Some(Err(reason)) => reason,
        _ => RefusalReason::Descriptor(fault),
    }
}

fn judge_abi(library: &str, host: &str) -> Result<(), RefusalReason> {
    if abi_covers(host, library) {
        return Ok(());
    }
    let (library, is_here, host) = (shown(library), host == ABI_VERSION, host.to_owned());
    Err(if is_here {
        RefusalReason::Abi { library, host }
    } else {
        RefusalReason::AbiElsewhere { library, host }
    })
}

/// What a file says, without what could write on a terminal, and no longer than people read.
fn shown(text: &str) -> String {
    let most = text.char_indices().nth(MAX_NAME).map_or(text, |(end, _)| &text[..end]);
    let cut = if most.len() < text.len() { "…" } else { "" };
    format!("{}{cut}", most.escape_debug())
}

fn judge_plugin(plugin: &PluginFacts) -> Option<RefusalReason> {
    let name = || plugin.name.clone();
    if !is_valid_name(&plugin.name) {
        let end = plugin.name.char_indices().nth(MAX_NAME + 1).map_or(usize::MAX, |(end, _)| end);
        Some(RefusalReason::InvalidName(plugin.name.get(..end).unwrap_or(&plugin.name).to_owned()))
    } else if RESERVED.contains(&plugin.name.as_str()) {
        Some(RefusalReason::ReservedName(name()))
    } else if has_control_characters(&plugin.summary) || has_control_characters(&plugin.version) {
        Some(RefusalReason::ControlCharacters(name()))
    } else {
        None
    }
}

/// A name that can stand on a command line, in a file's name and in a message as it is.
pub(crate) fn is_valid_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}

fn has_control_characters(text: &str) -> bool {
    // Next to none has, and most are plain: there may be a thousand.
    !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(change: impl Fn(&mut Value)) -> String {
        let mut value = serde_json::json!({
            "abi": ABI_VERSION, "sdk": "0.1.0", "rustc": "rustc 1.88.0", "target": "any",
            "panic": "unwind", "debug_assertions": false,
            "plugins": [{"name": "a", "version": "1.0.0", "summary": "Do a"}],
        });
        change(&mut value);
        value.to_string()
    }

    fn judged(text: &str, allow_abort: bool) -> Result<(), RefusalReason> {
        judge_library(&parse_text(text)?, Terms::of_this_host(allow_abort))
    }

    #[test]
    fn a_library_of_this_abi_is_taken() {
        assert!(judged(&descriptor(|_| ()), false).is_ok());
    }

    #[test]
    fn another_abi_is_the_reason_even_where_the_form_is_another_too() {
        for text in [
            descriptor(|it| it["abi"] = "99.0.0".into()),
            descriptor(|it| *it = serde_json::json!({"abi": "99.0.0", "plugins": 7})),
        ] {
            let reason = judged(&text, false).unwrap_err();
            assert!(
                matches!(&reason, RefusalReason::Abi { library, .. } if library == "99.0.0"),
                "{reason}"
            );
        }
        let reason = judged(&descriptor(|it| it["plugins"] = 7.into()), false).unwrap_err();
        assert!(matches!(reason, RefusalReason::Descriptor(DescriptorFault::Text(_))), "{reason}");
    }

    #[test]
    fn a_host_of_another_abi_judges_by_its_own() {
        let there = Terms { allow_abort: false, abi: "99.1.0" };
        let judged = |text: &str| judge_library(&parse_text(text).unwrap(), there);
        assert!(judged(&descriptor(|it| it["abi"] = "99.0.7".into())).is_ok());
        for newer in ["99.2.0", ABI_VERSION] {
            let reason = judged(&descriptor(|it| it["abi"] = newer.into())).unwrap_err();
            assert!(matches!(reason, RefusalReason::AbiElsewhere { .. }), "{reason}");
        }
        let aborts = descriptor(|it| {
            *it = {
                let mut changed = it.clone();
                changed["abi"] = "99.0.7".into();
                changed["panic"] = "abort".into();
                changed
            }
        });
        assert!(matches!(judged(&aborts), Err(RefusalReason::PanicAbort)));
    }

    #[test]
    fn a_reason_quotes_no_control_characters_and_no_books() {
        let long = format!("\u{1b}[31m{}", "x".repeat(1 << 16));
        for field in ["abi", "panic"] {
            let reason =
                judged(&descriptor(|it| it[field] = long.clone().into()), false).unwrap_err();
            let cause = std::error::Error::source(&reason).map(ToString::to_string);
            let text = format!("{reason} {}", cause.unwrap_or_default());
            assert!(!text.contains(char::is_control) && text.len() < 400, "{text}");
        }
        let text = descriptor(|it| it["plugins"][0]["name"] = long.clone().into());
        let reason = judge_plugins(&parse_text(&text).unwrap()).remove(0).1.to_string();
        assert!(reason.starts_with("its plugin `\\u{1b}[31mxxx") && reason.len() < 200, "{reason}");
    }

    #[test]
    fn a_library_that_aborts_is_taken_only_if_allowed() {
        let text = descriptor(|it| it["panic"] = "abort".into());
        assert!(matches!(judged(&text, false), Err(RefusalReason::PanicAbort)));
        assert!(judged(&text, true).is_ok());
    }

    #[test]
    fn another_system_is_refused() {
        let text = descriptor(|it| it["target"] = "x86_64-unknown-netbsd".into());
        let reason = judged(&text, false).unwrap_err();
        assert!(matches!(reason, RefusalReason::WrongPlatform { .. }), "{reason}");
    }

    #[test]
    fn names_are_plain() {
        for good in ["a", "count-down", "x2", &"n".repeat(MAX_NAME)] {
            assert!(is_valid_name(good), "{good}");
        }
        for bad in ["", "-a", "2x", "A", "a b", "a@b", "a_b", "ä", "a\n", &"n".repeat(65)] {
            assert!(!is_valid_name(bad), "{bad}");
        }
    }

    #[test]
    fn each_bad_plugin_is_named_once_with_its_reason() {
        let plugin = |name: &str, summary: &str| serde_json::json!({"name": name, "version": "1", "summary": summary});
        let text = descriptor(|it| {
            it["plugins"] = Value::Array(vec![
                plugin("good", "fine"),
                plugin("help", ""),
                plugin("No\u{1b}", ""),
                plugin("twice", ""),
                plugin("twice", ""),
                plugin("twice", ""),
                plugin("loud", "\u{1b}[31mred"),
            ]);
        });
        let descriptor = parse_text(&text).unwrap();
        let faults = judge_plugins(&descriptor);
        let shown: Vec<String> = faults.iter().map(|(_, reason)| reason.to_string()).collect();
        assert_eq!(
            shown,
            [
                "its plugin `help` has a name that is reserved",
                "its plugin `No\\u{1b}` has a name that is not valid",
                "it has two plugins named `twice`",
                "the summary or version of its plugin `loud` holds control characters",
            ]
        );
        assert_eq!(faults[2].0, "twice");
    }
}
