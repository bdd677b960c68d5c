//! A clean world for one test, and the processes in it.
//!
//! A process gets nothing of the caller's environment but what is set here. What it writes is read
//! while it runs, so that a test can wait for a line and then send a signal. Every wait has a limit,
//! after which the test fails with all that was written.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, LazyLock, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lifespan::Exit;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::artifacts;
use crate::nested::skip;

/// What fixtures put before a line that a test looks for.
pub(crate) const MARK: &str = ">> ";

/// How long a test waits for a line.
const LINE_LIMIT: Duration = Duration::from_secs(20);

/// How long a test waits for the end of a process: longer than any deadline of the host's.
const END_LIMIT: Duration = Duration::from_secs(60);

/// An environment, with a home of its own.
pub(crate) struct TestEnv {
    home: TempDir,
    host: PathBuf,
    plugin_dirs: Vec<PathBuf>,
    vars: Vec<(OsString, OsString)>,
}

/// A process that runs. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    line: String,
    stdout: Option<ChildStdout>,
    stderr: Stream,
}

/// What a process has written by its end, and how it ended.
pub(crate) struct Output {
    /// The command line, for messages.
    pub(crate) line: String,
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A stream that is read while the process runs.
pub(crate) struct Stream {
    text: Arc<(Mutex<Text>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    ended: bool,
}

/// Whether others may write to where all this was built, as on some machines of continuous integration:
/// the host would refuse it there, and rightly.
static SHARED: LazyLock<bool> = LazyLock::new(|| {
    const STICKY: u32 = 0o1000;
    const OTHERS_WRITE: u32 = 0o022;
    let own = [0, rustix::process::geteuid().as_raw()];
    let is_shared = |folder: &Path| {
        fs::metadata(folder).is_ok_and(|it| {
            let writable = it.mode() & OTHERS_WRITE != 0 && it.mode() & STICKY == 0;
            writable || !own.contains(&it.uid())
        })
    };
    let shared = artifacts::target().ancestors().any(is_shared);
    if shared {
        skip("trust in the build folder", "others may write to it or own it");
    }
    shared
});

impl TestEnv {
    /// With the bundled plugins and the fixtures.
    pub(crate) fn new() -> Self {
        Self::without_plugins().plugin_dir(artifacts::bundled()).plugin_dir(artifacts::fixtures())
    }

    /// With no plugins at all.
    pub(crate) fn without_plugins() -> Self {
        TestEnv {
            home: TempDir::new().expect("a temporary folder"),
            host: artifacts::host(),
            plugin_dirs: Vec::new(),
            vars: Vec::new(),
        }
    }

    /// With the plugins of that folder too.
    pub(crate) fn plugin_dir(mut self, dir: PathBuf) -> Self {
        self.plugin_dirs.push(dir);
        self
    }

    /// With that variable.
    pub(crate) fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.vars.push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// With another program in place of the host.
    pub(crate) fn host(mut self, program: PathBuf) -> Self {
        self.host = program;
        self
    }

    /// The home, which is also the current folder.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file in the home.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home().join(name);
        fs::write(&path, text).expect("a file in a temporary folder");
        path
    }

    /// Reads a file in the home; one that is not there is empty.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.home().join(name)).unwrap_or_default()
    }

    /// Runs a line to its end; words are divided by blanks.
    pub(crate) fn run(&self, line: &str) -> Output {
        self.spawn(line).wait()
    }

    /// Runs words that may hold blanks, or no UTF-8.
    pub(crate) fn args(&self, words: &[&OsStr]) -> Output {
        self.start(words.iter().copied()).wait()
    }

    /// Starts a line.
    pub(crate) fn spawn(&self, line: &str) -> Process {
        self.start(line.split_whitespace().map(OsStr::new))
    }

    /// Starts words that may hold blanks.
    pub(crate) fn spawn_args(&self, words: &[&OsStr]) -> Process {
        self.start(words.iter().copied())
    }

