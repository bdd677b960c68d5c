//! Text that fits into a width, and is fit for a terminal. Pure; it knows no styles.

use std::borrow::Cow;

/// The lines of a message, broken between words where they are longer than `room`. What stands in
/// backticks is one word: a command that is copied must not end where a line does.
pub(crate) fn lines(message: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in message.trim_end().split('\n') {
        if paragraph.len() <= room || paragraph.chars().count() <= room {
            lines.push(paragraph.trim_end().to_owned());
            continue;
        }
        let mut line = String::new();
        for word in words(paragraph) {
            let longer = line.chars().count() + 1 + word.chars().count();
            if !line.is_empty() && longer > room {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut from, mut is_quoted) = (None, false);
    for (at, c) in text.char_indices() {
        if c == '`' {
            is_quoted = !is_quoted && text[at + 1..].contains('`');
        }
        if c.is_whitespace() && !is_quoted {
            words.extend(from.take().map(|from| &text[from..at]));
        } else {
            from = from.or(Some(at));
        }
    }
    words.extend(from.map(|from| &text[from..]));
    words
}

/// A text from a file, on one line and without control characters.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    // There may be a thousand of them, and next to none needs anything.
    if text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') && !text.contains("  ") {
        return text.trim().into();
    }
    let text: Vec<_> = text.split_whitespace().collect();
    text.join(" ").replace(char::is_control, "\u{fffd}").into()
}

/// A text that is to be shown as it is, such as a path, without what would end the line or control the
/// terminal.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    text.replace('\t', " ").replace(char::is_control, "\u{fffd}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_never_in_a_command() {
        let check = |text: &str, expect: &[&str]| assert_eq!(lines(text, 12), expect, "{text}");
        check("one two three four", &["one two", "three four"]);
        check("if so: `a b c d e f g`, or not", &["if so:", "`a b c d e f g`,", "or not"]);
        check("a `lone one is none at all", &["a `lone one", "is none at", "all"]);
        check("  in  front `b c`\nand behind it", &["in front", "`b c`", "and behind", "it"]);
    }
}
