//! Text that fits into a width, and is fit for a terminal. Pure; it knows no styles.

use std::borrow::Cow;

/// The lines of a message, broken between words where they are longer than `room`.
pub(crate) fn lines(message: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in message.trim_end().split('\n') {
        if paragraph.len() <= room || paragraph.chars().count() <= room {
            lines.push(paragraph.trim_end().to_owned());
            continue;
        }
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
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
