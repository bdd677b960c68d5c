//! Walks a path and judges every folder and link on the way by the `rules`.
//!
//! Reads metadata only. Access lists (POSIX ACLs) are not looked at, beyond what shows of them in the
//! permissions of the group.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

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
            if let Step::Link(target) = self.step(&at)? {
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
        Ok(())
    }

    /// Judges one file by itself.
    pub(super) fn judge_file(&self, path: &Path, ownership: Ownership) -> Result<(), Distrust> {
        self.judge(path, Kind::File, ownership)
    }

    fn judge(&self, path: &Path, kind: Kind, ownership: Ownership) -> Result<(), Distrust> {
        let Ownership { uid, gid, mode, .. } = ownership;
        let facts = Facts { kind, uid, gid, mode };
        let path = || path.to_owned();
        Err(match judge(facts, self.asker, || self.private_group()) {
            None => return Ok(()),
            Some(Fault::Owner) => Distrust::Owner { path: path(), owner: uid },
            Some(Fault::NotRoots) => Distrust::NotRoots { path: path(), owner: uid },
            Some(Fault::WorldWritable) => Distrust::WorldWritable { path: path(), mode },
            Some(Fault::GroupWritable) => {
                Distrust::GroupWritable { path: path(), mode, group: gid }
            }
        })
    }

    fn step(&self, at: &Path) -> Result<Step, Distrust> {
        if let Some(step) = self.seen().get(at) {
            return Ok(step.clone());
        }
        let unreadable = |error: io::Error| Distrust::Unreadable {
            path: at.to_owned(),
            error: error.to_string(),
        };
        let metadata = fs::symlink_metadata(at).map_err(unreadable)?;
        self.judge(at, kind(metadata.file_type()), Ownership::of(&metadata))?;
        let step = if metadata.is_symlink() {
            Step::Link(fs::read_link(at).map_err(unreadable)?)
        } else {
            Step::There
        };
        self.seen().insert(at.to_owned(), step.clone());
        Ok(step)
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
