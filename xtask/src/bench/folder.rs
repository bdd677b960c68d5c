//! `cargo xtask bench folder`: what a large plugins folder costs.
//!
//! Folders with 2, 10, 100 and 1,000 libraries: the bundled plugins, and small libraries that have nothing
//! but a descriptor, since they are only listed. Rounds are interleaved, so that whatever else the
//! machine does falls on all; what is reported are medians and their ratios. Whether the system has the
//! files themselves in its memory is left as it is: it has them.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::median;
use super::startup::{CHAIN, first_setup};
use crate::{run, shell};

/// What begins a descriptor: its magic, and the version of its form. Its length follows.
const MAGIC: &[u8] = b"LIFESPAN\x01\0\0\0";

/// The name in the descriptor that is copied; those in its place are as long.
const NAME: &str = "\"name\":\"echo\"";

/// After this, what was read of a file that has not changed since holds.
const SETTLED: Duration = Duration::from_millis(2200);

/// Measures and reports.
pub(crate) fn folder(rounds: usize) -> Result<()> {
    run::build(true)?;
    let world = World::make()?;
    let measured = measure(&world, rounds);
    fs::remove_dir_all(&world.dir)?;
    let times = measured?;
    shell::say(&format!("medians of {rounds} rounds"));
    for Case { name, small, large, most } in cases() {
        let [small, large] = [times.of(&small), times.of(&large)];
        let ratio = large / small;
        shell::say(&format!(
            "{name:22} {small:7.2} ms {large:7.2} ms {ratio:6.2}x (at most {most}x)"
        ));
    }
    let tab = times.of(&TAB);
    shell::say(&format!("a tab, 100            {tab:7.2} ms (at most 50)"));
    let cold = times.of(&Run { folder: 1000, what: What::List, is_cold: true });
    shell::say(&format!("cold, a library        {:7.3} ms (at most 1)", cold / 1000.0));
    Ok(())
}

/// In a stage, whose plugin is known from before.
const TAB: Run = Run { folder: 100, what: What::Tab, is_cold: false };

