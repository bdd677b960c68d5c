//! Has one process at a time change the files of a folder, by a lock on the folder itself.
//!
//! Only those who ask are kept apart: this host's own commands. Who reads is not, since each file appears in
//! one step.

use std::fs::File;
use std::io;
#[cfg(unix)]
use std::io::ErrorKind;
use std::path::Path;
#[cfg(unix)]
use std::thread;
#[cfg(unix)]
use std::time::{Duration, Instant};

#[cfg(unix)]
use rustix::fs::{FlockOperation, flock};
#[cfg(unix)]
use rustix::io::Errno;

/// How long somebody else who changes a folder's files is waited for.
#[cfg(unix)]
const LIMIT: Duration = Duration::from_secs(10);

/// How long between two tries.
#[cfg(unix)]
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until nobody else changes files of the folder in this way, but not for ever: whoever may read the
/// folder could hold it. It is held until the file is closed.
///
/// # Errors
///
/// Another process holds it ([`ErrorKind::WouldBlock`]), or it cannot be opened.
#[cfg(unix)]
pub(crate) fn hold(folder: &Path) -> io::Result<Option<File>> {
    hold_within(folder, LIMIT)
}

/// There it is not known how, and the last who changes a file has the word.
#[cfg(not(unix))]
pub(crate) fn hold(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

#[cfg(unix)]
fn hold_within(folder: &Path, limit: Duration) -> io::Result<Option<File>> {
    let folder = File::open(folder)?;
    let end = Instant::now() + limit;
    loop {
        match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(folder)),
            Err(Errno::WOULDBLOCK) if Instant::now() < end => thread::sleep(PAUSE),
            Err(Errno::WOULDBLOCK) => {
                let message = "another process holds the folder";
                return Err(io::Error::new(ErrorKind::WouldBlock, message));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn who_holds_the_folder_is_not_waited_for_for_ever() {
        let folder = TempDir::new().unwrap();
        let held = hold_within(folder.path(), Duration::ZERO).unwrap();
        let error = hold_within(folder.path(), Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        drop(held);
        assert!(hold_within(folder.path(), Duration::ZERO).is_ok());
    }
}
