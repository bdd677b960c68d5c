//! Whether a library may be trusted: who may write to it, whether it is approved, who signed it.
//!
//! Asked by [`discover`](crate::discover) of each folder and file, and by [`load`](crate::load), which
//! opens nothing else than the bytes that were judged. `rules` is pure; `permissions` walks paths and
//! asks it; `lock` is the list of what is approved in a folder; `seal` copies a library to where nobody
//! can change it. Nothing here runs or loads a library, or repairs what it finds wrong.

mod digest;
mod distrust;
mod lock;
#[cfg(unix)]
mod permissions;
mod quoted;
#[cfg(unix)]
mod rules;
mod seal;
mod signature;
#[cfg(not(unix))]
mod unjudged;
mod who;

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

#[cfg(feature = "cli")]
use thiserror::Error;

use crate::discover::Identified;
#[cfg(feature = "cli")]
use crate::files;
pub use crate::trust::digest::Digest;
pub use crate::trust::distrust::Distrust;
#[cfg(feature = "cli")]
pub(crate) use crate::trust::lock::{EditError, Editing};
pub(crate) use crate::trust::lock::{Entry, LOCK_FILE, Lock};
#[cfg(unix)]
use crate::trust::permissions::Walker;
pub(crate) use crate::trust::quoted::quoted;
pub(crate) use crate::trust::seal::{Sealed, seal};
pub use crate::trust::signature::{KeyError, PublicKey};
#[cfg(feature = "cli")]
pub(crate) use crate::trust::signature::{MAX_SIZE as MAX_SIGNATURE, signature_of};
#[cfg(not(unix))]
use crate::trust::unjudged::Walker;
pub(crate) use crate::trust::who::{Elevated, is_elevated, own_rights};

/// What a host demands of its libraries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    /// The host's name, for the commands that it tells.
    pub(crate) host: String,
    /// Takes files and folders that others may write to or own, too.
    pub(crate) allow_unsafe_permissions: bool,
    /// Demands a lock file of each folder that a library is from.
    pub(crate) locked: bool,
    /// Demands of each library that one of these keys signed it, if there are any.
    pub(crate) keys: Vec<PublicKey>,
}

/// Judges the folders and files of one discovery. What it has looked at it does not look at again.
#[derive(Debug)]
pub(crate) struct Guard {
    policy: Policy,
    /// None where permissions are not judged.
    walker: Option<Walker>,
}

/// A folder that was judged, to judge what lies in it.
#[derive(Debug)]
pub(crate) struct JudgedFolder {
    /// Why nothing in it may be used.
    fault: Option<Distrust>,
    lock: Option<Lock>,
}

/// Whose something in a folder is, and who may write to it; all 0 where the system does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ownership {
    /// The owner's number.
    pub(crate) uid: u32,
    /// The group's number.
    pub(crate) gid: u32,
    /// The permissions.
    pub(crate) mode: u32,
    /// Whether it is a symbolic link; then all this is of the link.
    pub(crate) is_link: bool,
}

/// That these bytes of a library, and no others, may be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Approval {
    /// What the lock file says of the library.
    pub(crate) entry: Entry,
    /// The lock file.
    pub(crate) lock: PathBuf,
}

/// Why there are no bytes of a library that may be loaded.
#[derive(Debug)]
pub(crate) enum Unsealed {
    /// It could not be copied.
    Io(io::Error),
    /// They are not trusted.
    Distrusted(Distrust),
}

/// Why there is no folder to write to.
#[cfg(feature = "cli")]
#[derive(Debug, Error)]
pub(crate) enum Unmade {
    /// It cannot be made.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Others may write to it, or to what leads there.
    #[error(transparent)]
    Distrusted(#[from] Distrust),
}

impl Policy {
    /// The command that approves a library.
    pub(crate) fn approve(&self, library: &Path) -> String {
        format!("{} plugin trust {}", self.host, quoted(library.as_os_str()))
    }

    /// What is to be demanded of the bytes of a library once they are sealed; nothing where neither a
    /// lock nor a signature is.
    pub(crate) fn is_strict(&self, approval: Option<&Approval>) -> bool {
        approval.is_some() || !self.keys.is_empty()
    }

