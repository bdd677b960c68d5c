//! Whatever a file or folder is called, its name does not write on the terminal, and is no line of its own.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::artifacts::{bundled, library};
use crate::env::{Output, TestEnv};

/// Sets the terminal's title, clears it, and looks like a message of the host's.
const NAME: &str = "lib\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}1m\nerror: forged\r.so";

/// Fails if anything but colour was written to the terminal, or a line that the name makes up.
#[track_caller]
fn assert_harmless(output: &Output) {
    for text in [&output.stdout, &output.stderr] {
        let mut rest = text.as_str();
        while let Some(at) = rest.find(|c: char| c.is_control() && c != '\n') {
            let parameters = rest[at..].strip_prefix("\u{1b}[");
            let end = parameters.and_then(|it| it.split_once('m'));
            let (style, behind) = end.unwrap_or_else(|| panic!("{:?}\n{output}", &rest[at..]));
            let is_style = style.chars().all(|c| c.is_ascii_digit() || c == ';');
            assert!(is_style, "{style:?}\n{output}");
            rest = behind;
        }
        assert!(!text.contains("\nerror: forged"), "{output}");
    }
}

#[test]
fn what_is_told_of_it_is_harmless() {
    let env = TestEnv::without_plugins();
    let home = env.home().to_owned();
    let folder = home.join(NAME);
    fs::create_dir(&folder).expect("a new folder");
    let good = folder.join(NAME);
    fs::copy(library(&bundled(), "echo"), &good).expect("a library can be copied");
    fs::write(folder.join(NAME.replace("forged", "forged too")), "text").expect("a new file");
    let [folder, good] = [folder.to_str().expect("UTF-8"), good.to_str().expect("UTF-8")];
    let other = home.join("other").join(NAME);
    let run = |words: &[&str]| {
        let options = ["--color", "always", "--plugin-dir", folder];
        let words: Vec<_> = options.iter().chain(words).map(OsStr::new).collect();
        let output = env.args(&words);
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty(), "{output}");
        assert_harmless(&output);
        output
    };
    let listed = run(&["plugin", "list"]);
    assert!(listed.stdout.contains("echo") && listed.stdout.contains("forged"), "{listed}");
    for words in [
        &["-v", "--help"][..],
        &["-vv", "--dry-run", "echo"],
        &["-v", "plugin", "list"],
        &["plugin", "path"],
        &["plugin", "doctor"],
        &["plugin", "check", good],
        &["plugin", "inspect", good],
        &["plugin", "inspect", "echo"],
        &["plugin", "install", good, "--dir", "other", "--force"],
        &["plugin", "trust", "echo"],
        &["plugin", "verify"],
        &["plugin", "untrust", good],
        &["plugin", "verify", good],
        &["--dry-run", "echo"],
        &["plugin", "verify", "--key", folder],
        &["man", "--dir", folder],
        &["--config", good, "echo"],
        &["--config", folder, "echo"],
        &[&format!("@{good}")],
        &["plugin", "install", "none.so", "--dir", folder],
        &["plugin", "remove", good],
        &["plugin", "remove", good],
    ] {
        run(words);
    }
    assert!(Path::new(&other).exists(), "it was installed");
    // Where others may write, it stands in what is told of that.
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o777))
        .expect("it is ours");
    let refused = run(&["echo"]);
    assert!(refused.stderr.contains(r#"chmod go-w "$(printf '"#), "{refused}");
    run(&["plugin", "list"]);
    run(&["plugin", "doctor"]);
}
