//! Why something is not trusted, and what to do about it. Words only.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::files;
use crate::trust::digest::Digest;
use crate::trust::quoted;

/// Why a library, or the folder that it lies in, is not trusted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distrust {
    /// Everybody may write to a file, or to a folder that it is in or reached through.
    #[error("everybody may write to `{}` (mode {mode:04o})", .path.display())]
    WorldWritable {
        /// What may be written to.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A group may write to a file, or to a folder that it is in or reached through, and that group
    /// is neither root's nor the user's own.
    #[error("group {group} may write to `{}` (mode {mode:04o})", .path.display())]
    GroupWritable {
        /// What may be written to.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// The group's number.
        group: u32,
    },
    /// An access list lets others than root and the user write to a file, or to a folder that it is in
    /// or reached through.
    #[error("an access list lets others write to `{}`", .path.display())]
    AccessList {
        /// What may be written to.
        path: PathBuf,
    },
    /// A file, link or folder is somebody else's.
    #[error("`{}` belongs to user {owner}, who is neither you nor root", .path.display())]
    Owner {
        /// What is theirs.
        path: PathBuf,
        /// The owner's number.
        owner: u32,
    },
    /// The host runs with more rights than whoever started it, and this is not root's.
    #[error("`{}` belongs to user {owner}, and a set-uid host trusts only root", .path.display())]
    NotRoots {
        /// What is not root's.
        path: PathBuf,
        /// The owner's number.
        owner: u32,
    },
    /// The host runs with more rights than whoever started it, and the library has what it needs looked for
    /// where that may be theirs.
    #[error("it has what it needs looked for in `{}`, which may be anybody's", .folder.escape_debug())]
    RunPath {
        /// The folder, as it stands in the library.
        folder: String,
    },
    /// It cannot be told who may write to it, or what it holds.
    #[error("`{}` cannot be read: {error}", .path.display())]
    Unreadable {
        /// What cannot be read.
        path: PathBuf,
        /// What the system says.
        error: String,
    },
    /// A lock file is there and is none.
    #[error("the lock file `{}` is broken at line {line}, column {column}: {problem}", .path.display())]
    BrokenLock {
        /// The lock file.
        path: PathBuf,
        /// Where in it, from 1.
        line: usize,
        /// Where in the line, from 1.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// The host demands a lock file, and the folder has none.
    #[error("`--locked` demands a lock file, and `{}` has none", .folder.display())]
    NoLock {
        /// The folder.
        folder: PathBuf,
        /// The command that approves the library.
        approve: String,
    },
    /// The folder's lock file does not list the library.
    #[error("it is not in the lock file `{}`", .lock.display())]
    NotApproved {
        /// The library.
        library: PathBuf,
        /// The lock file.
        lock: PathBuf,
        /// The command that approves the library.
        approve: String,
    },
    /// The library is not what the lock file approves.
    #[error("it is not what was approved in `{}`", .lock.display())]
    Changed {
        /// The library.
        library: PathBuf,
        /// The lock file.
        lock: PathBuf,
        /// The digest that is approved.
        approved: Digest,
        /// The digest that was found; unknown where the size alone tells.
        found: Option<Digest>,
        /// The command that approves the library.
        approve: String,
    },
    /// A signature is demanded, and there is none beside the library.
    #[error("it has no signature: `{}` is missing", .signature.display())]
    Unsigned {
        /// Where the signature is looked for.
        signature: PathBuf,
    },
    /// The signature is not one of this library by one of the keys.
    #[error("its signature `{}` is not valid: {problem}", .signature.display())]
    BadSignature {
        /// The signature's file.
        signature: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl Distrust {
    /// A name for programs, which stays the same whatever the words are.
    pub fn name(&self) -> &'static str {
        match self {
            Distrust::WorldWritable { .. } => "world-writable",
            Distrust::GroupWritable { .. } => "group-writable",
            Distrust::AccessList { .. } => "access-list",
            Distrust::Owner { .. } => "foreign-owner",
            Distrust::NotRoots { .. } => "not-roots",
            Distrust::RunPath { .. } => "run-path",
            Distrust::Unreadable { .. } => "trust-unreadable",
            Distrust::BrokenLock { .. } => "broken-lock",
            Distrust::NoLock { .. } => "no-lock",
            Distrust::NotApproved { .. } => "not-approved",
            Distrust::Changed { .. } => "changed",
            Distrust::Unsigned { .. } => "unsigned",
            Distrust::BadSignature { .. } => "bad-signature",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Distrust::WorldWritable { path, .. } => {
                format!("if nobody else should: `chmod go-w {}`", shown(path))
            }
            Distrust::GroupWritable { path, .. } => {
                format!("if the group should not: `chmod g-w {}`", shown(path))
            }
            Distrust::AccessList { path } => {
                format!("if nobody else should: `setfacl -b {}`", shown(path))
            }
            Distrust::Owner { path, .. } => format!(
                "use a copy of your own, or if you trust it: `chown root {}` as root",
                shown(path)
            ),
            Distrust::NotRoots { path, .. } => {
                format!("if everybody may run it: `chown root {}` as root", shown(path))
            }
            Distrust::RunPath { .. } => {
                "build it with a run path that begins with `/`, or with none".into()
            }
            Distrust::Unreadable { .. } => "see that it is there, and that you may read it".into(),
            Distrust::BrokenLock { .. } => {
                "mend it there; or remove the file and approve its libraries anew".into()
            }
            Distrust::NoLock { approve, .. } | Distrust::NotApproved { approve, .. } => {
                format!("if you trust the library: `{approve}`")
            }
            Distrust::Changed { approve, .. } => {
                format!("if you trust what it is now: `{approve}`")
            }
            Distrust::Unsigned { .. } | Distrust::BadSignature { .. } => {
                "get the library and its signature from whoever holds the key".into()
            }
        }
    }

    /// The digests that were compared, for people: a line each.
    ///
    /// Where the listing did not need to know it, the library is read now.
    pub(crate) fn digests(&self) -> Vec<String> {
        let (library, approved, found) = match self {
            Distrust::Changed { library, approved, found, .. } => {
                (library, approved.to_string(), *found)
            }
            Distrust::NotApproved { library, .. } => (library, "none".to_owned(), None),
            _ => return Vec::new(),
        };
        let found = found.or_else(|| digest_of(library));
        let found = found.map_or("unknown: it cannot be read".to_owned(), |it| it.to_string());
        vec![format!("approved: sha256 {approved}"), format!("found:    sha256 {found}")]
    }
}

fn shown(path: &Path) -> String {
    quoted(path.as_os_str())
}

fn digest_of(library: &Path) -> Option<Digest> {
    let file = files::open(library).ok()?;
    Digest::of(file).ok().map(|(digest, _)| digest)
}
