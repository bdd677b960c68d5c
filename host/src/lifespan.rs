//! The lifespans of a run, from the first set-up to the last tear-down.
//!
//! One dispatcher, on the thread of the caller with a small runtime of its own, puts everything that
//! can happen in one line: a phase that ends, a deadline that passes, a shutdown that is asked for.
//! The phases themselves run on the shared runtime, so that no plugin can hold up the dispatcher.
//!
//! [`dispatch`] reads as the way of an instance: [`BoundPlugin`] → set-up → [`ReadyPlugin`] →
//! [`RunningPlugin`] → [`StoppedPlugin`] → gone.
//!
//! **Invariant:** every instance whose set-up finished gets its tear-down, whatever else fails; only
//! one that blocks its thread, so that it cannot be called, is given up, and it is named.
//! **Invariant:** every wait ends at a deadline or by force.
#![deny(
    clippy::wildcard_enum_match_arm,
    reason = "states are matched in full, so that a new one is not forgotten"
)]

mod phase;
mod running;
mod setup;
mod stopping;
mod teardown;

use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::Duration;

use lifespan_abi::{Ending, InstanceBox, Report, Stance};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, error, warn};

use crate::bus::Bus;
use crate::clock::after;
use crate::error::Failure;
use crate::exit::Exit;
use crate::limits::Deadlines;
use crate::services::Context;
use crate::shutdown::Asked;
use crate::worker::Holders;

/// How long a thread that is not blocked needs at most to let go of what it polls.
const MOMENT: Duration = Duration::from_millis(200);

/// How a run ended.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// What the process should answer.
    pub exit: Exit,
    /// What failed, in the order in which it did.
    pub failures: Vec<Failure>,
    /// The instances that were left behind: they blocked, or the end was forced.
    pub abandoned: Vec<String>,
    /// What was published and did not reach its subscriber: its grace period was over before.
    pub lost: Vec<Lost>,
}

/// Messages that one subscriber did not get.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// The subscriber.
    pub instance: String,
    /// The topic.
    pub topic: String,
    /// How many.
    pub messages: u64,
}

/// A stage whose arguments its plugin has accepted.
///
/// Dropping one runs no code of the plugin: an instance that nobody [releases](Dispatcher::release)
/// is leaked, since its drop might block the dispatcher.
pub(crate) struct BoundPlugin {
    pub(crate) instance: ManuallyDrop<Arc<InstanceBox>>,
    pub(crate) context: Arc<Context>,
    pub(crate) deadlines: Deadlines,
}

/// An instance whose set-up has finished.
pub(crate) struct ReadyPlugin {
    bound: BoundPlugin,
    stance: Stance,
}

/// An instance in its task.
pub(crate) struct RunningPlugin {
    ready: ReadyPlugin,
    state: Task,
}

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Task {
    /// It has none.
    None,
    Running,
    /// It has until then to end by itself.
    Grace(Instant),
    /// It has been cancelled and has until then to be dropped.
    Cancelled(Instant),
    Ended,
    /// It is over, or never was, and what the instance has spawned has until then to receive what
    /// still waits for it.
    Draining(Instant),
    /// It did not end when it was cancelled.
    GivenUp,
}

/// An instance whose task is over.
pub(crate) struct StoppedPlugin {
    bound: BoundPlugin,
    /// Whether there is a lifespan to go on with: it had not ended in set-up.
    open: bool,
}

/// A task that ended by itself or was cancelled, by its place among the instances.
type TaskEnded = (usize, Result<Ending, Report>);

/// Why the rest of a run is abandoned.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Abandon {
    /// A second signal.
    Forced(u8),
    /// The deadline of the whole shutdown has passed.
    Deadline,
}

/// What [`dispatch`] needs beside the instances.
pub(crate) struct Dispatcher {
    /// Who holds the workers.
    pub(crate) holders: Holders,
    pub(crate) bus: Bus,
    pub(crate) asked: watch::Receiver<Asked>,
    pub(crate) begun: watch::Sender<Option<Arc<str>>>,
    pub(crate) deadlines: Deadlines,
    /// The instances whose end is still waited for: with the last of them the run ends.
    pub(crate) until: Vec<String>,
    /// Whether the run goes on where no task keeps it alive: somebody else will ask for its end.
    pub(crate) stays: bool,
    state: State,
}

#[derive(Default)]
struct State {
    outcome: Outcome,
    /// The instances whose set-up has begun and that are not gone, in that order.
    alive: Vec<Arc<str>>,
    /// When the whole shutdown must be over, once it has begun.
    deadline: Option<Instant>,
    /// When every grace period must be over: time for one tear-down is kept back, at most half.
    grace_end: Option<Instant>,
    /// The instances that had no time to receive everything, and whose losses are still to be
    /// counted. What was handed out of a lent batch is known once its subscription is dropped, and
    /// what is left may still be read in tear-down; so the count waits for the end of the instance.
    late: Vec<Arc<Context>>,
}

/// Runs all lifespans, in the order in which they stand.
pub(crate) async fn dispatch(mut dispatcher: Dispatcher, bound: Vec<BoundPlugin>) -> Outcome {
    if let Err(abandon) = dispatcher.lifespans(bound).await {
        dispatcher.abandon(abandon);
    }
    debug!("Finished.");
    dispatcher.state.outcome
}

