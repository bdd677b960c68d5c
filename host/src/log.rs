//! Logs from plugins, as events and spans of the host's own `tracing`.
//!
//! Each library gets a [`sink`]. Whoever collects the logs of the host (the program, or an embedder)
//! sees a plugin's call sites as if they were the host's, with level, target, fields, place and
//! spans; below the span of the instance ([`instance_span`]) while the host polls it. Nothing here
//! prints, and nothing panics into a plugin.

mod filter;
mod sites;
mod spans;
mod values;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tracing::Span;
use tracing::dispatcher::get_default;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event};

use lifespan_abi::abi_stable::sabi_trait::TD_Opaque;
use lifespan_abi::abi_stable::std_types::{RSlice, RStr};
use lifespan_abi::{FieldValue, LogSink, LogSinkBox, Parent, ParentKind};

#[cfg(feature = "cli")]
pub(crate) use self::filter::directives;
pub use self::filter::{FilterError, FilterProblem, parse_filter};
use self::sites::Site;
use self::spans::{HostSpan, Spans};
use self::values::with_values;
use crate::guard::guard;

/// The target of the spans that stand for instances. They are of level error, so that no filter but
/// `off` drops them.
pub(crate) const INSTANCE_TARGET: &str = "lifespan::instance";

/// The span that an instance is polled in; its field `name` is the instance's name.
pub(crate) fn instance_span(name: &str) -> Span {
    tracing::error_span!(target: INSTANCE_TARGET, "instance", name)
}

/// Where the logs of that library go: to the dispatcher of the thread that logs.
pub(crate) fn sink(library: &str) -> LogSinkBox {
    let sink = HostSink { library: library.to_owned(), spans: Spans::default() };
    LogSinkBox::from_value(sink, TD_Opaque)
}

struct HostSink {
    library: String,
    spans: Spans,
}

/// What an event or new span stands under, found.
enum Above {
    /// What the thread is in.
    Current,
    Root,
    Span(Arc<HostSpan>),
}

impl HostSink {
    fn above(&self, parent: Parent) -> Above {
        match parent.kind {
            ParentKind::ROOT => Above::Root,
            // The host may have dropped that span by its own filter: then it is as if absent.
            ParentKind::SPAN => self.spans.get(parent.span).map_or(Above::Current, Above::Span),
            _ => Above::Current,
        }
    }

    fn site(&self, number: u64) -> Option<&'static Site> {
        let site = sites::get(number);
        if site.is_none() {
            tracing::debug!(library = self.library, number, "a log from an unknown call site");
        }
        site
    }
}

impl LogSink for HostSink {
    fn callsite(&self, callsite: RStr<'_>) -> u64 {
        let intern = || {
            sites::intern(callsite.as_str()).unwrap_or_else(|error| {
                tracing::warn!(library = self.library, %error, "a call site that cannot be read");
                0
            })
        };
        guard("log call site", || 0, intern)
    }

    fn event(&self, callsite: u64, parent: Parent, values: RSlice<'_, FieldValue<'_>>) {
        let body = || {
            let Some(site) = self.site(callsite) else { return };
            let above = self.above(parent);
            within(&above, |dispatch| event(dispatch, site, &above, values.as_slice()));
        };
        guard("log event", || (), body);
    }

    fn new_span(&self, callsite: u64, parent: Parent, values: RSlice<'_, FieldValue<'_>>) -> u64 {
        let body = || {
            let above = self.above(parent);
            let span = self.site(callsite).and_then(|site| {
                within(&above, |dispatch| new_span(dispatch, site, &above, values.as_slice()))
            });
            self.spans.open(span)
        };
        guard("log span", || 0, body)
    }

    fn record(&self, span: u64, values: RSlice<'_, FieldValue<'_>>) {
        let body = || {
            let Some(span) = self.spans.get(span) else { return };
            with_values(span.metadata, values.as_slice(), |values| {
                span.within(|dispatch, id| dispatch.record(id, &Record::new(values)));
            });
        };
        guard("log values of a span", || (), body);
    }

    fn follows_from(&self, span: u64, cause: u64) {
        let body = || {
            let (Some(span), Some(cause)) = (self.spans.get(span), self.spans.get(cause)) else {
                return;
            };
            span.within(|dispatch, id| dispatch.record_follows_from(id, cause.id()));
        };
        guard("log cause of a span", || (), body);
    }

    fn enter(&self, span: u64) {
        let body = || {
            if let Some(span) = self.spans.get(span) {
                span.within(|dispatch, id| dispatch.enter(id));
            }
        };
        guard("log entering a span", || (), body);
    }

    fn exit(&self, span: u64) {
        let body = || {
            if let Some(span) = self.spans.get(span) {
                span.within(|dispatch, id| dispatch.exit(id));
            }
        };
        guard("log leaving a span", || (), body);
    }

    fn close_span(&self, span: u64) {
        guard("log closing a span", || (), || drop(self.spans.close(span)));
    }
}

/// Calls with the dispatcher that `above` belongs to: an explicit parent has a meaning only where it
/// was made, though the thread's dispatcher may have changed since.
fn within<R>(above: &Above, call: impl FnOnce(&Dispatch) -> R) -> R {
    match above {
        Above::Span(span) => span.within(|dispatch, _| call(dispatch)),
        Above::Current | Above::Root => call(&get_default(Dispatch::clone)),
    }
}

fn event(dispatch: &Dispatch, site: &'static Site, above: &Above, values: &[FieldValue<'_>]) {
    let Some(metadata) = site.enabled(dispatch) else { return };
    with_values(metadata, values, |values| {
        let event = match above {
            Above::Current => Event::new(metadata, values),
            Above::Root => Event::new_child_of(None::<Id>, metadata, values),
            Above::Span(span) => Event::new_child_of(span.id().clone(), metadata, values),
        };
        dispatch.event(&event);
    });
}

fn new_span(
    dispatch: &Dispatch,
    site: &'static Site,
    above: &Above,
    values: &[FieldValue<'_>],
) -> Option<HostSpan> {
    let metadata = site.enabled(dispatch)?;
    with_values(metadata, values, |values| {
        let attributes = match above {
            Above::Current => Attributes::new(metadata, values),
            Above::Root => Attributes::new_root(metadata, values),
            Above::Span(span) => Attributes::child_of(span.id().clone(), metadata, values),
        };
        Some(HostSpan::new(dispatch.clone(), dispatch.new_span(&attributes), metadata))
    })
}
