//! Completion in real shells at a terminal; the table of lines is a unit test of the host.

use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lifespan::Exit;

use crate::artifacts::{bundled, library};
use crate::env::TestEnv;
use crate::terminal::{Shell, Terminal};

const BASH: Shell = Shell { name: "bash", line: "bash --norc --noprofile -i" };
const ZSH: Shell = Shell { name: "zsh", line: "zsh -f -i" };
const FISH: Shell = Shell { name: "fish", line: "fish --no-config -i" };

/// Types each line with a tab behind it, and waits for what it becomes.
fn check(shell: &Shell, settings: &str, lines: &[(&str, &str)]) {
    if !shell.is_there() {
        return;
    }
    let env = TestEnv::new();
    // What a run has told of their arguments is remembered.
    env.other("lifespan").args(["plugin", "inspect", "countdown"]).output().unwrap();
    env.other("lifespan").args(["plugin", "inspect", "tag"]).output().unwrap();
    env.write("words.txt", "");
    std::fs::create_dir(env.home().join("a folder")).unwrap();
    for (line, expect) in lines {
        // A terminal a line: what one has shown is no answer to another.
        let mut terminal = Terminal::start(&env, shell, settings);
        terminal.keys(&format!("{line}\t"));
        terminal.wait_for(expect);
    }
}

/// What shells agree on.
const LINES: [(&str, &str); 10] = [
    ("lifespan countdown --fr", "lifespan countdown --from "),
    ("lifespan -q countdown --from 3 tag --lab", "tag --label "),
    ("lifespan plugin inspect countd", "inspect countdown "),
    ("lifespan countd", "lifespan countdown "),
    ("lifespan --plugin-d", "lifespan --plugin-dir "),
    ("lifespan --log-format=j", "lifespan --log-format=json "),
    ("lifespan -v echo --then countd", "lifespan -v echo --then countdown "),
    ("lifespan @wor", "lifespan @words.txt "),
    ("lifespan --config=wor", "lifespan --config=words.txt "),
    ("lifespan --plugin-dir a", r"lifespan --plugin-dir a\ folder/"),
];

#[test]
fn bash_completes() {
    check(&BASH, "source <(lifespan completions bash)", &LINES);
}

#[test]
fn zsh_completes() {
    let settings = "autoload -U compinit; compinit -u -D; source <(lifespan completions zsh)";
    check(&ZSH, settings, &LINES);
}

#[test]
fn fish_completes() {
    check(&FISH, "lifespan completions fish | source", &LINES);
}

#[test]
fn a_shell_is_answered_whatever_is_wrong() {
    let env = TestEnv::new();
    env.write("broken.toml", "nonsense");
    for (line, expect) in [
        ("countd", "countdown\tCount down, telling everyone\n"),
        ("--config broken.toml countd", "countdown\tCount down, telling everyone\n"),
        ("--nonsense --grace x countd", "countdown\tCount down, telling everyone\n"),
        ("--plugin-dir missing tag --then countd", "countdown\tCount down, telling everyone\n"),
        ("@missing countd", "countdown\tCount down, telling everyone\n"),
        ("zzz", ""),
        ("--log-format x", ""),
    ] {
        let mut command = env.other("lifespan");
        command.args(["completions", "zsh", "--answer", "--"]).args(line.split(' '));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expect, "{line}");
        assert!(output.stderr.is_empty(), "{line}: {output:?}");
    }
}

#[test]
fn a_script_is_printed_whatever_is_wrong() {
    let env = TestEnv::new();
    env.write("broken.toml", "nonsense");
    let output = env.run("--config broken.toml completions bash");
    output.assert_code(Exit::Success);
    assert!(output.stdout.contains("complete -o nosort"), "{output}");
    let output = env.run("completions tcsh");
    output.assert_code(Exit::Usage).assert_has(&["tcsh", "possible values: bash, zsh"]);
    let help = env.run("help completions");
    help.assert_code(Exit::Success);
    assert!(help.stdout.contains("in ~/.bashrc"), "{help}");
}

/// What a shell is answered to the words before the cursor.
fn answer(env: &TestEnv, line: &str) -> String {
    let mut command = env.other("lifespan");
    command.args(["completions", "bash", "--answer", "--"]).args(line.split(' '));
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn what_was_loaded_anyway_is_completed_from_then_on() {
    let library = library(&bundled(), "countdown");
    for line in ["--dry-run countdown", "countdown --from 1 --sleep 0", "help countdown"] {
        // A library that has just been written may be another one in the same moment.
        while library.metadata().unwrap().ctime() + 3 > now() {
            thread::sleep(Duration::from_millis(100));
        }
        let env = TestEnv::without_plugins().plugin_dir(bundled());
        assert_eq!(answer(&env, "countdown --fr"), "\tfiles\n", "nothing is known yet");
        env.run(line).assert_code(Exit::Success);
        let known = "--from\tCount down from this number\n";
        assert_eq!(answer(&env, "countdown --fr"), known, "{line}");
        assert_eq!(answer(&env, "echo --then countdown --fr"), known, "{line}");
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs().try_into().unwrap()
}
