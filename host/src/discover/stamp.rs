//! By what a file or folder is known to be as it was: who it is, its size, when it was changed.
//!
//! Says nothing about contents. What is remembered of a file holds as long as its stamp is the same,
//! with one reserve: a change within the same tick of the file system's clock leaves no trace, so a
//! stamp is only trusted once it is [settled](Stamp::is_settled), as in git's index.

use std::fs::Metadata;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How coarse the clock of a file system may be: FAT counts in two seconds.
const TICK: i64 = Duration::from_secs(2).as_nanos() as i64;

/// What tells a file or folder from another, and from itself before a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    /// The device that it is on; 0 where the system does not tell.
    pub(super) device: u64,
    /// Its number on the device; 0 where the system does not tell.
    pub(super) inode: u64,
    /// Its size in bytes.
    pub(super) size: u64,
    /// When its contents were changed last, as it says: this can be set at will.
    pub(super) modified: i64,
    /// When anything of it was changed last, as the system noted; the same as `modified` where it does
    /// not tell.
    pub(super) changed: i64,
}

impl Stamp {
    /// The stamp of what has this metadata.
    pub(super) fn of(metadata: &Metadata) -> Stamp {
        #[cfg(unix)]
        let nanos = |seconds: i64, nanos: i64| {
            // Times that are out of every reach only have to differ.
            seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos)
        };
        #[cfg(unix)]
        return Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
        };
        #[cfg(not(unix))]
        {
            let modified = metadata.modified().map_or(0, since_epoch);
            Stamp { size: metadata.len(), modified, changed: modified, ..Stamp::default() }
        }
    }

    /// Whether a change after `moment` would show in the stamp.
    pub(super) fn is_settled(&self, moment: i64) -> bool {
        self.changed.saturating_add(TICK) < moment
    }

    /// Whether both are surely of one file.
    pub(super) fn is_of_same_file(&self, other: &Stamp) -> bool {
        self.inode != 0 && (self.device, self.inode) == (other.device, other.inode)
    }
}

/// Now, as stamps count.
pub(super) fn now() -> i64 {
    since_epoch(SystemTime::now())
}

/// Nanoseconds since 1970; times before that are 0, which is settled.
fn since_epoch(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_settled_when_its_clock_has_ticked() {
        let stamp = Stamp { changed: 10 * TICK, ..Stamp::default() };
        assert!(!stamp.is_settled(10 * TICK));
        assert!(!stamp.is_settled(11 * TICK));
        assert!(stamp.is_settled(11 * TICK + 1));
        // One from the future never is.
        assert!(!Stamp { changed: i64::MAX, ..Stamp::default() }.is_settled(now()));
    }
}
