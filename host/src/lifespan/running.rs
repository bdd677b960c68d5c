//! The tasks: all are started together; the run goes on as long as one keeps it alive.

use lifespan_abi::Stance;
use tokio::sync::mpsc;
use tracing::debug;

use super::phase::{forced, requested, spawn};
use super::{Abandon, Dispatcher, ReadyPlugin, RunningPlugin, Task, TaskEnded};
use crate::bus::Phase as BusPhase;
use crate::error::Failure;

impl Dispatcher {
    /// Starts every task, in the order of set-up.
    pub(super) async fn start(
        &mut self,
        ready: Vec<ReadyPlugin>,
        ended: &mpsc::UnboundedSender<TaskEnded>,
    ) -> Vec<RunningPlugin> {
        // Nobody publishes before all are in the phase in which a full topic is waited for.
        let members: Vec<_> =
            ready.iter().map(|plugin| plugin.bound.context.member.clone()).collect();
        self.elsewhere(move || {
            members.iter().for_each(|member| member.set_phase(BusPhase::Running));
        })
        .await;
        ready.into_iter().enumerate().map(|(at, ready)| start_one(at, ready, ended)).collect()
    }

    /// Watches the tasks until the run has a reason to end, and begins the shutdown with it.
    pub(super) async fn watch(
        &mut self,
        running: &mut [RunningPlugin],
        task_ended: &mut mpsc::UnboundedReceiver<TaskEnded>,
    ) -> Result<(), Abandon> {
        let mut stop = self.asked.clone();
        let mut told = usize::MAX;
        let done = running.iter().filter(|plugin| plugin.state == Task::None);
        let done: Vec<_> = done.map(|plugin| plugin.ready.bound.name()).collect();
        // Those that have no task have nothing left to be waited for.
        let none_left = done.iter().filter_map(|name| self.until_ended(name)).next_back();
        let why = loop {
            if let Some(why) = none_left {
                break why;
            }
            let keepers: Vec<_> = running.iter().filter(|plugin| plugin.keeps_alive()).collect();
            if keepers.is_empty() && !self.stays {
                break "all tasks have ended".to_owned();
            }
            if keepers.len() != told {
                told = keepers.len();
                debug!("Kept alive by {}", quoted(&keepers));
            }
            tokio::select! {
                biased;
                signal = forced(&mut self.asked) => return Err(Abandon::Forced(signal)),
                Some(ended) = task_ended.recv() => {
                    if let Some(why) = self.task_ended(running, ended) {
                        break why;
                    }
                }
                why = requested(&mut stop) => break why,
            }
        };
        self.begin_shutdown(&why).await;
        Ok(())
    }

    /// Notes that a task has ended. Answers why the run ends by that, if it does.
    pub(super) fn task_ended(
        &mut self,
        running: &mut [RunningPlugin],
        (at, ended): TaskEnded,
    ) -> Option<String> {
        let plugin = &mut running[at];
        let name = plugin.ready.bound.name();
        let cancelled = matches!(plugin.state, Task::Cancelled(_));
        plugin.state = match plugin.state {
            Task::Grace(until) if plugin.drains() => Task::Draining(until),
            Task::None
            | Task::Running
            | Task::Grace(_)
            | Task::Cancelled(_)
            | Task::Ended
            | Task::Draining(_)
            | Task::GivenUp => Task::Ended,
        };
        match ended {
            // It was about to publish when that ended; nothing else is wrong with it.
            Err(report) if report.publishing_ended && self.state.deadline.is_some() => {
                debug!("Task for '{name}' ended: {report}");
            }
            Err(report) => {
                self.fail(Failure::plugin(&name, "task", report));
                return Some(format!("the task of '{name}' failed"));
            }
            Ok(_) if cancelled => debug!("Task for '{name}' cancelled"),
            Ok(_) => debug!("Task for '{name}' ended"),
        }
        self.until_ended(&name)
    }

    /// Notes the end of an instance. Answers why the run ends by that, if it was the last one that
    /// the run was to wait for.
    fn until_ended(&mut self, name: &str) -> Option<String> {
        let waited = self.until.len();
        self.until.retain(|until| until != name);
        let last = self.until.is_empty() && waited > 0;
        last.then(|| format!("'{name}' has ended"))
    }
}

impl RunningPlugin {
    /// Whether the run goes on for its sake.
    fn keeps_alive(&self) -> bool {
        let keeper = [Stance::RUN, Stance::IDLE].contains(&self.ready.stance);
        keeper && self.state == Task::Running
    }
}

fn start_one(
    at: usize,
    ready: ReadyPlugin,
    ended: &mpsc::UnboundedSender<TaskEnded>,
) -> RunningPlugin {
    let context = ready.bound.context.clone();
    let state = if ready.stance == Stance::DONE {
        Task::None
    } else {
        if ready.stance != Stance::IDLE {
            debug!("Scheduling task for '{}'", context.name);
        }
        Task::Running
    };
    let phase = (state == Task::Running).then(|| spawn(&ready.bound, |instance| instance.run()));
    let ended = ended.clone();
    context.shared.runtime.clone().spawn(async move {
        if let Some(phase) = phase {
            // The phase is never aborted, so the only other end is that of the whole runtime.
            if let Ok(end) = phase.await {
                let _ = ended.send((at, end));
            }
        }
        // With the task and all it spawned over, nobody is left to make room for a publisher.
        context.tasks.all_ended().await;
        context.member.set_phase(BusPhase::Ended);
    });
    RunningPlugin { ready, state }
}

fn quoted(plugins: &[&RunningPlugin]) -> String {
    let names: Vec<_> =
        plugins.iter().map(|plugin| format!("'{}'", plugin.ready.bound.name())).collect();
    names.join(", ")
}
