//! The processes of a command: started together, ended together.
//!
//! On Unix the command leads a process group of its own, so that what it starts ends with it, and a
//! Ctrl-C in a terminal reaches only the host. On other systems only the command itself is ended.
//! Whatever happens to the lifespan, nothing of the group goes on after it.

use std::ffi::OsString;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

#[cfg(unix)]
use std::os::unix::process::ExitStatusExt as _;

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
#[cfg(unix)]
use tokio::time::sleep;
use tokio::time::{Instant, timeout_at};

/// How often a group that is to end is looked at.
#[cfg(unix)]
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A command that runs, with all that it has started.
pub(crate) struct Group {
    child: Child,
    /// The group, as long as there may be someone in it.
    #[cfg(unix)]
    members: Option<Pid>,
}

/// The ends of a command's pipes.
pub(crate) struct Pipes {
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
}

impl Group {
    /// Starts a command; with a standard input if it is to be `fed`.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(crate) fn start(words: &[OsString], fed: bool) -> io::Result<(Group, Pipes)> {
        let [program, args @ ..] = words else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no command"));
        };
        let mut command = Command::new(program);
        command
            .args(args)
            .stdin(if fed { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let pipes = Pipes {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
        };
        let group = Group {
            #[cfg(unix)]
            members: child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)),
            child,
        };
        Ok((group, pipes))
    }

    /// Waits for the command's end; what it has left running is then asked to end too.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(crate) async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.ask();
        Ok(status)
    }

    /// Ends all that is left: asks, waits so long, then kills.
    pub(crate) async fn stop(&mut self, patience: Duration) {
        self.ask();
        let end = Instant::now() + patience;
        if timeout_at(end, self.all_ended()).await.is_err() {
            self.kill();
            // Killed they end, unless the system itself is stuck: the host's deadline is for that.
            let _ = self.child.wait().await;
        }
    }
}

#[cfg(unix)]
impl Group {
    /// Asks all to end.
    fn ask(&mut self) {
        self.signal(|group| kill_process_group(group, Signal::TERM));
    }

    fn kill(&mut self) {
        self.signal(|group| kill_process_group(group, Signal::KILL));
    }

    async fn all_ended(&mut self) {
        let _ = self.child.wait().await;
        while self.signal(test_kill_process_group) {
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Signals the group, if there is one. Once there is nobody in it, its number may become that of
    /// others: it is forgotten then.
    fn signal(&mut self, signal: impl FnOnce(Pid) -> rustix::io::Result<()>) -> bool {
        let Some(group) = self.members else { return false };
        if signal(group) == Err(rustix::io::Errno::SRCH) {
            self.members = None;
        }
        self.members.is_some()
    }
}

#[cfg(not(unix))]
impl Group {
    /// There is no way to ask.
    fn ask(&mut self) {
        self.kill();
    }

    fn kill(&mut self) {
        // It fails where the command has ended.
        let _ = self.child.start_kill();
    }

    async fn all_ended(&mut self) {
        let _ = self.child.wait().await;
    }
}

impl Drop for Group {
    /// The lifespan was cut off, or is over: then nobody is left.
    fn drop(&mut self) {
        self.kill();
    }
}

/// The exit status as a number, as a shell gives it.
pub(crate) fn code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    if let Some(signal) = status.signal() {
        return 128 + signal;
    }
    status.code().unwrap_or(-1)
}
