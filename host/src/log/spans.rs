//! The open spans of a library, each with the dispatcher that it was made with.
//!
//! The dispatcher of a thread may change while a span is open. A span's number means something only
//! where it was made (elsewhere it is another span, or a panic), so all that concerns a span goes
//! there. No lock is held while a dispatcher is called.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tracing::dispatcher::with_default;
use tracing_core::span::Id;
use tracing_core::{Dispatch, Metadata};

/// The open spans by the number that the plugin knows.
#[derive(Default)]
pub(super) struct Spans {
    last: AtomicU64,
    open: RwLock<HashMap<u64, Arc<HostSpan>>>,
}

/// A span of the host's `tracing`; closed when it is dropped.
pub(super) struct HostSpan {
    dispatch: Dispatch,
    id: Id,
    pub(super) metadata: &'static Metadata<'static>,
}

impl Spans {
    /// A number for a new span. A span that the host does not want has a number
    /// too, and nothing behind it.
    pub(super) fn open(&self, span: Option<HostSpan>) -> u64 {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(span) = span {
            let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
            open.insert(number, Arc::new(span));
        }
        number
    }

    /// The span of that number, if it is open.
    pub(super) fn get(&self, number: u64) -> Option<Arc<HostSpan>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(&number).cloned()
    }

    /// Gives the span away, for the caller to drop.
    #[must_use]
    pub(super) fn close(&self, number: u64) -> Option<Arc<HostSpan>> {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&number)
    }
}

impl HostSpan {
    pub(super) fn new(dispatch: Dispatch, id: Id, metadata: &'static Metadata<'static>) -> Self {
        HostSpan { dispatch, id, metadata }
    }

    /// The number that the dispatcher gave.
    pub(super) fn id(&self) -> &Id {
        &self.id
    }

    /// Calls with the dispatcher that the span was made with, which is the thread's until then: a
    /// registry closes what it leaves by way of the thread's dispatcher.
    pub(super) fn within<R>(&self, call: impl FnOnce(&Dispatch, &Id) -> R) -> R {
        with_default(&self.dispatch, || call(&self.dispatch, &self.id))
    }
}

impl Drop for HostSpan {
    fn drop(&mut self) {
        self.within(|dispatch, id| dispatch.try_close(id.clone()));
    }
}
