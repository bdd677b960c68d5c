//! Tear-down: in reverse order of set-up, each with its deadline, whatever fails on the way.

use std::time::Duration;

use lifespan_abi::Report;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::phase::{Waited, abort, spawn, wait};
use super::{Abandon, Dispatcher, MOMENT, StoppedPlugin};
use crate::bus::Phase as BusPhase;
use crate::clock::after;
use crate::error::Failure;

impl Dispatcher {
    /// Tears down everything that was set up.
    pub(super) async fn tear_down(&mut self, stopped: Vec<StoppedPlugin>) -> Result<(), Abandon> {
        for plugin in stopped.into_iter().rev() {
            self.tear_down_one(plugin).await?;
            if self.state.deadline.is_some_and(|deadline| Instant::now() >= deadline)
                && !self.state.alive.is_empty()
            {
                return Err(Abandon::Deadline);
            }
        }
        Ok(())
    }

    async fn tear_down_one(&mut self, plugin: StoppedPlugin) -> Result<(), Abandon> {
        let StoppedPlugin { bound, open } = plugin;
        if !open {
            return self.release(bound).await;
        }
        let name = bound.name();
        debug!("Tearing down '{name}'");
        let member = bound.context.member.clone();
        let mut phase = spawn(&bound, move |instance| {
            member.set_phase(BusPhase::Teardown);
            instance.teardown()
        });
        let deadline = self.deadline(bound.deadlines.teardown);
        match wait(&mut phase, deadline, &mut self.asked, false).await? {
            Waited::Ended(Ok(())) | Waited::Stopped(_) => {}
            Waited::Ended(Err(report)) if report.publishing_ended => {
                warn!(instance = &*name, "the tear-down of '{name}' ended early: {report}");
            }
            Waited::Ended(Err(report)) => self.fail(Failure::plugin(&name, "tear-down", report)),
            Waited::Late => {
                self.fail(Failure::plugin(&name, "tear-down", self.late(bound.deadlines.teardown)));
                // A moment for a thread that is not blocked to let go of it.
                if !abort(phase, after(MOMENT), &mut self.asked).await? {
                    self.give_up(&bound);
                    return Ok(());
                }
            }
        }
        self.release(bound).await
    }

    /// Why a tear-down that may take so long was cut off: by its own deadline, or by that of the
    /// whole shutdown.
    fn late(&self, limit: Duration) -> Report {
        let over = self.state.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let (limit, what, option) = if over {
            (self.deadlines.shutdown, "before the whole shutdown's time was over", "shutdown")
        } else {
            (limit, "in time", "teardown")
        };
        let limit = humantime::format_duration(limit);
        Report::error(format!("it did not finish {what} ({limit})"))
            .hint(format!("give it more time with `--{option}-timeout`"))
    }
}
