//! The README's way from nothing to a plugin in a chain, run as it stands there: its one block of `sh author`.
//!
//! It is one script, run where nothing is yet, with the program and nothing else of this repository at hand.
//! It has to take less than [`LIMIT`] where what it depends on has been built before; so a run that takes
//! longer, since it has to build that first, is followed by another one.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::readme::blocks;
use crate::shell;

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(180);

/// What the block is called.
const LANGUAGE: &str = "sh author";

/// What the plugin says.
const SAID: [&str; 2] = ["Hello, you!", "Hello, world!"];

/// Runs it.
pub(crate) fn newcomer() -> Result<()> {
    if !cfg!(unix) {
        shell::say("skipped: the script is one for a shell of Unix");
        return Ok(());
    }
    let readme = fs::read_to_string(shell::root().join("README.md"));
    let readme = readme.context("cannot read README.md")?;
    let found: Vec<_> = blocks(&readme).into_iter().filter(|it| it.language == LANGUAGE).collect();
    let [block] = found.as_slice() else {
        anyhow::bail!("README.md has {} blocks of `{LANGUAGE}`, and not one", found.len());
    };
    shell::must(&mut shell::cargo(["build", "--package", "lifespan", "--bin", "lifespan"]))?;
    let mut took = run(&block.text)?;
    if took > LIMIT {
        shell::say(&format!("{took:.0?}: all of it was built; once more, with that at hand"));
        took = run(&block.text)?;
    }
    shell::say(&format!("{took:.1?} from nothing to a chain and its tests"));
    ensure!(took < LIMIT, "it took {took:.0?}, and {LIMIT:?} are allowed");
    Ok(())
}

/// Runs a script in a world of its own; how long it took.
fn run(script: &str) -> Result<Duration> {
    let world = World::new()?;
    shell::say(script);
    let path = env::var_os("PATH").unwrap_or_default();
    let own = [world.0.join("bin")].into_iter();
    let mut bash = Command::new("bash");
    bash.args(["-o", "errexit", "-o", "pipefail", "-c", script])
        .env("PATH", env::join_paths(own.chain(env::split_paths(&path)))?)
        .env_remove("LIFESPAN_PLUGIN_PATH")
        .env_remove("CARGO_TARGET_DIR")
        // What was built of what it depends on stays.
        .env("CARGO_BUILD_BUILD_DIR", shell::profile_dir(false)?.with_file_name("newcomer"))
        .current_dir(world.0.join("work"));
    for (name, folder) in
        [("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_CACHE_HOME", "cache")]
    {
        bash.env(name, world.0.join(folder));
    }
    let begun = Instant::now();
    let (ok, text) = shell::ask(&mut bash)?;
    let took = begun.elapsed();
    shell::say(&text);
    ensure!(ok, "the script fails after {took:.0?}");
    for said in SAID {
        ensure!(text.contains(said), "the chain did not say `{said}`");
    }
    Ok(took)
}

/// A folder to stand in, and the program.
struct World(PathBuf);

impl World {
    fn new() -> Result<World> {
        // The same each time, so that cargo takes the crate for the same: others would pile up.
        let of = shell::root().to_string_lossy().replace(|c: char| !c.is_alphanumeric(), "-");
        let world = World(env::temp_dir().join(format!("lifespan-newcomer{of}")));
        if world.0.exists() {
            fs::remove_dir_all(&world.0)?;
        }
        for folder in ["bin", "work"] {
            fs::create_dir_all(world.0.join(folder))?;
        }
        let program = format!("lifespan{}", env::consts::EXE_SUFFIX);
        link(&shell::profile_dir(false)?.join(&program), &world.0.join("bin").join(&program))?;
        Ok(world)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // What is left of it lies in the temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Puts the program where it is found by its name.
fn link(program: &Path, at: &Path) -> Result<()> {
    fs::hard_link(program, at).or_else(|_| fs::copy(program, at).map(|_| ()))?;
    Ok(())
}