    /// Starts a line with nobody at the other end of its stderr.
    pub(crate) fn spawn_silent(&self, line: &str) -> Process {
        self.start_with(line.split_whitespace().map(OsStr::new), |_closed| Stream::empty())
    }

    /// Another program in this world, in which the host is one that is found by its name, and so are
    /// its plugins.
    pub(crate) fn other(&self, program: &str) -> Command {
        let bin = self.home().join("bin");
        fs::create_dir_all(&bin).expect("a folder in a temporary folder");
        let link = bin.join("lifespan");
        if !link.exists() {
            std::os::unix::fs::symlink(&self.host, link).expect("a link in a temporary folder");
        }
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
        let plugins = env::join_paths(&self.plugin_dirs).expect("folders without colons");
        let mut command = self.bare(Path::new(program));
        command.env("PATH", path).env("LIFESPAN_PLUGIN_PATH", plugins);
        command
    }

    /// The command without its words, for a test that needs something else of it.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.bare(&self.host);
        let built = artifacts::target();
        if self.plugin_dirs.iter().any(|dir| dir.starts_with(&built)) && *SHARED {
            command.arg("--allow-unsafe-permissions");
        }
        for dir in &self.plugin_dirs {
            command.arg("--plugin-dir").arg(dir);
        }
        command
    }

    fn bare(&self, program: &Path) -> Command {
        let home = self.home();
        let mut command = Command::new(program);
        command.env_clear().current_dir(home).stdin(Stdio::null());
        for (name, folder) in
            [("HOME", ""), ("XDG_DATA_HOME", "data"), ("XDG_CONFIG_HOME", "config")]
        {
            command.env(name, home.join(folder));
        }
        let vars = self.vars.iter().map(|(key, value)| (key, value));
        command.envs(vars);
        command
    }

    fn start<'a>(&self, words: impl Iterator<Item = &'a OsStr>) -> Process {
        self.start_with(words, Stream::read)
    }

    fn start_with<'a>(
        &self,
        words: impl Iterator<Item = &'a OsStr>,
        stderr: impl FnOnce(ChildStderr) -> Stream,
    ) -> Process {
        let mut command = self.command();
        let words: Vec<_> = words.collect();
        command.args(&words).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the host can be started");
        let stderr = stderr(child.stderr.take().expect("stderr is a pipe"));
        Process {
            line: words.join(OsStr::new(" ")).to_string_lossy().into_owned(),
            stdout: child.stdout.take(),
            stderr,
            child,
        }
    }
}

impl Process {
    /// The process's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until stderr holds `needle`.
    pub(crate) fn wait_for_line(&mut self, needle: &str) {
        self.stderr.wait_for(needle, &self.line);
    }

