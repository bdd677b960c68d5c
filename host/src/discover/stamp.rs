//! By what a file or folder is known to be as it was: who it is, its size, when it was changed.
//!
//! Says nothing about contents. What is remembered of a file holds as long as its stamp is the same,
//! with one reserve: a change within the same tick of the file system's clock leaves no trace, so a
//! stamp is only trusted once it is [settled](Stamp::is_settled), as in git's index.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::OwnedFd;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(target_os = "linux")]
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Statx, StatxFlags, StatxTimestamp, makedev, open, statx,
};

use serde::{Deserialize, Serialize};

use crate::trust::Ownership;

/// How coarse the clock of a file system may be: FAT counts in two seconds.
const TICK: i64 = Duration::from_secs(2).as_nanos() as i64;

/// What tells a file or folder from another, and from itself before a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
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
    pub(crate) fn of(metadata: &Metadata) -> Stamp {
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
    pub(crate) fn is_settled(&self, moment: i64) -> bool {
        self.changed.saturating_add(TICK) < moment
    }

    /// Whether both are surely of one file.
    pub(super) fn is_of_same_file(&self, other: &Stamp) -> bool {
        self.inode != 0 && (self.device, self.inode) == (other.device, other.inode)
    }
}

/// What a folder holds under a name.
pub(super) struct Seen {
    /// The stamp of the file, where the name is a link, of what it leads to.
    pub(super) stamp: Stamp,
    /// Whether that is a regular file.
    pub(super) is_file: bool,
    /// Whose what has the name is.
    pub(super) ownership: Ownership,
}

/// A folder in which many files are looked at.
pub(super) struct Folder<'a> {
    dir: &'a Path,
    /// From here the way to each file is shorter.
    #[cfg(target_os = "linux")]
    handle: Option<OwnedFd>,
}

impl<'a> Folder<'a> {
    /// A folder; it need not be there.
    pub(super) fn new(dir: &'a Path) -> Self {
        Folder {
            dir,
            #[cfg(target_os = "linux")]
            handle: open(dir, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
                .ok(),
        }
    }

    /// What is there under a name.
    pub(super) fn look_at(&self, name: &OsStr) -> io::Result<Seen> {
        #[cfg(target_os = "linux")]
        if let Some(seen) = self.handle.as_ref().and_then(|handle| look_from(handle, name)) {
            return Ok(seen);
        }
        // What went wrong is told by the way that every system knows.
        let path = self.dir.join(name);
        let itself = fs::symlink_metadata(&path)?;
        let ownership = Ownership::of(&itself);
        let metadata = if itself.is_symlink() { fs::metadata(&path)? } else { itself };
        Ok(Seen { stamp: Stamp::of(&metadata), is_file: metadata.is_file(), ownership })
    }
}

/// What is under a name in an open folder; one look, but for a link.
#[cfg(target_os = "linux")]
fn look_from(folder: &OwnedFd, name: &OsStr) -> Option<Seen> {
    let look = |flags| statx(folder, name, flags, StatxFlags::BASIC_STATS).ok();
    let kind = |seen: &Statx| FileType::from_raw_mode(seen.stx_mode.into());
    let time = |time: StatxTimestamp| nanos(time.tv_sec, time.tv_nsec.into());
    let itself = look(AtFlags::SYMLINK_NOFOLLOW)?;
    let ownership = Ownership {
        uid: itself.stx_uid,
        gid: itself.stx_gid,
        mode: u32::from(itself.stx_mode) & 0o7777,
        is_link: kind(&itself).is_symlink(),
    };
    let seen = if ownership.is_link { look(AtFlags::empty())? } else { itself };
    let stamp = Stamp {
        device: makedev(seen.stx_dev_major, seen.stx_dev_minor),
        inode: seen.stx_ino,
        size: seen.stx_size,
        modified: time(seen.stx_mtime),
        changed: time(seen.stx_ctime),
    };
    Some(Seen { stamp, is_file: kind(&seen).is_file(), ownership })
}

/// Now, as stamps count.
pub(crate) fn now() -> i64 {
    since_epoch(SystemTime::now())
}

/// Times that are out of every reach only have to differ.
#[cfg(unix)]
fn nanos(seconds: i64, nanos: i64) -> i64 {
    seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos)
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
    fn both_ways_to_a_file_show_the_same() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "text").unwrap();
        let folder = Folder::new(dir.path());
        let stamp = Stamp::of(&fs::metadata(dir.path().join("file")).unwrap());
        let seen = folder.look_at(OsStr::new("file")).unwrap();
        assert_eq!((seen.stamp, seen.is_file), (stamp, true));
        let metadata = fs::symlink_metadata(dir.path().join("file")).unwrap();
        assert_eq!(seen.ownership, Ownership::of(&metadata));
        assert!(!folder.look_at(OsStr::new("..")).unwrap().is_file);
        let missing = folder.look_at(OsStr::new("missing")).err().unwrap();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

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