impl Dispatcher {
    pub(crate) fn new(
        holders: Holders,
        bus: Bus,
        asked: watch::Receiver<Asked>,
        begun: watch::Sender<Option<Arc<str>>>,
        deadlines: Deadlines,
        until: Vec<String>,
    ) -> Self {
        let state = State::default();
        Dispatcher { holders, bus, asked, begun, deadlines, until, stays: false, state }
    }

    async fn lifespans(&mut self, bound: Vec<BoundPlugin>) -> Result<(), Abandon> {
        let (ready, complete) = self.set_up(bound).await?;
        let stopped = if complete {
            let (ended, mut task_ended) = mpsc::unbounded_channel();
            let mut running = self.start(ready, &ended).await;
            self.watch(&mut running, &mut task_ended).await?;
            self.stop(running, &mut task_ended).await?
        } else {
            ready.into_iter().map(StoppedPlugin::without_task).collect()
        };
        self.tear_down(stopped).await
    }

    /// Begins the shutdown, once: publishing ends, and the time for all of it starts.
    async fn begin_shutdown(&mut self, why: &str) {
        if self.state.deadline.is_some() {
            return;
        }
        self.state.deadline = Some(after(self.deadlines.shutdown));
        let Deadlines { shutdown, teardown, .. } = self.deadlines;
        let kept_back = teardown.min(shutdown / 2);
        self.state.grace_end = Some(after(shutdown.saturating_sub(kept_back)));
        debug!("Terminating… ({why})");
        let (bus, begun, why) = (self.bus.clone(), self.begun.clone(), Arc::from(why));
        self.elsewhere(move || {
            bus.close();
            begun.send_replace(Some(why));
        })
        .await;
    }

    /// Does something that may call code of plugins (their wakers) on a blocking thread of the
    /// dispatcher's own runtime. The dispatcher goes on in any case.
    async fn elsewhere(&self, work: impl FnOnce() + Send + 'static) {
        let work = spawn_blocking(work);
        if timeout_at(after(MOMENT), work).await.is_err() {
            warn!("a waker of a plugin blocks the thread that calls it");
        }
    }

    /// The earlier of `limit` from now and the end of the whole shutdown.
    fn deadline(&self, limit: Duration) -> Instant {
        let at = after(limit);
        self.state.deadline.map_or(at, |end| end.min(at))
    }

    fn fail(&mut self, failure: Failure) {
        error!(instance = failure.instance, "{failure}");
        self.state.outcome.exit = self.state.outcome.exit.worst(failure.exit);
        self.state.outcome.failures.push(failure);
    }

    /// Leaves an instance behind that could not be ended.
    fn give_up(&mut self, bound: &BoundPlugin) {
        let name = bound.name();
        bound.context.tasks.close();
        self.leave(&name);
        self.state.alive.retain(|alive| *alive != name);
        self.collect(&bound.context);
        self.count_lost(&bound.context);
    }

    /// Notes that an instance is left behind.
    fn leave(&mut self, name: &str) {
        self.state.outcome.exit = self.state.outcome.exit.worst(Exit::Plugin);
        self.state.outcome.abandoned.push(name.to_owned());
    }

    /// Takes what an instance has reported beside its phases.
    fn collect(&mut self, context: &Context) {
        let (reports, more) = context.take_reports();
        for (place, report) in reports {
            self.fail(Failure::plugin(&context.name, &place, report));
        }
        if more > 0 {
            let told = Report::error(format!("{more} more failures like these are in the log"));
            self.fail(Failure::plugin(&context.name, "elsewhere", told));
        }
    }

    /// Notes that an instance has no more time to receive what waits for it.
    fn note_late(&mut self, context: &Arc<Context>) {
        if !self.state.late.iter().any(|late| Arc::ptr_eq(late, context)) {
            self.state.late.push(context.clone());
        }
    }

    /// Counts what an instance did not receive, if it was late: at its end, or as it stands where it
    /// is left behind.
    fn count_lost(&mut self, context: &Arc<Context>) {
        let Some(at) = self.state.late.iter().position(|late| Arc::ptr_eq(late, context)) else {
            return;
        };
        self.state.late.remove(at);
        for lost in context.member.lost() {
            let name = &context.name;
            warn!(
                instance = &**name,
                "'{name}' did not get {} messages of '{}': the time was over",
                lost.messages,
                lost.topic
            );
            self.state.outcome.exit = self.state.outcome.exit.worst(Exit::Plugin);
            self.state.outcome.lost.push(Lost {
                instance: name.to_string(),
                topic: lost.topic,
                messages: lost.messages,
            });
        }
    }

    fn abandon(&mut self, abandon: Abandon) {
        for context in self.state.late.clone() {
            self.count_lost(&context);
        }
        let outcome = &mut self.state.outcome;
        outcome.abandoned.extend(self.state.alive.drain(..).map(|name| name.to_string()));
        let exit = match abandon {
            Abandon::Forced(signal) => Exit::Signal(signal),
            Abandon::Deadline => {
                let limit = humantime::format_duration(self.deadlines.shutdown);
                outcome.failures.push(Failure::new(
                    Exit::Plugin,
                    format!("the shutdown did not finish within {limit}"),
                ));
                Exit::Plugin
            }
        };
        outcome.exit = outcome.exit.worst(exit);
    }
}

impl BoundPlugin {
    fn name(&self) -> Arc<str> {
        self.context.name.clone()
    }
}

impl StoppedPlugin {
    /// One that was set up for nothing, since another's set-up failed.
    fn without_task(ready: ReadyPlugin) -> Self {
        StoppedPlugin { open: ready.stance != Stance::DONE, bound: ready.bound }
    }
}

#[cfg(test)]
mod tests;
