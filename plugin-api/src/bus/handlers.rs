//! Handlers: functions that are called with what arrives, all those of an instance in one task.
//!
//! The task is spawned with the first handler, adopts those that come later, and ends with the last,
//! so it counts as what the instance has spawned for just as long as somebody is to be served. It
//! polls with its own waker, so that a message for many handlers wakes one task once; those of one
//! handle of a topic share one subscription.

mod handling;

use std::fmt;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use lifespan_abi::ServicesBox;

pub use crate::bus::handlers::handling::HandlerResult;
use crate::bus::handlers::handling::{Absorbed, Group, Handled, Handling};
use crate::bus::messages::Messages;
use crate::message::{LentBatch, Message};
use crate::spawn::spawn;

/// A handler of [`Topic::on_messages`](crate::bus::Topic::on_messages). Dropping this lets the
/// handler go on.
pub struct Handler {
    /// Lives as long as the handler. Set when it is to end.
    ending: Weak<AtomicBool>,
    dispatcher: Arc<Dispatcher>,
}

/// The handlers of one instance, from outside their task.
pub(crate) struct Dispatcher {
    services: Arc<ServicesBox>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// There is a task, or one is being spawned, that adopts what is added.
    running: bool,
    added: Vec<Box<dyn Handling>>,
    /// The task's, where it has not been woken by it.
    waker: Option<Waker>,
}

/// The task.
struct Dispatching {
    dispatcher: Arc<Dispatcher>,
    /// Those of one topic are together, as soon as they can.
    handlers: Vec<Box<dyn Handling>>,
    /// Who is served next.
    at: usize,
    /// It has ended, and another one may have been spawned.
    over: bool,
}

impl Handler {
    /// Ends the handler: it is not called any more, after a call that is under way. What it was not
    /// called with is not delivered.
    pub fn end(&self) {
        let Some(ending) = self.ending.upgrade() else { return };
        ending.store(true, Ordering::Release);
        drop(ending);
        self.dispatcher.wake();
    }

    /// Whether it has ended: by [`end`](Self::end), by a failure, or with the topic or the program.
    pub fn is_finished(&self) -> bool {
        self.ending.strong_count() == 0
    }
}

impl Dispatcher {
    pub(crate) fn new(services: Arc<ServicesBox>) -> Arc<Dispatcher> {
        Arc::new(Dispatcher { services, state: Mutex::default() })
    }

    pub(super) fn services(&self) -> &Arc<ServicesBox> {
        &self.services
    }

    /// Adds a handler; spawns the task on behalf of `caller` if there is none.
    pub(super) fn add<T, F, R>(
        self: &Arc<Self>,
        messages: Messages<T>,
        handler: F,
        caller: &Location<'_>,
    ) -> Handler
    where
        T: Message,
        F: FnMut(LentBatch<'_, T>) -> R + Send + 'static,
        R: HandlerResult + 'static,
    {
        let ending = Arc::<AtomicBool>::default();
        let handle = Handler { ending: Arc::downgrade(&ending), dispatcher: self.clone() };
        let group = Group::new(messages, handler, self.services.clone(), ending);
        let starts = {
            let mut state = self.lock();
            state.added.push(Box::new(group));
            !mem::replace(&mut state.running, true)
        };
        if starts {
            let task =
                Dispatching { dispatcher: self.clone(), handlers: Vec::new(), at: 0, over: false };
            // The host refuses it where the instance is over, and drops it with what was added.
            drop(spawn(&self.services, caller, task));
        } else {
            self.wake();
        }
        handle
    }

    fn wake(&self) {
        let waker = self.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Only a waker's clone runs under the lock, and the state is whole before and after.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dispatching {
    /// Takes what has been added, and lets the task be woken for more.
    fn adopt(&mut self, context: &Context<'_>) {
        let mut state = self.dispatcher.lock();
        self.handlers.append(&mut state.added);
        // Not anew at each poll: the clone of a waker that has crossed is an allocation, and what is
        // spawned stays one task of the host's, for which any waker of it is good.
        state.waker.get_or_insert_with(|| context.waker().clone());
    }

    /// Serves each group once, beginning with whose turn it is. Ready when none waits to go on.
    fn serve(&mut self, context: &mut Context<'_>) -> Poll<()> {
        for _ in 0..self.handlers.len() {
            if self.at >= self.handlers.len() {
                self.at = 0;
            }
            match self.handlers[self.at].serve(context) {
                Handled::All => self.at += 1,
                Handled::Yields => {
                    // The task has been woken to go on; first it is the others' turn.
                    self.at += 1;
                    return Poll::Pending;
                }
                Handled::Ended => drop(self.handlers.remove(self.at)),
            }
        }
        Poll::Ready(())
    }

    /// Has handlers of one topic share a subscription, once they have been called with the same. All
    /// have just been served.
    fn join(&mut self) {
        let mut at = self.handlers.len();
        while at > 0 {
            at -= 1;
            let (earlier, later) = self.handlers.split_at_mut(at);
            let group = &mut later[0];
            if !group.may_join() {
                continue;
            }
            let mut absorbed = earlier.iter_mut().map(|fellow| fellow.absorb(group.as_mut()));
            match absorbed.find(|absorbed| *absorbed != Absorbed::Strangers) {
                None => group.settle(),
                Some(Absorbed::All) => {
                    self.at -= usize::from(at < self.at);
                    drop(self.handlers.remove(at));
                }
                Some(_) => {}
            }
        }
    }

    /// Ends the task, unless somebody has been added meanwhile.
    fn end(&mut self) -> bool {
        let mut state = self.dispatcher.lock();
        if !state.added.is_empty() {
            return false;
        }
        state.running = false;
        self.over = true;
        let waker = state.waker.take();
        drop(state);
        drop(waker);
        true
    }
}

impl Future for Dispatching {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        loop {
            self.adopt(context);
            if self.serve(context).is_pending() {
                return Poll::Pending;
            }
            self.join();
            if !self.handlers.is_empty() {
                return Poll::Pending;
            }
            if self.end() {
                return Poll::Ready(());
            }
        }
    }
}

impl Drop for Dispatching {
    /// Dropped by the host before its end: whoever is added from now on needs another task.
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let mut state = self.dispatcher.lock();
        let dropped = mem::take(&mut *state);
        drop(state);
        drop(dropped);
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}
