//! Copies a library to where nobody can change it, so that what is judged is what is loaded.
//!
//! On Linux that is a sealed memfd: memory with a file's interface, of which the kernel lets nobody
//! write a byte again, this process included. It is named after the library, so that `/proc/PID/maps`,
//! core dumps and profilers tell whose code it is. Elsewhere it is a read-only file in a new folder that
//! only this user may enter: root and this user's other processes could still change it.
//!
//! Loads nothing; [`load`](crate::load) opens [`Sealed::keep`].

#[cfg(any(not(target_os = "linux"), test))]
mod folder;
#[cfg(target_os = "linux")]
mod memory;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::files;
use crate::trust::digest::Digest;
#[cfg(not(target_os = "linux"))]
use crate::trust::seal::folder::Duplicate;
#[cfg(target_os = "linux")]
use crate::trust::seal::memory::Duplicate;

/// The bytes of a library, which do not change any more.
#[derive(Debug)]
pub(crate) struct Sealed {
    copy: Duplicate,
    digest: Digest,
    name: OsString,
}

/// Copies the library at `path`, unless it has more bytes than `limit`, or where there is none, than it
/// had in the beginning.
///
/// # Errors
///
/// It cannot be read, is no regular file, or is too large; or there is no room for the copy.
pub(crate) fn seal(path: &Path, limit: Option<u64>) -> io::Result<Sealed> {
    let source = files::open(path)?;
    let limit = match limit {
        Some(limit) => limit,
        None => source.metadata()?.len(),
    };
    let name = path.file_name().unwrap_or_default().to_owned();
    // A byte more tells that there are more.
    let copy = Duplicate::of(&name, source.take(limit.saturating_add(1)))?;
    let (digest, size) = Digest::of(from_start(&copy)?)?;
    if size > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has grown"));
    }
    Ok(Sealed { copy, digest, name })
}

impl Sealed {
    /// The digest of the bytes.
    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }

    /// The bytes, from the first.
    pub(crate) fn reader(&self) -> io::Result<File> {
        from_start(&self.copy)
    }

    /// Keeps the copy for as long as the process lives, and tells the path by which the system's
    /// loader opens it.
    ///
    /// The loader knows libraries by their paths and files. So the path is never that of another copy
    /// later, and the same library has the same path however many hosts of this process open it.
    pub(crate) fn keep(self) -> PathBuf {
        static KEPT: LazyLock<Mutex<HashMap<(Digest, OsString), Duplicate>>> =
            LazyLock::new(Mutex::default);
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        kept.entry((self.digest, self.name)).or_insert(self.copy).path()
    }
}

fn from_start(copy: &Duplicate) -> io::Result<File> {
    let mut reader = copy.reader()?;
    reader.rewind()?;
    Ok(reader)
}

#[cfg(test)]
mod tests;
