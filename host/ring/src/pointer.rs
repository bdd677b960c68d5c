//! What a ring holds: references that are one pointer wide.
#![expect(unsafe_code, reason = "a trait whose implementations the ring relies on")]

use std::ptr::NonNull;

/// An owned reference to a message, one pointer wide.
///
/// # Safety
///
/// [`from_raw`](Self::from_raw) of what [`into_raw`](Self::into_raw) gave is the same reference, and a
/// copy of it that is not dropped may be read, by any thread, as long as the reference lives.
pub unsafe trait Pointer: Send + Sync {
    /// Gives the reference away.
    fn into_raw(self) -> NonNull<()>;

    /// Takes it back.
    ///
    /// # Safety
    ///
    /// `raw` is from [`into_raw`](Self::into_raw). What is made of it is dropped at most once.
    unsafe fn from_raw(raw: NonNull<()>) -> Self;

    /// How many bytes the message takes, with what it owns.
    fn weight(&self) -> usize;

    /// Whether it is worth keeping to be [written anew](crate::Producer::place).
    fn reusable(&self) -> bool;
}
