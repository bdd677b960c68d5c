//! The rules of who may write to what, without effects.
//!
//! A file is trusted if nobody can change it but root and the user. That is so if they own it, it can
//! be written to by none else, and the same holds for each folder on the way to it, since whoever may
//! write to a folder may put another file in its place. In a sticky folder only a file's owner may.
//! An access list may let more users write than the permissions tell, as far as a group may.

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
    AccessList,
}

/// Judges one file. `private_group` is asked for the user's own group, and `access_list` for the file's
/// POSIX access list, only when it counts.
pub(super) fn judge(
    facts: Facts,
    asker: Asker,
    private_group: impl Fn() -> Option<u32>,
    access_list: impl FnOnce() -> Option<Vec<u8>>,
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
    if facts.mode & 0o020 == 0 {
        // What an access list grants is bounded by this bit too.
        return None;
    }
    let is_own_group = |gid| gid == 0 || !asker.elevated && private_group() == Some(gid);
    if !is_own_group(facts.gid) {
        return Some(Fault::GroupWritable);
    }
    let is_own_user = |uid| uid == 0 || !asker.elevated && uid == asker.user;
    let list = access_list()?;
    lets_write(&list, is_own_user, is_own_group).then_some(Fault::AccessList)
}

/// Whether an access list, in the form in which Linux hands it out, lets a user or group write that is not
/// of those. What has another form may say anything.
fn lets_write(list: &[u8], user: impl Fn(u32) -> bool, group: impl Fn(u32) -> bool) -> bool {
    const VERSION: [u8; 4] = 2_u32.to_le_bytes();
    const NAMED_USER: u16 = 0x02;
    const NAMED_GROUP: u16 = 0x08;
    const WRITE: u16 = 0x02;
    let Some(entries) = list.strip_prefix(&VERSION) else { return true };
    entries.chunks(8).any(|entry| {
        let &[t0, t1, p0, p1, i0, i1, i2, i3] = entry else { return true };
        let (tag, permissions) = (u16::from_le_bytes([t0, t1]), u16::from_le_bytes([p0, p1]));
        let id = u32::from_le_bytes([i0, i1, i2, i3]);
        let trusted = match tag {
            NAMED_USER => user(id),
            NAMED_GROUP => group(id),
            _ => true,
        };
        !trusted && permissions & WRITE != 0
    })
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
