//! The signals that ask the program to end, handed to a function one by one.
//!
//! They are waited for on a thread of their own with a small runtime of its own, so that a worker that
//! a plugin blocks never keeps a signal from being heard. What a signal means is the caller's; only
//! where the program does not end by itself after it was forced to, this module ends it.

use std::io;
use std::thread;
use std::time::Duration;

use signal_hook::low_level;
use tokio::runtime::{Builder, Runtime};
#[cfg(unix)]
use tokio::signal::unix::{self, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{self, ctrl_break, ctrl_c, ctrl_close};

use crate::exit::Exit;

/// A signal by its number and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signal {
    /// The number, as in `kill -15`.
    pub(crate) number: u8,
    /// The name that people know it by.
    pub(crate) name: &'static str,
}

const INTERRUPT: Signal = Signal { number: 2, name: "SIGINT" };
const TERMINATE: Signal = Signal { number: 15, name: "SIGTERM" };
#[cfg(unix)]
const HANG_UP: Signal = Signal { number: 1, name: "SIGHUP" };

/// Listens: calls `heard` for every signal, on a thread of its own. From here on none of them ends the
/// process by itself.
pub(crate) fn listen(heard: impl Fn(Signal) + Send + 'static) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let streams = Streams::register(&runtime)?;
    let thread = thread::Builder::new().name("signals".into());
    thread.spawn(move || runtime.block_on(streams.forward(heard)))?;
    Ok(())
}

/// How long the program has to end by itself once it was forced to.
const BACKSTOP: Duration = Duration::from_secs(2);

/// Ends the process if it has not ended by itself soon, with what it should have answered: whoever
/// sends a second signal wants it gone, whatever it hangs on: exit handlers of plugins, or the
/// system's loader, are not waited for either.
pub(crate) fn end_soon(signal: Signal) -> ! {
    thread::sleep(BACKSTOP);
    low_level::exit(Exit::Signal(signal.number).code().into())
}

/// The registered handlers.
#[cfg(unix)]
struct Streams {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hang_up: Option<unix::Signal>,
}

#[cfg(unix)]
impl Streams {
    fn register(runtime: &Runtime) -> io::Result<Self> {
        let _entered = runtime.enter();
        Ok(Streams {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: match ignores_hang_up() {
                true => None,
                false => Some(signal(SignalKind::hangup())?),
            },
        })
    }

    async fn forward(mut self, heard: impl Fn(Signal)) {
        loop {
            let hang_up = async {
                match &mut self.hang_up {
                    Some(stream) => stream.recv().await,
                    None => std::future::pending().await,
                }
            };
            heard(tokio::select! {
                Some(()) = self.interrupt.recv() => INTERRUPT,
                Some(()) = self.terminate.recv() => TERMINATE,
                Some(()) = hang_up => HANG_UP,
                else => return,
            });
        }
    }
}

/// Whether whoever started the process wants it to outlive its terminal, as `nohup` does by ignoring
/// the signal. Known from `/proc`, so on Linux only; a handler there would undo it.
#[cfg(unix)]
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & 1 == 1)
}

/// The registered handlers.
#[cfg(windows)]
struct Streams {
    ctrl_c: windows::CtrlC,
    ctrl_break: windows::CtrlBreak,
    ctrl_close: windows::CtrlClose,
}

#[cfg(windows)]
impl Streams {
    fn register(runtime: &Runtime) -> io::Result<Self> {
        let _entered = runtime.enter();
        Ok(Streams { ctrl_c: ctrl_c()?, ctrl_break: ctrl_break()?, ctrl_close: ctrl_close()? })
    }

    async fn forward(mut self, heard: impl Fn(Signal)) {
        loop {
            heard(tokio::select! {
                Some(()) = self.ctrl_c.recv() => INTERRUPT,
                Some(()) = self.ctrl_break.recv() => TERMINATE,
                Some(()) = self.ctrl_close.recv() => TERMINATE,
                else => return,
            });
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::{self, Command};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_signal_is_heard_by_name_and_again() {
        let (heard, hears) = mpsc::channel();
        listen(move |signal| heard.send(signal).unwrap()).unwrap();
        let hang_up = [("HUP", HANG_UP)].into_iter().filter(|_| !ignores_hang_up());
        let sent = [("INT", INTERRUPT), ("TERM", TERMINATE), ("TERM", TERMINATE)];
        for (name, signal) in sent.into_iter().chain(hang_up) {
            let own = process::id().to_string();
            assert!(Command::new("kill").args(["-s", name, &own]).status().unwrap().success());
            assert_eq!(hears.recv_timeout(Duration::from_secs(10)), Ok(signal));
        }
    }
}
