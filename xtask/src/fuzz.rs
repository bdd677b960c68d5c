//! `cargo xtask fuzz`: the descriptor reader under cargo-fuzz, from the corpus in the repository.
//!
//! How it went is told in a few lines, which are kept beside the corpus too (`host/fuzz/RECORD`) where the
//! run was clean, came to its end, and was no shorter than the one that stands there. What it finds on the
//! way stays below `target/fuzz`: the corpus is kept small by hand (`cargo fuzz cmin`), since every test
//! run judges all of it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};

use crate::shell;

/// How long it is fuzzed where nobody says it.
pub(crate) const MINUTES: u64 = 10;

/// The one target.
const TARGET: &str = "descriptor";

/// The head of the record.
const HEAD: &str =
    "# The last whole and clean run of `cargo xtask fuzz`, which writes this file.\n";

/// The end of a record of a run that found nothing.
const CLEAN: &str = "clean";

/// Fuzzes for so many minutes where nightly and cargo-fuzz are installed, and says so where they are
/// not.
pub(crate) fn fuzz(minutes: u64) -> Result<()> {
    let asked = shell::ask(Command::new("rustup").args(["run", "nightly", "rustc", "--version"]));
    if !asked.is_ok_and(|(ok, _)| ok) {
        shell::say("fuzz: skipped, nightly does not run");
        shell::say("fuzz: `rustup toolchain install nightly` installs it");
        return Ok(());
    }
    let asked = shell::ask(Command::new("cargo-fuzz").arg("--version"));
    if !asked.is_ok_and(|(ok, _)| ok) {
        shell::say("fuzz: skipped, cargo-fuzz is not installed");
        shell::say("fuzz: `cargo install --locked cargo-fuzz` installs it");
        return Ok(());
    }
    let package = shell::root().join("host/fuzz");
    let kept = package.join("corpus").join(TARGET);
    let apart = shell::profile_dir(false)?.with_file_name("fuzz");
    let found = apart.join("corpus");
    let artifacts = apart.join("artifacts");
    for folder in [&found, &artifacts] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut fuzz = Command::new("rustup");
    fuzz.args(["run", "nightly", "cargo", "fuzz", "run", TARGET]);
    fuzz.arg("--fuzz-dir").arg(&package).arg("--target-dir").arg(apart.join("build"));
    // What is found is put into the first folder; the others are read.
    fuzz.arg(&found).arg(&kept);
    fuzz.args(["--", &format!("-max_total_time={}", minutes * 60), "-max_len=65536"]);
    // 1 GiB for one file is far more than anything that is read needs, and so is a minute; a machine
    // that has other things to do may well take ten seconds.
    fuzz.args(["-timeout=60", "-rss_limit_mb=1024"]);
    fuzz.arg(format!("-artifact_prefix={}/", artifacts.display()));
    fuzz.current_dir(shell::root());
    let mut watched = Watched::default();
    let clean = shell::watch_all(fuzz, |line| watched.hear(line))?;
    // One that ends before it began to run, since it does not build, has nothing to tell.
    ensure!(clean || watched.covered.is_some(), "the fuzzer did not run");
    let record = watched.record(clean, files(&kept)?);
    record.lines().for_each(|line| shell::say(&format!("fuzz: {line}")));
    ensure!(clean, "what it found lies in {}", artifacts.display());
    if keep(&package.join("RECORD"), &record)? {
        shell::say("fuzz: recorded");
    } else {
        shell::say(
            "fuzz: not recorded, since the run was shorter than the recorded one, or was ended",
        );
    }
    Ok(())
}

/// Keeps the record of a run, unless it says less than the one that is there; whether it did.
fn keep(file: &Path, record: &str) -> Result<bool> {
    let before = match fs::read_to_string(file) {
        Ok(before) => seconds(&before).unwrap_or_default(),
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(error).context(format!("cannot read {}", file.display())),
    };
    let is_clean = field(record, "result") == Some(CLEAN);
    if !is_clean || seconds(record).is_none_or(|seconds| seconds < before) {
        return Ok(false);
    }
    fs::write(file, HEAD.to_owned() + record)
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(true)
}

/// For how long a recorded run went on, where it came to its end.
fn seconds(record: &str) -> Option<u64> {
    field(record, "seconds")?.parse().ok()
}

