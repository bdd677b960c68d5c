//! The rules of who may write to what, without effects.
//!
//! A file is trusted if nobody can change it but root and the user. That is so if they own it, it can
//! be written to by none else, and the same holds for each folder on the way to it, since whoever may
//! write to a folder may put another file in its place. In a sticky folder only a file's owner may.

/// The bit of a sticky folder.
pub(super) const STICKY: u32 = 0o1000;

/// What the system knows of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) kind: Kind,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// The permissions, with the sticky bit.
    pub(super) mode: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// A symbolic link itself, of which only the owner counts.
    Link,
}

/// For whom it is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    /// The user, who is trusted beside root.
    pub(super) user: u32,
    /// Whether the process has more rights than whoever started it: then the user is not trusted.
    pub(super) elevated: bool,
}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Owner,
    NotRoots,
    WorldWritable,
    GroupWritable,
}

/// Judges one file. `private_group` is asked for the user's own group only when it counts.
pub(super) fn judge(
    facts: Facts,
    asker: Asker,
    private_group: impl FnOnce() -> Option<u32>,
) -> Option<Fault> {
    if facts.uid != 0 && asker.elevated {
        return Some(Fault::NotRoots);
    }
    if facts.uid != 0 && facts.uid != asker.user {
        return Some(Fault::Owner);
    }
    let is_sticky = facts.kind == Kind::Folder && facts.mode & STICKY != 0;
    if facts.kind == Kind::Link || is_sticky {
        return None;
    }
    if facts.mode & 0o002 != 0 {
        return Some(Fault::WorldWritable);
    }
    let group_writes = facts.mode & 0o020 != 0 && facts.gid != 0;
    if group_writes && (asker.elevated || private_group() != Some(facts.gid)) {
        return Some(Fault::GroupWritable);
    }
    None
}

/// The group that holds the user alone, as systems make one for each user; none if others are in the
/// user's group.
///
/// `passwd` and `group` are the texts of the files of those names. Where they do not know the user or
/// the group, which are then from elsewhere, it is a group with the user's own number.
pub(super) fn private_group(user: u32, primary: u32, passwd: &str, group: &str) -> Option<u32> {
    let number = |field: Option<&&str>| field.and_then(|it| it.parse::<u32>().ok());
    let users: Vec<Vec<&str>> = passwd.lines().map(|line| line.split(':').collect()).collect();
    let is_user = |line: &&Vec<&str>| number(line.get(2)) == Some(user);
    let names: Vec<&str> =
        users.iter().filter(is_user).filter_map(|line| line.first().copied()).collect();
    let own = users.iter().find(is_user).and_then(|line| number(line.get(3)));
    let gid = own.unwrap_or(primary);
    let shared = users.iter().any(|it| !is_user(&it) && number(it.get(3)) == Some(gid));
    let lines = group.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut known = false;
    for line in lines.filter(|line| number(line.get(2)) == Some(gid)) {
        known = true;
        let members = line.get(3).into_iter().flat_map(|it| it.split(','));
        if members.map(str::trim).any(|it| !it.is_empty() && !names.contains(&it)) {
            return None;
        }
    }
    let is_told = own.is_some() && known;
    (!shared && (is_told || gid == user)).then_some(gid)
}

#[cfg(test)]
mod tests;
