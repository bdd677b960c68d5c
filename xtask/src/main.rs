//! The repository's own tasks: `cargo xtask TASK`.
//!
//! Each task is a module, and reads the repository only; what it prints goes through `shell`. It must
//! not depend on any package of the workspace: it has to build when they do not.

mod abi;
mod asan;
mod bench;
mod ci;
mod fuzz;
mod loom;
mod miri;
mod msrv;
mod museum;
mod newcomer;
mod readme;
mod run;
mod shell;
mod soak;
mod tidy;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
Usage: cargo xtask TASK

Tasks:
  run [--release] [ARGS]...  Build the host and the bundled plugins, then run a chain
  test [ARGS]...             Run all tests
  ci [STEP]...               Check everything that continuous integration checks, or these steps of it
  tidy                       Check what no compiler checks: how files begin, their length, unsafe code
  abi [--bless]              Check the ABI's surface against its version; --bless records it
  museum [--again]           Make the library that later hosts of this ABI must run; --again replaces it
  bench startup [--rounds N] Compare start-up time and memory with the Python package
  bench folder [--rounds N]  Measure what a plugins folder with 1,000 libraries costs
  bench bus [ARGS]...        Compare the bus with other channels; `bench bus --help` says more
  bench isolation [--rounds N]
                             Compare how late messages come while a plugin blocks its thread
  bench sdk [--rounds N] [--json FILE]
                             Measure what the SDK costs: a library's size, the time to build it, a poll
  loom                       Try the ring's handshakes in every order that the memory model allows
  miri                       Run the unsafe code that needs no dlopen under Miri
  asan                       Run the tests of the ring and of the bus under AddressSanitizer
  fuzz [--minutes N]         Fuzz the reader of descriptors, for ten minutes
  soak [ARGS]...             Use the bus at random for ten minutes; `soak --help` says more
";

fn main() -> ExitCode {
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    match dispatch(&words) {
        Ok(code) => code,
        Err(error) => {
            shell::complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[OsString]) -> Result<ExitCode> {
    let Some((task, rest)) = words.split_first() else {
        shell::complain(USAGE);
        return Ok(ExitCode::from(2));
    };
    let flags: Vec<&str> = rest.iter().filter_map(|word| word.to_str()).collect();
    let done = match (task.to_str().unwrap_or_default(), flags.as_slice()) {
        ("run", _) => return run::run(rest),
        ("test", _) => return shell::pass_on(shell::cargo(["test", "--workspace"]).args(rest)),
        ("ci", only) => ci::ci(only),
        ("tidy", []) => tidy::check(&shell::root()),
        ("abi", []) => abi::check(&shell::root()),
        ("abi", ["--bless"]) => abi::bless(&shell::root()),
        ("museum", []) => museum::make(false),
        ("museum", ["--again"]) => museum::make(true),
        ("bench", ["bus", ..]) => return bench::bus(&rest[1..]),
        ("bench", ["isolation"]) => bench::isolation(bench::ISOLATION_ROUNDS),
        ("bench", ["isolation", "--rounds", rounds]) => bench::isolation(rounds.parse()?),
        ("bench", ["sdk", options @ ..]) => bench::sdk(options),
        ("bench", ["folder"]) => bench::folder(bench::ROUNDS),
        ("bench", ["folder", "--rounds", rounds]) => bench::folder(rounds.parse()?),
        ("bench", ["startup"]) => bench::startup(bench::ROUNDS),
        ("bench", ["startup", "--rounds", rounds]) => bench::startup(rounds.parse()?),
        ("loom", []) => loom::loom(),
        ("miri", []) => miri::miri(),
        ("asan", []) => asan::asan(),
        ("fuzz", []) => fuzz::fuzz(fuzz::MINUTES),
        ("fuzz", ["--minutes", minutes]) => fuzz::fuzz(minutes.parse()?),
        ("soak", _) => return soak::soak(rest),
        ("help" | "--help" | "-h", _) => {
            shell::say(USAGE);
            Ok(())
        }
        (other, _) => bail!("there is no such task: `{other} {}`\n\n{USAGE}", flags.join(" ")),
    };
    done.map(|()| ExitCode::SUCCESS)
}
