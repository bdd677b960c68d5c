//! How the text of a file becomes words, and which files cannot be taken.

use std::fs;

use super::*;
use crate::files;

fn file(path: &Path) -> Arc<ArgFile> {
    Arc::new(ArgFile { path: path.into(), named_by: Origin::Argv(0) })
}

#[track_caller]
fn check(text: &str, expected: &[(&str, usize)]) {
    let words = words(text, &file(Path::new("f"))).unwrap();
    let found: Vec<_> = words
        .iter()
        .map(|word| {
            let Origin::File { line, .. } = word.origin else { panic!("in a file") };
            (word.text.to_str().unwrap(), line)
        })
        .collect();
    assert_eq!(found, expected);
}

#[track_caller]
fn check_wrong(text: &str, expected: &str) {
    assert_eq!(words(text, &file(Path::new("f"))).unwrap_err().to_string(), expected);
}

#[test]
fn white_space_separates() {
    check("", &[]);
    check(" \n\t\r\n ", &[]);
    check(
        "countdown --from 3\n\n  echo\r\n",
        &[("countdown", 1), ("--from", 1), ("3", 1), ("echo", 3)],
    );
}

#[test]
fn comments_begin_words() {
    check("# all\na #b 'c\nd#e # \n#", &[("a", 2), ("d#e", 3)]);
}

#[test]
fn quotes_keep_what_is_in_them() {
    check(
        "'a b' \"c d\" e'f'\"g\" '' \"\"",
        &[("a b", 1), ("c d", 1), ("efg", 1), ("", 1), ("", 1)],
    );
    check("'a\\n\"# b'", &[("a\\n\"# b", 1)]);
    check(r#""\"\\\n'$x""#, &[("\"\\\\n'$x", 1)]);
    check("'two\nlines' next", &[("two\nlines", 1), ("next", 2)]);
}

#[test]
fn a_backslash_keeps_or_joins() {
    check(r"a\ b \'c \#d \\", &[("a b", 1), ("'c", 1), ("#d", 1), ("\\", 1)]);
    check("a\\\nb \\\n c", &[("ab", 1), ("c", 3)]);
    check("\"a\\\nb\"", &[("ab", 1)]);
}

#[test]
fn what_does_not_end_is_an_error_with_its_place() {
    check_wrong("a\n 'b\nc", "f:2: no closing `'`");
    check_wrong("\"b\\\"", "f:1: no closing `\"`");
    check_wrong("\"b\\", "f:1: no closing `\"`");
    check_wrong("a\nb\\", "f:2: nothing follows the backslash");
}

#[test]
fn files_are_read_once_around_a_place() {
    let dir = tempfile::tempdir().unwrap();
    let (outer, inner) = (dir.path().join("outer"), dir.path().join("inner"));
    fs::write(&outer, "@inner").unwrap();
    fs::write(&inner, "@./outer echo").unwrap();
    let in_outer = read(&outer, &Origin::Argv(0), files::read).unwrap().remove(0).origin;
    let words = read(&inner, &in_outer, files::read).unwrap();
    assert_eq!(words.len(), 2);
    let again = dir.path().join("./outer");
    let error = read(&again, &words[0].origin, files::read).unwrap_err();
    assert_eq!(error.to_string(), format!("`{}` contains itself", again.display()));
}

#[test]
fn files_that_cannot_be_taken_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("binary"), b"a\nb\xff").unwrap();
    fs::write(at("large"), vec![b' '; LARGEST as usize + 1]).unwrap();
    let error =
        |name: &str| read(&at(name), &Origin::Argv(0), files::read).unwrap_err().to_string();
    assert_eq!(error("binary"), format!("{}:2: not UTF-8", at("binary").display()));
    assert_eq!(error("large"), format!("`{}` is larger than 1024 KiB", at("large").display()));
    assert_eq!(error("missing"), format!("cannot read `{}`", at("missing").display()));
}
