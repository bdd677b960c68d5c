//! The parent's side: has a child process load a library, and hears what it tells, for a time.
//!
//! Nothing that the child does ends or blocks this process: it is killed when its time is over, and
//! what it writes is read up to a bound.

use std::env;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use super::child::{MARK, WORD};
use super::{Asker, Told};
use crate::cli::lines::plain;
use crate::error::Failure;
use crate::exit::Exit;
use crate::trust::own_rights;

/// The most bytes that are heard of a child.
const MOST_BYTES: u64 = 16 << 20;

/// The most of its last lines that are shown when it fails.
const MOST_LINES: usize = 10;

/// How long is waited for the end of a child that has closed its output.
const ENDING: Duration = Duration::from_millis(500);

/// What the library in that file tells of its plugins.
///
/// # Errors
///
/// It tells nothing: it ended the child, say, or took too long.
pub(super) fn ask(asker: &Asker<'_>, file: &Path) -> Result<Told, Failure> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let begun = begin(asker, file);
    let (mut child, told, noise) = begun.map_err(|error| {
        Failure::from_error(Exit::Host, &error)
            .context(format!("no process can be started that loads `{name}`"))
    })?;
    let end = Instant::now() + asker.limit;
    let heard = told.recv_timeout(asker.limit);
    if let Some(told) = heard.as_deref().ok().and_then(told_in) {
        // It has nothing more to say, whatever the library does at its end.
        stop(&mut child);
        return Ok(told);
    }
    // What ended without a word has a moment to end altogether; what is silent has had its time.
    let end = if heard.is_ok() { end.min(Instant::now() + ENDING) } else { end };
    let status = wait(&mut child, end);
    stop(&mut child);
    let message = match status {
        Some(status) => format!("`{name}` ended the process that loaded it: {}", shown(status)),
        None => format!(
            "`{name}` did not tell its arguments within {}, and was stopped",
            humantime::format_duration(asker.limit)
        ),
    };
    let mut failure = Failure::new(Exit::Load, message).hint(
        "its own code does that when it is loaded, and would do it in a chain too: ask its author",
    );
    failure.detail = noise.recv_timeout(ENDING).ok().and_then(|noise| last_lines(&noise));
    Err(failure)
}

/// A child with all that it writes, once it is closed: to stdout and to stderr.
type Begun = (Child, Receiver<Vec<u8>>, Receiver<Vec<u8>>);

fn begin(asker: &Asker<'_>, file: &Path) -> io::Result<Begun> {
    // Its own path may be a link of theirs that leads elsewhere by now.
    own_rights()?;
    let mut command = Command::new(env::current_exe()?);
    command.args(asker.options).arg(WORD).arg(file);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let told = listen(child.stdout.take());
    let noise = listen(child.stderr.take());
    Ok((child, told, noise))
}

/// Reads a stream to its end, or to the bound, on a thread of its own.
fn listen(stream: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(stream) = stream {
            // What came before an error is all there is.
            let _ = stream.take(MOST_BYTES).read_to_end(&mut bytes);
        }
        // Nobody waits for it any more if that fails.
        let _ = sender.send(bytes);
    });
    receiver
}

/// What stands behind the last mark.
fn told_in(bytes: &[u8]) -> Option<Told> {
    let text = String::from_utf8_lossy(bytes);
    let (_, told) = text.rsplit_once(MARK)?;
    serde_json::from_str(told.lines().next()?).ok()
}

fn wait(child: &mut Child, end: Instant) -> Option<ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Ends a child. Neither can fail in a way that matters: it has ended then.
fn stop(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn shown(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit code {code}"),
        None => status.to_string(),
    }
}

/// What a child wrote last, fit for a terminal.
fn last_lines(noise: &[u8]) -> Option<String> {
    let noise = String::from_utf8_lossy(noise);
    let lines: Vec<_> = noise.lines().map(plain).filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(MOST_LINES)..];
    let told = last.iter().map(|line| format!("  | {line}")).collect::<Vec<_>>().join("\n");
    (!last.is_empty()).then(|| format!("it wrote last:\n{told}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_found_among_noise() {
        let told = r#"{"plugins":{"a":{"arguments":{"name":"a"}}},"trouble":null}"#;
        let heard = |text: &str| told_in(text.as_bytes()).map(|told| told.plugins.len());
        assert_eq!(heard(&format!("\n{MARK}{told}\n")), Some(1));
        assert_eq!(heard(&format!("noise{MARK}{{}}\n more\u{1b}[31m\n{MARK}{told}\nbye")), Some(1));
        for nothing in ["", "noise", MARK, told] {
            assert_eq!(heard(nothing), None, "{nothing}");
        }
        assert_eq!(heard(&format!("{MARK}{}", &told[..20])), None);
    }

    #[test]
    fn the_last_lines_are_shown_without_what_moves_a_terminal() {
        let noise: String = (0..20).map(|at| format!("line {at}\x1b[2J\n\n")).collect();
        let shown = last_lines(noise.as_bytes()).unwrap();
        assert_eq!(shown.lines().count(), 1 + MOST_LINES);
        assert!(shown.starts_with("it wrote last:\n  | line 10"), "{shown}");
        assert!(!shown.contains('\x1b'), "{shown}");
        assert_eq!(last_lines(b"\n \n"), None);
    }
}
