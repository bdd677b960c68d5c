//! What producer and consumers share: how far the ring is, and who waits.
//!
//! Owns the messages in the slots, from `first` to before `head`; so the last of all who share it
//! frees them.
#![expect(unsafe_code, reason = "raw pointers to slots and to parked cursors; see the comments")]

use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use crate::Producer;
use crate::cursor::{Cursor, Reader};
use crate::pointer::Pointer;
use crate::slots::Slots;
use crate::sync::{AtomicBool, AtomicPtr, AtomicU64, Ordering, Padded, fence};

/// Nobody waits for room.
const NOBODY: u64 = u64::MAX;

/// How many slots a ring has at first. It grows when subscriptions lag.
const FEWEST: u64 = if cfg!(loom) { 2 } else { 4 };

/// What a [`Producer`] and its [`Consumer`](crate::Consumer)s share.
pub struct Ring<M: Pointer, R> {
    progress: Padded<Progress>,
    /// The topmost of those who wait for a message; each is a strong reference. Apart from the progress,
    /// which all read: this is written only by who has nothing to read.
    parked: Padded<AtomicPtr<Cursor<R>>>,
    /// A publisher waits until all that gate have come this far, or nobody does.
    want: Padded<AtomicU64>,
    pub(crate) capacity: u64,
    /// All slots that there have been, the present ones too: freed with the ring, since somebody may
    /// still read old ones. Together they are at most as large as the present ones, twice.
    grown: Mutex<Vec<NonNull<Slots>>>,
    /// What the producer had in limbo when it was dropped.
    orphans: Mutex<Vec<M>>,
    readers: PhantomData<R>,
}

/// Written by the producer only.
struct Progress {
    /// The next message's number. Release: with it all before are seen.
    head: AtomicU64,
    /// Below this, slots are overwritten or about to be. Stored before the slot is, with a fence.
    first: AtomicU64,
    slots: AtomicPtr<Slots>,
    /// Counts how often the last message was shown again.
    shown: AtomicU64,
    closed: AtomicBool,
}

// SAFETY: the pointers in `grown` are to slots, which are `Send` and `Sync`, and which nothing but the
// drop of the ring frees. Messages and readers are `Send` and `Sync` by their traits.
unsafe impl<M: Pointer, R: Reader> Send for Ring<M, R> {}
// SAFETY: as above.
unsafe impl<M: Pointer, R: Reader> Sync for Ring<M, R> {}

impl<M: Pointer, R: Reader> Ring<M, R> {
    /// A ring that keeps `capacity` messages, at least one, for those who lag.
    #[expect(clippy::new_ret_no_self, reason = "the producer is the one that owns a ring")]
    pub fn new(capacity: u64) -> Producer<M, R> {
        let capacity = capacity.max(1);
        let slots = leak(Slots::new(FEWEST));
        let progress = Progress {
            head: AtomicU64::new(0),
            first: AtomicU64::new(0),
            slots: AtomicPtr::new(slots.as_ptr()),
            shown: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        };
        Producer::new(Arc::new(Ring {
            progress: Padded(progress),
            parked: Padded(AtomicPtr::new(ptr::null_mut())),
            want: Padded(AtomicU64::new(NOBODY)),
            capacity,
            grown: Mutex::new(vec![slots]),
            orphans: Mutex::default(),
            readers: PhantomData,
        }))
    }

    /// How many messages it keeps for those who lag.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// The next message's number; all before it are seen.
    pub fn head(&self) -> u64 {
        self.progress.head.load(Ordering::Acquire)
    }

    /// Whether publishing has ended: then `head` moves no more.
    pub fn is_closed(&self) -> bool {
        self.progress.closed.load(Ordering::Acquire)
    }

    /// Wakes those who waited for a message. Called after every change, when the producer's lock is
    /// free: the wakers are foreign code.
    pub fn wake(&self) {
        // With the fence in `park`: either we see who parks, or it sees what has changed.
        fence(Ordering::SeqCst);
        if !self.parked.load(Ordering::Relaxed).is_null() {
            self.wake_parked();
        }
    }

    /// Takes everybody off the list of those who wait, when [`Producer::detach`] says so: with them go
    /// those who have ended. Those who have not are raised as by a message, and find nothing; their
    /// wakers are to be woken when no lock is held.
    pub fn sweep(&self, wakers: &mut Vec<Waker>) {
        self.raise_parked(|waker| wakers.push(waker));
    }

    #[cold]
    fn wake_parked(&self) {
        let mut last: Option<Waker> = None;
        self.raise_parked(|waker| {
            // Subscriptions that one task polls parked one after the other: one wake is enough, if it
            // comes after all of them are raised. One before may be used up by the time.
            if last.as_ref().is_some_and(|pending| pending.will_wake(&waker)) {
                return;
            }
            if let Some(pending) = last.replace(waker) {
                pending.wake();
            }
        });
        if let Some(pending) = last {
            pending.wake();
        }
    }

