//! The system's allocator, with a count of what is in use while somebody asks for it.
//!
//! At all other times it costs one read of a flag that nobody writes, so that it does not disturb what
//! is measured elsewhere.
#![expect(unsafe_code, reason = "an allocator is an unsafe trait; each call is handed on as it is")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static IS_COUNTING: AtomicBool = AtomicBool::new(false);

/// Wraps below zero where something is freed that was there before.
static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// Begins to count; the answer is for [`end`].
pub(super) fn begin() -> usize {
    IS_COUNTING.store(true, Ordering::Relaxed);
    IN_USE.load(Ordering::Relaxed)
}

/// Ends it: how many bytes more are in use.
pub(super) fn end(before: usize) -> usize {
    IS_COUNTING.store(false, Ordering::Relaxed);
    let more = IN_USE.load(Ordering::Relaxed).wrapping_sub(before);
    if more > usize::MAX / 2 { 0 } else { more }
}

fn count(size: usize) {
    if IS_COUNTING.load(Ordering::Relaxed) {
        IN_USE.fetch_add(size, Ordering::Relaxed);
    }
}

// SAFETY: every call is handed on to the system's allocator with the caller's own arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size().wrapping_neg());
        // SAFETY: the pointer is from `alloc` above, and so from the system's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.wrapping_sub(layout.size()));
        // SAFETY: the pointer is from `alloc` above, and so from the system's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_is_counted() {
        let before = begin();
        let held = vec![0_u8; 1 << 20];
        let more = end(before);
        // Other tests may allocate and free meanwhile, but not that much.
        assert!((1 << 19..2 << 20).contains(&more), "{more}");
        drop(held);
    }
}
