//! What was read of the libraries in each plugins folder, kept in files between runs.
//!
//! One file a folder. It holds the folder's [`Stamp`], so that its list of files holds as long as none
//! came or went, and a stamp a library, with the text of its descriptor. Only what the bytes of a
//! library say is kept, never a judgement: that is made anew each time. What cannot be read is not
//! kept either, nor a file that could change without a trace, since its clock has not ticked.
//!
//! A cache is no more than a way to be fast. One that is missing, foreign, cut off or damaged is as
//! none, and one that cannot be written is worth a line in the debug log.

mod layout;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs;
use std::io;
#[cfg(unix)]
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use lifespan_abi::ABI_VERSION;

pub(super) use self::layout::{Content, Remembered};
use self::layout::{Entry, Written};
use crate::discover::stamp::Stamp;
use crate::files;

/// Raised when the same bytes of a library are read otherwise.
const READER: u32 = 1;

/// More folders than this are not remembered; those that were written longest ago are forgotten.
const MOST_FOLDERS: usize = 100;

/// The files in which folders are remembered.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    dir: PathBuf,
}

/// What was found in a folder, to be remembered.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    /// The folder's stamp, from before it was listed.
    pub(super) stamp: Stamp,
    /// From before that.
    pub(super) started: i64,
    /// The names of its libraries, in their order.
    pub(super) names: &'a [Cow<'a, OsStr>],
    /// What was read of each.
    pub(super) readings: &'a [Reading],
    /// What was known of the folder so far.
    pub(super) remembered: Option<&'a Remembered>,
}

/// What was read of a library.
#[derive(Debug)]
pub(super) enum Reading {
    /// Nothing that could be remembered: it must be read each time.
    Nothing,
    /// What is remembered of it, which still holds.
    AsBefore,
    /// This, and its stamp from before.
    New(Box<(Stamp, Content)>),
}

impl Cache {
    /// A cache in a folder, which need not be there.
    pub(super) fn new(dir: &Path) -> Self {
        Cache { dir: dir.join("folders") }
    }

    /// What is remembered of a folder. With `all`, of every library at once; else texts are read when
    /// they are asked for.
    pub(super) fn recall(&self, folder: &Path, all: bool) -> Option<Remembered> {
        let path = self.file(folder);
        let recalled = files::open(&path)
            .and_then(|file| Remembered::read(file, &key(), folder.as_os_str(), all));
        match recalled {
            Ok(remembered) => Some(remembered),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::debug!("`{}` is not used, and made anew: {error}", path.display());
                }
                None
            }
        }
    }

    /// Remembers a folder, in place of what was known of it.
    pub(super) fn remember(&self, folder: &Path, findings: &Findings<'_>) {
        keep(&self.file(folder), MOST_FOLDERS, Self::encode(folder, findings));
    }

    fn encode(folder: &Path, findings: &Findings<'_>) -> io::Result<Vec<u8>> {
        let unnamable = io::ErrorKind::InvalidFilename;
        let read = findings.names.iter().zip(findings.readings);
        let entries: Option<Vec<_>> =
            read.map(|(name, reading)| entry(name, reading, findings.remembered)).collect();
        let written = Written {
            key: &key(),
            folder: bytes(folder.as_os_str()).ok_or(unnamable)?,
            stamp: findings.stamp,
            started: findings.started,
            entries: &entries.ok_or(unnamable)?,
        };
        Ok(written.encode().ok_or(io::ErrorKind::FileTooLarge)?)
    }

    /// The file for a folder. Two folders may share one: then they forget each other.
    fn file(&self, folder: &Path) -> PathBuf {
        // FNV-1a: it is the same in every build.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in folder.as_os_str().as_encoded_bytes() {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.dir.join(format!("{hash:016x}.index"))
    }
}

/// Keeps something in a file of a cache, in a folder of `most` of them. That it cannot be kept is worth a
/// line in the debug log.
pub(crate) fn keep(path: &Path, most: usize, bytes: io::Result<Vec<u8>>) {
    let kept = bytes.and_then(|bytes| {
        let dir = path.parent().unwrap_or(path);
        files::make_folder(dir)?;
        if !path.exists() {
            make_room(dir, most);
        }
        files::replace(path, &bytes)
    });
    if let Err(error) = kept {
        tracing::debug!("`{}` cannot be written: {error}", path.display());
    }
}

/// Makes room for one more file in a folder of `most`. What nobody asks for any more is told from the
/// rest by nothing else than its age.
fn make_room(dir: &Path, most: usize) {
    let files = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<_> = files
        .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path())))
        .collect();
    files.sort();
    let surplus = (files.len() + 1).saturating_sub(most);
    for (_, path) in files.into_iter().take(surplus) {
        tracing::debug!("`{}` is removed: there are too many", path.display());
        let _ = fs::remove_file(path);
    }
}

/// For whom a cache was written: another host may read libraries otherwise.
fn key() -> String {
    let host = crate::discover::platform::Platform::host();
    format!("{READER} {} {ABI_VERSION} {host}", env!("CARGO_PKG_VERSION"))
}

fn entry<'a>(
    name: &'a OsStr,
    reading: &Reading,
    remembered: Option<&Remembered>,
) -> Option<Entry<'a>> {
    let (stamp, content) = match reading {
        Reading::Nothing => (Stamp::default(), Content::Unknown),
        Reading::AsBefore => remembered?.kept(name)?,
        Reading::New(read) => (read.0, read.1.clone()),
    };
    Some(Entry { name: bytes(name)?, stamp, content })
}

/// A name as it is written.
fn bytes(name: &OsStr) -> Option<&[u8]> {
    #[cfg(unix)]
    return Some(name.as_bytes());
    #[cfg(not(unix))]
    return name.to_str().map(str::as_bytes);
}

/// A name as it was written.
fn name(bytes: &[u8]) -> Option<&OsStr> {
    #[cfg(unix)]
    return Some(OsStr::from_bytes(bytes));
    #[cfg(not(unix))]
    return std::str::from_utf8(bytes).ok().map(OsStr::new);
}

#[cfg(test)]
mod tests;
