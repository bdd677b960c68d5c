//! One phase of one instance on the shared runtime, and the waits of the dispatcher for it.

use std::mem::ManuallyDrop;
use std::sync::Arc;

use lifespan_abi::abi_stable::std_types::RResult;
use lifespan_abi::async_ffi::FfiFuture;
use lifespan_abi::{InstanceBox, Report, WireReport};
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout_at};

use super::{Abandon, BoundPlugin, Dispatcher, MOMENT};
use crate::bus::Phase as BusPhase;
use crate::clock::after;
use crate::shutdown::Asked;
use crate::worker::{Tracked, busy};

/// A phase that is under way.
pub(super) type Phase<T> = JoinHandle<Result<T, Report>>;

/// Starts a phase: the call itself and every poll of its future happen on the shared runtime.
pub(super) fn spawn<T: Send + 'static>(
    bound: &BoundPlugin,
    call: impl FnOnce(&InstanceBox) -> FfiFuture<RResult<T, WireReport>> + Send + 'static,
) -> Phase<T> {
    let instance = Arc::clone(&bound.instance);
    let tracked = Tracked::new(bound.context.owner.clone(), async move {
        // The instance stays alive in here as long as its future.
        match call(&instance).await {
            RResult::ROk(value) => Ok(value),
            RResult::RErr(report) => Err(Report::from(report)),
        }
    });
    bound.context.shared.runtime.spawn(async move { tracked.await.and_then(|ended| ended) })
}

/// How waiting for a phase ended.
pub(super) enum Waited<T> {
    Ended(Result<T, Report>),
    /// The deadline passed.
    Late,
    /// A shutdown was asked for; the reason.
    Stopped(String),
}

/// Waits for a phase until the deadline; with `stoppable`, until a shutdown is asked for.
pub(super) async fn wait<T>(
    phase: &mut Phase<T>,
    deadline: Instant,
    asked: &mut watch::Receiver<Asked>,
    stoppable: bool,
) -> Result<Waited<T>, Abandon> {
    let mut stop = asked.clone();
    tokio::select! {
        biased;
        signal = forced(asked) => Err(Abandon::Forced(signal)),
        ended = phase => Ok(Waited::Ended(joined(ended))),
        why = requested(&mut stop), if stoppable => Ok(Waited::Stopped(why)),
        () = tokio::time::sleep_until(deadline) => Ok(Waited::Late),
    }
}

/// Drops a phase that is under way; answers whether its thread let go of it before the deadline.
pub(super) async fn abort<T>(
    phase: Phase<T>,
    deadline: Instant,
    asked: &mut watch::Receiver<Asked>,
) -> Result<bool, Abandon> {
    phase.abort();
    tokio::select! {
        biased;
        signal = forced(asked) => Err(Abandon::Forced(signal)),
        ended = timeout_at(deadline, phase) => Ok(ended.is_ok()),
    }
}

/// Ready with the reason when an orderly end is asked for.
pub(super) async fn requested(asked: &mut watch::Receiver<Asked>) -> String {
    match asked.wait_for(|asked| asked.request.is_some()).await {
        Ok(asked) => asked.request.clone().unwrap_or_default(),
        Err(_) => std::future::pending().await,
    }
}

/// Ready with the signal when the end is forced.
pub(super) async fn forced(asked: &mut watch::Receiver<Asked>) -> u8 {
    match asked.wait_for(|asked| asked.force.is_some()).await {
        Ok(asked) => asked.force.unwrap_or_default(),
        Err(_) => std::future::pending().await,
    }
}

fn joined<T>(ended: Result<Result<T, Report>, tokio::task::JoinError>) -> Result<T, Report> {
    ended.unwrap_or_else(|error| Err(Report::error(format!("the runtime dropped it: {error}"))))
}

impl Dispatcher {
    /// Ends what is left of an instance: what it spawned, its part of the bus, the object itself.
    pub(super) async fn release(&mut self, bound: BoundPlugin) -> Result<(), Abandon> {
        let deadline = self.deadline(bound.deadlines.teardown);
        let context = bound.context.clone();
        context.tasks.close();
        let ended = timeout_at(deadline, context.tasks.all_ended());
        let ended = tokio::select! {
            biased;
            signal = forced(&mut self.asked) => return Err(Abandon::Forced(signal)),
            ended = ended => ended.is_ok(),
        };
        if !ended {
            let left = context.tasks.names().join("', '");
            tracing::error!("'{}' is left with '{left}', which blocks", context.name);
            self.give_up(&bound);
            return Ok(());
        }
        self.collect(&context);
        // What is left is code of the plugin, and of those that wait for it: not on a thread that
        // others may block, and nobody waits for it longer than a moment beyond the deadline.
        let owner = context.owner.clone();
        let member = context.member.clone();
        let instance = ManuallyDrop::into_inner(bound.instance);
        let dropped = spawn_blocking(move || {
            member.set_phase(BusPhase::Gone);
            busy(&owner, || drop(instance));
        });
        let until = deadline.max(after(MOMENT));
        let in_time = tokio::select! {
            biased;
            signal = forced(&mut self.asked) => return Err(Abandon::Forced(signal)),
            dropped = timeout_at(until, dropped) => dropped.is_ok(),
        };
        if !in_time {
            tracing::error!("'{}' blocks while it is dropped", context.name);
            self.leave(&context.name);
        }
        // What went wrong in the drop has been reported only now.
        self.collect(&context);
        self.count_lost(&context);
        self.state.alive.retain(|alive| *alive != context.name);
        Ok(())
    }
}
