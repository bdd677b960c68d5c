//! A copy in a folder of its own, for systems without memfds.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::path::PathBuf;
use std::process;
use std::time::SystemTime;

#[derive(Debug)]
pub(super) struct Duplicate {
    folder: PathBuf,
    path: PathBuf,
}

impl Duplicate {
    pub(super) fn of(name: &OsStr, mut source: impl Read) -> io::Result<Self> {
        let folder = new_folder()?;
        let copy = Duplicate { path: folder.join(name), folder };
        let mut file = OpenOptions::new().write(true).create_new(true).open(&copy.path)?;
        io::copy(&mut source, &mut file)?;
        let mut permissions = file.metadata()?.permissions();
        permissions.set_readonly(true);
        file.set_permissions(permissions)?;
        Ok(copy)
    }

    pub(super) fn reader(&self) -> io::Result<File> {
        File::open(&self.path)
    }

    /// The path of the copy. It is left there: a backtrace reads it.
    pub(super) fn path(&self) -> PathBuf {
        self.path.clone()
    }
}

impl Drop for Duplicate {
    fn drop(&mut self) {
        // Only a copy that was never opened is dropped. What cannot be removed is of no harm.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A new folder that nobody else may enter.
fn new_folder() -> io::Result<PathBuf> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    loop {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let name = format!("lifespan-{}-{}", process::id(), now.as_nanos());
        let folder = env::temp_dir().join(name);
        match builder.create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