    /// Copies a library to where nobody can change it, and judges the copy.
    ///
    /// # Errors
    ///
    /// It is not what was approved, or not signed by whom it must be; or there is no copy.
    pub(crate) fn seal(
        &self,
        library: &Path,
        approval: Option<&Approval>,
    ) -> Result<Sealed, Unsealed> {
        let most = approval.map(|it| it.entry.size);
        let sealed = seal(library, most).map_err(|error| match approval {
            Some(approval) if error.kind() == ErrorKind::FileTooLarge => {
                Unsealed::Distrusted(self.changed(library, approval, None))
            }
            _ => Unsealed::Io(error),
        })?;
        self.judge(library, approval, &sealed).map_err(Unsealed::Distrusted)?;
        Ok(sealed)
    }

    /// Judges the copy of a library: the one verdict on bytes, for whoever loads or looks at them.
    ///
    /// # Errors
    ///
    /// They are not what was approved, or not signed by whom they must be.
    pub(crate) fn judge(
        &self,
        library: &Path,
        approval: Option<&Approval>,
        sealed: &Sealed,
    ) -> Result<(), Distrust> {
        if let Some(approval) = approval
            && sealed.digest() != approval.entry.sha256
        {
            return Err(self.changed(library, approval, Some(sealed.digest())));
        }
        if self.keys.is_empty() {
            return Ok(());
        }
        signature::verify(library, sealed, &self.keys).map(drop)
    }

    fn changed(&self, library: &Path, approval: &Approval, found: Option<Digest>) -> Distrust {
        Distrust::Changed {
            library: library.to_owned(),
            lock: approval.lock.clone(),
            approved: approval.entry.sha256,
            found,
            approve: self.approve(library),
        }
    }

    /// The same for whoever does not load it: all that is wrong is a matter of trust.
    ///
    /// # Errors
    ///
    /// It would not be loaded.
    #[cfg(feature = "cli")]
    pub(crate) fn judge_bytes(
        &self,
        library: &Path,
        approval: Option<&Approval>,
    ) -> Result<Sealed, Distrust> {
        self.seal(library, approval).map_err(|unsealed| match unsealed {
            Unsealed::Distrusted(distrust) => distrust,
            Unsealed::Io(error) => {
                Distrust::Unreadable { path: library.to_owned(), error: error.to_string() }
            }
        })
    }
}

impl Guard {
    /// A guard of this process.
    pub(crate) fn new(policy: &Policy) -> Self {
        // Who has more rights than whoever started it obeys nobody who says to look away.
        let judges = is_elevated() || !policy.allow_unsafe_permissions;
        Guard { policy: policy.clone(), walker: judges.then(Walker::of_process) }
    }

    /// Judges a folder of the search path, and reads its lock file if it has one.
    pub(crate) fn folder(&self, dir: &Path) -> JudgedFolder {
        let judged = self.walk(dir).and_then(|()| self.lock_of(dir));
        let (fault, lock) = match judged {
            Ok(lock) => (None, lock),
            Err(fault) => (Some(fault), None),
        };
        JudgedFolder { fault, lock }
    }

    /// The lock file of a folder, if it has one.
    ///
    /// # Errors
    ///
    /// Others may write to it, or it cannot be read.
    pub(crate) fn lock_of(&self, dir: &Path) -> Result<Option<Lock>, Distrust> {
        let bytes = self.lock_bytes(dir)?;
        bytes.map(|bytes| lock::parse(&dir.join(LOCK_FILE), &bytes)).transpose()
    }

    /// What stands in it.
    fn lock_bytes(&self, dir: &Path) -> Result<Option<Vec<u8>>, Distrust> {
        let path = dir.join(LOCK_FILE);
        match fs::symlink_metadata(&path) {
            Ok(metadata) => self.judge(&path, Ownership::of(&metadata))?,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) => {
                let error = error.to_string();
                return Err(Distrust::Unreadable { path, error });
            }
        }
        lock::bytes(&path).map(Some)
    }

