//! What a test has seen of a lifespan, and what it may demand of that.

use std::fmt;
use std::time::Duration;

use lifespan::probe::{Probe, Published};
use lifespan::{Exit, Failure, Failures, Outcome};
use tracing::Level;

use super::logs::Logged;
use crate::bus::Message;

/// A lifespan that is over. Shown, it tells all that is known of it.
pub struct Ended {
    instance: String,
    exit: Exit,
    failures: Vec<Failure>,
    answer: Option<String>,
    published: Vec<Published>,
    log: Vec<Logged>,
    took: Duration,
}

/// How it ended.
impl Ended {
    /// Demands that nothing failed.
    ///
    /// # Panics
    ///
    /// Something did.
    #[track_caller]
    pub fn assert_ok(&self) {
        assert!(self.exit == Exit::Success && self.failures.is_empty(), "{self}");
    }

    /// Demands that it failed, and that some failure's text has this in it, or a cause or hint of one.
    ///
    /// # Panics
    ///
    /// There is none.
    #[track_caller]
    pub fn assert_fails(&self, text: &str) {
        let found = self.failures.iter().any(|failure| whole(failure).contains(text));
        assert!(found, "no failure has `{text}` in it\n{self}");
    }

    /// What a program with this chain would answer with; a line that is wrong has [`Exit::Usage`].
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// What failed, each with its causes and hints, as the program would tell it.
    pub fn failures(&self) -> Vec<String> {
        self.failures.iter().map(whole).collect()
    }

    /// Help or a version, if that is what the arguments asked for.
    pub fn answer(&self) -> Option<&str> {
        self.answer.as_deref()
    }

    /// How long it took, by its own time.
    pub fn took(&self) -> Duration {
        self.took
    }
}

/// What it published.
impl Ended {
    /// What the instance has published on a topic, in that order. The values are made anew of their JSON.
    ///
    /// # Panics
    ///
    /// A value has no JSON, or is none of that type.
    #[track_caller]
    pub fn published<T: Message>(&self, topic: &str) -> Vec<T> {
        self.published_json(topic)
            .iter()
            .map(|text| match T::from_json(text) {
                Ok(value) => value,
                Err(error) => {
                    panic!("{text}, published on `{topic}`, is no `{}`: {error}", T::NAME)
                }
            })
            .collect()
    }

    /// What the instance has published on a topic, in that order, as JSON text.
    ///
    /// # Panics
    ///
    /// A value has no JSON.
    #[track_caller]
    pub fn published_json(&self, topic: &str) -> Vec<String> {
        self.of_instance()
            .filter(|published| *published.topic == *topic)
            .map(|published| match published.message.to_json() {
                Ok(text) => text,
                Err(error) => panic!("a value published on `{topic}` has no JSON: {error}"),
            })
            .collect()
    }

    /// The topics that the instance has published on, each once, in the order of the first message.
    pub fn topics(&self) -> Vec<&str> {
        let mut topics = Vec::new();
        for published in self.of_instance() {
            if !topics.contains(&&*published.topic) {
                topics.push(&*published.topic);
            }
        }
        topics
    }

    fn of_instance(&self) -> impl Iterator<Item = &Published> {
        self.published.iter().filter(|published| *published.instance == *self.instance)
    }
}

/// What it logged.
impl Ended {
    /// All that was logged, by all instances, in that order.
    pub fn log(&self) -> &[Logged] {
        &self.log
    }

    /// The texts of what was logged as an info or something graver.
    pub fn log_lines(&self) -> Vec<&str> {
        let lines = self.log.iter().filter(|line| line.level <= Level::INFO);
        lines.map(|line| &*line.text).collect()
    }

    /// Whether something was logged, of whatever level, that has this text in it.
    pub fn logged(&self, text: &str) -> bool {
        self.log.iter().any(|line| line.text.contains(text))
    }
}

impl Ended {
    pub(super) fn new(
        instance: String,
        outcome: Outcome,
        took: Duration,
        probe: &Probe,
        log: Vec<Logged>,
    ) -> Self {
        let (mut failures, published) = (outcome.failures, probe.take_published());
        for lost in &outcome.lost {
            let text = format!("{} messages of `{}` were not received", lost.messages, lost.topic);
            failures.push(Failure::new(Exit::Plugin, text).of(&lost.instance, "end"));
        }
        for left in &outcome.abandoned {
            failures.push(Failure::new(Exit::Plugin, "it was left behind").of(left, "end"));
        }
        Ended { instance, exit: outcome.exit, failures, answer: None, published, log, took }
    }

    /// Help was asked for.
    pub(super) fn answered(instance: String, answer: String) -> Self {
        Ended { answer: Some(answer), ..Ended::nothing(instance, Exit::Success, Vec::new()) }
    }

    /// The line is wrong.
    pub(super) fn refused(instance: String, failures: Failures) -> Self {
        Ended::nothing(instance, failures.exit(), failures.into_iter().collect())
    }

    fn nothing(instance: String, exit: Exit, failures: Vec<Failure>) -> Self {
        let (published, log, took) = (Vec::new(), Vec::new(), Duration::ZERO);
        Ended { instance, exit, failures, answer: None, published, log, took }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = humantime::format_duration(self.took);
        writeln!(f, "`{}` ended after {took} with exit code {}", self.instance, self.exit.code())?;
        for failure in &self.failures {
            writeln!(f, "failed: {}", whole(failure))?;
        }
        for published in self.of_instance() {
            let value = published.message.to_json().unwrap_or_else(|error| error);
            writeln!(f, "published on `{}`: {value}", published.topic)?;
        }
        write!(f, "{}", shown(&self.log))
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A log as a failing test shows it.
pub(super) fn shown(log: &[Logged]) -> String {
    log.iter().map(|line| format!("logged: {line}\n")).collect()
}

/// A failure with its causes and hints.
fn whole(failure: &Failure) -> String {
    let mut text = failure.to_string();
    for cause in &failure.causes {
        text.push_str(&format!("\n  caused by: {cause}"));
    }
    for hint in &failure.hints {
        text.push_str(&format!("\n  hint: {hint}"));
    }
    text
}
