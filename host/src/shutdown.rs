//! How a run is told to end, from outside: by the program's signals or by an embedder.

use tokio::sync::watch;

/// Ends a run: in order ([`request`](Self::request)) or at once ([`force`](Self::force)).
///
/// One for each run; clones are handles of the same. Any thread; nothing here blocks.
#[derive(Clone, Debug)]
pub struct Shutdown {
    asked: watch::Sender<Asked>,
}

/// What has been asked for so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// The reason for an orderly end.
    pub(crate) request: Option<String>,
    /// The signal that forces the end.
    pub(crate) force: Option<u8>,
}

impl Shutdown {
    /// A handle that has asked for nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Shutdown { asked: watch::Sender::default() }
    }

    /// Asks for an orderly end: tasks are cancelled or given the grace period, everything is torn
    /// down. The first reason stays; later requests change nothing.
    pub fn request(&self, why: &str) {
        self.asked.send_if_modified(|asked| {
            let first = asked.request.is_none();
            if first {
                asked.request = Some(why.to_owned());
            }
            first
        });
    }

    /// Ends the run at once: what is left is abandoned and named. `signal` is the number for
    /// [`Exit::Signal`](crate::Exit::Signal).
    pub fn force(&self, signal: u8) {
        self.asked.send_modify(|asked| {
            asked.force.get_or_insert(signal);
        });
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Asked> {
        self.asked.subscribe()
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Shutdown::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stays() {
        let shutdown = Shutdown::new();
        shutdown.request("one");
        shutdown.clone().request("two");
        assert_eq!(shutdown.watch().borrow().request.as_deref(), Some("one"));
        assert_eq!(shutdown.watch().borrow().force, None);
        shutdown.force(2);
        shutdown.force(15);
        assert_eq!(shutdown.watch().borrow().force, Some(2));
    }
}
