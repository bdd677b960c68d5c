//! What glibc's allocator has given away, by its own count. It is asked only; nothing is changed.
#![expect(
    unsafe_code,
    reason = "glibc's count of its allocations, for which there is no safe call"
)]

/// How many bytes are in use; it wraps at 4 GiB.
pub(super) fn in_use() -> u64 {
    // `mallinfo2`, which counts further, is missing from older versions of the system's library.
    // SAFETY: it takes nothing, and locks what it reads; by now the allocator has been used.
    let info = unsafe { libc::mallinfo() };
    let [arenas, mapped] = [info.uordblks, info.hblkhd].map(i32::cast_unsigned);
    arenas.wrapping_add(mapped).into()
}
