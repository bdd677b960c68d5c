//! What pointing at a word looks like.

use super::*;

#[track_caller]
fn check(words: &[&str], at: usize, expected: &str) {
    let shown = render_pointer(&Word::line(words), at..at + 1, 80);
    assert_eq!(shown, expected);
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
}

#[test]
fn the_carets_stand_below_the_word() {
    check(&["countdown", "ecko", "x"], 1, "  countdown ecko x\n            ^^^^\n");
    check(&["ä", "ö"], 1, "  ä ö\n    ^\n");
    check(&["a"], 5, "");
}

#[test]
fn words_are_shown_on_one_line() {
    check(&["a b", "", "c\n\u{7}"], 2, "  'a b' '' 'c\\n\\u{7}'\n           ^^^^^^^^^^\n");
    check(&["", "x"], 0, "  '' x\n  ^^\n");
}

#[test]
fn long_lines_are_cut_around_the_word() {
    let many: Vec<&str> = std::iter::repeat_n("countdown", 20).collect();
    let word = "countdown";
    check(&many, 0, &format!("  {0} {0} {0} {0} {0} {0} {0} countd…\n  ^^^^^^^^^\n", word));
    check(
        &many,
        19,
        &format!("  …ntdown {0} {0} {0} {0} {0} {0} {0}\n{1}^^^^^^^^^\n", word, " ".repeat(70)),
    );
    check(
        &many,
        10,
        &format!("  …wn {0} {0} {0} {0} {0} {0} {0} cou…\n{1}^^^^^^^^^\n", word, " ".repeat(36)),
    );
}

#[test]
fn a_word_longer_than_the_line_is_marked_as_far_as_it_is_shown() {
    let long = "x".repeat(100);
    check(&[&long], 0, &format!("  {}…\n  {}\n", "x".repeat(76), "^".repeat(76)));
    check(&["a", &long, "b"], 1, &format!("  …{}…\n   {}\n", "x".repeat(76), "^".repeat(76)));
}

#[test]
fn several_words_are_marked_together() {
    let words = Word::line(["a", "countdown", "--from", "0", "b"]);
    let expected = "  a countdown --from 0 b\n    ^^^^^^^^^^^^^^^^^^\n";
    assert_eq!(render_pointer(&words, 1..4, 80), expected);
}

#[test]
fn the_width_is_as_it_is_told() {
    let words = Word::line(std::iter::repeat_n("countdown", 20));
    let width = |columns| {
        let shown = render_pointer(&words, 10..11, columns);
        shown.lines().next().unwrap_or_default().chars().count()
    };
    assert_eq!((width(40), width(120)), (40, 120));
    assert_eq!(width(0), 2 + 20 * "countdown ".len() - 1);
    // What is too narrow for anything is not obeyed.
    assert_eq!(width(1), FEWEST);
}
