//! Has a child process of the host do something with a library, and hears what it tells, for a time.
//!
//! Nothing that the child does ends or blocks this process: it is killed when its time is over, with all
//! that it has started as far as that can be known, and of what it writes so much is kept as
//! can be shown.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process};

use crate::cli::lines::plain;
use crate::trust::own_rights;
#[cfg(unix)]
use crate::validate::census;

/// The most bytes of a line: of one that is longer, each such part counts as a line.
const MOST_BYTES: u64 = 16 << 20;

/// How much is kept of a stream's begin, and of its end.
const KEPT: usize = 64 << 10;

/// The most of its last lines that are shown when it fails.
const MOST_LINES: usize = 10;

/// How long is waited for the end of a child that has closed its output.
const ENDING: Duration = Duration::from_millis(500);

/// What to have done.
pub(crate) struct Asking<'a> {
    /// The host's own options, as they stand on the line.
    pub(crate) options: &'a [OsString],
    /// The words after them.
    pub(crate) words: Vec<OsString>,
    /// What stands before what the child tells, on a line of its stdout.
    pub(crate) mark: &'static str,
    /// How long it may take.
    pub(crate) limit: Duration,
    /// Whether it is to end by itself once it has told, for a moment.
    pub(crate) ends_itself: bool,
}

/// What came of it.
pub(crate) struct Heard<T> {
    /// What the child told.
    pub(crate) told: Option<T>,
    /// How it ended; `None` if it did not by itself.
    pub(crate) status: Option<ExitStatus>,
    /// What else it wrote to stdout, as far as it is kept: the begin.
    pub(crate) stdout: Vec<u8>,
    /// How much that is in all.
    pub(crate) stdout_bytes: u64,
    /// The end of what it wrote to stderr.
    noise: Vec<u8>,
}

/// What a stream has brought so far, but for what is told.
#[derive(Default)]
struct Rest {
    begin: Vec<u8>,
    end: Vec<u8>,
    bytes: u64,
}

/// Has it done. `parse` reads what the child tells.
///
/// # Errors
///
/// No process can be started.
pub(crate) fn ask<T: Send + 'static>(
    asking: Asking<'_>,
    parse: impl Fn(&str) -> Option<T> + Send + 'static,
) -> io::Result<Heard<T>> {
    // Its own path may be a link of theirs, which leads elsewhere by now.
    own_rights()?;
    let mut command = Command::new(env::current_exe()?);
    command.args(asking.options).args(&asking.words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mark = asking.mark;
    let told_in = move |line: &str| line.rsplit_once(mark).and_then(|(_, told)| parse(told));
    let (told, stdout) = listen(child.stdout.take(), told_in);
    let (silence, noise) = listen(child.stderr.take(), |_| None::<()>);
    let end = Instant::now() + asking.limit;
    let heard = told.recv_timeout(asking.limit);
    let soon = Instant::now() + ENDING;
    let status = match heard {
        // It has nothing more to say, whatever the library does at its end.
        Ok(_) if !asking.ends_itself => None,
        Ok(_) => wait(&mut child, soon),
        // What ended without a word has a moment to end altogether; what is silent has had its time.
        Err(RecvTimeoutError::Disconnected) => wait(&mut child, end.min(soon)),
        Err(RecvTimeoutError::Timeout) => wait(&mut child, end),
    };
    stop(&mut child);
    if heard.is_err() || asking.ends_itself {
        // Until the streams end, and with them all that it wrote; unless somebody else has them still.
        let _ = told.recv_timeout(ENDING);
        let _ = silence.recv_timeout(ENDING);
    }
    let take = |rest: Arc<Mutex<Rest>>| {
        std::mem::take(&mut *rest.lock().unwrap_or_else(PoisonError::into_inner))
    };
    let Rest { begin, bytes, .. } = take(stdout);
    let told = heard.ok();
    Ok(Heard { told, status, stdout: begin, stdout_bytes: bytes, noise: take(noise).end })
}

impl<T> Heard<T> {
    /// How a child ended that told nothing: `ended the process that loaded it: …`.
    pub(crate) fn end(&self) -> Option<String> {
        let status = self.status?;
        let status = match status.code() {
            Some(code) => format!("exit code {code}"),
            None => status.to_string(),
        };
        Some(format!("ended the process that loaded it: {status}"))
    }

    /// What it wrote last to stderr, fit for a terminal.
    pub(crate) fn last_lines(&self) -> Option<String> {
        last_lines(&self.noise)
    }
}

/// Reads a stream to its end on a thread of its own, however much comes: whoever writes into a pipe that
/// nobody reads is killed for it. Each line is either what is told or a part of the rest. At the end the
/// sender is dropped.
fn listen<T: Send + 'static>(
    stream: Option<impl Read + Send + 'static>,
    told_in: impl Fn(&str) -> Option<T> + Send + 'static,
) -> (Receiver<T>, Arc<Mutex<Rest>>) {
    let (sender, receiver) = mpsc::channel();
    let rest = Arc::<Mutex<Rest>>::default();
    let ours = rest.clone();
    thread::spawn(move || {
        let Some(stream) = stream else { return };
        let mut lines = BufReader::new(stream);
        let mut line = Vec::new();
        // What came before an error is all there is.
        while (&mut lines).take(MOST_BYTES).read_until(b'\n', &mut line).is_ok_and(|read| read > 0)
        {
            match told_in(&String::from_utf8_lossy(&line)) {
                // Nobody waits for it any more if that fails.
                Some(told) => sender.send(told).unwrap_or_default(),
                None => ours.lock().unwrap_or_else(PoisonError::into_inner).add(&line),
            }
            line.clear();
        }
    });
    (receiver, rest)
}

