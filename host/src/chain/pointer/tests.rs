//! What pointing at a word looks like.

use super::*;

#[track_caller]
fn check(words: &[&str], at: usize, expected: &str) {
    let mistake: Mistake<()> = Mistake::EmptyStage { at };
    let shown = render_pointer(&Word::line(words), &mistake);
    assert_eq!(shown, expected);
    assert!(shown.lines().all(|line| line.chars().count() <= WIDTH), "{shown}");
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
