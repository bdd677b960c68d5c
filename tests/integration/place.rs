//! A host and a plugins folder in a home of a second user, whom the host is run as. It needs root, who can
//! give files away; elsewhere the tests that use it say that they did nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use lifespan::Exit;
use rustix::fs::{XattrFlags, setxattr};
use serde_json::Value;
use tempfile::TempDir;

use crate::artifacts::{bundled, host, library};
use crate::nested::skip;

/// Whom the host is run as. Nobody has these numbers on any system.
pub(crate) const ME: u32 = 2_000_001;
pub(crate) const OTHER: u32 = 2_000_002;

/// A host and a plugins folder, with a folder above it, in which everything is of [`ME`].
pub(crate) struct Place {
    pub(crate) home: TempDir,
    pub(crate) above: PathBuf,
    pub(crate) plugins: PathBuf,
    pub(crate) library: PathBuf,
}

/// How the folder of plugins is named.
#[derive(Clone, Copy)]
pub(crate) enum By {
    Option,
    Environment,
}

impl Place {
    /// None where nothing can be given away.
    pub(crate) fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skip("permissions with a second user", "only root can make files of one");
            return None;
        }
        let home = TempDir::new().expect("a temporary folder");
        chmod(home.path(), 0o755);
        let above = home.path().join("above");
        let plugins = above.join("plugins");
        fs::create_dir_all(&plugins).expect("a new folder");
        let own = home.path().join("me");
        fs::create_dir(&own).expect("a new folder");
        copy_program(&host(), &home.path().join("lifespan"));
        let place = Place { library: library(&plugins, "echo"), home, above, plugins };
        fs::copy(library(&bundled(), "echo"), &place.library).expect("a library can be copied");
        for path in [&place.above, &place.plugins, &own] {
            chmod(path, 0o755);
        }
        chmod(&place.library, 0o644);
        place.give_all(ME, ME);
        give(&own, ME, ME);
        Some(place)
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.plugins.join("lifespan.lock")
    }

    pub(crate) fn host(&self) -> PathBuf {
        self.home.path().join("lifespan")
    }

    /// The home of [`ME`].
    pub(crate) fn own(&self) -> PathBuf {
        self.home.path().join("me")
    }

    /// Gives what the host looks at to that user.
    pub(crate) fn give_all(&self, user: u32, group: u32) {
        for path in [&self.above, &self.plugins, &self.library] {
            give(path, user, group);
        }
    }

    /// Runs the host as that user, with the folder of plugins.
    pub(crate) fn run_as(&self, user: u32, by: By, words: &[&str]) -> Output {
        self.run_in_group(user, user, by, words)
    }

    /// The same, in that group.
    pub(crate) fn run_in_group(&self, user: u32, group: u32, by: By, words: &[&str]) -> Output {
        let mut command = Command::new(self.host());
        command.env_clear().env("HOME", self.own()).current_dir("/");
        match by {
            By::Option => command.arg("--plugin-dir").arg(&self.plugins),
            By::Environment => command.env("LIFESPAN_PLUGIN_PATH", &self.plugins),
        };
        command.uid(user).gid(group).stdin(Stdio::null());
        command.args(words).output().expect("the host can be run")
    }

    #[track_caller]
    pub(crate) fn assert_runs(&self, user: u32) {
        for by in [By::Option, By::Environment] {
            let output = self.run_as(user, by, &["--dry-run", "echo"]);
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        }
    }

    /// Fails unless `echo` is refused so, in text and in JSON.
    #[track_caller]
    pub(crate) fn assert_refused(&self, user: u32, by: By, told: &str, hint: &str) {
        let output = self.run_as(user, by, &["echo"]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(Exit::Config.code().into()), "{text}");
        // On a pipe nothing is wrapped.
        assert!(text.contains(told), "`{told}` is missing\n{text}");
        assert!(text.contains("  hint: ") && text.contains(hint), "{hint}\n{text}");

        let output = self.run_as(user, by, &["--log-format", "json", "echo"]);
        let lines = stderr(&output);
        let failures: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("a JSON line"))
            .filter(|line: &Value| line["level"] == "ERROR")
            .collect();
        assert_eq!(output.status.code(), Some(Exit::Config.code().into()), "{lines}");
        let fields = &failures[0]["fields"];
        assert!(fields["causes"].to_string().contains(told), "{lines}");
        assert!(fields["hints"].to_string().contains(hint), "{lines}");
        assert_eq!(fields["exit"], 4, "{lines}");
    }
}

/// Copies a program by another process: it cannot be run while it is open to be written to, and a test beside
/// this one that starts a process takes our open files along for a moment.
pub(crate) fn copy_program(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg(from).arg(to).status();
    assert!(copied.is_ok_and(|it| it.success()), "the program can be copied");
}

pub(crate) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("root may");
}

pub(crate) fn give(path: &Path, user: u32, group: u32) {
    chown(path, Some(user), Some(group)).expect("root may");
}

/// Lets another user write to a file or folder by an access list, beside its owner and their group; whether
/// the file system knows such lists.
pub(crate) fn list_for(path: &Path, user: u32) -> bool {
    const READ: u16 = 4;
    const ALL: u16 = 7;
    const NOBODY: u32 = u32::MAX;
    // Owner, named user, group, mask, others.
    let entries = [(1, ALL, NOBODY), (2, ALL, user), (4, READ, NOBODY), (16, ALL, NOBODY)];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries.into_iter().chain([(32, READ | 1, NOBODY)]) {
        list.extend(u16::to_le_bytes(tag));
        list.extend(u16::to_le_bytes(permissions));
        list.extend(u32::to_le_bytes(id));
    }
    setxattr(path, "system.posix_acl_access", &list, XattrFlags::empty()).is_ok()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
