//! Tear-down: in reverse order of set-up, each with its deadline, whatever fails on the way.

use lifespan_abi::Report;
use tokio::time::Instant;
use tracing::debug;

use super::phase::{Waited, abort, spawn, wait};
use super::{Abandon, Dispatcher, StoppedPlugin};
use crate::bus::Phase as BusPhase;
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
        let StoppedPlugin { bound, open, lost_count } = plugin;
        let name = bound.name();
        if open {
            debug!("Tearing down '{name}'");
            bound.context.member.set_phase(BusPhase::Teardown);
            let mut phase = spawn(&bound, |instance| instance.teardown());
            let deadline = self.deadline(bound.limits.teardown);
            match wait(&mut phase, deadline, &mut self.asked, false).await? {
                Waited::Ended(Ok(())) | Waited::Stopped(_) => {}
                Waited::Ended(Err(report)) => {
                    self.fail(Failure::plugin(&name, "tear-down", report));
                }
                Waited::Late => {
                    let limit = humantime::format_duration(bound.limits.teardown);
                    let report = Report::error(format!("it did not finish within {limit}"))
                        .hint("give it more time with `--teardown-timeout`");
                    self.fail(Failure::plugin(&name, "tear-down", report));
                    // A moment for a thread that is not blocked to let go of it.
                    let moment = Instant::now() + super::MOMENT;
                    if !abort(phase, moment, &mut self.asked).await? {
                        if lost_count {
                            self.count_lost(&bound);
                        }
                        self.give_up(&bound);
                        return Ok(());
                    }
                }
            }
        }
        if lost_count {
            // What it holds of the bus is dropped with it; only then the count is final.
            bound.context.member.set_phase(BusPhase::Ended);
            self.count_lost(&bound);
        }
        self.release(bound).await
    }
}