    /// Judges a path and every folder and link on the way to it.
    ///
    /// # Errors
    ///
    /// Somebody else may write to one of them, or owns it.
    pub(crate) fn walk(&self, path: &Path) -> Result<(), Distrust> {
        self.walker.as_ref().map_or(Ok(()), |walker| walker.walk(path))
    }

    /// The same, of a path of which not all is there: nobody else may put anything there either, unless the last
    /// folder is sticky.
    ///
    /// # Errors
    ///
    /// Somebody else may write to a part that is there, or owns it.
    pub(crate) fn walk_there(&self, path: &Path) -> Result<(), Distrust> {
        self.walker.as_ref().map_or(Ok(()), |walker| walker.walk_there(path).map(drop))
    }

    /// Makes a folder to write to, and those above it, where they are not there yet. They are judged before, since
    /// somebody else's link may lead anywhere, and after it: whoever was faster may be another process of the
    /// user's, or anybody.
    ///
    /// # Errors
    ///
    /// It cannot be made, or somebody else may write to it.
    #[cfg(feature = "cli")]
    pub(crate) fn make_folder(&self, folder: &Path) -> Result<(), Unmade> {
        let mut made = Ok(());
        // Each of them may be made by another meanwhile, once.
        for _ in folder.ancestors() {
            self.walk_there(folder)?;
            made = files::make_folder(folder);
            match &made {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                _ => break,
            }
        }
        made?;
        Ok(self.walk(folder)?)
    }

    /// Whether a part of a path is missing that somebody else may put there.
    #[cfg(feature = "cli")]
    pub(crate) fn may_be_made(&self, path: &Path) -> bool {
        self.walker.as_ref().is_some_and(|walker| walker.may_be_made(path))
    }

    /// Judges a file in a folder that is judged already. If it is a link, the way to where it leads is
    /// judged too.
    fn judge(&self, path: &Path, ownership: Ownership) -> Result<(), Distrust> {
        match &self.walker {
            Some(walker) if ownership.is_link => walker.walk(path),
            Some(walker) => walker.judge_file(path, ownership),
            None => Ok(()),
        }
    }
}

impl Ownership {
    /// What the system tells.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        return Ownership {
            uid: metadata.uid(),
            gid: metadata.gid(),
            mode: metadata.mode() & 0o7777,
            is_link: metadata.is_symlink(),
        };
        #[cfg(not(unix))]
        Ownership { is_link: metadata.is_symlink(), ..Ownership::default() }
    }
}

impl JudgedFolder {
    /// Why nothing in the folder may be used.
    pub(crate) fn fault(&self) -> Option<&Distrust> {
        self.fault.as_ref()
    }

    /// Judges a file that lies directly in the folder: by who may write to it, by the lock file's list and
    /// sizes, and by whether there is a signature where one is demanded. Its bytes are judged when it is loaded.
    ///
    /// # Errors
    ///
    /// It may not be loaded.
    pub(crate) fn file(
        &self,
        guard: &Guard,
        file: &Path,
        identified: &Identified,
    ) -> Result<Option<Approval>, Distrust> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        guard.judge(file, identified.ownership)?;
        let approval = self.approval(&guard.policy, file, identified.size())?;
        if !guard.policy.keys.is_empty() {
            signature::is_there(file)?;
        }
        Ok(approval)
    }

    /// What the lock file says of a file of that size, if there is one.
    fn approval(
        &self,
        policy: &Policy,
        file: &Path,
        size: u64,
    ) -> Result<Option<Approval>, Distrust> {
        let approve = || policy.approve(file);
        let Some(lock) = &self.lock else {
            let folder = file.parent().unwrap_or(file).to_owned();
            return match policy.locked {
                true => Err(Distrust::NoLock { folder, approve: approve() }),
                false => Ok(None),
            };
        };
        let Some(entry) = file.file_name().and_then(OsStr::to_str).and_then(|it| lock.get(it))
        else {
            return Err(Distrust::NotApproved {
                library: file.to_owned(),
                lock: lock.path().to_owned(),
                approve: approve(),
            });
        };
        let approval = Approval { entry: entry.clone(), lock: lock.path().to_owned() };
        if entry.size != size {
            return Err(policy.changed(file, &approval, None));
        }
        Ok(Some(approval))
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests;
