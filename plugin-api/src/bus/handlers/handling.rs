//! The handlers of one topic: their subscription, and the authors' functions, whose failures end here.

use std::any::Any;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use lifespan_abi::{Report, ServicesBox};

use crate::bus::messages::Messages;
use crate::failure::report;
use crate::message::{LentBatch, Message};
use crate::panics::{catch, guarded_drop};
use crate::task::{BUDGET, charge};

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

/// Handlers of one topic, without their types.
pub(super) trait Handling: Send {
    /// Calls the authors' functions with what is there.
    fn serve(&mut self, context: &mut Context<'_>) -> Handled;

    /// Takes the handlers of another into its own subscription, if both have been called with the same
    /// messages of one topic.
    ///
    /// To be asked when both have just been served in one round, and have waited for more by then: so
    /// who has not been called yet, has not missed anything either.
    fn absorb(&mut self, other: &mut dyn Handling) -> Absorbed;

    /// For [`absorb`](Self::absorb).
    fn as_any(&mut self) -> &mut dyn Any;

    /// Whether others are to be asked to [`absorb`](Self::absorb) it: from its beginning on, and after
    /// [`Absorbed::NotYet`] again once it has been called with more.
    fn may_join(&mut self) -> bool;

    /// It is the first of its topic.
    fn settle(&mut self);
}

/// How it stands with handlers.
pub(super) enum Handled {
    /// There is no more for them now; their subscription wakes the task when there is.
    All,
    /// The poll's budget is used up, and the task has been woken.
    Yields,
    /// They are over.
    Ended,
}

/// What became of the handlers of another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Absorbed {
    /// They are among this one's.
    All,
    /// They are for the same topic, but have been called with other messages so far.
    NotYet,
    /// They are for something else.
    Strangers,
}

/// Handlers that are called with the same batches of one topic.
///
/// Each begins with a subscription of its own, so that it is called with just what is published from
/// then on. As soon as two have seen the same they share one: so a message for many costs one receive.
pub(super) struct Group<T: Message> {
    messages: Messages<T>,
    functions: Vec<Box<dyn Function<T>>>,
    services: Arc<ServicesBox>,
    /// The number of the message after the last that they were called with; none if there was none.
    next: Option<u64>,
    standing: Standing,
}

/// How handlers stand to the others of their dispatcher.
enum Standing {
    /// They have been added, and not been compared with others.
    New,
    /// There are others of their topic, which had been called with other messages when this was their
    /// `next`.
    Apart(Option<u64>),
    /// They are the first of their topic.
    Settled,
}

/// An author's function.
trait Function<T: Message>: Send {
    /// Calls it; whether it goes on.
    fn call(&mut self, batch: LentBatch<'_, T>) -> Result<(), Report>;

    /// Whether it has been asked to end.
    fn is_ending(&self) -> bool;

    /// Drops it; how that panicked.
    fn end(&mut self) -> Option<Report>;
}

struct Served<F> {
    /// `None` once it is being dropped.
    handler: Option<F>,
    /// Set when it is to end. Dropped last: while it lives, so does the handler.
    ending: Arc<AtomicBool>,
}

impl<T: Message> Group<T> {
    /// A handler with a subscription of its own.
    pub(super) fn new<F, R>(
        messages: Messages<T>,
        handler: F,
        services: Arc<ServicesBox>,
        ending: Arc<AtomicBool>,
    ) -> Self
    where
        F: FnMut(LentBatch<'_, T>) -> R + Send + 'static,
        R: HandlerResult + 'static,
    {
        let functions: Vec<Box<dyn Function<T>>> =
            vec![Box::new(Served { handler: Some(handler), ending })];
        Group { messages, functions, services, next: None, standing: Standing::New }
    }

    /// Calls all with what is lent.
    fn call(&mut self) {
        let Some(arrived) = self.messages.take_arrived() else { return };
        let messages = arrived.messages.len();
        self.next = Some(arrived.sequence + messages as u64);
        // The poll has paid for one function.
        charge((messages * self.functions.len().saturating_sub(1)) as u32);
        let failed = retain(&mut self.functions, |it| it.call(LentBatch::new(arrived)));
        failed.into_iter().for_each(|report| self.tell(report));
    }

    /// Whether any are left, but those that have been asked to end.
    fn go_on(&mut self) -> bool {
        let failed = retain(&mut self.functions, |_| Ok(()));
        failed.into_iter().for_each(|report| self.tell(report));
        !self.functions.is_empty()
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

impl<T: Message> Handling for Group<T> {
    fn serve(&mut self, context: &mut Context<'_>) -> Handled {
        while self.go_on() {
            // A batch is for all of them, and what one poll does is bounded.
            let most = (BUDGET / self.functions.len() as u32).max(1);
            match self.messages.poll_batch(context, most) {
                Poll::Ready(true) => self.call(),
                Poll::Ready(false) => return Handled::Ended,
                Poll::Pending if self.messages.is_yielding() => return Handled::Yields,
                Poll::Pending => return Handled::All,
            }
        }
        Handled::Ended
    }

    fn absorb(&mut self, other: &mut dyn Handling) -> Absorbed {
        let other = other.as_any().downcast_mut::<Self>();
        let Some(other) = other.filter(|it| it.messages.topic().is(self.messages.topic())) else {
            return Absorbed::Strangers;
        };
        if self.next != other.next {
            return Absorbed::NotYet;
        }
        self.functions.append(&mut other.functions);
        // What has come since is this one's, too.
        other.messages.hand_over();
        Absorbed::All
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn may_join(&mut self) -> bool {
        let tried = match self.standing {
            Standing::New => false,
            Standing::Apart(next) => next == self.next,
            Standing::Settled => true,
        };
        if !tried {
            self.standing = Standing::Apart(self.next);
        }
        !tried
    }

    fn settle(&mut self) {
        self.standing = Standing::Settled;
    }
}

impl<T: Message> Drop for Group<T> {
    fn drop(&mut self) {
        for mut function in mem::take(&mut self.functions) {
            if let Some(panic) = function.end() {
                self.tell(panic);
            }
        }
    }
}

impl<T, F, R> Function<T> for Served<F>
where
    T: Message,
    F: FnMut(LentBatch<'_, T>) -> R + Send,
    R: HandlerResult,
{
    fn call(&mut self, batch: LentBatch<'_, T>) -> Result<(), Report> {
        let Some(handler) = &mut self.handler else { return Ok(()) };
        // The error's text and its drop are the author's code, too.
        let called = catch(|| handler(batch).outcome().map_err(|error| report(&error)));
        called.unwrap_or_else(Err)
    }

    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    fn end(&mut self) -> Option<Report> {
        let mut told = None;
        guarded_drop(self.handler.take(), |panic| told = Some(panic));
        told
    }
}

/// Does something with each; those that fail, or have been asked to end, end. What went wrong.
fn retain<T: Message>(
    functions: &mut Vec<Box<dyn Function<T>>>,
    mut each: impl FnMut(&mut dyn Function<T>) -> Result<(), Report>,
) -> Vec<Report> {
    let mut failed = Vec::new();
    functions.retain_mut(|function| {
        if !function.is_ending() {
            match each(function.as_mut()) {
                Ok(()) => return true,
                Err(report) => failed.push(report),
            }
        }
        failed.extend(function.end());
        false
    });
    failed
}
