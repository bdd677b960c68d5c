//! Shutdown of the tasks: those that still have something to receive, or that end by themselves, get
//! the grace period; every other is cancelled at once. No tear-down starts before all are over.

use std::sync::Arc;
use std::time::Duration;

use lifespan_abi::Stance;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::{debug, error, warn};

use super::phase::forced;
use super::{
    Abandon, BoundPlugin, Dispatcher, MOMENT, RunningPlugin, StoppedPlugin, Task, TaskEnded,
};
use crate::clock::after;

/// How often an instance that cannot tell when it is through is asked whether it is.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

impl Dispatcher {
    /// Ends all tasks. The shutdown has begun: nothing is published any more.
    pub(super) async fn stop(
        &mut self,
        mut running: Vec<RunningPlugin>,
        task_ended: &mut mpsc::UnboundedReceiver<TaskEnded>,
    ) -> Result<Vec<StoppedPlugin>, Abandon> {
        for plugin in &mut running {
            self.begin_stopping(plugin);
        }
        while let Some(next) = running.iter().filter_map(RunningPlugin::next_look).min() {
            tokio::select! {
                biased;
                signal = forced(&mut self.asked) => return Err(Abandon::Forced(signal)),
                Some(ended) = task_ended.recv() => {
                    // One that was to publish what it receives cannot: the rest of that is lost.
                    if matches!(&ended.1, Err(report) if report.publishing_ended) {
                        self.note_late(&running[ended.0].ready.bound.context);
                    }
                    // A failure now is one more failure; the shutdown goes on.
                    let _ = self.task_ended(&mut running, ended);
                }
                () = tokio::time::sleep_until(next) => {
                    running.iter_mut().for_each(|plugin| self.go_on_stopping(plugin));
                }
            }
        }
        let mut stopped = Vec::with_capacity(running.len());
        for plugin in running {
            let bound = plugin.ready.bound;
            if plugin.state == Task::GivenUp {
                self.note_late(&bound.context);
                self.give_up(&bound);
            } else {
                stopped.push(StoppedPlugin { open: plugin.ready.stance != Stance::DONE, bound });
            }
        }
        Ok(stopped)
    }

    fn begin_stopping(&self, plugin: &mut RunningPlugin) {
        let bound = &plugin.ready.bound;
        let backlog = bound.context.member.backlog();
        let time = self.grace(bound);
        match plugin.state {
            Task::Running if backlog == 0 && !bound.context.ends_itself() => {
                self.cancel(plugin);
                return;
            }
            Task::Running => plugin.state = Task::Grace(time),
            Task::None | Task::Ended if plugin.drains() => plugin.state = Task::Draining(time),
            Task::None
            | Task::Ended
            | Task::Grace(_)
            | Task::Cancelled(_)
            | Task::Draining(_)
            | Task::GivenUp => return,
        }
        let name = plugin.ready.bound.name();
        debug!("'{name}' may go on for a while: {backlog} messages wait for it");
    }

    /// Looks at a task whose time may be over.
    fn go_on_stopping(&mut self, plugin: &mut RunningPlugin) {
        let name = plugin.ready.bound.name();
        match plugin.state {
            Task::Grace(until) if Instant::now() >= until => {
                warn!(instance = &*name, "'{name}' did not end within its grace period");
                self.note_late(&plugin.ready.bound.context);
                plugin.ready.bound.context.tasks.abort_all();
                self.cancel(plugin);
            }
            // Its task is to wait, and nothing is left to wait for.
            Task::Grace(_) if plugin.ready.stance == Stance::IDLE && !plugin.drains() => {
                self.cancel(plugin);
            }
            Task::Draining(until) if Instant::now() >= until => {
                warn!(
                    instance = &*name,
                    "what '{name}' has spawned did not end within its grace period"
                );
                self.note_late(&plugin.ready.bound.context);
                plugin.ready.bound.context.tasks.abort_all();
                plugin.state = Task::Ended;
            }
            Task::Draining(_) if !plugin.drains() => plugin.state = Task::Ended,
            Task::Cancelled(until) if Instant::now() >= until => {
                let holders = self.holders.now();
                // Without anybody who holds a worker it blocks a thread of its own.
                if holders.contains(&*name) || holders.is_empty() {
                    error!(instance = &*name, "'{name}' blocks and cannot be cancelled");
                } else {
                    let holders = holders.into_iter().collect::<Vec<_>>().join("', '");
                    error!(
                        instance = &*name,
                        "'{name}' cannot be cancelled: no worker is free for it, blocked by '{holders}'"
                    );
                }
                plugin.state = Task::GivenUp;
            }
            Task::None
            | Task::Running
            | Task::Grace(_)
            | Task::Cancelled(_)
            | Task::Ended
            | Task::Draining(_)
            | Task::GivenUp => {}
        }
    }

    fn cancel(&self, plugin: &mut RunningPlugin) {
        let bound = &plugin.ready.bound;
        // What it has spawned goes on until its tear-down is over, which may want to join it.
        // A few lines of the plugin's side that set a flag and wake; not on the dispatcher's thread,
        // and not on one that plugins may block.
        let instance = Arc::clone(&bound.instance);
        spawn_blocking(move || instance.cancel());
        // However late it is, a thread that is not blocked gets a moment to let go.
        let until = self.deadline(bound.deadlines.teardown).max(after(MOMENT));
        plugin.state = Task::Cancelled(until);
    }

    /// When the grace period of an instance ends.
    fn grace(&self, bound: &BoundPlugin) -> Instant {
        let until = after(bound.deadlines.grace);
        self.state.grace_end.map_or(until, |end| end.min(until))
    }
}

impl RunningPlugin {
    /// When to look at it again; `None` if its task is over.
    fn next_look(&self) -> Option<Instant> {
        match self.state {
            Task::None | Task::Ended | Task::GivenUp => None,
            Task::Running => Some(Instant::now()),
            Task::Grace(until) if self.ready.stance != Stance::IDLE => Some(until),
            Task::Grace(until) | Task::Draining(until) => Some(until.min(after(LOOK_AGAIN))),
            Task::Cancelled(until) => Some(until),
        }
    }

    /// Whether what it has spawned still has something to do: to receive what waits, or to end by
    /// itself as the instance has said that it does.
    pub(super) fn drains(&self) -> bool {
        let context = &self.ready.bound.context;
        !context.tasks.is_empty() && (context.member.backlog() > 0 || context.ends_itself())
    }
}
