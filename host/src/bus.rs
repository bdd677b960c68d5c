//! The bus: topics, and what instances publish on them and receive from them.
//!
//! The engine makes a [`Bus`], a [`Member`] of it for each instance, moves the member's [`Phase`],
//! and closes the bus when the shutdown begins. Plugins see the member through the objects of
//! `lifespan_abi::bus`; no plugin is called back but for its wakers and keys, and never under a lock.
//!
//! * [`names`]: names and patterns; [`types`]: whether two libraries mean the same type;
//! * [`registry`]: which topics there are; [`topic`]: publishing on one;
//! * [`core`]: one topic's messages, in the ring of the package `lifespan-ring`;
//! * [`subscription`]: receiving, from one topic or by pattern; [`signal`]: how it is woken;
//! * [`member`]: phases, backlogs and losses.
//!
//! Locks are taken in this order: registry, a subscription's feeds, core, signal. A claim's is taken
//! below a core's, and that of an instance's holdings above a subscription's feeds, apart from the
//! registry's.

mod core;
mod member;
mod names;
mod registry;
mod signal;
mod subscription;
mod topic;
mod types;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::abi_stable::std_types::{RResult, RStr, RString, RVec};
use lifespan_abi::bus::Bus as AbiBus;
use lifespan_abi::{
    BusBox, BusFault, FaultCode, MessageTypeRef, Mode, Publisher, SubscribeOptions,
    SubscriptionBox, TopicBox, TopicOptions,
};

use crate::bus::member::Instance;
pub(crate) use crate::bus::member::{Lost, Phase};
pub(crate) use crate::bus::names::{NameError, Pattern};
pub(crate) use crate::bus::registry::Jam;
use crate::bus::registry::Shared;
use crate::bus::subscription::Subscription;
use crate::bus::topic::{InstanceTopic, failed};
use crate::bus::types::TypeUse;
use crate::clock::Clock;
use crate::guard::guard;

/// How many messages a topic holds for its lossless subscriptions, unless told otherwise.
pub(crate) const DEFAULT_CAPACITY: u32 = 1024;

/// How to make a bus.
#[derive(Clone, Debug)]
pub(crate) struct BusOptions {
    /// Tells the time of each message.
    pub(crate) clock: Clock,
    /// How many messages a topic holds for its lossless subscriptions, if its opener does not say.
    pub(crate) capacity: u32,
}

impl BusOptions {
    /// With the default capacity.
    pub(crate) fn new(clock: Clock) -> BusOptions {
        BusOptions { clock, capacity: DEFAULT_CAPACITY }
    }
}

/// One bus; its clones are the same.
#[derive(Clone)]
pub(crate) struct Bus {
    shared: Arc<Shared>,
}

/// An instance's membership of a bus; its clones are the same.
#[derive(Clone)]
pub(crate) struct Member {
    shared: Arc<Shared>,
    instance: Arc<Instance>,
}

impl Bus {
    /// An empty bus.
    pub(crate) fn new(options: BusOptions) -> Bus {
        Bus { shared: Shared::new(options) }
    }

    /// Makes an instance a member. It begins in [`Phase::Setup`].
    pub(crate) fn member(&self, name: &str, generation: u32) -> Member {
        let instance = self.shared.instances.add(name, generation);
        Member { shared: self.shared.clone(), instance }
    }

    /// Lets somebody outside of the bus see what passes on the topics that match, from now on. It
    /// changes nothing for those inside: no publisher waits for it, no topic lasts longer or has a
    /// subscriber more. What it is too slow for it skips, and counts.
    pub(crate) fn observe(&self, pattern: Pattern) -> Result<SubscriptionBox, BusFault> {
        let options = SubscribeOptions::new(Mode::LOSSY, false, None);
        Subscription::to_matching(&self.shared, &Instance::observer(), pattern, options)
    }

    /// The name of the instance of that number.
    pub(crate) fn instance_name(&self, number: u64) -> Option<Arc<str>> {
        self.shared.instances.get(number).map(|(name, _)| name)
    }

    /// The topics on which publishers wait for room now.
    pub(crate) fn jams(&self) -> Vec<Jam> {
        self.shared.jams()
    }

