//! Opens and writes files where others may have put something, or look meanwhile.
//!
//! Where the host looks by itself it opens regular files only, and waits for nobody: a pipe, a device or
//! a folder is an error. What somebody named on purpose may be a pipe, such as a shell's `<(…)`, and is
//! waited for as any program waits. A file is written beside its place and appears there in one step,
//! so that no link is written through. Who may write to what is judged by [`trust`](crate::trust).

#[cfg(feature = "cli")]
mod hold;

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::time::SystemTime;

#[cfg(unix)]
use rustix::fs::OFlags;

#[cfg(feature = "cli")]
pub(crate) use crate::files::hold::hold;
use crate::trust::own_rights;

/// How a file is read, up to so many bytes: [`read`] or [`read_named`].
pub(crate) type Read = fn(&Path, u64) -> io::Result<Vec<u8>>;

/// A file that is written and lies beside its place. Unless it is put there, it is deleted.
#[derive(Debug)]
pub(crate) struct Staged {
    temporary: PathBuf,
    place: PathBuf,
    is_placed: bool,
}

/// Opens a file to read it, if it is a regular one.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Opening a device may do something by itself.
    demand_regular(&fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    // Should it have become a pipe by now, opening it must not wait for its writer.
    #[cfg(unix)]
    options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
    let file = options.open(path)?;
    demand_regular(&file.metadata()?)?;
    Ok(file)
}

/// The bytes of a regular file.
///
/// # Errors
///
/// It cannot be opened or read, or has more bytes than `most` ([`ErrorKind::FileTooLarge`]).
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    within(open(path)?, most)
}

/// The bytes of what somebody named on purpose, which may be a pipe.
///
/// # Errors
///
/// As of [`read`].
pub(crate) fn read_named(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    within(File::open(path)?, most)
}

/// Bytes as text.
pub(crate) fn text(bytes: Vec<u8>) -> io::Result<String> {
    let not_text = |_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8");
    String::from_utf8(bytes).map_err(not_text)
}

/// Writes a file so that it is there whole or not at all, whatever happens to the machine; nobody else may
/// write to it. A link in its place is replaced, not followed.
#[cfg(feature = "cli")]
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    stage(path, bytes)?.place()
}

/// The first half of it: all but that it appears in its place. What is left to be done needs no room.
#[cfg(feature = "cli")]
pub(crate) fn stage(path: &Path, bytes: &[u8]) -> io::Result<Staged> {
    write_beside(path, bytes, File::sync_all)
}

/// As `write`, for what can be made anew should the machine stop: whoever reads it meanwhile finds the old
/// file or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_beside(path, bytes, |_| Ok(()))?.place()
}

/// Deletes a file that need not be there.
#[cfg(feature = "cli")]
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a folder, and those above it, so that nobody else may write to them; those that are there stay
/// as they are.
///
/// # Errors
///
/// One cannot be made, or was made by somebody else meanwhile: in a sticky folder that may be anybody.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    own_rights()?;
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    builder.mode(0o755);
    let is_missing = |it: &&Path| !it.as_os_str().is_empty() && !it.exists();
    let missing: Vec<_> = path.ancestors().take_while(is_missing).collect();
    // What ends with `..` is there once what is before it is.
    let mut missing = missing.into_iter().rev().filter(|folder| folder.file_name().is_some());
    missing.try_for_each(|folder| builder.create(folder))?;
    if path.is_dir() { Ok(()) } else { Err(ErrorKind::NotADirectory.into()) }
}

impl Staged {
    /// Where it lies.
    #[cfg(feature = "cli")]
    pub(crate) fn path(&self) -> &Path {
        &self.temporary
    }