impl Rest {
    fn add(&mut self, line: &[u8]) {
        self.bytes += line.len() as u64;
        let room = KEPT.saturating_sub(self.begin.len()).min(line.len());
        self.begin.extend(&line[..room]);
        self.end.extend(&line[line.len().saturating_sub(KEPT)..]);
        if self.end.len() > 2 * KEPT {
            self.end.drain(..self.end.len() - KEPT);
        }
    }
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

/// Ends a child with what it has started. None can fail in a way that matters: it has ended then.
fn stop(child: &mut Child) {
    end_children(child.id());
    let _ = child.kill();
    let _ = child.wait();
}

/// Ends the processes that this process has started, as far as they can be known.
#[cfg(unix)]
pub(crate) fn end_children(process: u32) {
    for (child, _) in census::children(process) {
        let child = i32::try_from(child).ok().and_then(Pid::from_raw);
        let _ = child.map(|child| kill_process(child, Signal::KILL));
    }
}

/// They are not known.
#[cfg(not(unix))]
pub(crate) fn end_children(_: u32) {}

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
        const MARK: &str = "\u{1e}number ";
        let heard = |text: String| {
            let told_in = |line: &str| line.split_once(MARK)?.1.trim().parse::<u32>().ok();
            let (told, rest) = listen(Some(io::Cursor::new(text.into_bytes())), told_in);
            // The sender is gone at the end of the stream.
            let told: Vec<_> = told.iter().collect();
            (told, String::from_utf8(rest.lock().unwrap().begin.clone()).unwrap())
        };
        assert_eq!(heard(format!("\n{MARK}7\n")), (vec![7], "\n".into()));
        let noise = format!("noise{MARK}x\n more\u{1b}[31m\n");
        assert_eq!(heard(format!("{noise}{MARK}7\nbye")), (vec![7], format!("{noise}bye")));
        for nothing in ["", "noise", MARK, "7\n"] {
            assert_eq!(heard(nothing.into()), (vec![], nothing.into()));
        }
    }

    #[test]
    fn of_much_noise_the_begin_and_the_end_are_kept_and_what_is_told_after_it_is_heard() {
        let lines = 400_000;
        let noise: String = (0..lines).map(|at| format!("noise in line {at:>40}\n")).collect();
        let (length, text) = (noise.len() as u64, format!("{noise}!7\n"));
        assert!(length > MOST_BYTES);
        let told_in = |line: &str| line.strip_prefix('!').map(str::len);
        let (told, rest) = listen(Some(io::Cursor::new(text.into_bytes())), told_in);
        assert_eq!(told.iter().collect::<Vec<_>>(), [2]);
        let rest = rest.lock().unwrap();
        assert_eq!((rest.bytes, rest.begin.len()), (length, KEPT));
        assert!(rest.end.len() <= 2 * KEPT);
        assert!(last_lines(&rest.end).unwrap().ends_with(&format!(" {}", lines - 1)));
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
