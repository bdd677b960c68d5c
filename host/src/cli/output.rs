//! The one way to stderr, and to stdout while plugins run: a thread of its own writes, behind a queue.
//!
//! Whoever does not read stderr must not hold up the program: a worker or the dispatcher that waits
//! for a full pipe would wait for ever, whatever the signals. So nobody waits longer than
//! [`PATIENCE`] since the last progress; after that lines are dropped, and counted in their place.
//! While somebody reads, nothing is lost. What may be the last word (a warning, an error) is waited
//! for, so that it is out before a crash. Only data has time: whoever brings it may wait for ever.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anstream::{AutoStream, ColorChoice};

/// How long somebody waits for a reader who does not read.
const PATIENCE: Duration = Duration::from_secs(2);

/// Bytes in the queue above which lines have to wait.
const CAPACITY: usize = 256 << 10;

/// Bytes that are written at a time: after each there is progress.
const CHUNK: usize = 8 << 10;

/// A handle of the queue. Clones are handles of the same; any thread.
#[derive(Clone)]
pub(crate) struct Output(Arc<Shared>);

/// Writes all of a text.
type Write = dyn Fn(&str) -> io::Result<()> + Send + Sync;

struct Shared {
    /// Never held while something is written or formatted.
    state: Mutex<State>,
    /// There is something to write: for the thread.
    filled: Condvar,
    /// Something was written: for those who wait.
    written: Condvar,
    /// Of the thread, and what the stream is.
    name: &'static str,
    write: Box<Write>,
    gap: fn(u64) -> String,
    patience: Duration,
}

#[derive(Default)]
struct State {
    pieces: VecDeque<Piece>,
    /// Of the texts that are not written yet.
    bytes: usize,
    /// How many pieces there have been so far, and how many of them are written.
    queued: u64,
    done: u64,
    /// The last progress; or since when there is something to write.
    since: Option<Instant>,
    /// Whether there is a thread that writes.
    started: bool,
    /// The first write that failed.
    failed: Option<io::Error>,
}

/// A part of what is written.
enum Piece {
    Text(String),
    /// So many texts were dropped here.
    Gap(u64),
}

impl Output {
    /// A queue to the process's stderr; `gap` makes the line about dropped ones. The thread is started
    /// with the first line, or by [`start`](Self::start).
    pub(crate) fn stderr(color: bool, gap: fn(u64) -> String) -> Self {
        let choice = if color { ColorChoice::Always } else { ColorChoice::Never };
        let write = move |text: &str| {
            let mut err = AutoStream::new(io::stderr().lock(), choice);
            err.write_all(text.as_bytes()).and_then(|()| err.flush())
        };
        Output::with("stderr", write, gap, PATIENCE)
    }

    /// A queue to the process's stdout, for data without colours.
    pub(crate) fn stdout() -> Self {
        let write = |text: &str| {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        };
        Output::with("stdout", write, |_no_data_is_dropped| String::new(), PATIENCE)
    }

    fn with(
        name: &'static str,
        write: impl Fn(&str) -> io::Result<()> + Send + Sync + 'static,
        gap: fn(u64) -> String,
        patience: Duration,
    ) -> Self {
        Output(Arc::new(Shared {
            state: Mutex::default(),
            filled: Condvar::new(),
            written: Condvar::new(),
            name,
            write: Box::new(write),
            gap,
            patience,
        }))
    }

    /// Starts the thread ahead of the first line.
    pub(crate) fn start(&self) {
        self.0.start(&mut self.0.lock());
    }

    /// Queues a text. Waits while the queue is full and there is progress, else drops it.
    pub(crate) fn line(&self, text: String) {
        let mut state = self.0.lock();
        while state.bytes >= CAPACITY {
            match self.0.wait(state) {
                Ok(going_on) => state = going_on,
                Err(mut stalled) => {
                    stalled.drop_one();
                    return;
                }
            }
        }
        self.0.queue(state, text);
    }

