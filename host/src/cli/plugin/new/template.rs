//! The files of a new crate, made of those in `host/templates/plugin`.
//!
//! In these a key in braces stands for what it names; everything else is written as it is.

use super::sdk::Sdk;

macro_rules! template {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/plugin/", $file))
    };
}

/// What is wanted.
pub(super) struct Wanted<'a> {
    /// What the host is called.
    pub(super) host: &'a str,
    /// What the plugin is called.
    pub(super) name: &'a str,
    /// A struct and not a function.
    pub(super) of_trait: bool,
    /// With a runtime of its own.
    pub(super) tokio: bool,
    /// With a message type of its own.
    pub(super) message: Option<&'a str>,
    /// Where the SDK is.
    pub(super) sdk: &'a Sdk,
    /// Where what is built lies, as a shell in the crate's folder takes it.
    pub(super) built: &'a str,
}

/// The files, each by its path from the crate's folder.
pub(super) fn files(wanted: &Wanted<'_>) -> Vec<(&'static str, String)> {
    let source =
        if wanted.of_trait { template!("lifespan.rs.in") } else { template!("function.rs.in") };
    let mut files = vec![
        ("Cargo.toml", template!("Cargo.toml.in")),
        ("README.md", template!("README.md.in")),
        (".gitignore", template!("gitignore.in")),
        ("src/lib.rs", source),
        ("src/tests.rs", template!("tests.rs.in")),
    ];
    if wanted.message.is_some() {
        files.push(("messages/Cargo.toml", template!("messages/Cargo.toml.in")));
        files.push(("messages/src/lib.rs", template!("messages/lib.rs.in")));
    }
    let keys = keys(wanted);
    let filled = files.into_iter().map(|(name, text)| (name, fill(text, &keys)));
    filled.collect()
}

/// The commands that build, run and test it.
pub(super) fn commands(wanted: &Wanted<'_>) -> Vec<String> {
    let readme = fill(template!("README.md.in"), &keys(wanted));
    let block = readme.lines().skip_while(|line| *line != "```sh").skip(1);
    block.take_while(|line| *line != "```").map(str::to_owned).collect()
}

/// What stands for what.
fn keys(wanted: &Wanted<'_>) -> Vec<(&'static str, String)> {
    let Wanted { host, name, of_trait, tokio, message, sdk, built } = *wanted;
    let ident = name.replace('-', "_");
    let mut dependencies = match tokio {
        false => format!("lifespan-plugin-api = {{ {} }}\n", sdk.requirement()),
        true => format!(
            "lifespan-plugin-api = {{ {}, features = [\"tokio\"] }}\n\
             tokio = {{ version = \"1\", features = [\"time\"] }}\n",
            sdk.requirement()
        ),
    };
    if message.is_some() {
        dependencies += &format!("{name}-messages = {{ path = \"messages\" }}\n");
    }
    let text = |with: bool, one: &str, other: &str| (if with { one } else { other }).to_owned();
    vec![
        ("host", host.to_owned()),
        ("name", name.to_owned()),
        ("built", built.to_owned()),
        ("sdk", sdk.requirement()),
        ("dependencies", dependencies),
        ("subject", text(of_trait, "State", &ident)),
        ("runtime", match (of_trait, tokio) {
            (_, false) => String::new(),
            (true, true) => ", tokio".to_owned(),
            (false, true) => "(tokio)".to_owned(),
        }),
        ("ctx", text(tokio, "_", "ctx")),
        ("sleep", text(tokio, "tokio::time::sleep", "ctx.sleep")),
        ("into", text(tokio, ".into()", "")),
        ("type", message.unwrap_or("u32").to_owned()),
        ("import", message.map_or_else(String::new, |it| format!("\nuse {ident}_messages::{it};\n"))),
        ("value", message.map_or_else(|| "nth".to_owned(), |it| format!("{it}::new(&args.whom, nth)"))),
        ("nth", text(message.is_some(), ".nth", "")),
        ("about_message", message.map_or_else(String::new, |it| {
            format!(
                " What it publishes is `{it}`\nin `messages/`: whoever subscribes depends on that crate."
            )
        })),
    ]
}

/// Puts in place of each key what it stands for.
fn fill(template: &str, keys: &[(&str, String)]) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled += before;
        let key = after.split_once('}').and_then(|(key, behind)| {
            keys.iter().find(|(it, _)| *it == key).map(|(_, value)| (value, behind))
        });
        rest = match key {
            Some((value, behind)) => {
                filled += value;
                behind
            }
            None => {
                filled.push('{');
                after
            }
        };
    }
    filled + rest
}
