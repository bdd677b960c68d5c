//! What is said about lines that are wrong, and where it points.

#[cfg(unix)]
use std::ffi::OsStr;
#[cfg(unix)]
use std::os::unix::ffi::OsStrExt;

use super::*;

/// A line with mistakes: the stages that are told all the same, and what is shown of each mistake.
#[track_caller]
fn check_wrong(line: &str, expected: &str, mistakes: &[&str]) {
    let (split, _) = split_line(line);
    assert_eq!(stages(&split), expected, "{line}");
    let shown = split.mistakes.iter().map(|mistake| {
        let pointer = pointer(&split, mistake);
        let hints = mistake.hints().into_iter().map(|hint| format!("hint: {hint}\n"));
        format!("{mistake}\n{pointer}{}", hints.collect::<String>())
    });
    assert_eq!(shown.collect::<Vec<_>>(), mistakes, "{line}");
}

fn pointer<E>(split: &Split<E>, mistake: &Mistake<E>) -> String {
    render_pointer(&split.words, mistake.at()..mistake.at() + 1, 80)
}

#[test]
fn bad_names_of_instances_are_told() {
    let hint = "hint: a name is made of letters, digits, `_`, `.` and `-`\n";
    check_wrong(
        "echo@ echo@a/b",
        "echo · echo",
        &[
            &format!(
                "`` cannot be the name of an instance of `echo`\n  echo@ echo@a/b\n  ^^^^^\n{hint}"
            ),
            &format!(
                "`a/b` cannot be the name of an instance of `echo`\n  echo@ echo@a/b\n        ^^^^^^^^\n{hint}"
            ),
        ],
    );
}

#[test]
fn unknown_words_are_pointed_at() {
    check_wrong(
        "countdown cuontdown --label echo",
        "countdown · echo",
        &["no plugin is called `cuontdown`, and `countdown` has no place for it\n  \
           countdown cuontdown --label echo\n            ^^^^^^^^^\n\
           hint: did you mean `countdown`?\n"],
    );
    check_wrong(
        "countdown --from 0 ecko",
        "countdown --from 0",
        &["no plugin is called `ecko`, and `countdown` has no place for it\n  \
           countdown --from 0 ecko\n                     ^^^^\nhint: did you mean `echo`?\n"],
    );
    check_wrong(
        "countdown frm 3 --then db migarte",
        "countdown · db",
        &[
            "no plugin is called `frm`, and `countdown` has no place for it\n  \
             countdown frm 3 --then db migarte\n            ^^^\nhint: did you mean `--from`?\n",
            "no plugin is called `migarte`, and `db` has no place for it\n  \
             countdown frm 3 --then db migarte\n                            ^^^^^^^\n\
             hint: did you mean `migrate`?\n",
        ],
    );
    check_wrong("qqq", "", &["no plugin is called `qqq`\n  qqq\n  ^^^\n"]);
    check_wrong(
        "two a b ecko",
        "two a b",
        &[
            "no plugin is called `ecko`, and `two` has no place for it\n  two a b ecko\n          ^^^^\nhint: did you mean `echo`?\n",
        ],
    );
    check_wrong(
        "ecko@a",
        "",
        &["no plugin is called `ecko@a`\n  ecko@a\n  ^^^^^^\nhint: did you mean `echo@a`?\n"],
    );
}

#[test]
fn what_stands_for_a_name_and_cannot_is_told() {
    let hint =
        "hint: options of the host come before the first plugin, a plugin's after its name\n";
    check_wrong(
        "--from 3 echo",
        "echo",
        &[&format!(
            "`--from` stands where the name of a plugin must stand\n  --from 3 echo\n  ^^^^^^\n{hint}"
        )],
    );
    let hint = "hint: write a plugin with its arguments before `--then`, or leave it out\n";
    check_wrong(
        "--then echo --then --then echo",
        "echo · echo",
        &[
            &format!(
                "`--then` ends a stage, and there is none before it\n  --then echo --then --then echo\n  ^^^^^^\n{hint}"
            ),
            &format!(
                "`--then` ends a stage, and there is none before it\n  --then echo --then --then echo\n                     ^^^^^^\n{hint}"
            ),
        ],
    );
    check_wrong(
        "echo help x",
        "echo",
        &["`help` is a reserved word, not a plugin\n  echo help x\n       ^^^^\n"],
    );
    check_wrong(
        "broken --x y echo",
        "echo",
        &["cannot tell what arguments `broken` takes\n  broken --x y echo\n  ^^^^^^\n"],
    );
}

#[test]
fn a_reserved_word_is_no_plugin_even_if_one_is_called_so() {
    let mut plugins = plugins().with(Command::new("run"));
    let split = split(&Word::line(["join", "run", "--then", "run"]), &mut plugins);
    assert_eq!(stages(&split), "join run");
    assert!(
        matches!(&split.mistakes[..], [Mistake::Reserved { at: 3, word, after: None }] if word == "run")
    );
    assert_eq!(plugins.asked, ["join"]);
}

#[test]
fn hints_are_for_either_side_of_a_guess() {
    let (split, _) = split_line("join a echo@b countdown");
    let hint = "`echo@b` was taken as the next plugin; if `join` was to have it as a value, write it \
                after `--`, or as `--option=echo@b`; `--then` ends a stage in any case";
    assert_eq!(hints(&split.stages, 0), [hint]);
    assert_eq!(hints(&split.stages, 1), [hint]);
    assert!(hints(&split.stages, 2).is_empty());
    assert!(hints(&split.stages, 3).is_empty());
}

#[test]
fn mistakes_in_files_are_shown_there() {
    let hint = "hint: a value that begins with `@` is given after `--`, or as `--option=@value`\n";
    check_wrong(
        "countdown @nothere echo",
        "countdown · echo",
        &[&format!(
            "cannot take arguments from a file\n  countdown @nothere echo\n            ^^^^^^^^\n{hint}"
        )],
    );
    check_wrong(
        "@typo echo",
        "countdown · echo",
        &["no plugin is called `cuontdown`, and `countdown` has no place for it\n  \
           typo:2\n  cuontdown --x\n  ^^^^^^^^^\nhint: did you mean `countdown`?\n"],
    );
}

#[test]
fn files_within_files_come_to_an_end() {
    let (split, _) = split_line("@again");
    let [Mistake::ArgFile { at: 8, source }] = &split.mistakes[..] else {
        panic!("one mistake: {:?}", split.mistakes)
    };
    assert_eq!(source.to_string(), "`again` stands more than 8 files deep");
}

#[cfg(unix)]
#[test]
fn words_that_are_no_text_are_values_or_unknown() {
    let raw = OsStr::from_bytes(b"\xffx");
    let line = ["join", "echo"].map(OsStr::new);
    let split = split(&Word::line([line[0], raw, line[1], raw]), &mut plugins());
    assert_eq!(split.stages[0].args, [raw]);
    assert_eq!(
        pointer(&split, &split.mistakes[0]),
        "  join \u{fffd}x echo \u{fffd}x\n               ^^\n"
    );
}
