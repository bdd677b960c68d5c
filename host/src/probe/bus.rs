//! The bus of an instance with a probe in between: topics and subscriptions.
//!
//! What is wrapped is the host's own object; a batch that it lends passes through untouched.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::abi_stable::std_types::{ROption, RResult, RStr, RString, RVec};
use lifespan_abi::async_ffi::FfiContext;
use lifespan_abi::bus::{Bus, Subscription, Topic};
use lifespan_abi::{
    Batch, BusBox, BusFault, FaultCode, Message, MessageTypeRef, OwnedBatch, PollStatus,
    PublishReply, PublishStatus, SubscribeOptions, SubscriptionBox, TopicBox, TopicOptions, Values,
    ValuesReply,
};

use super::{Call, Fault, Probed, told};

struct ProbedBus {
    probed: Probed,
    host: BusBox,
}

struct ProbedTopic {
    probed: Probed,
    name: Arc<str>,
    host: TopicBox,
    /// Publishing on it does not end any more.
    hangs: AtomicBool,
}

struct ProbedSubscription {
    probed: Probed,
    host: SubscriptionBox,
    /// What it answers from now on, if not what the host does.
    stays: Option<PollStatus>,
}

pub(super) fn probed(probed: Probed, host: BusBox) -> BusBox {
    BusBox::from_value(ProbedBus { probed, host }, TD_Opaque)
}

impl Probed {
    /// A call that the bus may refuse.
    fn refusable<T>(
        &self,
        call: Call,
        host: impl FnOnce() -> RResult<T, BusFault>,
    ) -> RResult<T, BusFault> {
        let Some(fault) = self.call(call) else { return host() };
        let code = match fault {
            Fault::Closed => FaultCode::CLOSED,
            Fault::Claimed => FaultCode::CLAIMED,
            Fault::Fails | Fault::Stuck | Fault::Hangs | Fault::Panics => FaultCode::FAILED,
        };
        RResult::RErr(BusFault { code, reason: told(fault).into() })
    }

    fn topic(&self, host: TopicBox) -> TopicBox {
        let (probed, name) = (self.clone(), host.name().as_str().into());
        let hangs = AtomicBool::new(false);
        TopicBox::from_value(ProbedTopic { probed, name, host, hangs }, TD_Opaque)
    }

    fn subscription(&self, host: SubscriptionBox) -> SubscriptionBox {
        let probed = self.clone();
        SubscriptionBox::from_value(ProbedSubscription { probed, host, stays: None }, TD_Opaque)
    }
}

impl Bus for ProbedBus {
    fn topic(
        &self,
        name: RStr<'_>,
        kind: MessageTypeRef,
        options: TopicOptions,
    ) -> RResult<TopicBox, BusFault> {
        let open = || self.host.topic(name, kind, options);
        self.probed.refusable(Call::Topic, open).map(|topic| self.probed.topic(topic))
    }

    fn existing(&self, name: RStr<'_>) -> RResult<TopicBox, BusFault> {
        let open = || self.host.existing(name);
        self.probed.refusable(Call::AnyTopic, open).map(|topic| self.probed.topic(topic))
    }

    fn topics(&self) -> RVec<RString> {
        self.host.topics()
    }

    fn subscribe_pattern(
        &self,
        pattern: RStr<'_>,
        options: SubscribeOptions,
    ) -> RResult<SubscriptionBox, BusFault> {
        let subscribe = || self.host.subscribe_pattern(pattern, options);
        let subscribed = self.probed.refusable(Call::Subscribe, subscribe);
        subscribed.map(|subscription| self.probed.subscription(subscription))
    }

    fn publisher(&self, number: u64) -> RString {
        self.host.publisher(number)
    }
}

impl ProbedTopic {
    /// How a publish is to fail now, if it is.
    fn fault(&self) -> Option<PublishStatus> {
        if self.hangs.load(Ordering::Relaxed) {
            return Some(PublishStatus::FULL);
        }
        let fault = self.probed.due(Call::Publish)?;
        self.probed.count(Call::Publish, 1);
        Some(match fault {
            Fault::Closed => PublishStatus::CLOSED,
            Fault::Claimed => PublishStatus::CLAIMED,
            Fault::Stuck => PublishStatus::STUCK,
            Fault::Hangs => {
                self.hangs.store(true, Ordering::Relaxed);
                PublishStatus::FULL
            }
            Fault::Fails | Fault::Panics => PublishStatus::FAILED,
        })
    }

    /// Counts what has come to its end: what was published, and one that never will be.
    fn ended(&self, published: usize, status: PublishStatus) {
        let refused = match status {
            PublishStatus::PUBLISHED | PublishStatus::FULL | PublishStatus::UNPLACED => 0,
            _ => 1,
        };
        self.probed.count(Call::Publish, published as u64 + refused);
    }
}

