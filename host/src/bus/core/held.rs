//! A message as the ring holds it.
#![expect(unsafe_code, reason = "messages as pointers, and writing over them; see the comments")]

use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use lifespan_abi::{Message, Values};
use lifespan_ring::Pointer;

/// A message in a ring. It is laid out as the [`Message`], so that a batch of the ring's is one of the
/// ABI's.
#[repr(transparent)]
pub(in crate::bus) struct Held(pub(super) Message);

// SAFETY: `Message::from_raw` undoes `into_raw`, and a `Message` may be read by any thread while a
// reference lives.
unsafe impl Pointer for Held {
    fn into_raw(self) -> NonNull<()> {
        self.0.into_raw().cast()
    }

    unsafe fn from_raw(raw: NonNull<()>) -> Self {
        // SAFETY: by this function's contract `raw` is from `into_raw`; a copy is not dropped.
        Held(unsafe { Message::from_raw(raw.cast()) })
    }

    fn weight(&self) -> usize {
        self.0.size()
    }

    fn reusable(&self) -> bool {
        self.0.kind().plain()
    }
}

impl Held {
    /// Writes one of the values over this message, if nobody keeps it and it is of that kind. Only for
    /// messages that a [`Producer`](lifespan_ring::Producer) gives to be written anew.
    ///
    /// # Panics
    ///
    /// There is no such value.
    pub(super) fn overwrite(&mut self, values: &Values, index: usize) -> bool {
        assert!(index < values.len, "there are {} values", values.len);
        let first = values.first.cast::<u8>();
        // SAFETY: the publisher gives an array of `len` values of the kind's size.
        let value = unsafe { first.add(index * values.kind.size()) };
        // SAFETY: it is one of those values; and the producer gives only what nobody has pinned, so
        // that whoever may still read it holds a reference.
        unsafe { self.0.overwrite(values.kind, value.cast()) }
    }
}

/// A lent batch as it crosses.
pub(super) fn as_messages(batch: &[ManuallyDrop<Held>]) -> *const Message {
    // Both wrappers are transparent.
    batch.as_ptr().cast()
}
