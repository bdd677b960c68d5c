//! Words of a command that is told to a person, as the shell that it is given to takes them. Words only.

use std::ffi::OsStr;
#[cfg(unix)]
use std::os::unix::ffi::OsStrExt;

/// A path as a shell takes it: that of POSIX and those that are like it.
pub(crate) fn quoted(path: &OsStr) -> String {
    #[cfg(unix)]
    if path.to_str().is_none_or(|it| it.contains(char::is_control)) {
        return printed(path.as_bytes());
    }
    let path = path.to_string_lossy();
    // Where it separates the parts of a path, the shells take it as it is.
    let is_separator = |c| cfg!(windows) && c == '\\';
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c) || is_separator(c);
    // A word that begins with `=` is the path of a program for zsh.
    if !path.is_empty() && !path.starts_with('=') && path.chars().all(plain) {
        return path.into_owned();
    }
    format!("'{}'", path.replace('\'', "'\\''"))
}

/// What cannot be shown is not shown, and the word still means it. `$'…'` would be shorter, and is not known
/// to every `sh`; it stands only where the substitution would take the end of a line away.
#[cfg(unix)]
fn printed(path: &[u8]) -> String {
    if path.ends_with(b"\n") {
        return format!("$'{}'", path.escape_ascii());
    }
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !b"'\\%`$\"!".contains(byte);
    let told = path.iter().map(|byte| match byte {
        plain if is_plain(plain) => char::from(*plain).to_string(),
        other => format!("\\{other:03o}"),
    });
    format!("\"$(printf '{}')\"", told.collect::<String>())
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use std::process::Command;

    use super::*;

    #[test]
    fn paths_are_told_as_a_shell_takes_them() {
        let told = |path: &str| quoted(OsStr::new(path));
        assert_eq!(told("/p/libx-1.so"), "/p/libx-1.so");
        assert_eq!(told("/p/my lib.so"), "'/p/my lib.so'");
        assert_eq!(told("it's"), "'it'\\''s'");
        assert_eq!(told("=ls"), "'=ls'");
        assert_eq!(told(""), "''");
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_takes_what_is_told_as_the_path_that_is_meant() {
        let paths: [&[u8]; 16] = [
            b"/p/libx-1.so",
            b"/p/a\\b.so",
            b"back\\",
            b"a\\\\n b",
            b"~/x",
            b"it's",
            b"a b\tc",
            b"a\n\x1b[2Jit's",
            b"\xff.so",
            b"\xff\\101%s$HOME`id`\"!\x01",
            b"$HOME `id` \"*\" ? [a] {a,b} !x #y ;&|<>()",
            "ä ö".as_bytes(),
            b"\x7f",
            b"=ls",
            b"a=b:c@d%e,f+g",
            b"",
        ];
        for path in paths {
            let word = quoted(OsStr::from_bytes(path));
            assert!(!word.contains(char::is_control), "{word:?}");
            let script = format!("printf %s {word}");
            let output = Command::new("sh").arg("-c").arg(&script).output().unwrap();
            assert_eq!(output.stdout.escape_ascii().to_string(), path.escape_ascii().to_string());
            assert!(output.status.success() && output.stderr.is_empty(), "{script}\n{output:?}");
        }
        assert_eq!(quoted(OsStr::from_bytes(b"\x1b.so\n")), r"$'\x1b.so\n'");
    }
}
