//! What a test's instances log: kept by a subscriber that is the test's own.
//!
//! Installed for the thread of the test and for those that are started for its instances, and never for
//! the process. What the host itself logs is left out.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// The target of the spans that stand for instances.
const INSTANCE: &str = "lifespan::instance";

/// A line that was logged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Logged {
    /// Its level.
    pub level: Level,
    /// Where it is from: the module, unless the author says otherwise.
    pub target: String,
    /// The instance on whose behalf it was logged; empty where that is not known, as in a thread that
    /// the plugin has started itself.
    pub instance: String,
    /// The message, and then each field as `name=value`.
    pub text: String,
}

/// What was logged up to now. Its clones are the same.
#[derive(Clone, Default)]
pub(super) struct Logs(Arc<Kept>);

#[derive(Default)]
struct Kept {
    lines: Mutex<Vec<Logged>>,
    /// The spans of instances, with their names.
    instances: Mutex<BTreeMap<u64, String>>,
}

thread_local! {
    /// The spans that this thread is in.
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

impl Logs {
    /// The subscriber.
    pub(super) fn dispatch(&self) -> Dispatch {
        static ALWAYS: OnceLock<Dispatch> = OnceLock::new();
        // As long as there is but one subscriber, a call site is judged by the thread that comes to it
        // first, and one of another test has none. So there is always a second one.
        ALWAYS.get_or_init(|| Dispatch::new(Logs::default()));
        Dispatch::new(self.clone())
    }

    /// The lines, in their order.
    pub(super) fn lines(&self) -> Vec<Logged> {
        lock(&self.0.lines).clone()
    }

    /// The instance that this thread works for.
    fn instance(&self) -> String {
        let instances = lock(&self.0.instances);
        let innermost = ENTERED.with_borrow(|entered| {
            entered.iter().rev().find_map(|span| instances.get(span)).cloned()
        });
        innermost.unwrap_or_default()
    }
}

impl Subscriber for Logs {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        // Of one count for all, since a thread's list of what it is in is one for all.
        static SPANS: AtomicU64 = AtomicU64::new(1);
        let id = SPANS.fetch_add(1, Ordering::Relaxed);
        if span.metadata().target() == INSTANCE {
            let mut name = Text::default();
            span.record(&mut name);
            let name = name.0.strip_prefix("name=").unwrap_or_default().to_owned();
            lock(&self.0.instances).insert(id, name);
        }
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let target = event.metadata().target();
        if target == "lifespan" || target.starts_with("lifespan::") {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let (level, target) = (*event.metadata().level(), target.to_owned());
        let line = Logged { level, target, instance: self.instance(), text: text.0 };
        lock(&self.0.lines).push(line);
    }

    fn enter(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| {
            if let Some(at) = entered.iter().rposition(|entered| *entered == span.into_u64()) {
                entered.remove(at);
            }
        });
    }
}

/// The fields as a line shows them.
#[derive(Default)]
struct Text(String);

impl Text {
    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let Text(text) = self;
        let space = if text.is_empty() { "" } else { " " };
        // Writing to a text cannot fail.
        let _ = match field.name() {
            // It is told first, wherever it stands among the fields.
            "message" => {
                let rest = std::mem::take(text);
                write!(text, "{value}{space}{rest}")
            }
            name => write!(text, "{space}{name}={value}"),
        };
    }
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }
}

impl fmt::Display for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Logged { level, target, instance, text } = self;
        write!(f, "{level:5} {instance} {target}: {text}")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
