//! Worlds in which the README's lines are run: a home and a folder to stand in, one for each block.
//!
//! All of it lies in the temporary folder and is removed in the end. What a line has written is shown when
//! it has ended; what is left of it then, or never ends, is killed.

use std::cell::RefCell;
use std::env;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::io::{self, BufRead, BufReader, PipeReader};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::{Block, How, how};
use crate::{run as bundled, shell};

/// How long a line may take: a busy machine is no mistake of the README's.
const LIMIT: Duration = Duration::from_secs(300);

/// A home, a folder to stand in, and the program.
struct World {
    dir: PathBuf,
    /// The process groups of its lines, one each.
    groups: RefCell<Vec<u32>>,
}

/// Runs the lines of all blocks, and tells all that fail.
pub(super) fn run(blocks: &[Block]) -> Result<()> {
    // What the lines need is there before the first of them is run.
    bundled::build(false)?;
    let files: Vec<_> = blocks.iter().filter_map(|it| Some((it.file()?, &*it.text))).collect();
    let mut failed = Vec::new();
    for block in blocks.iter().filter(|it| it.language == "sh") {
        let world = World::new(&files)?;
        for line in block.lines() {
            shell::say(&format!("$ {line}"));
            match world.try_line(&line) {
                Ok(told) => shell::say(&told),
                Err(error) => {
                    shell::complain(&format!("{error:#}"));
                    failed.push(line);
                }
            }
        }
    }
    ensure!(failed.is_empty(), "{} lines of README.md fail: {}", failed.len(), failed.join("; "));
    Ok(())
}

impl World {
    fn new(files: &[(&str, &str)]) -> Result<World> {
        let dir = env::temp_dir().join(format!("lifespan-readme-{}", std::process::id()));
        let world = World { dir, groups: RefCell::default() };
        let profile = shell::profile_dir(false)?;
        for folder in ["home", "bin", "work/plugins", "work/target/debug"] {
            fs::create_dir_all(world.dir.join(folder))?;
        }
        symlink(profile.join("lifespan"), world.dir.join("bin/lifespan"))?;
        for (name, text) in files {
            fs::write(world.work().join(name), text)?;
        }
        for entry in fs::read_dir(shell::root().join("plugins"))? {
            let name = entry?.file_name().to_string_lossy().replace('-', "_");
            let library = format!("{DLL_PREFIX}{name}{DLL_SUFFIX}");
            for folder in ["plugins", "target/debug"] {
                fs::copy(profile.join(&library), world.work().join(folder).join(&library))
                    .with_context(|| format!("cannot copy {library}"))?;
            }
            world.to_its_end(&format!("lifespan plugin install target/debug/{library}"))?;
        }
        Ok(world)
    }

    fn work(&self) -> PathBuf {
        self.dir.join("work")
    }

    /// What there is to be shown of it.
    fn try_line(&self, line: &str) -> Result<String> {
        match how(line) {
            None => self.to_its_end(line),
            Some(How::Elsewhere) => Ok("another step runs it".to_owned()),
            Some(How::With(program)) if !is_there(program) => {
                Ok(format!("skipped, there is no `{program}`"))
            }
            Some(How::With(_)) => self.to_its_end(line),
            Some(How::Interrupted(told)) => self.until_interrupted(line, told),
        }
    }

    fn to_its_end(&self, line: &str) -> Result<String> {
        let mut started = self.start(line)?;
        started.read_until(None)?;
        started.end()
    }

    fn until_interrupted(&self, line: &str, told: &str) -> Result<String> {
        let mut started = self.start(line)?;
        started.read_until(Some(told))?;
        // To all that the line has started, as a terminal sends it.
        shell::must(&mut signal(started.child.id(), "INT"))?;
        started.read_until(None)?;
        started.end()
    }

    /// Starts a line in a shell of its own.
    fn start(&self, line: &str) -> Result<Started> {
        let (out, end) = io::pipe()?;
        let mut command = Command::new("bash");
        command.args(["-o", "errexit", "-o", "pipefail", "-c", line]).stdin(Stdio::null());
        command.stdout(end.try_clone()?).stderr(end).process_group(0);
        let home = self.dir.join("home");
        for (name, folder) in [
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_CACHE_HOME", ".cache"),
        ] {
            command.env(name, home.join(folder));
        }
        command.env_remove("LIFESPAN_PLUGIN_PATH");
        if line.starts_with("cargo ") {
            // Cargo and its compilers are found by the user's own home.
            command.current_dir(shell::root());
        } else {
            let path = env::var_os("PATH").unwrap_or_default();
            let own = [self.dir.join("bin")].into_iter();
            let path = env::join_paths(own.chain(env::split_paths(&path)))?;
            command.env("HOME", home).env("PATH", path).current_dir(self.work());
        }
        let child = command.spawn().with_context(|| format!("cannot start `{line}`"))?;
        self.groups.borrow_mut().push(child.id());
        Ok(Started { child, lines: lines(out), text: String::new(), end: Instant::now() + LIMIT })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for group in self.groups.take() {
            // It fails where nothing is left, as it should be.
            let _ = signal(group, "KILL").stderr(Stdio::null()).status();
        }
        // What is left of it lies in the temporary folder.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A line that runs, and what it has written so far.
struct Started {
    child: Child,
    lines: Receiver<String>,
    text: String,
    end: Instant,
}

impl Started {
    /// Reads until it has written this, or to the end of all that it writes.
    fn read_until(&mut self, told: Option<&str>) -> Result<()> {
        loop {
            let left = self.end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.text += &line;
                    if told.is_some_and(|told| line.contains(told)) {
                        return Ok(());
                    }
                }
                Err(mpsc::RecvTimeoutError::Disconnected) if told.is_none() => return Ok(()),
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    bail!("{}it ended before it was to be interrupted", self.text)
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    bail!("{}it has not ended in {LIMIT:?}", self.text)
                }
            }
        }
    }

    fn end(mut self) -> Result<String> {
        let status = self.child.wait()?;
        ensure!(status.success(), "{}it failed ({status})", self.text);
        Ok(std::mem::take(&mut self.text))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Both fail where it has ended, as it has unless something went wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to all that a line has started.
fn signal(group: u32, name: &str) -> Command {
    let mut kill = Command::new("bash");
    kill.args(["-c", &format!("kill -{name} -- -{group}")]);
    kill
}

/// The lines that are written into a pipe, while a deadline is watched.
fn lines(out: PipeReader) -> Receiver<String> {
    let (send, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
            if send.send(format!("{}\n", String::from_utf8_lossy(&line))).is_err() {
                return;
            }
        }
    });
    lines
}

fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|dir: PathBuf| Path::new(&dir).join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_line_leaves_behind_ends_with_its_block() {
        let dir = env::temp_dir().join(format!("lifespan-readme-test-{}", std::process::id()));
        fs::create_dir_all(dir.join("work")).unwrap();
        let world = World { dir, groups: RefCell::default() };
        let told = world.to_its_end("sleep 3600 > log 2>&1 & echo $!").unwrap();
        let stat = format!("/proc/{}/stat", told.trim());
        // One that nobody has taken note of is over too.
        let lives = || fs::read_to_string(&stat).is_ok_and(|it| !it.contains(") Z "));
        assert!(lives());
        drop(world);
        let end = Instant::now() + Duration::from_secs(60);
        while lives() {
            assert!(Instant::now() < end, "it still runs");
            thread::sleep(Duration::from_millis(10));
        }
    }
}
