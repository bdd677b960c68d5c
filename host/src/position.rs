//! Where in a text something stands, as editors count it. Pure.

/// The line and the column of a byte in a text, both from 1; columns are characters. What lies beyond the
/// text is at its end.
pub(crate) fn position(text: &[u8], at: usize) -> (usize, usize) {
    let before = &text[..at.min(text.len())];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    (line, String::from_utf8_lossy(&before[line_start..]).chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_begin_with_one_and_columns_are_characters() {
        let text = "ä = 1\n\nöx".as_bytes();
        let places = [(0, (1, 1)), (2, (1, 2)), (7, (2, 1)), (8, (3, 1)), (10, (3, 2))];
        for (at, expect) in places {
            assert_eq!(position(text, at), expect, "{at}");
        }
        assert_eq!(position(text, text.len() + 9), (3, 3));
        assert_eq!(position(b"\xff\xffx", 2), (1, 3));
    }
}