    /// Puts it in its place, in one step.
    pub(crate) fn place(mut self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.place)?;
        self.is_placed = true;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_placed {
            // Where it cannot be removed it is in nobody's way.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

fn write_beside(
    path: &Path,
    bytes: &[u8],
    finish: impl Fn(&File) -> io::Result<()>,
) -> io::Result<Staged> {
    own_rights()?;
    let (temporary, mut file) = beside(path)?;
    let staged = Staged { temporary, place: path.to_owned(), is_placed: false };
    file.write_all(bytes)?;
    finish(&file)?;
    Ok(staged)
}

/// A new file in the folder of `path`. What has its name already, be it a link, is left alone.
fn beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o644);
    loop {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let name = format!(".lifespan-{}-{}.new", process::id(), now.as_nanos());
        let temporary = path.with_file_name(name);
        match options.open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

fn demand_regular(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() { Ok(()) } else { Err(io::Error::other("it is not a regular file")) }
}

fn within(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(ErrorKind::FileTooLarge, "it is too large"));
    }
    Ok(bytes)
}

#[cfg(all(test, unix, feature = "cli"))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;
    use std::thread;

    use tempfile::TempDir;

    use super::*;

    fn pipe(folder: &TempDir) -> PathBuf {
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        pipe
    }

    #[test]
    fn what_is_no_regular_file_is_not_waited_for() {
        let folder = TempDir::new().unwrap();
        let pipe = pipe(&folder);
        let link = folder.path().join("link");
        symlink(&pipe, &link).unwrap();
        for path in [&pipe, &link, folder.path(), Path::new("/dev/zero"), Path::new("/dev/tty")] {
            assert!(read(path, 10).is_err(), "{}", path.display());
        }
        assert_eq!(open(&pipe).unwrap_err().to_string(), "it is not a regular file");
        fs::write(folder.path().join("file"), "text").unwrap();
        assert_eq!(read(&folder.path().join("file"), 10).unwrap(), b"text");
    }

    #[test]
    fn a_pipe_that_somebody_named_is_read_to_its_end() {
        let folder = TempDir::new().unwrap();
        let pipe = pipe(&folder);
        let writer = thread::spawn({
            let pipe = pipe.clone();
            move || fs::write(pipe, "text").unwrap()
        });
        assert_eq!(read_named(&pipe, 4).unwrap(), b"text");
        writer.join().unwrap();
    }

    #[test]
    fn folders_are_made_for_nobody_else_and_only_where_there_are_none() {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["a/b/c", "a/b/c", "d/../e"] {
            make_folder(&path(name)).unwrap();
            assert!(path(name).is_dir());
        }
        assert_eq!(fs::metadata(path("a/b")).unwrap().permissions().mode() & 0o022, 0);
        fs::write(path("file"), "").unwrap();
        assert!(make_folder(&path("file")).is_err() && make_folder(&path("file/x")).is_err());
        // As if somebody had been faster.
        symlink("nowhere", path("link")).unwrap();
        assert!(make_folder(&path("link")).is_err());
        assert!(!path("nowhere").exists());
    }

    #[test]
    fn what_is_too_large_is_not_read() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "text").unwrap();
        assert!(read(&file, 4).is_ok());
        for read in [read(&file, 3), read_named(&file, 3), read_named("/dev/zero".as_ref(), 3)] {
            assert_eq!(read.unwrap_err().kind(), ErrorKind::FileTooLarge);
        }
    }

    #[test]
    fn a_link_is_replaced_and_not_written_through() {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("other"), "other").unwrap();
        for write in [write, replace] {
            symlink("other", path("link")).unwrap();
            write(&path("link"), b"new").unwrap();
            assert!(!path("link").symlink_metadata().unwrap().is_symlink());
            assert_eq!(fs::read(path("link")).unwrap(), b"new");
            assert_eq!(fs::read(path("other")).unwrap(), b"other");
            assert_eq!(fs::metadata(path("link")).unwrap().permissions().mode() & 0o022, 0);
            fs::remove_file(path("link")).unwrap();
        }
        fs::create_dir(path("folder")).unwrap();
        assert!(write(&path("folder"), b"new").is_err());
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }
}
