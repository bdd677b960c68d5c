//! A topic in the hands of an instance: who may publish, and what a publisher does when it is full.
//!
//! The messages are the [core](crate::bus::core)'s; here is what depends on names, claims and phases.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::abi_stable::std_types::{ROption, RResult, RStr, RString};
use lifespan_abi::async_ffi::FfiContext;
use lifespan_abi::bus::Topic as AbiTopic;
use lifespan_abi::{
    BusFault, FaultCode, Message, MessageTypeRef, PollStatus, PublishReply, PublishStatus,
    SubscribeOptions, SubscriptionBox, TopicBox, Values, ValuesReply,
};

use crate::bus::core::{Afterwards, Core, Publisher, Unpublished};
use crate::bus::fault;
use crate::bus::member::{Instance, Phase};
use crate::bus::registry::Handle;
use crate::bus::subscription::{self, Subscription};
use crate::bus::types::TypeUse;
use crate::guard::guard;

/// A topic, shared by all its handles.
pub(super) struct Topic {
    pub(super) name: Arc<str>,
    /// The type that whoever opened it first gave it.
    pub(super) kind: TypeUse,
    pub(super) core: Core,
    /// Whether `claim` need be looked at: set before, and never unset.
    claimed: AtomicBool,
    claim: Mutex<Option<Weak<Instance>>>,
}

impl Topic {
    pub(super) fn new(name: Arc<str>, kind: TypeUse, capacity: u64) -> Topic {
        let claim = Mutex::new(None);
        Topic { name, kind, core: Core::new(capacity), claimed: AtomicBool::new(false), claim }
    }

    /// The other instance that has claimed the topic. A claim ends with its instance.
    fn claimed_by_other(&self, instance: &Arc<Instance>) -> Option<Arc<Instance>> {
        if !self.claimed.load(Ordering::Acquire) {
            return None;
        }
        let claim = self.claim.lock().unwrap_or_else(PoisonError::into_inner);
        living(&claim).filter(|owner| !Arc::ptr_eq(owner, instance))
    }

    fn claim(&self, instance: &Arc<Instance>) -> Result<(), Arc<Instance>> {
        self.claimed.store(true, Ordering::Release);
        {
            let mut claim = self.claim.lock().unwrap_or_else(PoisonError::into_inner);
            match living(&claim) {
                Some(owner) if !Arc::ptr_eq(&owner, instance) => return Err(owner),
                _ => *claim = Some(Arc::downgrade(instance)),
            }
        }
        // Others that wait for room shall learn that they wait in vain.
        self.core.wake_publishers(&mut Afterwards::default());
        Ok(())
    }
}

/// A handle of a topic on behalf of an instance.
pub(super) struct InstanceTopic {
    handle: Handle,
    instance: Arc<Instance>,
}

impl InstanceTopic {
    pub(super) fn boxed(handle: Handle, instance: Arc<Instance>) -> TopicBox {
        TopicBox::from_value(InstanceTopic { handle, instance }, TD_Opaque)
    }

    fn publish(&self, message: Message) -> PublishReply {
        match self.handle.topic().core.push(message, &self.publisher()) {
            Ok(()) => {
                let (status, detail) = (PublishStatus::PUBLISHED, RString::new());
                PublishReply { status, message: ROption::RNone, detail }
            }
            Err((message, why)) => {
                let (status, detail) = self.explain(why);
                PublishReply { status, message: ROption::RSome(message), detail }
            }
        }
    }

    fn publish_values(&self, values: &Values) -> ValuesReply {
        let (published, all) = self.handle.topic().core.push_values(values, &self.publisher());
        let (status, detail) = match all {
            Ok(()) => (PublishStatus::PUBLISHED, RString::new()),
            Err(why) => self.explain(why),
        };
        ValuesReply { status, published, detail }
    }

