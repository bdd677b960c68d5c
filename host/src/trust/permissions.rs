//! Walks a path and judges every folder and link on the way by the `rules`.
//!
//! Reads metadata only. Of access lists those of POSIX are looked at, on Linux.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::fs::{Access, access};
use rustix::io::Errno;
use rustix::process::getegid;

use crate::trust::Ownership;
use crate::trust::distrust::Distrust;
use crate::trust::rules::{Asker, Facts, Fault, Kind, judge, private_group};
use crate::trust::who;

/// How many links a path may lead over, as many as Linux follows.
const MAX_LINKS: usize = 40;

/// Walks paths, and remembers what it has seen on the way.
#[derive(Debug)]
pub(super) struct Walker {
    asker: Asker,
    private_group: OnceLock<Option<u32>>,
    seen: Mutex<HashMap<PathBuf, Step>>,
}

/// What stands at one step of a path.
#[derive(Clone, Debug)]
enum Step {
    /// A folder or file, and nothing is wrong with it.
    There,
    /// A link, and nothing is wrong with it; where it leads.
    Link(PathBuf),
}

impl Walker {
    /// For the user of this process.
    pub(super) fn of_process() -> Self {
        Walker::of(Asker { user: who::user(), elevated: who::is_elevated() })
    }

    pub(super) fn of(asker: Asker) -> Self {
        Walker { asker, private_group: OnceLock::new(), seen: Mutex::default() }
    }

    /// Judges each folder and link that an absolute path leads through, and what it leads to.
    pub(super) fn walk(&self, path: &Path) -> Result<(), Distrust> {
        match self.walk_there(path)? {
            None => Ok(()),
            Some(missing) => Err(unreadable(&missing, &Errno::NOENT.into())),
        }
    }

    /// The same, as far as it is there: what is missing. Unless the last folder is sticky nobody else can put
    /// anything there.
    pub(super) fn walk_there(&self, path: &Path) -> Result<Option<PathBuf>, Distrust> {
        if self.asker.elevated {
            // Nothing is told of what the caller may not read by themselves.
            access(path, Access::READ_OK).map_err(|error| unreadable(path, &error.into()))?;
        }
        let mut at = PathBuf::from("/");
        self.step(&at)?;
        let mut links = 0;
        // In reverse, so that what a link stands for can be put before the rest.
        let mut rest = reversed(path);
        while let Some(part) = rest.pop() {
            if part == ".." {
                // No link is left in `at`, so this is what the system does too.
                at.pop();
                continue;
            }
            at.push(&part);
            let Some(step) = self.step(&at)? else { return Ok(Some(at)) };
            if let Step::Link(target) = step {
                if rest.is_empty() && target.is_relative() && is_open_here(&at) {
                    // A pipe that whoever started the process has handed to it: it has no path.
                    return Ok(None);
                }
                links += 1;
                if links > MAX_LINKS {
                    let error = "too many symbolic links".to_owned();
                    return Err(Distrust::Unreadable { path: path.to_owned(), error });
                }
                at.pop();
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                rest.extend(reversed(&target));
            }
        }
        Ok(None)
    }

    /// Whether a part of the path is missing that somebody else may put there, in a sticky folder.
    #[cfg(feature = "cli")]
    pub(super) fn may_be_made(&self, path: &Path) -> bool {
        const OTHERS_WRITE: u32 = 0o022;
        let Ok(Some(missing)) = self.walk_there(path) else { return false };
        let folder = missing.parent().and_then(|folder| fs::metadata(folder).ok());
        folder.is_some_and(|folder| Ownership::of(&folder).mode & OTHERS_WRITE != 0)
    }

    /// Judges one file by itself.
    pub(super) fn judge_file(&self, path: &Path, ownership: Ownership) -> Result<(), Distrust> {
        self.judge(path, Kind::File, ownership)
    }

    fn judge(&self, path: &Path, kind: Kind, ownership: Ownership) -> Result<(), Distrust> {
        let Ownership { uid, gid, mode, .. } = ownership;
        let facts = Facts { kind, uid, gid, mode };
        let owned = || path.to_owned();
        Err(match judge(facts, self.asker, || self.private_group(), || access_list(path)) {
            None => return Ok(()),
            Some(Fault::AccessList) => Distrust::AccessList { path: owned() },
            Some(Fault::Owner) => Distrust::Owner { path: owned(), owner: uid },
            Some(Fault::NotRoots) => Distrust::NotRoots { path: owned(), owner: uid },
            Some(Fault::WorldWritable) => Distrust::WorldWritable { path: owned(), mode },
            Some(Fault::GroupWritable) => {
                Distrust::GroupWritable { path: owned(), mode, group: gid }
            }
        })
    }

    /// What stands there, if anything does.
    fn step(&self, at: &Path) -> Result<Option<Step>, Distrust> {
        if let Some(step) = self.seen().get(at) {
            return Ok(Some(step.clone()));
        }
        let metadata = match fs::symlink_metadata(at) {
            Ok(metadata) => metadata,
            // A file in the way is judged by then.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(unreadable(at, &error)),
        };
        self.judge(at, kind(metadata.file_type()), Ownership::of(&metadata))?;
        let step = if metadata.is_symlink() {
            Step::Link(fs::read_link(at).map_err(|error| unreadable(at, &error))?)
        } else {
            Step::There
        };
        self.seen().insert(at.to_owned(), step.clone());
        Ok(Some(step))
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<PathBuf, Step>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn private_group(&self) -> Option<u32> {
        // What cannot be read knows nobody.
        let text = |file| fs::read(file).unwrap_or_default();
        *self.private_group.get_or_init(|| {
            let (passwd, group) = (text("/etc/passwd"), text("/etc/group"));
            let (passwd, group) =
                (String::from_utf8_lossy(&passwd), String::from_utf8_lossy(&group));
            private_group(self.asker.user, getegid().as_raw(), &passwd, &group)
        })
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Distrust {
    Distrust::Unreadable { path: path.to_owned(), error: error.to_string() }
}

/// Whether that is the name of something that this process has open.
fn is_open_here(path: &Path) -> bool {
    let own = |process: &Path| fs::read_link("/proc/self").is_ok_and(|own| process.ends_with(own));
    let folder = path.parent().filter(|it| it.ends_with("fd"));
    folder.and_then(Path::parent).is_some_and(|it| it.parent() == Some("/proc".as_ref()) && own(it))
}

/// The POSIX access list of what is there, and is no link.
#[cfg(target_os = "linux")]
fn access_list(path: &Path) -> Option<Vec<u8>> {
    // Room for some five hundred entries. A longer list, or one that cannot be read, is none that could be
    // believed.
    let mut list = vec![0; 4096];
    match rustix::fs::lgetxattr(path, "system.posix_acl_access", &mut list[..]) {
        Ok(length) => list.truncate(length),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => return None,
        Err(_) => list.clear(),
    }
    Some(list)
}

#[cfg(not(target_os = "linux"))]
fn access_list(_: &Path) -> Option<Vec<u8>> {
    None
}

/// The parts of a path that lead on, the last one first.
fn reversed(path: &Path) -> Vec<OsString> {
    let leads = |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::ParentDir);
    let parts: Vec<_> = path.components().filter(leads).collect();
    parts.into_iter().rev().map(|part| part.as_os_str().to_owned()).collect()
}

fn kind(file: FileType) -> Kind {
    if file.is_symlink() {
        Kind::Link
    } else if file.is_dir() {
        Kind::Folder
    } else {
        Kind::File
    }
}
