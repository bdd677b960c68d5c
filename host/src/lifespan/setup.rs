//! Set-up: one instance after the other; no task runs before all are set up.

use lifespan_abi::Report;
use tracing::debug;

use super::phase::{Waited, abort, spawn, wait};
use super::{Abandon, BoundPlugin, Dispatcher, ReadyPlugin};
use crate::error::Failure;

impl Dispatcher {
    /// Sets up in turn. Answers those that are up, and whether that is all of them: after a failure
    /// or a request to end the rest is not set up, and the shutdown has begun.
    pub(super) async fn set_up(
        &mut self,
        bound: Vec<BoundPlugin>,
    ) -> Result<(Vec<ReadyPlugin>, bool), Abandon> {
        let mut ready = Vec::with_capacity(bound.len());
        let mut complete = true;
        for plugin in bound {
            complete = complete && self.may_set_up().await;
            if complete {
                complete = self.set_up_one(plugin, &mut ready).await?;
            }
        }
        Ok((ready, complete))
    }

    /// Whether nobody has asked for the end yet; begins it otherwise.
    async fn may_set_up(&mut self) -> bool {
        let request = self.asked.borrow().request.clone();
        if let Some(why) = &request {
            self.begin_shutdown(why).await;
        }
        request.is_none()
    }

    async fn set_up_one(
        &mut self,
        plugin: BoundPlugin,
        ready: &mut Vec<ReadyPlugin>,
    ) -> Result<bool, Abandon> {
        let name = plugin.name();
        debug!("Setting up task for '{name}'");
        self.state.alive.push(name.clone());
        let services = plugin.context.services();
        let mut phase = spawn(&plugin, move |instance| instance.setup(services));
        let deadline = self.deadline(plugin.deadlines.setup);
        let why = match wait(&mut phase, deadline, &mut self.asked, true).await? {
            Waited::Ended(Ok(stance)) => {
                ready.push(ReadyPlugin { bound: plugin, stance });
                return Ok(true);
            }
            Waited::Ended(Err(report)) => {
                self.fail(Failure::plugin(&name, "set-up", report));
                format!("the set-up of '{name}' failed")
            }
            Waited::Stopped(why) => {
                debug!("Set-up of '{name}' is dropped");
                why
            }
            Waited::Late => {
                let limit = humantime::format_duration(plugin.deadlines.setup);
                let report = Report::error(format!("it did not finish within {limit}"))
                    .hint("give it more time with `--setup-timeout`")
                    .hint("work that goes on belongs into `ctx.run(…)`, which ends the set-up");
                self.fail(Failure::plugin(&name, "set-up", report));
                format!("the set-up of '{name}' took too long")
            }
        };
        self.begin_shutdown(&why).await;
        let deadline = self.deadline(plugin.deadlines.teardown);
        if phase.is_finished() || abort(phase, deadline, &mut self.asked).await? {
            self.release(plugin).await?;
        } else {
            self.give_up(&plugin);
        }
        Ok(false)
    }
}