    fn publisher(&self) -> Publisher<'_, impl Fn() -> u64, impl Fn() -> bool> {
        Publisher {
            instance: &self.instance,
            now: || self.handle.now(),
            refused: || self.handle.topic().claimed_by_other(&self.instance).is_some(),
        }
    }

    /// Why it was not published, for the publisher.
    #[cold]
    fn explain(&self, why: Unpublished) -> (PublishStatus, RString) {
        let topic = self.handle.topic();
        let name = &topic.name;
        let stuck =
            |why| (PublishStatus::STUCK, format!("topic `{name}` is full, and {why}").into());
        match why {
            Unpublished::Unplaced => (PublishStatus::UNPLACED, RString::new()),
            Unpublished::Refused => {
                let owner = topic.claimed_by_other(&self.instance);
                let owner = owner.map_or_else(|| Arc::from("another"), |owner| owner.name.clone());
                let detail = format!("topic `{name}` is claimed by `{owner}`");
                (PublishStatus::CLAIMED, detail.into())
            }
            Unpublished::Closed if self.handle.is_bus_closed() => {
                (PublishStatus::CLOSED, "publishing has ended: the program shuts down".into())
            }
            Unpublished::Closed => {
                (PublishStatus::CLOSED, format!("topic `{name}` is closed").into())
            }
            Unpublished::Full { own } => match self.instance.phase() {
                Phase::Setup => stuck("no task receives before all are set up"),
                Phase::Teardown | Phase::Gone => stuck("a publish in tear-down does not wait"),
                Phase::Running | Phase::Ended if own => {
                    stuck("only subscriptions of this very instance are in the way")
                }
                Phase::Running | Phase::Ended => (PublishStatus::FULL, RString::new()),
            },
        }
    }

    fn poll_room(&self, context: &mut FfiContext<'_>, on_task: bool) -> PollStatus {
        let topic = self.handle.topic();
        let waker = subscription::waker(context, on_task);
        let hopeless = || {
            !matches!(self.instance.phase(), Phase::Running | Phase::Ended)
                || topic.claimed_by_other(&self.instance).is_some()
        };
        if topic.core.poll_room(&self.instance, waker, hopeless) {
            PollStatus::READY
        } else {
            PollStatus::PENDING
        }
    }

    fn claim(&self) -> Result<(), BusFault> {
        let topic = self.handle.topic();
        if topic.core.is_closed() {
            return Err(fault(FaultCode::CLOSED, format!("topic `{}` is closed", topic.name)));
        }
        topic.claim(&self.instance).map_err(|owner| claimed(topic, &owner))
    }

    fn close(&self) -> Result<(), BusFault> {
        let topic = self.handle.topic();
        if let Some(owner) = topic.claimed_by_other(&self.instance) {
            return Err(claimed(topic, &owner));
        }
        topic.core.close();
        Ok(())
    }
}

impl AbiTopic for InstanceTopic {
    fn name(&self) -> RStr<'_> {
        RStr::from_str(&self.handle.topic().name)
    }

    fn kind(&self) -> MessageTypeRef {
        self.handle.topic().kind.kind()
    }

    fn try_publish_values(&self, values: Values) -> ValuesReply {
        let failed = || ValuesReply {
            status: PublishStatus::FAILED,
            published: 0,
            detail: "the host failed; its log says how".into(),
        };
        guard("bus: publish values", failed, || self.publish_values(&values))
    }

    fn try_publish(&self, message: Message) -> PublishReply {
        let failed = || PublishReply {
            status: PublishStatus::FAILED,
            message: ROption::RNone,
            detail: "the host failed; its log says how".into(),
        };
        guard("bus: publish", failed, || self.publish(message))
    }

    fn poll_room(&self, context: &mut FfiContext<'_>, on_task: bool) -> PollStatus {
        guard("bus: room", || PollStatus::FAILED, || self.poll_room(context, on_task))
    }

    fn get(&self) -> ROption<Message> {
        guard("bus: get", || None, || self.handle.topic().core.last()).into()
    }

    fn notify(&self) {
        guard("bus: notify", || (), || self.handle.topic().core.notify());
    }

    fn subscribers(&self) -> u64 {
        guard("bus: subscribers", || 0, || self.handle.topic().core.subscribers())
    }

    fn claim(&self) -> RResult<(), BusFault> {
        guard("bus: claim", || Err(failed()), || self.claim()).into()
    }

    fn close(&self) -> RResult<(), BusFault> {
        guard("bus: close", || Err(failed()), || self.close()).into()
    }

    fn subscribe(&self, options: SubscribeOptions) -> RResult<SubscriptionBox, BusFault> {
        let subscribe = || Subscription::to_topic(&self.handle, &self.instance, options);
        guard("bus: subscribe", || Err(failed()), subscribe).into()
    }
}

/// What a caller learns whose call panicked in the host.
pub(super) fn failed() -> BusFault {
    fault(FaultCode::FAILED, "the host failed; its log says how")
}

fn living(claim: &Option<Weak<Instance>>) -> Option<Arc<Instance>> {
    let owner = claim.as_ref()?.upgrade()?;
    (owner.phase() != Phase::Gone).then_some(owner)
}

fn claimed(topic: &Topic, owner: &Instance) -> BusFault {
    fault(FaultCode::CLAIMED, format!("topic `{}` is claimed by `{}`", topic.name, owner.name))
}