    /// Takes everybody off the list, and gives the wakers of those who have one.
    fn raise_parked(&self, mut raised: impl FnMut(Waker)) {
        // Acquire: what stands in the cursors of the list.
        let mut top = self.parked.swap(ptr::null_mut(), Ordering::Acquire);
        while !top.is_null() {
            // SAFETY: what is on the list came from `Arc::into_raw`, and whoever takes it off, as the
            // swap above did, owns that reference.
            let cursor = unsafe { Arc::from_raw(top) };
            top = cursor.below.load(Ordering::Relaxed);
            // From here on it may go on the list again. It is raised after this, so that whoever finds
            // itself still on the list, and does not go on it, is raised after that.
            cursor.parked.store(false, Ordering::Release);
            if let Some(waker) = cursor.reader.raise() {
                raised(waker);
            }
        }
    }

    /// Puts a cursor on the list of those who wait, unless it is there. Whoever does this looks once
    /// more afterwards.
    pub(crate) fn park(&self, cursor: &Arc<Cursor<R>>) {
        if !cursor.parked.swap(true, Ordering::AcqRel) {
            let ours = Arc::into_raw(cursor.clone()).cast_mut();
            let mut top = self.parked.load(Ordering::Relaxed);
            loop {
                cursor.below.store(top, Ordering::Relaxed);
                // Release: with the pointer, what it points to is seen.
                match self.parked.compare_exchange_weak(
                    top,
                    ours,
                    Ordering::Release,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => break,
                    Err(other) => top = other,
                }
            }
        }
        // With the fence in `wake`.
        fence(Ordering::SeqCst);
    }

    /// What a publisher waits for, if one does and this floor came to it just now.
    pub(crate) fn is_wanted(&self, before: u64, floor: u64) -> bool {
        // Behind a fence of the caller's, with that of the one who waits: either it sees the floor, or
        // we see that it waits.
        let want = self.want.load(Ordering::Relaxed);
        before < want && want <= floor
    }

    pub(crate) fn set_want(&self, want: Option<u64>) {
        self.want.store(want.unwrap_or(NOBODY), Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    pub(crate) fn want(&self) -> Option<u64> {
        let want = self.want.load(Ordering::Relaxed);
        (want != NOBODY).then_some(want)
    }

    pub(crate) fn set_head(&self, head: u64) {
        self.progress.head.store(head, Ordering::Release);
    }

    /// Below this a slot may be overwritten at any time. Acquire: whoever sees it sees a head that is
    /// beyond, and so has something to go on with.
    pub(crate) fn first(&self) -> u64 {
        self.progress.first.load(Ordering::Acquire)
    }

    /// Called before the slots below are touched.
    pub(crate) fn set_first(&self, first: u64) {
        self.progress.first.store(first, Ordering::Release);
        // With the reader's Acquire fence: who sees what is written to the slot next, sees `first`.
        fence(Ordering::Release);
    }

    pub(crate) fn shown(&self) -> u64 {
        self.progress.shown.load(Ordering::Acquire)
    }

    pub(crate) fn show_again(&self) {
        self.progress.shown.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn set_closed(&self) {
        self.progress.closed.store(true, Ordering::Release);
    }

    /// The present slots. Asked for after `head`, they have all messages before it.
    pub(crate) fn slots(&self) -> &Slots {
        let slots = self.progress.slots.load(Ordering::Acquire);
        // SAFETY: it is from `leak`, and what was leaked is freed with the ring, which is borrowed.
        unsafe { &*slots }
    }

    /// Puts larger slots in the place of the present ones, whose messages they have.
    pub(crate) fn replace_slots(&self, slots: Slots) {
        let slots = leak(slots);
        self.grown.lock().unwrap_or_else(PoisonError::into_inner).push(slots);
        self.progress.slots.store(slots.as_ptr(), Ordering::Release);
    }

    /// Takes what may still be pinned.
    pub(crate) fn adopt(&self, limbo: impl Iterator<Item = M>) {
        self.orphans.lock().unwrap_or_else(PoisonError::into_inner).extend(limbo);
    }
}

impl<M: Pointer, R> Drop for Ring<M, R> {
    fn drop(&mut self) {
        let mut top = self.parked.swap(ptr::null_mut(), Ordering::Acquire);
        while !top.is_null() {
            // SAFETY: as in `raise_parked`.
            let cursor = unsafe { Arc::from_raw(top) };
            top = cursor.below.load(Ordering::Relaxed);
        }
        let slots = NonNull::new(self.progress.slots.load(Ordering::Acquire));
        let first = self.progress.first.load(Ordering::Acquire);
        let head = self.progress.head.load(Ordering::Acquire);
        if let Some(slots) = slots {
            // SAFETY: the present slots are freed below, by this drop.
            let slots = unsafe { slots.as_ref() };
            for raw in (first..head).filter_map(|sequence| slots.message(sequence)) {
                // SAFETY: the ring owns the messages from `first` to before `head`, and ends here.
                drop(unsafe { M::from_raw(raw) });
            }
        }
        for slots in self.grown.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // SAFETY: from `leak`; nobody else is here any more.
            drop(unsafe { Box::from_raw(slots.as_ptr()) });
        }
    }
}

fn leak(slots: Slots) -> NonNull<Slots> {
    NonNull::from(Box::leak(Box::new(slots)))
}
