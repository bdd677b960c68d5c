//! That a copy in a folder is where nobody else can change it, on whatever system.

use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn copy(above: &Path) -> io::Result<Duplicate> {
    Duplicate::below(above, OsStr::new("libx.so"), &b"bytes"[..])
}

#[test]
fn a_copy_lies_by_itself_where_nobody_else_may_enter() {
    let above = TempDir::new().unwrap();
    let (one, other) = (copy(above.path()).unwrap(), copy(above.path()).unwrap());
    assert_ne!(one.path(), other.path());
    assert_eq!(fs::read(one.path()).unwrap(), b"bytes");
    assert_eq!(mode(&one.path()) & 0o222, 0, "nobody may write to it");
    assert_eq!(mode(one.path().parent().unwrap()), 0o700);
    assert!(one.path().ends_with("libx.so"));
    drop(one);
    assert_eq!(fs::read_dir(above.path()).unwrap().count(), 1, "the other's");
}

#[test]
fn what_is_read_is_what_was_copied_and_not_what_has_come_in_its_place() {
    let above = TempDir::new().unwrap();
    let copy = copy(above.path()).unwrap();
    fs::remove_file(copy.path()).unwrap();
    fs::write(copy.path(), "other").unwrap();
    assert_eq!(io::read_to_string(copy.reader().unwrap()).unwrap(), "bytes");
}

#[test]
fn a_temporary_folder_in_which_others_could_replace_it_is_not_used() {
    let above = TempDir::new().unwrap();
    let inner = above.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let link = above.path().join("link");
    symlink("inner", &link).unwrap();
    for (folder, spoilt) in [(&inner, inner.as_path()), (&inner, above.path()), (&link, &inner)] {
        let before = mode(spoilt);
        chmod(spoilt, 0o777);
        let error = copy(folder).unwrap_err().to_string();
        let told = format!("everybody may write to `{}`", spoilt.display());
        assert!(error.starts_with("the temporary folder is not trusted: "), "{error}");
        assert!(error.contains(&told), "{told}\n{error}");
        assert_eq!(fs::read_dir(&inner).unwrap().count(), 0);
        // As the system's own is.
        chmod(spoilt, 0o1777);
        copy(folder).unwrap();
        chmod(spoilt, before);
    }
    assert!(copy(&above.path().join("none")).is_err());
}

#[test]
fn the_systems_own_temporary_folder_serves() {
    let copy = Duplicate::of(OsStr::new("libx.so"), &b"bytes"[..]).unwrap();
    assert_eq!(fs::read(copy.path()).unwrap(), b"bytes");
}
