//! One handler: its subscription, and the author's function, whose failures end here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use lifespan_abi::{Report, ServicesBox};

use crate::bus::messages::Messages;
use crate::failure::report;
use crate::message::{LentBatch, Message};
use crate::panics::{catch, guarded_drop};

/// What a handler returns: nothing, or whether it has failed.
pub trait HandlerResult: private::Sealed {}

impl HandlerResult for () {}
impl HandlerResult for anyhow::Result<()> {}

mod private {
    /// What only this module can turn into an outcome.
    pub trait Sealed {
        fn outcome(self) -> anyhow::Result<()>;
    }

    impl Sealed for () {
        fn outcome(self) -> anyhow::Result<()> {
            Ok(())
        }
    }

    impl Sealed for anyhow::Result<()> {
        fn outcome(self) -> anyhow::Result<()> {
            self
        }
    }
}

/// A handler without its types.
pub(super) trait Handling: Send {
    /// Calls the author's function with what is there.
    fn serve(&mut self, context: &mut Context<'_>) -> Handled;
}

/// How it stands with a handler.
pub(super) enum Handled {
    /// There is no more for it now; its subscription wakes the task when there is.
    All,
    /// The poll's budget is used up, and the task has been woken.
    Yields,
    /// It is over.
    Ended,
}

/// A handler with its types.
pub(super) struct Served<T: Message, F> {
    messages: Messages<T>,
    /// `None` once it is being dropped.
    handler: Option<F>,
    services: Arc<ServicesBox>,
    /// Set when it is to end. Dropped last: while it lives, so does the handler.
    ending: Arc<AtomicBool>,
}

impl<T: Message, F> Served<T, F> {
    pub(super) fn new(
        messages: Messages<T>,
        handler: F,
        services: Arc<ServicesBox>,
        ending: Arc<AtomicBool>,
    ) -> Self {
        Served { messages, handler: Some(handler), services, ending }
    }

    fn tell(&self, report: Report) {
        let topic = self.messages.topic().name();
        if report.publishing_ended {
            // A publisher may simply stop then; but whoever reads the log may miss these.
            let waiting = self.messages.backlog();
            tracing::warn!(topic, waiting, "a handler ends, since publishing has ended: {report}");
            return;
        }
        self.services
            .report(format!("the handler of topic `{topic}`").as_str().into(), report.into());
    }
}

impl<T, F, R> Handling for Served<T, F>
where
    T: Message,
    F: FnMut(LentBatch<'_, T>) -> R + Send,
    R: HandlerResult,
{
    fn serve(&mut self, context: &mut Context<'_>) -> Handled {
        loop {
            if self.ending.load(Ordering::Acquire) {
                return Handled::Ended;
            }
            match self.messages.poll_batch(context) {
                Poll::Ready(true) => {}
                Poll::Ready(false) => return Handled::Ended,
                Poll::Pending if self.messages.is_yielding() => return Handled::Yields,
                Poll::Pending => return Handled::All,
            }
            let (Some(batch), Some(handler)) = (self.messages.take_batch(), &mut self.handler)
            else {
                return Handled::Ended;
            };
            // The error's text and its drop are the author's code, too.
            let called = catch(|| handler(batch).outcome().map_err(|error| report(&error)));
            if let Err(report) = called.unwrap_or_else(Err) {
                self.tell(report);
                return Handled::Ended;
            }
        }
    }
}

impl<T: Message, F> Drop for Served<T, F> {
    fn drop(&mut self) {
        let handler = self.handler.take();
        guarded_drop(handler, |panic| self.tell(panic));
    }
}
