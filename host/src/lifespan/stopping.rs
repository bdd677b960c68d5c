//! Shutdown of the tasks: those that still have something to receive, or that end by themselves, get
//! the grace period; every other is cancelled at once. No tear-down starts before all are over.

use std::time::Duration;

use lifespan_abi::Stance;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::phase::forced;
use super::{Abandon, Dispatcher, RunningPlugin, StoppedPlugin, Task, TaskEnded};

/// How often an instance that cannot end by itself is asked whether its backlog is empty.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

impl Dispatcher {
    /// Ends all tasks. The shutdown has begun: nothing is published any more.
    pub(super) async fn stop(
        &mut self,
        mut running: Vec<RunningPlugin>,
        task_ended: &mut mpsc::UnboundedReceiver<TaskEnded>,
    ) -> Result<Vec<StoppedPlugin>, Abandon> {
        let mut late = vec![false; running.len()];
        for plugin in &mut running {
            self.begin_stopping(plugin);
        }
        while let Some(next) = running.iter().filter_map(RunningPlugin::next_look).min() {
            tokio::select! {
                biased;
                signal = forced(&mut self.asked) => return Err(Abandon::Forced(signal)),
                Some(ended) = task_ended.recv() => {
                    // A failure now is one more failure; the shutdown goes on.
                    let _ = self.task_ended(&mut running, ended);
                }
                () = tokio::time::sleep_until(next) => {
                    for (plugin, late) in running.iter_mut().zip(&mut late) {
                        *late |= self.go_on_stopping(plugin);
                    }
                }
            }
        }
        let mut stopped = Vec::with_capacity(running.len());
        for (plugin, late) in running.into_iter().zip(late) {
            if plugin.state == Task::GivenUp {
                self.count_lost(&plugin.ready.bound);
                self.give_up(&plugin.ready.bound);
            } else {
                stopped.push(StoppedPlugin {
                    open: plugin.state != Task::None,
                    bound: plugin.ready.bound,
                    lost_count: late,
                });
            }
        }
        Ok(stopped)
    }

    fn begin_stopping(&self, plugin: &mut RunningPlugin) {
        if plugin.state != Task::Running {
            return;
        }
        let bound = &plugin.ready.bound;
        let backlog = bound.context.member.backlog();
        if backlog > 0 || bound.context.ends_itself() {
            debug!("'{}' may go on for a while: {backlog} messages wait for it", bound.name());
            plugin.state = Task::Grace(self.deadline(bound.limits.grace));
        } else {
            self.cancel(plugin);
        }
    }

    /// Looks at a task whose time may be over. Answers whether its grace period has just ended.
    fn go_on_stopping(&self, plugin: &mut RunningPlugin) -> bool {
        let bound = &plugin.ready.bound;
        let name = bound.name();
        match plugin.state {
            Task::Grace(until) if Instant::now() >= until => {
                warn!(instance = &*name, "'{name}' did not end within its grace period");
                self.cancel(plugin);
                true
            }
            // Its task is to wait; what it has spawned receives, and now has received all.
            Task::Grace(_) if plugin.ready.stance == Stance::IDLE => {
                if bound.context.member.backlog() == 0 && bound.context.tasks.is_empty() {
                    self.cancel(plugin);
                }
                false
            }
            Task::Cancelled(until) if Instant::now() >= until => {
                tracing::error!(instance = &*name, "'{name}' blocks and cannot be cancelled");
                plugin.state = Task::GivenUp;
                false
            }
            _ => false,
        }
    }

    fn cancel(&self, plugin: &mut RunningPlugin) {
        let bound = &plugin.ready.bound;
        bound.context.tasks.abort_all();
        // A few lines of the plugin's side that set a flag and wake; on the dispatcher's thread,
        // since all workers may be blocked.
        bound.instance.cancel();
        plugin.state = Task::Cancelled(self.deadline(bound.limits.teardown));
    }
}

impl RunningPlugin {
    /// When to look at it again; `None` if its task is over.
    fn next_look(&self) -> Option<Instant> {
        match self.state {
            Task::None | Task::Ended | Task::GivenUp => None,
            Task::Running => Some(Instant::now()),
            Task::Grace(until) if self.ready.stance == Stance::IDLE => {
                Some(until.min(Instant::now() + LOOK_AGAIN))
            }
            Task::Grace(until) | Task::Cancelled(until) => Some(until),
        }
    }
}
