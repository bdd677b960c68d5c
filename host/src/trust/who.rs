//! Who runs this process, and whether with more rights than whoever started it.
//!
//! Reads what the system says of the process; judges nothing.

#[cfg(target_os = "linux")]
use std::fs;
use std::io;
use std::sync::OnceLock;

#[cfg(unix)]
use rustix::process::{getegid, geteuid, getgid, getuid};
use thiserror::Error;

/// Why something is not done for whoever started the process: it has more rights than they.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "a set-uid host runs and lists plugins, and reads, writes and starts nothing else for anybody"
)]
pub(crate) struct Elevated;

/// Whether the process was started with more rights than its caller has: it is set-uid or set-gid, or
/// the system says that it must be secure (`AT_SECURE`), as for a program with capabilities.
pub(crate) fn is_elevated() -> bool {
    // It does not change: who gives rights up later has run with them.
    static ELEVATED: OnceLock<bool> = OnceLock::new();
    *ELEVATED.get_or_init(look)
}

/// Asked before anything is read, written or started because whoever started the process says so.
///
/// # Errors
///
/// The process has more rights than they.
pub(crate) fn own_rights() -> Result<(), Elevated> {
    if is_elevated() { Err(Elevated) } else { Ok(()) }
}

#[cfg(unix)]
pub(super) fn user() -> u32 {
    geteuid().as_raw()
}

#[cfg(unix)]
fn look() -> bool {
    getuid() != geteuid() || getgid() != getegid() || is_secure()
}

#[cfg(not(unix))]
fn look() -> bool {
    false
}

/// What the system told the process when it started it, under `AT_SECURE`.
#[cfg(target_os = "linux")]
fn is_secure() -> bool {
    match fs::read("/proc/self/auxv") {
        Ok(vector) => secure_entry(&vector),
        // So it is where the process is shielded from its own user, which comes with more rights.
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn is_secure() -> bool {
    false
}

/// Whether an auxiliary vector, pairs of a key and a value, has a true `AT_SECURE`.
#[cfg(target_os = "linux")]
fn secure_entry(vector: &[u8]) -> bool {
    const AT_SECURE: usize = 23;
    const WORD: usize = size_of::<usize>();
    let word = |bytes: &[u8]| bytes.first_chunk().map(|it| usize::from_ne_bytes(*it));
    vector
        .chunks_exact(2 * WORD)
        .filter(|pair| word(pair) == Some(AT_SECURE))
        .any(|pair| word(&pair[WORD..]) != Some(0))
}

impl From<Elevated> for io::Error {
    fn from(elevated: Elevated) -> Self {
        io::Error::new(io::ErrorKind::PermissionDenied, elevated)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_a_true_entry_is_secure() {
        let vector = |pairs: &[(usize, usize)]| -> Vec<u8> {
            pairs
                .iter()
                .flat_map(|(key, value)| [key.to_ne_bytes(), value.to_ne_bytes()])
                .flatten()
                .collect()
        };
        assert!(secure_entry(&vector(&[(6, 4096), (23, 1), (0, 0)])));
        assert!(!secure_entry(&vector(&[(6, 4096), (23, 0), (0, 0)])));
        assert!(!secure_entry(&vector(&[(6, 23), (0, 0)])));
        assert!(!secure_entry(&[23, 0, 0]));
        assert!(!secure_entry(b""));
    }

    #[test]
    fn a_test_is_not_elevated() {
        assert!(!is_elevated());
    }
}
