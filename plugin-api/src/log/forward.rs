//! The subscriber that stands for the host in this library's `tracing`.
//!
//! What the host's filter does not let pass, it answers for itself: [`Subscriber::register_callsite`]
//! never calls the host. Values are formatted before the call and outside every lock, because
//! formatting runs the author's code, which may log in turn.

use std::cell::Cell;
use std::sync::{Arc, PoisonError, RwLock};

use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, LevelFilter, Metadata, Subscriber};

use super::sites::{self, Sites};
use super::spans::{self, REFUSED, Spans};
use super::values::Values;
use crate::abi::log::Level;
use crate::abi::{LogFilter, LogSinkBox, Parent};

/// How deep logging from within the formatting of what is logged may nest; what is deeper is
/// dropped, so that a value whose `Debug` logs itself does not recurse for ever.
const DEEPEST: u32 = 4;

/// Forwards to the host's sink. Clones share one state.
#[derive(Clone)]
pub(super) struct Forward {
    shared: Arc<Shared>,
}

struct Shared {
    sink: LogSinkBox,
    /// Read while `tracing` holds its locks: never held during a call to the host.
    filter: RwLock<LogFilter>,
    sites: Sites,
    spans: Spans,
}

impl Forward {
    pub(super) fn new(sink: LogSinkBox, filter: LogFilter) -> Self {
        let (sites, spans) = (Sites::default(), Spans::default());
        Forward { shared: Arc::new(Shared { sink, filter: RwLock::new(filter), sites, spans }) }
    }

    /// Replaces the filter. The caller has `tracing` rebuild what it has cached.
    pub(super) fn set_filter(&self, filter: LogFilter) {
        *self.shared.filter.write().unwrap_or_else(PoisonError::into_inner) = filter;
    }

    /// Whether the host's filter lets that level of that target pass.
    pub(super) fn lets_pass(&self, target: &str, level: Level) -> bool {
        let filter = self.shared.filter.read().unwrap_or_else(PoisonError::into_inner);
        filter.level(target).is_some_and(|most| level <= most)
    }

    pub(super) fn sink(&self) -> &LogSinkBox {
        &self.shared.sink
    }

    pub(super) fn sites(&self) -> &Sites {
        &self.shared.sites
    }
}

impl Subscriber for Forward {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.lets_pass(metadata.target(), sites::level(*metadata.level()))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let filter = self.shared.filter.read().unwrap_or_else(PoisonError::into_inner);
        Some(match filter.max_level() {
            None => LevelFilter::OFF,
            Some(Level::Error) => LevelFilter::ERROR,
            Some(Level::Warn) => LevelFilter::WARN,
            Some(Level::Info) => LevelFilter::INFO,
            Some(Level::Debug) => LevelFilter::DEBUG,
            Some(Level::Trace) => LevelFilter::TRACE,
        })
    }

    fn event(&self, event: &Event<'_>) {
        let Some(_nesting) = Nesting::deeper() else { return };
        let Some(site) = self.sites().number(event.metadata(), self.sink()) else { return };
        let parent = parent(event.is_root(), event.parent());
        let values = Values::of(|visit| event.record(visit));
        values.lend(|values| self.sink().event(site, parent, values));
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let refused = Id::from_u64(REFUSED);
        let Some(_nesting) = Nesting::deeper() else { return refused };
        let metadata = attributes.metadata();
        let Some(site) = self.sites().number(metadata, self.sink()) else { return refused };
        let parent = parent(attributes.is_root(), attributes.parent());
        let values = Values::of(|visit| attributes.record(visit));
        let span = values.lend(|values| self.sink().new_span(site, parent, values));
        if span == 0 || span == REFUSED {
            return refused;
        }
        self.shared.spans.open(span, metadata);
        Id::from_u64(span)
    }

    fn record(&self, span: &Id, record: &Record<'_>) {
        let Some(span) = taken(span) else { return };
        let Some(_nesting) = Nesting::deeper() else { return };
        let values = Values::of(|visit| record.record(visit));
        values.lend(|values| self.sink().record(span, values));
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        if let (Some(span), Some(cause)) = (taken(span), taken(follows)) {
            self.sink().follows_from(span, cause);
        }
    }

    fn enter(&self, span: &Id) {
        if let Some(span) = taken(span) {
            spans::enter(span);
            self.sink().enter(span);
        }
    }

    fn exit(&self, span: &Id) {
        if let Some(span) = taken(span) {
            spans::exit(span);
            self.sink().exit(span);
        }
    }

    fn clone_span(&self, span: &Id) -> Id {
        self.shared.spans.clone_span(span.into_u64());
        span.clone()
    }

    fn try_close(&self, span: Id) -> bool {
        let closed = self.shared.spans.close(span.into_u64());
        if closed {
            self.sink().close_span(span.into_u64());
        }
        closed
    }

    fn current_span(&self) -> Current {
        self.shared.spans.current()
    }
}

/// One level of logging from within logging, on this thread; ends when it is dropped.
pub(super) struct Nesting(());

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

impl Nesting {
    /// Goes one deeper, unless this is the deepest.
    pub(super) fn deeper() -> Option<Self> {
        let depth = DEPTH.get();
        if depth >= DEEPEST {
            return None;
        }
        DEPTH.set(depth + 1);
        Some(Nesting(()))
    }
}

impl Drop for Nesting {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// The host's number of a span that it took.
fn taken(span: &Id) -> Option<u64> {
    let number = span.into_u64();
    (number != REFUSED).then_some(number)
}

fn parent(is_root: bool, explicit: Option<&Id>) -> Parent {
    match explicit.and_then(taken) {
        Some(span) => Parent::span(span),
        None if is_root => Parent::ROOT,
        None => Parent::CURRENT,
    }
}
