//! A copy in a folder of its own, for systems without memfds.
//!
//! The folder lies in the temporary folder, where that is one in which nobody else can replace it: that is
//! judged as a plugins folder is. On Windows the copy is held open so that nobody can write to it or delete
//! it. Elsewhere root and this user's other processes still could.

use std::env;
use std::ffi::OsStr;
#[cfg(unix)]
use std::fs::DirBuilder;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
#[cfg(unix)]
use std::os::unix::fs::DirBuilderExt;
#[cfg(windows)]
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::time::SystemTime;

#[cfg(unix)]
use crate::trust::permissions::Walker;
#[cfg(not(unix))]
use crate::trust::unjudged::Walker;
use crate::trust::who::own_rights;

#[derive(Debug)]
pub(super) struct Duplicate {
    folder: PathBuf,
    path: PathBuf,
    /// None only while it is made and when it is dropped.
    held: Option<File>,
}

impl Duplicate {
    pub(super) fn of(name: &OsStr, source: impl Read) -> io::Result<Self> {
        Self::below(&temporary(), name, source)
    }

    /// A copy in a new folder in that one.
    fn below(above: &Path, name: &OsStr, mut source: impl Read) -> io::Result<Self> {
        let folder = new_folder(above)?;
        let mut copy = Duplicate { path: folder.join(name), folder, held: None };
        let mut file = OpenOptions::new().write(true).create_new(true).open(&copy.path)?;
        io::copy(&mut source, &mut file)?;
        let mut permissions = file.metadata()?.permissions();
        permissions.set_readonly(true);
        file.set_permissions(permissions)?;
        drop(file);
        copy.held = Some(hold(&copy.path)?);
        Ok(copy)
    }

    /// What is read is what is held, and not what may have come in its place.
    pub(super) fn reader(&self) -> io::Result<File> {
        self.held.as_ref().map_or_else(|| File::open(&self.path), File::try_clone)
    }

    /// The path of the copy. It is left there: a backtrace reads it.
    pub(super) fn path(&self) -> PathBuf {
        self.path.clone()
    }
}

impl Drop for Duplicate {
    fn drop(&mut self) {
        // Only a copy that was never opened is dropped. What cannot be removed is of no harm.
        self.held = None;
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The temporary folder; where who started the process is not to say which that is, the system's.
fn temporary() -> PathBuf {
    match own_rights() {
        Ok(()) => env::temp_dir(),
        Err(_) => PathBuf::from("/tmp"),
    }
}

/// A new folder that nobody else may enter or replace.
fn new_folder(above: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(above)?;
    Walker::of_process().walk(&absolute).map_err(|distrust| {
        let message = format!("the temporary folder is not trusted: {distrust}");
        io::Error::new(io::ErrorKind::PermissionDenied, message)
    })?;
    loop {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let name = format!("lifespan-{}-{}", process::id(), now.as_nanos());
        let folder = absolute.join(name);
        match make(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(unix)]
fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(folder)
}

/// The user's temporary folder is nobody else's on Windows.
#[cfg(not(unix))]
fn make(folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)
}

#[cfg(windows)]
fn hold(path: &Path) -> io::Result<File> {
    const FILE_SHARE_READ: u32 = 1;
    OpenOptions::new().read(true).share_mode(FILE_SHARE_READ).open(path)
}

#[cfg(not(windows))]
fn hold(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(all(test, unix))]
mod tests;
