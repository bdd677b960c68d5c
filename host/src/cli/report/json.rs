//! Failures and outcomes as JSON lines of the form that log lines have, for programs that read them.
//! Pure: it writes nowhere.

use anstream::adapter::strip_str;
use serde_json::json;

use super::render::{abandoned, lost};
use crate::cli::logging::json::own;
use crate::error::Failure;
use crate::lifespan::Outcome;

/// All failures, a line each.
pub(crate) fn failures(failures: &[Failure]) -> String {
    failures.iter().map(failure).collect()
}

/// The failures of a run, and what was given up or lost in its end, a line each.
pub(crate) fn outcome(outcome: &Outcome) -> String {
    let mut text = failures(&outcome.failures);
    for instance in &outcome.abandoned {
        text += &own("WARN", Some(instance), &abandoned(instance, outcome.exit), json!({}));
    }
    for loss in &outcome.lost {
        let fields = json!({"topic": loss.topic, "messages": loss.messages});
        text += &own("WARN", Some(&loss.instance), &lost(loss), fields);
    }
    text
}

fn failure(failure: &Failure) -> String {
    let plain = |text: &str| strip_str(text).to_string().trim_end().to_owned();
    let detail = failure.detail.as_deref().map(plain);
    // What another parser has rendered has no message beside it.
    let (message, detail) = match (failure.message.as_str(), detail) {
        ("", Some(rendered)) => {
            (rendered.strip_prefix("error: ").unwrap_or(&rendered).to_owned(), None)
        }
        (message, detail) => (message.to_owned(), detail),
    };
    let fields = json!({
        "exit": failure.exit.code(),
        "phase": failure.phase,
        "causes": failure.causes,
        "hints": failure.hints,
        "detail": detail,
        "pointer": failure.pointer.as_deref().map(plain),
    });
    own("ERROR", failure.instance.as_deref(), &message, fields)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::exit::Exit;
    use crate::lifespan::Lost;

    fn objects(text: &str) -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
    }

    #[test]
    fn a_failure_is_one_line_whatever_is_in_it() {
        let mut broken = Failure::new(Exit::Plugin, "no\nfish").of("cook@evening", "set-up");
        broken.causes = vec!["shop closed".into()];
        broken.pointer = Some("  cook\n  ^^^^\n".into());
        let rendered =
            Failure::rendered(Exit::Usage, "\u{1b}[31merror:\u{1b}[0m no '--x'\n\nUsage: y\n");
        let told = objects(&failures(&[broken, rendered]));
        assert_eq!(told.len(), 2);
        assert_eq!(
            [&told[0]["level"], &told[0]["target"], &told[0]["instance"], &told[0]["message"]],
            ["ERROR", "lifespan", "cook@evening", "no\nfish"]
        );
        assert_eq!(
            told[0]["fields"],
            json!({
                "exit": 1, "phase": "set-up", "causes": ["shop closed"], "hints": [],
                "detail": null, "pointer": "  cook\n  ^^^^",
            })
        );
        assert_eq!(told[1]["message"], "no '--x'\n\nUsage: y");
        assert_eq!(told[1]["instance"], Value::Null);
    }

    #[test]
    fn an_outcome_names_who_was_given_up_and_who_lost_what() {
        let lost = Lost { instance: "recorder".into(), topic: "count".into(), messages: 2 };
        let told = objects(&outcome(&Outcome {
            exit: Exit::Plugin,
            failures: vec![Failure::new(Exit::Plugin, "no fish")],
            abandoned: vec!["sleeper".into()],
            lost: vec![lost],
        }));
        let instances: Vec<_> = told.iter().map(|line| line["instance"].clone()).collect();
        assert_eq!(instances, [Value::Null, "sleeper".into(), "recorder".into()]);
        assert_eq!(told[2]["fields"], json!({"topic": "count", "messages": 2}));
    }
}
