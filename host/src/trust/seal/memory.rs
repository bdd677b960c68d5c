//! A copy in a sealed memfd, for Linux.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;

/// The longest name of a memfd that the kernel takes.
const MAX_NAME: usize = 249;

#[derive(Debug)]
pub(super) struct Duplicate(File);

impl Duplicate {
    pub(super) fn of(name: &OsStr, mut source: impl Read) -> io::Result<Self> {
        let name = &name.as_bytes()[..name.len().min(MAX_NAME)];
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Nobody runs it as a program. Kernels before 6.3 do not know that this can be said.
        let created = match memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL) {
            Err(Errno::INVAL) => memfd_create(name, flags),
            other => other,
        };
        let mut file = File::from(created?);
        io::copy(&mut source, &mut file)?;
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        fcntl_add_seals(&file, seals)?;
        Ok(Duplicate(file))
    }

    pub(super) fn reader(&self) -> io::Result<File> {
        self.0.try_clone()
    }

    /// The path of the open file. It has the number of this process, so that a debugger, in whose
    /// process `/proc/self` is another, finds the file too.
    pub(super) fn path(&self) -> PathBuf {
        let process = fs::read_link("/proc/self").unwrap_or_else(|_| "self".into());
        PathBuf::from("/proc").join(process).join("fd").join(self.0.as_raw_fd().to_string())
    }
}
