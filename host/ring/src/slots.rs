//! The array that a ring's messages lie in: a pointer each, and where each is from.
//!
//! It only holds raw pointers; who owns what they point to is the [ring](crate::ring)'s to know. It
//! grows by being replaced: whoever still reads the old one finds there what was there, and nothing
//! is written to it any more.

use std::ptr::{self, NonNull};

use crate::sync::{AtomicPtr, AtomicU64, Ordering};

/// Where a message is from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// A number for whoever published it.
    pub publisher: u64,
    /// When, in the caller's unit; 0 if it did not look.
    pub published: u64,
}

/// As many slots as a power of two, so that a message's slot is its number's low bits.
pub(crate) struct Slots {
    mask: u64,
    /// Apart from the origins, so that a snapshot of a batch reads consecutive words.
    messages: Box<[AtomicPtr<()>]>,
    origins: Box<[Place]>,
}

/// An [`Origin`] that may be overwritten while a lagging subscription reads it; the mixture is then
/// found out by [`first`](crate::ring::Ring::first), as with the pointer.
struct Place {
    publisher: AtomicU64,
    published: AtomicU64,
}

impl Slots {
    /// `len` is a power of two.
    pub(crate) fn new(len: u64) -> Slots {
        debug_assert!(len.is_power_of_two());
        let place = |_| Place { publisher: AtomicU64::new(0), published: AtomicU64::new(0) };
        Slots {
            mask: len - 1,
            messages: (0..len).map(|_| AtomicPtr::new(ptr::null_mut())).collect(),
            origins: (0..len).map(place).collect(),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.mask + 1
    }

    /// The pointers of consecutive messages, at most as many as there are slots: in two runs, since the
    /// second may begin anew.
    pub(crate) fn run(&self, from: u64, end: u64) -> (&[AtomicPtr<()>], &[AtomicPtr<()>]) {
        let (start, count) = (self.index(from), (end - from) as usize);
        let (early, late) = self.messages.split_at(start);
        let first = count.min(late.len());
        (&late[..first], &early[..count - first])
    }

    /// The message of that number, if it has not been overwritten: the caller finds that out.
    pub(crate) fn message(&self, sequence: u64) -> Option<NonNull<()>> {
        NonNull::new(self.messages[self.index(sequence)].load(Ordering::Relaxed))
    }

    /// Where it is from, under the same condition.
    pub(crate) fn origin(&self, sequence: u64) -> Origin {
        let place = &self.origins[self.index(sequence)];
        Origin {
            publisher: place.publisher.load(Ordering::Relaxed),
            published: place.published.load(Ordering::Relaxed),
        }
    }

    /// Puts a message into its slot. Seen by others when the ring's `head` is.
    pub(crate) fn put(&self, sequence: u64, message: NonNull<()>, origin: Origin) {
        let index = self.index(sequence);
        self.messages[index].store(message.as_ptr(), Ordering::Relaxed);
        self.renumber(sequence, origin);
    }

    /// The message that lies in the slot already is now that of another number: the slot is not
    /// written, and those who have it in their caches keep it.
    pub(crate) fn renumber(&self, sequence: u64, origin: Origin) {
        let place = &self.origins[self.index(sequence)];
        place.publisher.store(origin.publisher, Ordering::Relaxed);
        place.published.store(origin.published, Ordering::Relaxed);
    }

    /// Says that the message in that slot is about to be written: its cache line is fetched to be
    /// owned, which else takes two turns, one to look at it and one to write.
    #[inline]
    pub(crate) fn expect(&self, sequence: u64) {
        let message = self.messages[self.index(sequence)].load(Ordering::Relaxed);
        prefetch(message);
    }

    fn index(&self, sequence: u64) -> usize {
        // Less than the length, which is in memory.
        (sequence & self.mask) as usize
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
fn prefetch(message: *mut ()) {
    use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
    // SAFETY: a hint about an address; it reads nothing, and no address faults.
    #[expect(unsafe_code, reason = "a hint to the processor")]
    unsafe {
        _mm_prefetch::<_MM_HINT_ET0>(message.cast());
    }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn prefetch(_: *mut ()) {}
