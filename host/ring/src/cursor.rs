//! How far one subscription is, as the others see it.

use std::ptr;
use std::task::Waker;

use crate::BATCH;
use crate::sync::{AtomicBool, AtomicPtr, AtomicU64, Ordering, Padded};

/// How a subscription treats what it cannot keep up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The latest message; several that are published meanwhile become one.
    Latest,
    /// Every message: what it has not released is not overwritten.
    Lossless,
    /// Every message that fits: the oldest are skipped and counted.
    Lossy,
}

/// Who reads by a cursor.
pub trait Reader: Send + Sync {
    /// Whether publishers wait for it, if it is [`Mode::Lossless`]. Once it is not, it never is again.
    fn gates(&self) -> bool;

    /// There may be something for it: who is to be woken. Called outside the producer's lock, by any
    /// thread.
    fn raise(&self) -> Option<Waker>;
}

/// One subscription's cursor, shared by its [`Consumer`](crate::Consumer), the
/// [`Producer`](crate::Producer) and, while it waits, the list of those who do.
pub(crate) struct Cursor<R> {
    pub(crate) place: Padded<Place>,
    /// Whether it is on the list, or on its way to be raised from it.
    pub(crate) parked: AtomicBool,
    /// The one below it on the list.
    pub(crate) below: AtomicPtr<Cursor<R>>,
    pub(crate) mode: Mode,
    pub(crate) reader: R,
}

/// What the consumer writes, once a batch, and publishers read, once a lap.
pub(crate) struct Place {
    /// Nothing below this is lent any more. Lossless: what gates.
    floor: AtomicU64,
    /// What may be lent or is being read, else 0: the first number, shifted by 10, and how many. A
    /// run that publishes ten million a second gets to the end of the 54 bits in fifty years.
    pin: AtomicU64,
    /// The next to lend, for whoever asks for a backlog.
    next: AtomicU64,
    /// Latest: how often it was shown again when it looked last.
    shown: AtomicU64,
}

const COUNT_BITS: u32 = 10;

impl<R> Cursor<R> {
    pub(crate) fn new(mode: Mode, start: u64, shown: u64, reader: R) -> Cursor<R> {
        let place = Place {
            floor: AtomicU64::new(start),
            pin: AtomicU64::new(0),
            next: AtomicU64::new(start),
            shown: AtomicU64::new(shown),
        };
        Cursor {
            place: Padded(place),
            parked: AtomicBool::new(false),
            below: AtomicPtr::new(ptr::null_mut()),
            mode,
            reader,
        }
    }
}

impl Place {
    /// Where it gates. Acquire: what its reader did with the messages below is done.
    pub(crate) fn floor(&self) -> u64 {
        self.floor.load(Ordering::Acquire)
    }

    /// Everything below is released; Release pairs with [`floor`](Self::floor).
    pub(crate) fn set_floor(&self, floor: u64) {
        self.floor.store(floor, Ordering::Release);
    }

    /// From `from` on, a batch may be in use. A fence must stand between this and the reading.
    pub(crate) fn pin(&self, from: u64, count: u64) {
        debug_assert!((1..=BATCH).contains(&count));
        // Release, since it also gives up what the pin before covered.
        self.pin.store(from << COUNT_BITS | count, Ordering::Release);
    }

    /// Nothing is in use any more.
    pub(crate) fn unpin(&self) {
        self.pin.store(0, Ordering::Release);
    }

    /// The numbers that may be in use: from the first to before the second.
    pub(crate) fn pinned(&self, mode: Mode) -> (u64, u64) {
        if mode == Mode::Lossless {
            // A lossless cursor's floor is its pin; it matters once its reader gates no more.
            let floor = self.floor();
            return (floor, floor + BATCH);
        }
        let pin = self.pin.load(Ordering::Acquire);
        let from = pin >> COUNT_BITS;
        (from, from + (pin & ((1 << COUNT_BITS) - 1)))
    }

    pub(crate) fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    pub(crate) fn set_next(&self, next: u64) {
        self.next.store(next, Ordering::Relaxed);
    }

    pub(crate) fn shown(&self) -> u64 {
        self.shown.load(Ordering::Relaxed)
    }

    pub(crate) fn set_shown(&self, shown: u64) {
        self.shown.store(shown, Ordering::Relaxed);
    }
}
