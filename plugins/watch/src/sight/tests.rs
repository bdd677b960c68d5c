//! What is told of a change, by what there is: with real files, and without anybody who watches.

use std::collections::BTreeMap;

use super::*;

/// A folder of the test's own.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().canonicalize().unwrap();
    (folder, path)
}

fn touched(paths: &[&Path]) -> Touched {
    let paths = paths.iter().map(|path| (path.to_path_buf(), false));
    Touched { everything: false, paths: paths.collect() }
}

/// What has changed, without what is before it in each path.
fn changes(sight: &mut Sight, touched: &Touched, below: &Path) -> Vec<(String, Kind)> {
    let told = |change: Change| {
        let path = Path::new(&change.path).strip_prefix(below).unwrap();
        (path.to_str().unwrap().to_owned(), change.change)
    };
    sight.look(touched).into_iter().map(told).collect()
}

fn told(path: &str, change: Kind) -> Vec<(String, Kind)> {
    vec![(path.to_owned(), change)]
}

#[test]
fn a_file_comes_changes_and_goes() {
    let (_folder, path) = folder();
    let file = path.join("file");
    let mut sight = Sight::new(vec![file.clone()], false).unwrap();
    let nothing = Touched::default();
    assert_eq!(changes(&mut sight, &nothing, &path), []);
    fs::write(&file, "one").unwrap();
    assert_eq!(changes(&mut sight, &nothing, &path), told("file", Kind::Created));
    assert_eq!(changes(&mut sight, &nothing, &path), []);
    fs::write(&file, "three").unwrap();
    assert_eq!(changes(&mut sight, &nothing, &path), told("file", Kind::Modified));
    fs::remove_file(&file).unwrap();
    assert_eq!(changes(&mut sight, &nothing, &path), told("file", Kind::Removed));
}

#[test]
fn a_file_that_takes_the_place_of_another_is_a_change_though_it_looks_alike() {
    let (_folder, path) = folder();
    let (file, new) = (path.join("file"), path.join("new"));
    fs::write(&file, "one").unwrap();
    fs::write(&new, "two").unwrap();
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    fs::File::options().write(true).open(&new).unwrap().set_modified(time).unwrap();
    let mut sight = Sight::new(vec![file.clone()], false).unwrap();
    sight.look(&Touched::everything());
    fs::rename(&new, &file).unwrap();
    assert_eq!(changes(&mut sight, &touched(&[&file]), &path), told("file", Kind::Modified));
}

#[test]
fn what_was_surely_written_to_has_changed_whatever_its_time_says() {
    let (_folder, path) = folder();
    let file = path.join("file");
    fs::write(&file, "one").unwrap();
    let mut sight = Sight::new(vec![file.clone()], false).unwrap();
    sight.look(&Touched::everything());
    let written = Touched { everything: false, paths: BTreeMap::from([(file, true)]) };
    assert_eq!(changes(&mut sight, &written, &path), told("file", Kind::Modified));
}

#[test]
fn of_a_folder_what_is_in_it_counts() {
    let (_folder, path) = folder();
    let below = path.join("below");
    fs::create_dir(&below).unwrap();
    let mut sight = Sight::new(vec![path.clone()], false).unwrap();
    sight.look(&Touched::everything());
    let (file, deep) = (path.join("file"), below.join("deep"));
    fs::write(&file, "").unwrap();
    fs::write(&deep, "").unwrap();
    let both = touched(&[&file, &deep, &below, &path]);
    assert_eq!(changes(&mut sight, &both, &path), told("file", Kind::Created));
    fs::remove_file(&file).unwrap();
    assert_eq!(changes(&mut sight, &Touched::everything(), &path), told("file", Kind::Removed));
}

#[test]
fn a_folder_that_comes_or_goes_does_so_with_all_that_is_below_it() {
    let (_folder, path) = folder();
    let (top, elsewhere) = (path.join("top"), path.join("elsewhere"));
    fs::create_dir(&top).unwrap();
    fs::create_dir_all(elsewhere.join("a/b")).unwrap();
    fs::write(elsewhere.join("a/b/file"), "").unwrap();
    let mut sight = Sight::new(vec![top.clone()], true).unwrap();
    sight.look(&Touched::everything());
    for (from, to, kind) in [
        (elsewhere.join("a"), top.join("a"), Kind::Created),
        (top.join("a"), elsewhere.join("a"), Kind::Removed),
    ] {
        fs::rename(from, to).unwrap();
        let expect = ["a", "a/b", "a/b/file"].map(|path| (path.to_owned(), kind));
        assert_eq!(changes(&mut sight, &touched(&[&top.join("a")]), &top), expect);
    }
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let (_folder, path) = folder();
    let error = Sight::new(vec![path.join("no/file")], false).err().unwrap().to_string();
    assert_eq!(error, format!("the folder `{}` does not exist", path.join("no").display()));
    fs::write(path.join("file"), "").unwrap();
    let error = Sight::new(vec![path.join("file/file")], false).err().unwrap();
    assert!(format!("{error:#}").contains("/file`"), "{error:#}");
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_noticed() {
    let (_folder, path) = folder();
    for name in ["one", "two"] {
        fs::create_dir(path.join(name)).unwrap();
        fs::write(path.join(name).join("file"), name).unwrap();
    }
    std::os::unix::fs::symlink("one", path.join("current")).unwrap();
    std::os::unix::fs::symlink("current/file", path.join("file")).unwrap();
    let mut sight = Sight::new(vec![path.join("file")], false).unwrap();
    sight.look(&Touched::everything());
    let scope = sight.scope().unwrap();
    for concerned in ["file", "current", "one/file"] {
        assert!(scope.concerns(&path.join(concerned)), "{concerned}");
    }
    assert!(!scope.concerns(&path.join("one/other")));
    std::os::unix::fs::symlink("two", path.join("new")).unwrap();
    fs::rename(path.join("new"), path.join("current")).unwrap();
    assert_eq!(changes(&mut sight, &Touched::default(), &path), told("file", Kind::Modified));
    assert!(sight.scope().unwrap().concerns(&path.join("two/file")));
}
