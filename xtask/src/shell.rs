//! Running programs, and printing: the only module of this package that does either by itself.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the package's one place that prints"
)]

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

/// Tells something.
pub(crate) fn say(line: &str) {
    println!("{}", line.trim_end());
}

/// Tells of something that is wrong.
pub(crate) fn complain(line: &str) {
    eprintln!("{}", line.trim_end());
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

/// The date, such as `2026-01-31`, in UTC.
pub(crate) fn today() -> String {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    now.split('T').next().unwrap_or_default().to_owned()
}

/// The folder with what cargo builds in that profile; this very program lies in that of `debug`.
pub(crate) fn profile_dir(release: bool) -> Result<PathBuf> {
    let own = env::current_exe().context("cannot find the target folder")?;
    let own = own.parent().context("cannot find the target folder")?;
    Ok(if release { own.with_file_name("release") } else { own.to_owned() })
}

/// Cargo, at the repository's root.
pub(crate) fn cargo<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(args);
    command
}

/// Lets cargo build with these flags of rustc too, into a folder of that name: what the ordinary build
/// has made stays.
pub(crate) fn build_apart(command: &mut Command, name: &str, flags: &[&str]) -> Result<()> {
    // Cargo takes the first of these that there is, and no other.
    let (variable, between) = match env::var_os(ENCODED_FLAGS) {
        Some(_) => (ENCODED_FLAGS, "\x1f"),
        None => (FLAGS, " "),
    };
    command.env(variable, appended(env::var_os(variable).unwrap_or_default(), between, flags));
    command.env("CARGO_TARGET_DIR", profile_dir(false)?.with_file_name(name));
    Ok(())
}

const FLAGS: &str = "RUSTFLAGS";

const ENCODED_FLAGS: &str = "CARGO_ENCODED_RUSTFLAGS";

fn appended(mut given: OsString, between: &str, flags: &[&str]) -> OsString {
    for flag in flags {
        if !given.is_empty() {
            given.push(between);
        }
        given.push(flag);
    }
    given
}

/// Runs a command that must succeed; it shares this program's output.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {}", line(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", line(command));
    }
    Ok(())
}

/// Runs a command and takes over its exit code.
pub(crate) fn pass_on(command: &mut Command) -> Result<ExitCode> {
    let status = command.status().with_context(|| format!("cannot run {}", line(command)))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

/// Runs a command quietly; its success, and all that it printed.
pub(crate) fn ask(command: &mut Command) -> Result<(bool, String)> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", line(command)))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok((output.status.success(), text))
}

/// Runs a command, shows each line that it writes to stdout, and gives it to `watch` too; its success.
pub(crate) fn watch(command: &mut Command, watch: impl FnMut(&str)) -> Result<bool> {
    let name = line(command);
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot run {name}"))?;
    show(child.stdout.take().context("the child has no stdout")?, watch)?;
    Ok(child.wait()?.success())
}

/// As [`watch`], with what it writes to stderr too.
pub(crate) fn watch_all(mut command: Command, watch: impl FnMut(&str)) -> Result<bool> {
    let (out, end) = io::pipe()?;
    command.stdout(end.try_clone()?).stderr(end);
    let mut child = command.spawn().with_context(|| format!("cannot run {}", line(&command)))?;
    // It holds the pipe's other end, too.
    drop(command);
    show(out, watch)?;
    Ok(child.wait()?.success())
}

fn show(out: impl Read, mut watch: impl FnMut(&str)) -> Result<()> {
    for line in BufReader::new(out).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        watch(&line);
    }
    Ok(())
}

/// A command as one would type it.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_stem().unwrap_or_default().to_string_lossy();
    let args = command.get_args().map(OsStr::to_string_lossy);
    let words: Vec<_> = std::iter::once(program).chain(args).collect();
    format!("`{}`", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_stand_behind_those_of_the_caller() {
        for (given, expected) in
            [("", "--cfg loom"), ("-C debuginfo=0", "-C debuginfo=0 --cfg loom")]
        {
            assert_eq!(appended(given.into(), " ", &["--cfg", "loom"]), expected);
        }
    }
}