    /// Queues a text that is not dropped, however full the queue is.
    pub(crate) fn talk(&self, text: String) {
        self.0.queue(self.0.lock(), text);
    }

    /// Queues data: nothing of it is dropped, and whoever brings it waits while the queue is full,
    /// however long nobody reads.
    pub(crate) fn data(&self, text: String) {
        let full = |state: &mut State| state.bytes >= CAPACITY;
        let room = self.0.written.wait_while(self.0.lock(), full);
        self.0.queue(room.unwrap_or_else(PoisonError::into_inner), text);
    }

    /// Waits until all that was queued is written, or there is no progress. Answers whether it is.
    pub(crate) fn flush(&self) -> bool {
        let mut state = self.0.lock();
        let all = state.queued;
        while state.done < all {
            match self.0.wait(state) {
                Ok(going_on) => state = going_on,
                Err(_stalled) => return false,
            }
        }
        true
    }

    /// Why the first write failed, if one did, for those who can tell it elsewhere.
    pub(crate) fn failure(&self) -> Option<io::Error> {
        self.0.lock().failed.take()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next progress; gives the state back as an error where there is none for too long.
    fn wait<'s>(
        &self,
        state: MutexGuard<'s, State>,
    ) -> Result<MutexGuard<'s, State>, MutexGuard<'s, State>> {
        let waited = state.since.map_or(Duration::ZERO, |since| since.elapsed());
        let Some(left) = self.patience.checked_sub(waited).filter(|left| !left.is_zero()) else {
            return Err(state);
        };
        let (state, _) =
            self.written.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        Ok(state)
    }

    /// Starts the thread, if there is none yet; answers whether there is one.
    fn start(self: &Arc<Self>, state: &mut State) -> bool {
        if !state.started {
            let writer = self.clone();
            let spawned = thread::Builder::new().name(self.name.into()).spawn(move || writer.run());
            state.started = spawned.is_ok();
        }
        state.started
    }

    fn queue(self: &Arc<Self>, mut state: MutexGuard<'_, State>, text: String) {
        if text.is_empty() {
            return;
        }
        if !self.start(&mut state) {
            // Without a thread it is as it is everywhere: who writes waits.
            drop(state);
            let written = (self.write)(&text);
            return self.lock().note(written);
        }
        if state.done == state.queued {
            state.since = Some(Instant::now());
        }
        state.bytes += text.len();
        state.queued += 1;
        state.pieces.push_back(Piece::Text(text));
        self.filled.notify_one();
    }

    /// The thread: it ends with the process.
    fn run(&self) {
        loop {
            let (chunk, bytes, pieces) = self.next_chunk();
            let written = (self.write)(&chunk);
            let mut state = self.lock();
            state.note(written);
            state.bytes -= bytes;
            state.done += pieces;
            state.since = Some(Instant::now());
            self.written.notify_all();
        }
    }

    /// What is written next, how many bytes of the queue it takes and how many pieces.
    fn next_chunk(&self) -> (String, usize, u64) {
        let mut state = self.lock();
        while state.pieces.is_empty() {
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let (mut chunk, mut bytes, mut pieces) = (String::new(), 0, 0);
        while let Some(piece) = state.pieces.pop_front() {
            pieces += 1;
            match piece {
                Piece::Text(text) => {
                    bytes += text.len();
                    chunk += &text;
                }
                Piece::Gap(count) => chunk += &(self.gap)(count),
            }
            if chunk.len() >= CHUNK {
                break;
            }
        }
        (chunk, bytes, pieces)
    }
}

impl State {
    fn note(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }

    /// Counts a text that is dropped, at the place where it would stand.
    fn drop_one(&mut self) {
        if let Some(Piece::Gap(count)) = self.pieces.back_mut() {
            *count += 1;
        } else {
            self.pieces.push_back(Piece::Gap(1));
            self.queued += 1;
        }
    }
}

#[cfg(test)]
mod tests;
