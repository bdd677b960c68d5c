//! Tests of caught panics, and the hook that all tests of this package share.

use std::fmt;
use std::panic::{panic_any, resume_unwind};
use std::sync::{Arc, Mutex};

use lifespan_abi::ReportKind;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::*;

/// Writes the fields of every event into a string.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<String>>);

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        struct Append<'a>(&'a mut String);
        impl Visit for Append<'_> {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                self.0.push_str(&format!("{field}={value:?} "));
            }
        }
        event.record(&mut Append(&mut self.0.lock().unwrap()));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Installs the hook. Only a thread called `digger` is on a library's ground: elsewhere a failed
/// assertion must be printed.
pub(crate) fn hook() {
    install(|| match std::thread::current().name() {
        Some("digger") => Ground::Library,
        _ => Ground::Process,
    });
}

/// What is logged on this thread while `body` runs, as text.
pub(crate) fn logged(body: impl FnOnce()) -> String {
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), body);
    lines.0.lock().unwrap().clone()
}

fn caught(body: impl FnOnce()) -> Report {
    hook();
    catch(body).unwrap_err()
}

#[test]
fn message_and_place_are_told() {
    let line = line!() + 1;
    let report = caught(|| panic!("no {}", "fish"));
    assert_eq!(report.kind, ReportKind::Panic);
    assert_eq!(report.message, "no fish");
    assert!(report.location.unwrap().contains(&format!("tests.rs:{line}:")));
}

#[test]
fn a_payload_that_is_no_text_still_has_its_place() {
    let report = caught(|| panic_any(7_u8));
    assert_eq!(report.message, NO_TEXT);
    assert!(report.location.is_some());
}

#[test]
fn an_older_panic_lends_its_place_to_no_other() {
    let report = caught(|| {
        assert!(panic::catch_unwind(|| panic!("swallowed")).is_err());
        resume_unwind(Box::new("rethrown"));
    });
    assert_eq!(report.message, "rethrown");
    assert_eq!(report.location, None);
}

#[test]
fn a_payload_whose_drop_panics_is_survived() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("bomb");
        }
    }
    assert_eq!(caught(|| panic_any(Bomb)).message, NO_TEXT);
    assert_eq!(caught(|| panic!("next")).message, "next");
}

#[test]
fn sections_may_stand_in_each_other() {
    let report = caught(|| {
        assert_eq!(catch(|| panic!("inner")).unwrap_err().message, "inner");
        panic!("outer");
    });
    assert_eq!(report.message, "outer");
}

#[test]
fn what_is_dropped_is_guarded() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("bomb");
        }
    }
    hook();
    let mut told = None;
    guarded_drop(Bomb, |report| told = Some(report.message));
    assert_eq!(told.as_deref(), Some("bomb"));
}

#[test]
fn a_second_subscriber_gets_its_hint() {
    let report = caught(|| panic!("called `expect()`: SetLoggerError(())"));
    assert!(report.hints[0].contains("remove"));
}

#[test]
fn a_missing_runtime_gets_its_hint() {
    let message =
        "there is no reactor running, must be called from the context of a Tokio 1.x runtime";
    let report = caught(|| panic!("{message}"));
    assert!(report.hints[0].contains("`ctx.sleep`"), "{:?}", report.hints);
}

#[test]
fn a_threads_panic_is_logged_and_not_printed() {
    hook();
    let lines = Lines::default();
    let log = lines.clone();
    let thread = std::thread::Builder::new().name("digger".into());
    let joined = thread.spawn(|| tracing::subscriber::with_default(log, || panic!("cave-in")));
    joined.unwrap().join().unwrap_err();
    let text = lines.0.lock().unwrap().clone();
    for part in ["a thread panicked", "cave-in", "digger", "tests.rs:"] {
        assert!(text.contains(part), "{text}");
    }
}
