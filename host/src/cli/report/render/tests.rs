//! What people see, as snapshots. `SNAPSHOTS=overwrite cargo test` rewrites them.

use anstream::adapter::strip_str;
use snapbox::{assert_data_eq, str};

use super::*;

fn broken() -> Failure {
    let mut failure = Failure::new(Exit::Plugin, "panicked at src/lib.rs:3:4: no fish")
        .of("cook@evening", "set-up")
        .hint("buy some");
    failure.causes = vec!["shop closed".into(), "sunday".into()];
    failure
}

fn plain(text: &str) -> String {
    strip_str(text).to_string()
}

#[test]
fn a_failure_names_instance_phase_causes_and_hints() {
    assert_data_eq!(
        plain(&failures(&[broken(), Failure::new(Exit::Load, "cannot load `x.so`")], None)),
        str![[r#"
error: cook@evening: set-up: panicked at src/lib.rs:3:4: no fish
  caused by: shop closed
  caused by: sunday
  hint: buy some

error: cannot load `x.so`

"#]]
    );
}

#[test]
fn colour_is_on_the_labels_only() {
    let shown = failures(&[broken()], None);
    let shown: Vec<_> = shown.lines().map(|line| format!("{line:?}\n")).collect();
    assert_data_eq!(
        shown.concat(),
        str![[r#"
"/u{1b}[1m/u{1b}[31merror:/u{1b}[0m cook@evening: set-up: panicked at src/lib.rs:3:4: no fish"
"  /u{1b}[1mcaused by:/u{1b}[0m shop closed"
"  /u{1b}[1mcaused by:/u{1b}[0m sunday"
"  /u{1b}[1m/u{1b}[36mhint:/u{1b}[0m buy some"

"#]]
    );
}

#[test]
fn long_messages_are_wrapped_below_themselves_on_a_terminal_only() {
    let long = "the topic `weather/today` carries `u32` from `station` and was opened as `f64`";
    let failure = Failure::new(Exit::Plugin, long);
    assert_data_eq!(
        plain(&failures(std::slice::from_ref(&failure), Some(40))),
        str![[r#"
error: the topic `weather/today` carries
       `u32` from `station` and was
       opened as `f64`

"#]]
    );
    assert_eq!(plain(&failures(&[failure], None)), format!("error: {long}\n"));
}

#[test]
fn what_another_parser_rendered_is_shown_as_it_is() {
    let rendered = "error: unexpected argument '--frmo' found\n\n  tip: '--from' exists\n\n";
    let failure = Failure::rendered(Exit::Usage, rendered).hint("`--then` ends a stage");
    assert_data_eq!(
        plain(&failures(&[failure], Some(20))),
        str![[r#"
error: unexpected argument '--frmo' found

  tip: '--from' exists
  hint: `--then`
        ends a stage

"#]]
    );
}

#[test]
fn a_pointer_stands_before_the_hints() {
    let mut failure = Failure::rendered(Exit::Usage, "error: no\n").hint("look");
    failure.pointer = Some("  in stage `b`:\n  a b\n    ^\n".into());
    let mut long = failure.clone();
    long.detail = Some("error: no\n\n  tip: x\n".into());
    assert_data_eq!(
        plain(&failures(&[failure, long], None)),
        str![[r#"
error: no
  in stage `b`:
  a b
    ^
  hint: look

error: no

  tip: x

  in stage `b`:
  a b
    ^
  hint: look

"#]]
    );
}

#[test]
fn a_backtrace_follows_the_causes() {
    let mut failure = broken();
    failure.detail = Some("   0: cook::fry\n   1: main\n".into());
    assert_data_eq!(
        plain(&failures(&[failure], None)),
        str![[r#"
error: cook@evening: set-up: panicked at src/lib.rs:3:4: no fish
  caused by: shop closed
  caused by: sunday
   0: cook::fry
   1: main
  hint: buy some

"#]]
    );
}

#[test]
fn an_outcome_names_what_was_given_up_and_lost() {
    let lost =
        |topic: &str, messages| Lost { instance: "recorder".into(), topic: topic.into(), messages };
    let outcome = Outcome {
        exit: Exit::Plugin,
        failures: vec![broken()],
        abandoned: vec!["sleeper".into()],
        lost: vec![lost("count", 1), lost("weather", 12)],
    };
    assert_data_eq!(
        plain(&super::outcome(&outcome, None)),
        str![[r#"
error: cook@evening: set-up: panicked at src/lib.rs:3:4: no fish
  caused by: shop closed
  caused by: sunday
  hint: buy some
warning: `sleeper` was abandoned: the time was up before all of it had ended
warning: 1 message on topic `count` lost for `recorder`: not delivered when the grace period ended
warning: 12 messages on topic `weather` lost for `recorder`: not delivered when the grace period ended

"#]]
    );
    let forced =
        Outcome { exit: Exit::Signal(2), abandoned: outcome.abandoned, ..Outcome::default() };
    assert_eq!(
        plain(&super::outcome(&forced, None)),
        "warning: `sleeper` was abandoned: a second signal came before all of it had ended\n"
    );
}

#[test]
fn a_plan_shows_each_instance_in_the_order_of_set_up() {
    let stage = |instance: &str, args: &[&str], requires: &[&str]| PlannedStage {
        instance: instance.into(),
        plugin: instance.split('@').next().unwrap_or_default().into(),
        args: args.iter().map(ToString::to_string).collect(),
        library: format!("/plugins/lib{}.so", &instance[..4]),
        requires: requires.iter().map(ToString::to_string).collect(),
    };
    let plan = Plan {
        stages: vec![
            stage("echo", &["--prefix", "it's ", ""], &[]),
            stage("countdown@fast", &["--from", "3"], &["echo", "cook"]),
        ],
    };
    assert_data_eq!(
        plain(&super::plan(&plan)),
        str![[r#"
1. echo
   stage     echo --prefix 'it'/''s ' ''
   library   /plugins/libecho.so
2. countdown@fast
   stage     countdown --from 3
   library   /plugins/libcoun.so
   requires  echo, cook

"#]]
    );
}