fn field<'r>(record: &'r str, name: &str) -> Option<&'r str> {
    record.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// What the fuzzer said of itself.
#[derive(Debug, Default)]
struct Watched {
    /// How many files it tried.
    runs: Option<String>,
    /// For how long, in seconds, where it came to its end.
    seconds: Option<String>,
    /// How many edges of the code they reached.
    covered: Option<String>,
    /// How many of them it kept, each for something that no other shows.
    kept: Option<String>,
}

impl Watched {
    /// Hears a line such as `#512 NEW cov: 1234 ft: 99 corp: 12/3Kb` or `Done 512 runs in 61 second(s)`.
    fn hear(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("Done") => {
                self.runs = words.next().map(str::to_owned);
                self.seconds = words.nth(2).map(str::to_owned);
            }
            Some(number) if number.starts_with('#') => {
                self.runs = number.get(1..).map(str::to_owned);
                let mut label = "";
                for word in words {
                    match label {
                        "cov:" => self.covered = Some(word.to_owned()),
                        "corp:" => self.kept = word.split('/').next().map(str::to_owned),
                        _ => {}
                    }
                    label = word;
                }
            }
            _ => {}
        }
    }

    fn record(&self, clean: bool, began: usize) -> String {
        let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let date = date.split('T').next().unwrap_or_default();
        let told = |it: &Option<String>| it.clone().unwrap_or_else(|| "unknown".to_owned());
        let result = if clean { CLEAN } else { "something was found" };
        let [runs, seconds] = [&self.runs, &self.seconds].map(told);
        let [covered, kept] = [&self.covered, &self.kept].map(told);
        format!(
            "date     {date}\nseconds  {seconds}\nruns     {runs}\ncovered  {covered} edges\n\
             corpus   {kept} files, {began} in the beginning\nresult   {result}\n"
        )
    }
}

fn files(folder: &Path) -> Result<usize> {
    let entries = fs::read_dir(folder);
    Ok(entries.with_context(|| format!("cannot read {}", folder.display()))?.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_fuzzer_says_of_itself_is_recorded() {
        let mut watched = Watched::default();
        for line in [
            "INFO: Running with entropic power schedule (0xFF, 100).",
            "#2\tINITED cov: 1200 ft: 90 corp: 12/3Kb exec/s: 0 rss: 40Mb",
            "#512\tNEW    cov: 1234 ft: 99 corp: 12/3Kb lim: 4 exec/s: 0 rss: 40Mb",
            "#513\tpulse  exec/s: 0",
            "Done 600 runs in 61 second(s)",
        ] {
            watched.hear(line);
        }
        let record = watched.record(true, 7);
        let rest: Vec<_> = record.lines().skip(1).collect();
        let expect = [
            "seconds  61",
            "runs     600",
            "covered  1234 edges",
            "corpus   12 files, 7 in the beginning",
            "result   clean",
        ];
        assert_eq!(rest, expect);
        assert!(record.starts_with("date     20"), "{record}");
        assert!(Watched::default().record(false, 7).ends_with("something was found\n"));
    }

    #[test]
    fn only_a_whole_clean_run_that_is_no_shorter_is_kept() {
        let run = |seconds: Option<u64>, clean| {
            let seconds = seconds.map(|it| it.to_string());
            Watched { seconds, ..Watched::default() }.record(clean, 7)
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("RECORD");
        assert!(!keep(&file, &run(Some(601), false)).unwrap() && !file.exists());
        assert!(!keep(&file, &run(None, true)).unwrap() && !file.exists());
        assert!(keep(&file, &run(Some(601), true)).unwrap());
        let kept = fs::read_to_string(&file).unwrap();
        assert_eq!(seconds(&kept), Some(601));
        // Short, ended before its time, and with a finding.
        for less in [run(Some(600), true), run(None, true), run(Some(900), false)] {
            assert!(!keep(&file, &less).unwrap());
            assert_eq!(fs::read_to_string(&file).unwrap(), kept);
        }
        assert!(keep(&file, &run(Some(601), true)).unwrap());
        assert!(keep(&file, &run(Some(900), true)).unwrap());
        assert_eq!(seconds(&fs::read_to_string(&file).unwrap()), Some(900));
    }
}
