//! Panics of the plugin's side, caught by the plugin's own copy of `std`.
//!
//! A panic that reached the boundary would end the process, and one that the boundary caught would
//! have lost its message. So every entry, poll and drop that the host calls runs in [`catch`]. The
//! hook notes message, place and backtrace for it, since the payload holds the message at most.
//! Nothing here prints.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

use lifespan_abi::Report;

use crate::log::explain;
use crate::task::on_thread_of_plugin;

/// What a payload that is no text is called.
const NO_TEXT: &str = "a value that is not text";

/// Whose panics a hook is asked about outside guarded sections.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ground {
    /// A loaded library: all code that uses its `std` is the plugin's.
    Library,
    /// The embedder's own process: the hook that was there decides, but on a plugin's own threads.
    Process,
}

/// What this thread knows of guarded sections.
struct Guarded {
    /// How many are entered, one within the other.
    depth: u32,
    /// The last panic within.
    noted: Option<Report>,
}

thread_local! {
    static GUARDED: RefCell<Guarded> = const { RefCell::new(Guarded { depth: 0, noted: None }) };
}

/// Makes panics of built-in plugins tell their place and backtrace, in a host of your own.
///
/// Libraries that are loaded do this by themselves. A plugin that is linked statically shares the
/// process's one panic hook with everything else, so only the embedder may change it: without this
/// call the report of a built-in's panic holds its message alone, and the process's own hook prints.
/// Panics outside of plugins go to the hook that is there when this is called.
pub fn install_panic_hook() {
    install(|| Ground::Process);
}

/// Installs the hook of a loaded library.
pub(crate) fn install_hook() {
    install(|| Ground::Library);
}

/// Runs what belongs to a plugin; a panic becomes a report.
pub(crate) fn catch<R>(body: impl FnOnce() -> R) -> Result<R, Report> {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            let _ = GUARDED.try_with(|guarded| guarded.borrow_mut().depth -= 1);
        }
    }
    // `try_with`: what is dropped at a thread's very end is guarded too, but nothing is noted then.
    let leave = GUARDED.try_with(|guarded| guarded.borrow_mut().enter()).is_ok().then_some(Leave);
    let caught = panic::catch_unwind(AssertUnwindSafe(body));
    drop(leave);
    caught.map_err(|payload| {
        let report = describe(&*payload);
        discard_payload(payload);
        report
    })
}

/// Runs the drop of something that belongs to a plugin; a panic goes to `tell`.
pub(crate) fn guarded_drop<T>(value: T, tell: impl FnOnce(Report)) {
    if let Err(report) = catch(|| drop(value)) {
        tell(report);
    }
}

/// Drops what a panic has thrown. That may panic as well; what it throws is leaked.
pub(crate) fn discard_payload(payload: Box<dyn Any + Send>) {
    if let Err(again) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

/// Logs a panic that no instance is there to report: `what` panicked.
pub(crate) fn log(report: &Report, what: &str) {
    let thread = std::thread::current();
    log_panic(thread.name().unwrap_or("unnamed"), report, what);
}

impl Guarded {
    fn enter(&mut self) {
        if self.depth == 0 {
            // Of an earlier section, whose author caught it: it is nobody's any more.
            self.noted = None;
        }
        self.depth += 1;
    }
}

fn install(ground: fn() -> Ground) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| on_panic(ground(), info, &*before)));
    });
}

fn on_panic(ground: Ground, info: &PanicHookInfo<'_>, before: &dyn Fn(&PanicHookInfo<'_>)) {
    let guarded =
        GUARDED.try_with(|guarded| guarded.try_borrow().is_ok_and(|it| it.depth > 0)) == Ok(true);
    if !guarded && ground == Ground::Process && !on_thread_of_plugin() {
        return before(info);
    }
    let message = message(info.payload());
    let mut report = Report::panic(message, info.location().map(ToString::to_string));
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        report.backtrace = Some(backtrace.to_string());
    }
    if guarded {
        note(report);
    } else {
        log(&report, "a thread panicked");
    }
}

/// Notes a panic for the [`catch`] that it will reach.
fn note(report: Report) {
    let earlier = GUARDED.try_with(|guarded| guarded.borrow_mut().noted.replace(report));
    if let Ok(Some(earlier)) = earlier {
        // Either the plugin caught the earlier one itself, or it is still unwinding, and then this
        // one ends the process: in both cases nobody else will tell of it.
        log_panic("", &earlier, "a panic was followed by another one");
    }
}

fn log_panic(thread: &str, report: &Report, what: &str) {
    let place = report.location.as_deref().unwrap_or("an unknown place");
    let backtrace = report.backtrace.as_deref();
    let hint = explain(&report.message);
    tracing::error!(panic = report.message, place, thread, hint, backtrace, "{what}");
}

/// The report of a caught payload: what the hook noted, if it noted this one.
fn describe(payload: &(dyn Any + Send)) -> Report {
    let message = message(payload);
    let noted = GUARDED.try_with(|guarded| guarded.borrow_mut().noted.take()).ok().flatten();
    // What was rethrown by `resume_unwind` reaches no hook; then an older panic may be noted.
    let report = noted
        .filter(|noted| noted.message == message)
        .unwrap_or_else(|| Report::panic(message, None));
    match explain(&report.message) {
        Some(hint) => report.hint(hint),
        None => report,
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        NO_TEXT
    }
}

#[cfg(test)]
pub(crate) mod tests;
