//! Completion in real shells at a terminal; the table of lines is a unit test of the host.

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
const LINES: [(&str, &str); 7] = [
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
