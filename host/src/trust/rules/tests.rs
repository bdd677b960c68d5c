//! The rules as tables.

use super::*;

const ME: u32 = 1000;
const OTHER: u32 = 1001;
const PLAIN: Asker = Asker { user: ME, elevated: false };
const ELEVATED: Asker = Asker { user: ME, elevated: true };

fn judged(kind: Kind, uid: u32, gid: u32, mode: u32, asker: Asker) -> Option<Fault> {
    judge(Facts { kind, uid, gid, mode }, asker, || Some(ME), || None)
}

#[test]
fn who_may_write_decides() {
    use Fault::*;
    use Kind::*;
    let table = [
        // kind, owner, group, mode, for the user, for a set-uid host
        (File, ME, ME, 0o644, None, Some(NotRoots)),
        (File, 0, 0, 0o755, None, None),
        (File, OTHER, ME, 0o644, Some(Owner), Some(NotRoots)),
        (File, ME, ME, 0o646, Some(WorldWritable), Some(NotRoots)),
        (File, 0, 0, 0o666, Some(WorldWritable), Some(WorldWritable)),
        (File, ME, OTHER, 0o664, Some(GroupWritable), Some(NotRoots)),
        (File, ME, ME, 0o664, None, Some(NotRoots)),
        (File, 0, ME, 0o664, None, Some(GroupWritable)),
        (File, 0, OTHER, 0o664, Some(GroupWritable), Some(GroupWritable)),
        (File, 0, 0, 0o664, None, None),
        // A sticky bit means nothing on a file.
        (File, ME, ME, 0o1646, Some(WorldWritable), Some(NotRoots)),
        (Folder, ME, ME, 0o755, None, Some(NotRoots)),
        (Folder, ME, ME, 0o775, None, Some(NotRoots)),
        (Folder, ME, OTHER, 0o775, Some(GroupWritable), Some(NotRoots)),
        (Folder, ME, ME, 0o777, Some(WorldWritable), Some(NotRoots)),
        (Folder, 0, 0, 0o1777, None, None),
        (Folder, ME, OTHER, 0o1777, None, Some(NotRoots)),
        (Folder, 0, OTHER, 0o1775, None, None),
        // The owner of a sticky folder may replace what lies in it.
        (Folder, OTHER, OTHER, 0o1777, Some(Owner), Some(NotRoots)),
        // The permissions of a link mean nothing.
        (Link, ME, ME, 0o777, None, Some(NotRoots)),
        (Link, 0, 0, 0o777, None, None),
        (Link, OTHER, OTHER, 0o777, Some(Owner), Some(NotRoots)),
    ];
    for (kind, uid, gid, mode, user, elevated) in table {
        let case = format!("{kind:?} {uid}:{gid} {mode:o}");
        assert_eq!(judged(kind, uid, gid, mode, PLAIN), user, "{case}");
        assert_eq!(judged(kind, uid, gid, mode, ELEVATED), elevated, "{case}, set-uid");
    }
}

#[test]
fn the_group_is_asked_for_only_where_it_counts() {
    let facts = Facts { kind: Kind::File, uid: ME, gid: ME, mode: 0o644 };
    let unasked = || unreachable!("no group may write");
    assert_eq!(judge(facts, PLAIN, || unreachable!("no group may write"), unasked), None);
    let group = Facts { mode: 0o664, ..facts };
    assert_eq!(judge(group, PLAIN, || None, unasked), Some(Fault::GroupWritable));
}

#[test]
fn an_access_list_lets_nobody_else_write() {
    const USER: u16 = 2;
    const GROUP: u16 = 8;
    let list = |entries: &[(u16, u16, u32)]| -> Vec<u8> {
        let entries = entries.iter().flat_map(|(tag, permissions, id)| {
            [&tag.to_le_bytes()[..], &permissions.to_le_bytes(), &id.to_le_bytes()].concat()
        });
        2_u32.to_le_bytes().into_iter().chain(entries).collect()
    };
    // Owner, owning group, mask, others.
    let plain = [(1, 6, u32::MAX), (4, 6, u32::MAX), (0x10, 7, u32::MAX), (0x20, 4, u32::MAX)];
    let with = |entry| list(&[&plain[..], &[entry]].concat());
    let table = [
        // list, for the user, for a set-uid host
        (list(&plain), None, None),
        (with((USER, 6, ME)), None, Some(Fault::AccessList)),
        (with((USER, 7, 0)), None, None),
        (with((USER, 2, OTHER)), Some(Fault::AccessList), Some(Fault::AccessList)),
        (with((USER, 5, OTHER)), None, None),
        (with((GROUP, 6, ME)), None, Some(Fault::AccessList)),
        (with((GROUP, 6, 0)), None, None),
        (with((GROUP, 6, OTHER)), Some(Fault::AccessList), Some(Fault::AccessList)),
        // What is in no known form may say anything.
        (Vec::new(), Some(Fault::AccessList), Some(Fault::AccessList)),
        (vec![3, 0, 0, 0], Some(Fault::AccessList), Some(Fault::AccessList)),
        (vec![2, 0, 0, 0, 1], Some(Fault::AccessList), Some(Fault::AccessList)),
    ];
    for (list, user, elevated) in table {
        let judged = |kind, mode, asker| {
            let facts = Facts { kind, uid: 0, gid: 0, mode };
            judge(facts, asker, || Some(ME), || Some(list.clone()))
        };
        assert_eq!(judged(Kind::File, 0o664, PLAIN), user, "{list:?}");
        assert_eq!(judged(Kind::Folder, 0o775, PLAIN), user, "{list:?}");
        assert_eq!(judged(Kind::File, 0o664, ELEVATED), elevated, "{list:?}, set-uid");
        // Its mask is what the permissions show for the group.
        assert_eq!(judged(Kind::File, 0o644, PLAIN), None, "{list:?}");
        assert_eq!(judged(Kind::Folder, 0o1775, PLAIN), None, "{list:?}, sticky");
    }
}

#[test]
fn root_trusts_itself_alone() {
    let root = Asker { user: 0, elevated: false };
    assert_eq!(judged(Kind::File, 0, 0, 0o664, root), None);
    assert_eq!(judged(Kind::File, ME, ME, 0o644, root), Some(Fault::Owner));
}

#[test]
fn a_private_group_has_no_other_user() {
    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
        me:x:1000:1000::/home/me:/bin/sh\nother:x:1001:1002::/home/other:/bin/sh\n\
        pair:x:1003:100::/:/bin/sh\npair2:x:1004:100::/:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nusers:x:100:\nme:x:1000:\nother:x:1002:other\n";
    let group = |user, primary| private_group(user, primary, PASSWD, GROUP);
    assert_eq!(group(1000, 1000), Some(1000));
    // Its number need not be the user's, and the user may be listed in it.
    assert_eq!(group(1001, 7), Some(1002));
    // Two users share it.
    assert_eq!(group(1003, 100), None);
    // From elsewhere.
    assert_eq!(group(2000, 2000), Some(2000));
    assert_eq!(group(2000, 2001), None);
    assert_eq!(group(2000, 1000), None);

    let joined = GROUP.replace("me:x:1000:", "me:x:1000:me,other");
    assert_eq!(private_group(1000, 1000, PASSWD, &joined), None);
    // Files without sense tell nothing.
    for text in ["", "\n::\n:::::", "me:x:minus one:", "me"] {
        assert_eq!(private_group(1000, 1000, text, text), Some(1000), "{text}");
        assert_eq!(private_group(1000, 20, text, text), None, "{text}");
    }
}
