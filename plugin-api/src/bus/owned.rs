//! Subscriptions as streams of their own: what `owned()` gives.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

/// What can be received from one after the other without borrowing from it: every subscription.
pub trait Source {
    /// What is received.
    type Item;

    #[doc(hidden)]
    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Option<Self::Item>>;
}

/// A subscription as a [`Stream`] of kept messages.
pub struct Owned<S> {
    source: S,
}

impl<S: Source> Owned<S> {
    pub(super) fn new(source: S) -> Owned<S> {
        Owned { source }
    }

    /// The next item; `None` at the end. Dropped before it is ready, it has taken nothing.
    pub async fn recv(&mut self) -> Option<S::Item> {
        poll_fn(|context| self.source.poll_source(context)).await
    }
}

// What is received from is never pinned: it is only polled by exclusive reference.
impl<S> Unpin for Owned<S> {}

impl<S: Source> Stream for Owned<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.source.poll_source(context)
    }
}