    /// The shutdown begins: publishing ends, and every stream delivers what it has not yet
    /// delivered and then ends.
    pub(crate) fn close(&self) {
        self.shared.close();
    }
}

impl Member {
    /// The bus as the instance's plugin sees it.
    pub(crate) fn services(&self) -> BusBox {
        BusBox::from_value(self.clone(), TD_Opaque)
    }

    /// Where the instance is in its lifespan.
    #[cfg(feature = "testing")]
    pub(crate) fn phase(&self) -> Phase {
        self.instance.phase()
    }

    /// The instance is now there in its lifespan.
    pub(crate) fn set_phase(&self, phase: Phase) {
        tracing::trace!(
            instance = &*self.instance.name,
            generation = self.instance.generation,
            ?phase,
            "bus phase"
        );
        self.instance.set_phase(phase, self.shared.is_closed());
        // What gates a publisher, and whether waiting may help it, depends on phases.
        self.shared.wake_publishers();
    }

    /// How many messages the instance's subscriptions have not delivered.
    pub(crate) fn backlog(&self) -> u64 {
        self.instance.backlog()
    }

    /// What the instance was to receive when the shutdown began, and has not: counted where a
    /// subscription ended, or as it stands now. What it left unread because its task had ended
    /// before is no loss.
    pub(crate) fn lost(&self) -> Vec<Lost> {
        self.instance.lost(self.shared.is_closed())
    }

    fn topic(
        &self,
        name: &str,
        kind: MessageTypeRef,
        options: &TopicOptions,
    ) -> Result<TopicBox, BusFault> {
        no_settings("a topic", &options.settings)?;
        let ours = TypeUse::new(kind, self.instance.name.clone());
        let handle = self.shared.open(name, ours, options.capacity)?;
        Ok(InstanceTopic::boxed(handle, self.instance.clone()))
    }
}

impl AbiBus for Member {
    fn topic(
        &self,
        name: RStr<'_>,
        kind: MessageTypeRef,
        options: TopicOptions,
    ) -> RResult<TopicBox, BusFault> {
        let open = || self.topic(name.as_str(), kind, &options);
        guard("bus: topic", || Err(failed()), open).into()
    }

    fn existing(&self, name: RStr<'_>) -> RResult<TopicBox, BusFault> {
        let open = || {
            let handle = self.shared.existing(name.as_str())?;
            Ok(InstanceTopic::boxed(handle, self.instance.clone()))
        };
        guard("bus: existing topic", || Err(failed()), open).into()
    }

    fn topics(&self) -> RVec<RString> {
        let names = || self.shared.names().iter().map(|name| RString::from(&**name)).collect();
        guard("bus: topics", RVec::new, names)
    }

    fn subscribe_pattern(
        &self,
        pattern: RStr<'_>,
        options: SubscribeOptions,
    ) -> RResult<SubscriptionBox, BusFault> {
        let subscribe =
            || Subscription::to_pattern(&self.shared, &self.instance, pattern.as_str(), options);
        guard("bus: subscribe", || Err(failed()), subscribe).into()
    }

    fn publisher(&self, number: u64) -> RString {
        let known = || {
            let (name, generation) = self.shared.instances.get(number)?;
            Some(Publisher::new(&*name, generation).to_json())
        };
        guard("bus: publisher", || None, known).unwrap_or_default()
    }
}

/// Refuses what `what` was asked to be beyond its options: this version of the ABI has no settings.
fn no_settings(what: &str, settings: &str) -> Result<(), BusFault> {
    if matches!(settings, "" | "{}") {
        return Ok(());
    }
    let reason = match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(settings)
    {
        Ok(asked) => match asked.keys().next() {
            None => return Ok(()),
            Some(name) => format!("this host knows no setting `{name}` of {what}"),
        },
        Err(error) => format!("the settings of {what} cannot be read: {error}"),
    };
    Err(fault(FaultCode::OPTIONS, reason))
}

fn fault(code: FaultCode, reason: impl Into<RString>) -> BusFault {
    BusFault { code, reason: reason.into() }
}
