//! The spans of this library that are open, and those that each thread is in.
//!
//! The host numbers the spans; references to them are counted here, so that only making, entering,
//! leaving and closing a span cross. No method calls the host or the author's code.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use tracing_core::Metadata;
use tracing_core::span::{Current, Id};

/// Stands for a span that the host did not take: nothing of it crosses.
pub(super) const REFUSED: u64 = u64::MAX;

/// The open spans by the host's number.
#[derive(Default)]
pub(super) struct Spans {
    open: RwLock<HashMap<u64, Open>>,
}

struct Open {
    metadata: &'static Metadata<'static>,
    references: AtomicUsize,
}

/// One entry of the stack of spans that a thread is in.
struct Entered {
    span: u64,
    /// Entered again while it was entered: it is not the current one because of this entry.
    again: bool,
}

thread_local! {
    static ENTERED: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

impl Spans {
    /// A new span with one reference.
    pub(super) fn open(&self, span: u64, metadata: &'static Metadata<'static>) {
        let open = Open { metadata, references: AtomicUsize::new(1) };
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(span, open);
    }

    /// One more reference.
    pub(super) fn clone_span(&self, span: u64) {
        if let Some(open) = self.open.read().unwrap_or_else(PoisonError::into_inner).get(&span) {
            // Relaxed, as in `Arc`: a new reference is made from one that is alive.
            open.references.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One reference less. `true` if it was the last: the span is forgotten here.
    pub(super) fn close(&self, span: u64) -> bool {
        {
            let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
            let Some(open) = open.get(&span) else { return false };
            if open.references.fetch_sub(1, Ordering::AcqRel) != 1 {
                return false;
            }
        }
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&span).is_some()
    }

    /// The span that this thread is in.
    pub(super) fn current(&self) -> Current {
        let innermost = ENTERED.try_with(|entered| {
            let entered = entered.borrow();
            entered.iter().rev().find(|entry| !entry.again).map(|entry| entry.span)
        });
        // A thread that is ending has no stack any more.
        let Ok(Some(span)) = innermost else { return Current::none() };
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = open.get(&span) else { return Current::none() };
        Current::new(Id::from_u64(span), open.metadata)
    }
}

/// This thread enters a span.
pub(super) fn enter(span: u64) {
    let _ = ENTERED.try_with(|entered| {
        let mut entered = entered.borrow_mut();
        let again = entered.iter().any(|entry| entry.span == span);
        entered.push(Entered { span, again });
    });
}

/// This thread leaves a span, the innermost or not.
pub(super) fn exit(span: u64) {
    let _ = ENTERED.try_with(|entered| {
        let mut entered = entered.borrow_mut();
        if let Some(last) = entered.iter().rposition(|entry| entry.span == span) {
            entered.remove(last);
        }
    });
}
