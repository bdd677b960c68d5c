//! A real shell at a terminal of its own: what is typed, and what it shows.
//!
//! The terminal is made by the program `script`. A shell says that it is ready by a word that is not
//! among what is typed, since a terminal shows that too.

use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::env::{Stream, TestEnv};
use crate::nested::skip;

/// A shell that is there, with the words that start it without anybody's settings.
pub(crate) struct Shell {
    pub(crate) name: &'static str,
    /// How it is started.
    pub(crate) line: &'static str,
}

/// A shell at its terminal. Dropping it ends it.
pub(crate) struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: Stream,
}

impl Shell {
    /// Whether it can be tried; says so where it cannot.
    pub(crate) fn is_there(&self) -> bool {
        let missing = ["script", self.name].into_iter().find(|program| {
            let asked = Command::new(program).arg("--version").output();
            !asked.is_ok_and(|output| output.status.success())
        });
        if let Some(missing) = missing {
            skip(&format!("completion in {}", self.name), &format!("there is no `{missing}`"));
        }
        missing.is_none()
    }
}

impl Terminal {
    /// Starts a shell, and has it read `settings`.
    pub(crate) fn start(env: &TestEnv, shell: &Shell, settings: &str) -> Terminal {
        let mut command = env.other("script");
        command.env("TERM", "dumb").env("PS1", "$ ");
        command.args(["--quiet", "--flush", "--command", shell.line, "/dev/null"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("a terminal can be made");
        let keys = child.stdin.take().expect("its keys are a pipe");
        let screen = Stream::read(child.stdout.take().expect("its screen is a pipe"));
        let mut terminal = Terminal { child, keys, screen };
        terminal.keys(&format!("stty cols 120 rows 50; {settings}; echo is''-ready\n"));
        terminal.wait_for("is-ready");
        terminal
    }

    /// Types.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
        self.keys.flush().expect("the terminal takes keys");
    }

    /// Waits until the screen has shown `text`.
    pub(crate) fn wait_for(&self, text: &str) {
        self.screen.wait_for(text, "the terminal");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has no more to say; one that is gone already is fine too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