    /// Waits until the line of stderr that holds `needle` first is there to its end, and gives what
    /// follows in it.
    pub(crate) fn rest_of_line(&mut self, needle: &str) -> String {
        self.wait_for_line(needle);
        let after = |text: &str| text.split_once(needle).map(|(_, rest)| rest.to_owned());
        let end = Instant::now() + LINE_LIMIT;
        loop {
            let rest = after(&self.stderr_so_far()).unwrap_or_default();
            if let Some((line, _)) = rest.split_once('\n') {
                return line.trim_end().to_owned();
            }
            assert!(Instant::now() < end, "the line with `{needle}` has no end");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What stderr holds by now.
    pub(crate) fn stderr_so_far(&self) -> String {
        self.stderr.so_far()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = Pid::from_child(&self.child);
        kill_process(id, signal).expect("a child can be sent a signal");
    }

    /// Closes the reading end of its stdout.
    pub(crate) fn close_stdout(&mut self) {
        self.stdout = None;
    }

    /// Waits for its end without reading its stdout.
    pub(crate) fn wait_for_end(&mut self) {
        self.ended();
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Output {
        let stdout = self.stdout.take().map(Stream::read);
        let code = self.ended().and_then(|status| status.code());
        Output {
            line: self.line.clone(),
            code,
            stdout: stdout.map(Stream::all).unwrap_or_default(),
            stderr: std::mem::replace(&mut self.stderr, Stream::empty()).all(),
        }
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        let end = Instant::now() + END_LIMIT;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("`{}` did not end. It wrote:\n{}", self.line, self.stderr.so_far());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Output {
    /// Fails the test unless the process ended so.
    #[track_caller]
    pub(crate) fn assert_code(&self, exit: Exit) -> &Self {
        assert_eq!(self.code, Some(exit.code().into()), "not {exit:?}\n{self}");
        self
    }

    /// Fails the test unless stderr holds `needles` in this order.
    #[track_caller]
    pub(crate) fn assert_in_order(&self, needles: &[&str]) -> &Self {
        let mut rest = &*self.stderr;
        for needle in needles {
            let Some(at) = rest.find(needle) else {
                panic!("`{needle}` is not in its place in {needles:#?}\n{self}");
            };
            rest = &rest[at + needle.len()..];
        }
        self
    }

    /// Fails the test unless stderr holds all of `needles`, in any order.
    #[track_caller]
    pub(crate) fn assert_has(&self, needles: &[&str]) -> &Self {
        for needle in needles {
            assert!(self.stderr.contains(needle), "`{needle}` is missing\n{self}");
        }
        self
    }

    /// Fails the test if stderr holds one of `needles`.
    #[track_caller]
    pub(crate) fn assert_has_not(&self, needles: &[&str]) -> &Self {
        for needle in needles {
            assert!(!self.stderr.contains(needle), "`{needle}` should not be there\n{self}");
        }
        self
    }

    /// Its stdout as words with one blank between them, however its lines are broken.
    pub(crate) fn words(&self) -> String {
        self.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What fixtures told, in order: the rest of each line behind [`MARK`].
    pub(crate) fn told(&self) -> Vec<&str> {
        let told = self.stderr.lines().filter_map(|line| line.split_once(MARK));
        told.map(|(_, told)| told.trim_end()).collect()
    }

    /// Fails the test unless fixtures told exactly this.
    #[track_caller]
    pub(crate) fn assert_told(&self, told: &[&str]) -> &Self {
        assert_eq!(self.told(), told, "\n{self}");
        self
    }
}

/// The snapshot: everything that can be seen of a run from outside.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {}", self.line)?;
        match self.code {
            Some(code) => writeln!(f, "exit code {code}")?,
            None => writeln!(f, "ended by a signal")?,
        }
        write!(f, "--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr)
    }
}

impl Stream {
    /// Waits until `writer` has written `needle`.
    pub(crate) fn wait_for(&self, needle: &str, writer: &str) {
        let (text, changed) = &*self.text;
        let end = Instant::now() + LINE_LIMIT;
        let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let so_far = String::from_utf8_lossy(&text.bytes).into_owned();
            if so_far.contains(needle) {
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !text.ended && !left.is_zero(),
                "`{needle}` was not written by `{writer}` but:\n{so_far}"
            );
            text = changed.wait_timeout(text, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(crate) fn read(mut from: impl Read + Send + 'static) -> Self {
        let text = Arc::<(Mutex<Text>, Condvar)>::default();
        let shared = text.clone();
        let reader = thread::spawn(move || {
            let mut chunk = [0; 4096];
            loop {
                let count = from.read(&mut chunk).unwrap_or(0);
                let mut text = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
                text.bytes.extend_from_slice(&chunk[..count]);
                text.ended = count == 0;
                shared.1.notify_all();
                if text.ended {
                    return;
                }
            }
        });
        Stream { text, reader: Some(reader) }
    }

    fn empty() -> Self {
        Stream { text: Arc::default(), reader: None }
    }

    pub(crate) fn so_far(&self) -> String {
        let text = self.text.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text.bytes).into_owned()
    }

    /// Everything, once the other end is closed.
    fn all(mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
        self.so_far()
    }
}