impl Topic for ProbedTopic {
    fn name(&self) -> RStr<'_> {
        self.host.name()
    }

    fn kind(&self) -> MessageTypeRef {
        self.host.kind()
    }

    fn try_publish(&self, message: Message) -> PublishReply {
        if let Some(status) = self.fault() {
            return PublishReply { status, message: ROption::RSome(message), detail: why(status) };
        }
        let kept = self.probed.records().then(|| message.clone());
        let reply = self.host.try_publish(message);
        let published = reply.status == PublishStatus::PUBLISHED;
        self.ended(usize::from(published), reply.status);
        if let (true, Some(message)) = (published, kept) {
            self.probed.has_published(&self.name, message);
        }
        reply
    }

    fn try_publish_values(&self, values: Values) -> ValuesReply {
        let nothing = |status| ValuesReply { status, published: 0, detail: why(status) };
        if self.probed.records() {
            // One can only keep what is a message of its own.
            return nothing(PublishStatus::UNPLACED);
        }
        if let Some(status) = self.fault() {
            return nothing(status);
        }
        // Up to the one that is to fail; the rest is for another call, which begins with that one.
        let until = self.probed.until_due(Call::Publish);
        let until = until.map_or(values.len, |until| usize::try_from(until).unwrap_or(usize::MAX));
        let len = values.len.min(until);
        let mut reply = self.host.try_publish_values(Values { len, ..values });
        self.ended(reply.published, reply.status);
        let rest = reply.status == PublishStatus::PUBLISHED && len < values.len;
        if let Some(status) = rest.then(|| self.fault()).flatten() {
            (reply.status, reply.detail) = (status, why(status));
        }
        reply
    }

    fn poll_room(&self, context: &mut FfiContext<'_>, on_task: bool) -> PollStatus {
        if self.hangs.load(Ordering::Relaxed) {
            return PollStatus::PENDING;
        }
        self.host.poll_room(context, on_task)
    }

    fn get(&self) -> ROption<Message> {
        self.host.get()
    }

    fn notify(&self) {
        self.host.notify();
    }

    fn subscribers(&self) -> u64 {
        self.host.subscribers()
    }

    fn claim(&self) -> RResult<(), BusFault> {
        self.probed.refusable(Call::Claim, || self.host.claim())
    }

    fn close(&self) -> RResult<(), BusFault> {
        self.probed.refusable(Call::Close, || self.host.close())
    }

    fn subscribe(&self, options: SubscribeOptions) -> RResult<SubscriptionBox, BusFault> {
        let subscribe = || self.host.subscribe(options);
        let subscribed = self.probed.refusable(Call::Subscribe, subscribe);
        subscribed.map(|subscription| self.probed.subscription(subscription))
    }
}

impl ProbedSubscription {
    /// What to answer in the host's place, if anything.
    fn fault(&mut self) -> Option<PollStatus> {
        if self.stays.is_none() {
            self.stays = self.probed.due(Call::Receive).map(|fault| {
                self.probed.count(Call::Receive, 1);
                match fault {
                    Fault::Closed => PollStatus::CLOSED,
                    Fault::Hangs => PollStatus::PENDING,
                    Fault::Fails | Fault::Claimed | Fault::Stuck | Fault::Panics => {
                        PollStatus::FAILED
                    }
                }
            });
        }
        self.stays
    }

    fn received(&self, status: PollStatus) {
        if status == PollStatus::READY {
            self.probed.count(Call::Receive, 1);
        }
    }
}

impl Subscription for ProbedSubscription {
    fn poll_batch(&mut self, context: &mut FfiContext<'_>, on_task: bool, max: u32) -> Batch {
        if let Some(status) = self.fault() {
            return Batch { status, len: 0, messages: std::ptr::null(), sequence: 0, skipped: 0 };
        }
        let batch = self.host.poll_batch(context, on_task, max);
        self.received(batch.status);
        batch
    }

    fn taken(&mut self, count: u32) {
        self.host.taken(count);
    }

    fn poll_owned(&mut self, context: &mut FfiContext<'_>, on_task: bool, max: u32) -> OwnedBatch {
        if let Some(status) = self.fault() {
            return OwnedBatch::nothing(status);
        }
        let batch = self.host.poll_owned(context, on_task, max);
        self.received(batch.status);
        batch
    }

    fn hand_over(&mut self) {
        self.host.hand_over();
    }

    fn backlog(&self) -> u64 {
        self.host.backlog()
    }
}

/// What is told with a status that is a fault's.
fn why(status: PublishStatus) -> RString {
    match status {
        PublishStatus::CLOSED => told(Fault::Closed).into(),
        PublishStatus::CLAIMED => told(Fault::Claimed).into(),
        PublishStatus::STUCK => told(Fault::Stuck).into(),
        PublishStatus::FAILED => told(Fault::Fails).into(),
        _ => RString::new(),
    }
}
