//! That a copy is what was there, and does not change.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use tempfile::TempDir;

use super::*;

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("libx.so");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn text(sealed: &Sealed) -> String {
    io::read_to_string(sealed.reader().unwrap()).unwrap()
}

#[test]
fn a_copy_stays_whatever_happens_to_the_file() {
    let (_folder, path) = file(b"before");
    let sealed = seal(&path, None).unwrap();
    fs::write(&path, b"behind").unwrap();
    assert_eq!(text(&sealed), "before");
    fs::remove_file(&path).unwrap();
    assert_eq!(text(&sealed), "before");
    assert_eq!(sealed.digest(), Digest::of(&b"before"[..]).unwrap().0);
    assert_eq!(fs::read(sealed.keep()).unwrap(), b"before");
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_can_write_to_it() {
    let (_folder, path) = file(b"before");
    let sealed = seal(&path, None).unwrap();
    let mut same = sealed.reader().unwrap();
    assert!(same.write_all(b"behind").is_err());
    assert!(same.set_len(1).is_err() && same.set_len(100).is_err());
    let kept = sealed.keep();
    if let Ok(mut other) = OpenOptions::new().write(true).open(&kept) {
        assert!(other.write_all(b"behind").is_err());
    }
    assert_eq!(fs::read(&kept).unwrap(), b"before");
    let shown = fs::read_link(&kept).unwrap();
    assert!(shown.to_string_lossy().contains("libx.so"), "{}", shown.display());
}

#[test]
fn the_same_bytes_have_one_path_and_others_another() {
    let (_folder, path) = file(b"the same bytes of this test");
    let kept = |path: &Path| seal(path, None).unwrap().keep();
    let first = kept(&path);
    let (_again, again) = file(b"the same bytes of this test");
    assert_eq!(kept(&again), first);
    fs::write(&path, b"other bytes of this test").unwrap();
    let second = kept(&path);
    assert_ne!(second, first);
    assert_eq!(fs::read(first).unwrap(), b"the same bytes of this test");
    assert_eq!(fs::read(second).unwrap(), b"other bytes of this test");
}

#[test]
fn what_has_grown_and_what_is_no_file_is_not_copied() {
    let (folder, path) = file(b"seven!!");
    assert!(seal(&path, Some(7)).is_ok());
    assert!(seal(&path, Some(8)).is_ok());
    let error = seal(&path, Some(6)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    assert!(seal(folder.path(), None).is_err());
    assert!(seal(&folder.path().join("none"), None).is_err());
}

#[cfg(unix)]
#[test]
fn a_pipe_does_not_hold_it_up() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("libx.so");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert!(seal(&pipe, None).is_err());
}
