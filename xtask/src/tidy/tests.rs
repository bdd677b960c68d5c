//! Each rule, kept and broken.

use super::*;

const CLEAN: &str = "//! A file.\n";

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.into(), text: text.into() }
}

fn judged(path: &str, text: &str) -> Vec<String> {
    judge(&[file(path, text)], &BTreeSet::new())
}

#[test]
fn a_file_says_first_what_it_is_for() {
    assert!(judged("a/lib.rs", CLEAN).is_empty());
    assert!(judged("a/lib.rs", "// A file.\n")[0].starts_with("a/lib.rs:1:"));
    assert!(judged("a/tests/ui/b.rs", "fn main() {}\n").is_empty());
}

#[test]
fn a_file_is_not_too_long() {
    let long = format!("{CLEAN}{}", "\n".repeat(MOST_LINES - 1));
    assert!(judged("lib.rs", &long).is_empty());
    assert!(judged("lib.rs", &format!("{long}\n"))[0].contains("601 lines"));
}

#[test]
fn modules_stand_beside_their_folders() {
    assert_eq!(judged("a/mod.rs", CLEAN).len(), 1);
}

#[test]
fn a_file_that_nobody_declares_is_found() {
    let orphans = |files: &[(&str, &str)]| {
        let files: Vec<_> =
            files.iter().map(|(path, text)| file(path, &format!("{CLEAN}{text}"))).collect();
        judge(&files, &BTreeSet::new())
    };
    let below = ("a/src/b/tests.rs", "");
    assert!(orphans(&[("a/src/lib.rs", "mod b;"), ("a/src/b.rs", "mod tests;"), below]).is_empty());
    let mistakes = orphans(&[("a/src/lib.rs", "mod b;"), ("a/src/b.rs", ""), below]);
    assert_eq!(mistakes.len(), 1);
    assert!(mistakes[0].starts_with("a/src/b/tests.rs: no `mod` declares it"));
}

#[test]
fn packages_take_the_workspaces_lints() {
    let member = "[package]\nedition.workspace = true\n";
    assert_eq!(judged("a/Cargo.toml", member).len(), 1);
    assert!(judged("a/Cargo.toml", &format!("{member}\n[lints]\nworkspace = true\n")).is_empty());
    assert!(judged("f/Cargo.toml", "[package]\nedition = \"2024\"\n[workspace]\n").is_empty());
}

#[test]
fn unsafe_is_found_in_code_and_macros_and_nowhere_else() {
    for text in [
        "fn f() { unsafe { g() } }",
        "#[unsafe(no_mangle)] fn f() {}",
        "quote! { unsafe impl X for Y {} }",
        "#![expect(unsafe_code, reason = \"a\")]",
        "this is not Rust: ' \"",
    ] {
        assert!(has_unsafe(text), "{text}");
    }
    for text in ["//! unsafe", "const A: &str = \"unsafe\"; // unsafe", "fn not_unsafe() {}"] {
        assert!(!has_unsafe(text), "{text}");
    }
}

#[test]
fn files_with_unsafe_code_are_those_that_the_architecture_lists() {
    let architecture = "# A\n* `no.rs`: not here\n## Where unsafe code is\nText.\n\n\
                        * `a/lib.rs`: reads.\n- `abi/`: everything, also `x.rs`\n\n\
                        | File | For |\n|---|---|\n| `t/lib.rs` | `y.rs` |\n## Next\n* `no.rs`\n";
    let listed = listed_unsafe(architecture);
    assert_eq!(listed.iter().collect::<Vec<_>>(), ["a/lib.rs", "abi/", "t/lib.rs"]);

    let with = format!("{CLEAN}unsafe impl Send for X {{}}\n");
    let named = ["a/lib.rs", "abi/src/lib.rs", "t/lib.rs"].map(|path| file(path, &with));
    let files: Vec<_> = named.into_iter().chain([file("c/lib.rs", CLEAN)]).collect();
    assert!(judge(&files, &listed).is_empty());
    let mistakes = judge(&[file("a/lib.rs", CLEAN), file("c/lib.rs", &with)], &listed);
    assert_eq!(mistakes.len(), 4, "{mistakes:?}");
    assert!(mistakes[0].starts_with("c/lib.rs: has unsafe code"));
    assert!(mistakes[1].contains("lists `a/lib.rs`") && mistakes[2].contains("lists `abi/`"));
}
