//! A word as a shell would pass it on, where the shell hands it out as it was typed.

use std::iter::Peekable;
use std::str::Chars;

/// Takes the quotes and the escapes out of a word. What a shell would expand stays as it is: nothing is
/// run to complete a line. A quote that does not end, ends with the word.
pub(crate) fn unquoted(word: &str, escape: char) -> String {
    let mut text = String::new();
    let mut rest = word.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\'' => text.extend(rest.by_ref().take_while(|&c| c != '\'')),
            '"' => double_quoted(&mut text, &mut rest, escape),
            _ if c == escape => text.extend(rest.next()),
            _ => text.push(c),
        }
    }
    text
}

fn double_quoted(text: &mut String, rest: &mut Peekable<Chars<'_>>, escape: char) {
    while let Some(c) = rest.next() {
        match c {
            '"' => return,
            _ if c == escape && rest.peek().is_some_and(|&next| "\"\\$`".contains(next)) => {
                text.extend(rest.next());
            }
            _ => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_escapes_are_taken_out_and_nothing_is_expanded() {
        for (word, expect) in [
            ("plain", "plain"),
            ("'a b'c", "a bc"),
            (r#""a \" b""#, r#"a " b"#),
            (r"a\ b", "a b"),
            (r#""a\b""#, r"a\b"),
            ("'open", "open"),
            ("\"open", "open"),
            ("$(rm x)", "$(rm x)"),
            ("end\\", "end"),
        ] {
            assert_eq!(unquoted(word, '\\'), expect, "{word}");
        }
        assert_eq!(unquoted(r"C:\x` y", '`'), r"C:\x y");
    }
}