/// Two runs that are compared.
struct Case {
    name: &'static str,
    small: Run,
    large: Run,
    most: f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Run {
    folder: usize,
    what: What,
    is_cold: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    List,
    Help,
    Chain,
    /// What a shell asks at a tab.
    Tab,
}

fn cases() -> [Case; 3] {
    let warm = |folder, what| Run { folder, what, is_cold: false };
    let case = |name, what, small, most| Case {
        name,
        small: warm(small, what),
        large: warm(1000, what),
        most,
    };
    [
        case("plugin list, 10: 1000", What::List, 10, 2.5),
        case("--help, 10: 1000", What::Help, 10, 2.5),
        case("chain, 2: 1000", What::Chain, 2, 1.2),
    ]
}

/// Where it is measured.
struct World {
    dir: PathBuf,
    host: PathBuf,
}

impl World {
    fn make() -> Result<World> {
        let built = shell::profile_dir(true)?;
        let dir = built.with_file_name("bench-folder");
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        let world = World { host: built.join("lifespan"), dir };
        let library =
            |name: &str| format!("{}{name}{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
        let echo = fs::read(built.join(library("echo")))?;
        let small = world.small_library(&echo)?;
        for count in [2, 10, 100, 1000] {
            let folder = world.folder(count);
            fs::create_dir_all(&folder)?;
            for name in ["countdown", "echo"] {
                fs::copy(built.join(library(name)), folder.join(library(name)))?;
            }
            for nth in 2..count {
                let name = format!("\"name\":\"p{nth:03}\"");
                fs::write(folder.join(library(&format!("p{nth:03}"))), replaced(&small, &name))?;
            }
        }
        thread::sleep(SETTLED);
        Ok(world)
    }

    fn folder(&self, count: usize) -> PathBuf {
        self.dir.join(count.to_string())
    }

    fn cache(&self) -> PathBuf {
        self.dir.join("cache")
    }

    /// A library with the descriptor of `echo`, and nothing else.
    fn small_library(&self, echo: &[u8]) -> Result<Vec<u8>> {
        let at = echo.windows(MAGIC.len()).position(|it| it == MAGIC).context("no descriptor")?;
        let length = echo.get(at + MAGIC.len()..).and_then(<[u8]>::first_chunk);
        let end = at + MAGIC.len() + 4 + u32::from_le_bytes(*length.context("no length")?) as usize;
        let descriptor = echo.get(at..end).context("a descriptor that is cut off")?;
        let source = format!(
            "#![no_std]\n\
             #[panic_handler] fn panic(_: &core::panic::PanicInfo) -> ! {{ loop {{}} }}\n\
             #[used] #[unsafe(link_section = \".lifespan\")]\n\
             static DESCRIPTOR: [u8; {}] = {descriptor:?};\n",
            descriptor.len()
        );
        fs::create_dir_all(&self.dir)?;
        let (from, to) = (self.dir.join("small.rs"), self.dir.join("small.lib"));
        fs::write(&from, source)?;
        let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.args(["--edition=2024", "--crate-type=cdylib", "-Cpanic=abort", "-Cstrip=symbols"]);
        shell::must(rustc.arg("-o").arg(&to).arg(&from))?;
        Ok(fs::read(to)?)
    }
}

/// The library with another name in its descriptor.
fn replaced(library: &[u8], name: &str) -> Vec<u8> {
    let mut library = library.to_vec();
    let at = library.windows(NAME.len()).position(|it| it == NAME.as_bytes());
    if let Some(at) = at {
        library[at..at + NAME.len()].copy_from_slice(name.as_bytes());
    }
    library
}

/// What was measured, in milliseconds.
struct Times(Vec<(Run, Vec<f64>)>);

impl Times {
    fn of(&self, run: &Run) -> f64 {
        let samples = self.0.iter().find(|(it, _)| it == run).map(|(_, samples)| samples);
        median(samples.cloned().unwrap_or_default()).unwrap_or(f64::NAN)
    }
}

fn measure(world: &World, rounds: usize) -> Result<Times> {
    let mut times = Times(Vec::new());
    for Case { small, large, .. } in cases() {
        times.0.extend([(small, Vec::new()), (large, Vec::new())]);
    }
    times.0.push((Run { folder: 1000, what: What::List, is_cold: true }, Vec::new()));
    times.0.push((TAB, Vec::new()));
    inspect(world)?;
    // A round to fill the cache does not count.
    for round in 0..=rounds {
        for (run, samples) in &mut times.0 {
            // What comes after its like is faster: so each does.
            self::time(world, *run)?;
            let time = time(world, *run)?;
            if round > 0 {
                samples.push(time.as_secs_f64() * 1e3);
            }
        }
    }
    Ok(times)
}

/// Has the arguments of `countdown` be known.
fn inspect(world: &World) -> Result<()> {
    let mut host = Command::new(&world.host);
    host.arg("--plugin-dir").arg(world.folder(TAB.folder)).args(["plugin", "inspect", "countdown"]);
    host.env("XDG_CACHE_HOME", world.cache()).stdin(Stdio::null()).stdout(Stdio::null());
    shell::must(&mut host)
}

fn time(world: &World, run: Run) -> Result<Duration> {
    let cache = if run.is_cold { world.dir.join("cold") } else { world.cache() };
    if run.is_cold && cache.exists() {
        fs::remove_dir_all(&cache)?;
    }
    let mut host = Command::new(&world.host);
    host.args(["--color", "never", "--plugin-dir"]).arg(world.folder(run.folder));
    host.env("XDG_CACHE_HOME", cache).stdin(Stdio::null()).stdout(Stdio::null());
    match run.what {
        What::List => host.args(["plugin", "list"]),
        What::Help => host.arg("--help"),
        What::Chain => host.arg("-v").args(CHAIN),
        What::Tab => {
            host = Command::new(&world.host);
            host.env("XDG_CACHE_HOME", world.cache()).stdin(Stdio::null()).stdout(Stdio::null());
            host.args(["completions", "bash", "--answer", "--", "--plugin-dir"]);
            host.arg(world.folder(run.folder)).args(["p017", "--then", "countdown", "--fr"])
        }
    };
    let start = Instant::now();
    if run.what == What::Chain {
        let mut child = host.stderr(Stdio::piped()).spawn()?;
        let time = first_setup(&mut child, start);
        child.kill()?;
        child.wait()?;
        return time;
    }
    let status = host.stderr(Stdio::null()).status()?;
    let time = start.elapsed();
    ensure!(status.success(), "{host:?} failed");
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_replaced_by_one_as_long() {
        let library = [b"..", NAME.as_bytes(), b".."].concat();
        assert_eq!(replaced(&library, "\"name\":\"p017\""), b"..\"name\":\"p017\"..");
        assert_eq!(format!("\"name\":\"p{:03}\"", 999).len(), NAME.len());
    }
}
