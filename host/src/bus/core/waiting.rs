//! Publishers that wait for room, each with its waker.
//!
//! Those that are cancelled meanwhile say nothing, so their wakers stay behind; and wakers that are
//! copies of the boundary never equal each other, so that one publisher may have many here. Where there
//! are too many all are woken: whoever still waits comes back.

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::bus::core::Afterwards;
use crate::bus::member::Instance;

/// How many there may be at first.
const MANY: usize = 1024;

/// Within this whoever still waits has come back. If there are too many again by then, there is to be
/// place for more: else each that comes would wake all others, for ever. What is cancelled takes no
/// more place than for what comes in this time.
const SOON: Duration = Duration::from_secs(1);

pub(super) struct Waiting {
    publishers: Vec<(Arc<Instance>, Waker)>,
    most: usize,
    /// When all were woken because they were too many.
    sifted: Option<Instant>,
}

impl Waiting {
    pub(super) fn new() -> Waiting {
        Waiting { publishers: Vec::new(), most: MANY, sifted: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.publishers.is_empty()
    }

    /// Whether that very waker is here.
    pub(super) fn knows(&self, waker: &Waker) -> bool {
        self.publishers.iter().any(|(_, waiting)| waiting.will_wake(waker))
    }

    pub(super) fn add(&mut self, publisher: Arc<Instance>, waker: Waker, after: &mut Afterwards) {
        if self.publishers.len() >= self.most {
            if self.sifted.is_some_and(|sifted| sifted.elapsed() < SOON) {
                self.most *= 2;
            } else {
                self.sifted = Some(Instant::now());
                self.take(after);
            }
        }
        self.publishers.push((publisher, waker));
    }

    /// Takes all, to be woken.
    pub(super) fn take(&mut self, after: &mut Afterwards) {
        after.wake.extend(self.publishers.drain(..).map(|(_, waker)| waker));
    }

    /// Takes those of the instance of that number, to be woken.
    pub(super) fn take_of(&mut self, number: u64, after: &mut Afterwards) {
        let own = self.publishers.extract_if(.., |(waiting, _)| waiting.number == number);
        after.wake.extend(own.map(|(_, waker)| waker));
    }
}
