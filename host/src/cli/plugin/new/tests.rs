//! What can be told of new crates without building them; `tests/integration/newcomers.rs` builds them.

use super::names;
use super::sdk::Sdk;
use super::template::{Wanted, commands, files};

fn crates() -> impl Iterator<Item = (String, Vec<(&'static str, String)>)> {
    let sdk = Sdk::Version("0.1".to_owned());
    let all =
        (0..8).map(|bits| (bits & 1 != 0, bits & 2 != 0, (bits & 4 != 0).then_some("Greeting")));
    all.map(move |(of_trait, tokio, message)| {
        let (host, name, built) = ("acme", "say-hello", "target/debug");
        let wanted = Wanted { host, name, of_trait, tokio, message, sdk: &sdk, built };
        assert_eq!(
            commands(&wanted),
            ["cargo build", "acme --plugin-dir target/debug say-hello --whom you", "cargo test"]
        );
        (format!("trait {of_trait}, tokio {tokio}, {message:?}"), files(&wanted))
    })
}

#[test]
fn no_key_is_left_and_every_manifest_can_be_read() {
    for (what, files) in crates() {
        for (name, text) in files {
            for key in
                ["name", "host", "built", "sdk", "subject", "type", "import", "value", "into"]
            {
                assert!(!text.contains(&format!("{{{key}}}")), "{what}: {name}: {text}");
            }
            if name.ends_with("Cargo.toml") {
                let manifest: toml::Table = text.parse().unwrap();
                assert!(manifest["package"]["name"].as_str().unwrap().starts_with("say-hello"));
            }
            if name == "Cargo.toml" {
                // What is built beside others has the features of all, and could do without its own.
                let tokio = what.contains("tokio true");
                assert_eq!(text.contains("features = [\"tokio\"]"), tokio, "{what}: {text}");
                assert_eq!(text.contains("\ntokio = "), tokio, "{what}: {text}");
                assert_eq!(
                    text.contains("say-hello-messages"),
                    what.contains("Greeting"),
                    "{what}"
                );
            }
            assert!(text.ends_with('\n') && !text.contains("\n\n\n"), "{what}: {name}:\n{text}");
        }
    }
}

#[test]
fn an_sdk_in_an_odd_folder_can_be_named() {
    let sdk = Sdk::Path("/a \"b\" \\c".into());
    let manifest: toml::Table = sdk.requirement().parse().unwrap();
    assert_eq!(manifest["path"].as_str(), Some("/a \"b\" \\c"));
}

#[test]
fn names_that_could_not_be_built_are_refused() {
    let check = |name, message| names::check(name, message).map_err(|it| it.to_string());
    for name in ["hello", "a", "say-hello", "x2"] {
        assert_eq!(check(name, Some("Greeting")), Ok(()), "{name}");
    }
    for name in [
        "", "Hello", "2x", "-a", "a_b", "a-", "a--b", "help", "man", "fn", "u32", "clap", "tests",
        "testing",
    ] {
        assert!(check(name, None).is_err(), "{name}");
    }
    for message in ["greeting", "Gre-eting", "String", "Self", "Message", "State", ""] {
        assert!(check("hello", Some(message)).is_err(), "{message}");
    }
    let both = check("Hello", Some("greeting")).unwrap_err();
    assert_eq!(both.matches("cannot be").count(), 2, "{both}");
}
