//! What an instance has spawned: counted, aborted and waited for with the instance.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lifespan_abi::abi_stable::sabi_trait::TD_Opaque;
use lifespan_abi::{Task, TaskBox};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::guard::guard;

/// The spawned futures and jobs of one instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    /// Told each time that a task has ended.
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Nothing more is taken: the instance is over.
    closed: bool,
    next: u64,
    tasks: HashMap<u64, Entry>,
}

/// What is spawned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A future, which the runtime polls.
    Future,
    /// A job on a thread that it may block.
    Job,
}

#[derive(Debug)]
struct Entry {
    name: String,
    #[cfg_attr(
        not(feature = "testing"),
        expect(dead_code, reason = "only tests of plugins ask for it")
    )]
    kind: Kind,
    /// Not there for the moment in which it is being spawned.
    abort: Option<AbortHandle>,
}

/// Says that a task has ended, when it is dropped. It lives in the task, behind its future.
pub(crate) struct Ended {
    tasks: Tasks,
    id: u64,
}

impl Tasks {
    /// Spawns by `spawn`, which gets what the task has to drop at its end. Answers `None`, and does
    /// not spawn, once the instance is over.
    pub(crate) fn add(
        &self,
        name: &str,
        kind: Kind,
        spawn: impl FnOnce(Ended) -> AbortHandle,
    ) -> Option<AbortHandle> {
        let id = {
            let mut state = self.lock();
            if state.closed {
                return None;
            }
            let id = state.next;
            state.next += 1;
            state.tasks.insert(id, Entry { name: name.to_owned(), kind, abort: None });
            id
        };
        // Outside the lock: a runtime that is shutting down drops the future at once, and with it
        // the `Ended`.
        let abort = spawn(Ended { tasks: self.clone(), id });
        let mut state = self.lock();
        if let Some(task) = state.tasks.get_mut(&id) {
            task.abort = Some(abort.clone());
        }
        let closed = state.closed;
        drop(state);
        if closed {
            abort.abort();
        }
        Some(abort)
    }

    /// Asks every future to be dropped, and every job that has not begun.
    pub(crate) fn abort_all(&self) {
        // Outside the lock: an abort may drop the future here, which comes back to `Ended`.
        let aborts: Vec<_> =
            self.lock().tasks.values().filter_map(|task| task.abort.clone()).collect();
        aborts.iter().for_each(AbortHandle::abort);
    }

    /// Takes no more, and aborts what there is.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.abort_all();
    }

    /// Ready when there is nothing left.
    pub(crate) async fn all_ended(&self) {
        self.until(|state| state.tasks.is_empty()).await;
    }

    /// Ready when no job is left.
    #[cfg(feature = "testing")]
    pub(crate) async fn jobs_ended(&self) {
        self.until(State::has_no_job).await;
    }

    /// Whether no job is left.
    #[cfg(feature = "testing")]
    pub(crate) fn has_no_job(&self) -> bool {
        self.lock().has_no_job()
    }

    /// Whether anything is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().tasks.is_empty()
    }

    /// The names of what is left.
    pub(crate) fn names(&self) -> Vec<String> {
        self.lock().tasks.values().map(|task| task.name.clone()).collect()
    }

    async fn until(&self, over: impl Fn(&State) -> bool) {
        loop {
            let ended = self.inner.ended.notified();
            let mut ended = std::pin::pin!(ended);
            // Registered before the look, so that an end in between is not missed.
            ended.as_mut().enable();
            if over(&self.lock()) {
                return;
            }
            ended.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    #[cfg(feature = "testing")]
    fn has_no_job(&self) -> bool {
        self.tasks.values().all(|task| task.kind != Kind::Job)
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.tasks.lock().tasks.remove(&self.id);
        self.tasks.inner.ended.notify_waiters();
    }
}

/// The plugin's handle of what it spawned; without anything in it, of what was refused.
pub(crate) fn handle(abort: Option<AbortHandle>) -> TaskBox {
    TaskBox::from_value(Handle { abort }, TD_Opaque)
}

struct Handle {
    abort: Option<AbortHandle>,
}

impl Task for Handle {
    fn abort(&self) {
        guard("abort", || (), || self.abort.iter().for_each(AbortHandle::abort));
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    fn add(tasks: &Tasks, future: impl Future<Output = ()> + Send + 'static) -> bool {
        let spawned = tasks.add("test", Kind::Future, |ended| {
            tokio::spawn(async move {
                let _ended = ended;
                future.await;
            })
            .abort_handle()
        });
        spawned.is_some()
    }

    #[tokio::test]
    async fn all_ended_waits_for_each() {
        let tasks = Tasks::default();
        for _ in 0..100 {
            assert!(add(&tasks, tokio::task::yield_now()));
        }
        assert!(!tasks.is_empty());
        tasks.all_ended().await;
        assert!(tasks.is_empty());
    }

    #[test]
    fn a_runtime_that_is_over_is_no_deadlock() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let handle = runtime.handle().clone();
        drop(runtime);
        let tasks = Tasks::default();
        let spawned = tasks.add("late", Kind::Future, |ended| {
            handle
                .spawn(async move {
                    let _ended = ended;
                    pending::<()>().await;
                })
                .abort_handle()
        });
        assert!(spawned.is_some());
        assert!(tasks.is_empty());
    }

    #[tokio::test]
    async fn closing_aborts_and_takes_no_more() {
        let tasks = Tasks::default();
        assert!(add(&tasks, pending()));
        assert_eq!(tasks.names(), ["test"]);
        tasks.close();
        tasks.all_ended().await;
        assert!(!add(&tasks, pending()));
    }
}
