//! The bus as an instance sees it: topics, subscriptions, and the batches that a receive moves.
//!
//! Receiving is one call a batch. The caller's waker does not cross in the common case: a call that
//! says so (`on_task`) is woken through the host's own waker of the task that polls the instance.
#![expect(
    unsafe_code,
    non_local_definitions,
    reason = "the expansion of `sabi_trait`; nothing here is written by hand"
)]

use abi_stable::std_types::{RBox, ROption, RResult, RStr, RString, RVec};
use abi_stable::{StableAbi, sabi_trait};
use async_ffi::FfiContext;
use serde::{Deserialize, Serialize};

use crate::message::{Message, MessageTypeRef};
use crate::report::json_text;

/// The bus on behalf of one instance, implemented by the host. No method panics or blocks.
#[sabi_trait]
pub trait Bus: Send + Sync {
    /// Opens a topic, or makes it, then with these options; the first to open it fixes its type.
    fn topic(
        &self,
        name: RStr<'_>,
        kind: MessageTypeRef,
        options: TopicOptions,
    ) -> RResult<TopicBox, BusFault>;

    /// Opens a topic that is there, whatever its type: for whoever knows values by their JSON text or
    /// their bytes. See [`Topic::kind`].
    fn existing(&self, name: RStr<'_>) -> RResult<TopicBox, BusFault>;

    /// The names of all topics that are there now, in no order.
    fn topics(&self) -> RVec<RString>;

    /// Subscribes to every topic whose name matches, those that come later too. In a pattern `*` is
    /// one segment and `**` the rest. Such a subscription is received by
    /// [`poll_owned`](Subscription::poll_owned).
    fn subscribe_pattern(
        &self,
        pattern: RStr<'_>,
        options: SubscribeOptions,
    ) -> RResult<SubscriptionBox, BusFault>;

    /// Who has this number on the bus: the JSON text of a [`Publisher`]; empty if nobody has. A number
    /// is one life of one instance and never another's, so the answer may be kept.
    #[sabi(last_prefix_field)]
    fn publisher(&self, number: u64) -> RString;
}

/// An owned [`Bus`].
pub type BusBox = Bus_TO<'static, RBox<()>>;

/// A topic on behalf of one instance, implemented by the host. No method panics or blocks.
#[sabi_trait]
pub trait Topic: Send + Sync {
    /// The topic's name.
    fn name(&self) -> RStr<'_>;

    /// The type that whoever opened it first gave it: what makes messages of it from JSON text or
    /// bytes.
    fn kind(&self) -> MessageTypeRef;

    /// Publishes if there is room, and never waits.
    fn try_publish(&self, message: Message) -> PublishReply;

    /// Publishes plain values one after the other, in one go: each is written over a message that
    /// nobody holds any more, and so needs no memory. Ends at the first that cannot be published;
    /// [`PublishStatus::UNPLACED`] asks for that one as a message of its own.
    fn try_publish_values(&self, values: Values) -> ValuesReply;

    /// Ready when a [`try_publish`](Self::try_publish) that was [`PublishStatus::FULL`] may be tried
    /// again, or can never succeed; registers the waker otherwise. See
    /// [`poll_batch`](Subscription::poll_batch) for `on_task`.
    fn poll_room(&self, context: &mut FfiContext<'_>, on_task: bool) -> PollStatus;

    /// The last value.
    fn get(&self) -> ROption<Message>;

    /// Shows the last value again to subscriptions of [`Mode::LATEST`].
    fn notify(&self);

    /// How many subscriptions there are, of all instances.
    fn subscribers(&self) -> u64;

    /// Makes this instance the only one that may publish, until it ends.
    fn claim(&self) -> RResult<(), BusFault>;

    /// Ends the topic: subscriptions deliver what they have, then end.
    fn close(&self) -> RResult<(), BusFault>;

    /// Subscribes; the subscription exists from this call on.
    #[sabi(last_prefix_field)]
    fn subscribe(&self, options: SubscribeOptions) -> RResult<SubscriptionBox, BusFault>;
}

/// How to open a topic.
#[repr(C)]
#[derive(StableAbi, Clone, Debug, Default)]
pub struct TopicOptions {
    /// How many messages its ring holds for lossless subscriptions, if it is made; 0 takes the host's
    /// default.
    pub capacity: u32,
    /// What later versions ask for: JSON text of an object; `{}` and the empty text ask for nothing.
    /// What a host does not know it refuses.
    pub settings: RString,
}

impl TopicOptions {
    /// Options without further settings.
    pub fn new(capacity: u32) -> Self {
        TopicOptions { capacity, settings: RString::new() }
    }
}

/// An instance in one of its lives, as it is known by its number. Crosses as JSON text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Publisher {
    /// The instance's name, as [`Services::instance`](crate::Services) of it says.
    pub name: String,
    /// Which life of it this is, as its [`Services::generation`](crate::Services) says.
    pub generation: u32,
}

impl Publisher {
    /// That life of that instance.
    pub fn new(name: impl Into<String>, generation: u32) -> Self {
        Publisher { name: name.into(), generation }
    }

    /// The text in which it crosses.
    pub fn to_json(&self) -> RString {
        json_text(self)
    }

    /// Reads what crossed.
    ///
    /// # Errors
    ///
    /// The text is none of this.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// An owned [`Topic`].
pub type TopicBox = Topic_TO<'static, RBox<()>>;

/// A subscription, implemented by the host and used by one task at a time. No method panics or
/// blocks. Dropping it ends the subscription at once.
#[sabi_trait]
pub trait Subscription: Send {
    /// Releases the batch before, then lends the next messages, at most `max` of them (0: the host's
    /// choice). Registers the waker where there is nothing: that of `context`, or with `on_task`
    /// the host's own of the task that it is polling on this thread. `on_task` is only true if
    /// `context`'s waker is that task's; the host checks that there is such a task.
    fn poll_batch(&mut self, context: &mut FfiContext<'_>, on_task: bool, max: u32) -> Batch;

    /// Says how many messages of the lent batch have been taken. What has not been taken when the
    /// subscription is dropped counts as not delivered.
    fn taken(&mut self, count: u32);

    /// As [`poll_batch`](Self::poll_batch), but gives references away, each with where it is from.
    fn poll_owned(&mut self, context: &mut FfiContext<'_>, on_task: bool, max: u32) -> OwnedBatch;

    /// Says that another subscription of this instance delivers what this one has not when it is
    /// dropped: it is no loss.
    fn hand_over(&mut self);

    /// How many messages wait to be received.
    #[sabi(last_prefix_field)]
    fn backlog(&self) -> u64;
}

/// An owned [`Subscription`].
pub type SubscriptionBox = Subscription_TO<'static, RBox<()>>;

/// How a subscription treats what it cannot keep up with; a number that later versions may add to.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(pub u32);

impl Mode {
    /// The latest value; several publishes while it is busy become one.
    pub const LATEST: Mode = Mode(0);
    /// Every message, in order: a publisher waits for it.
    pub const LOSSLESS: Mode = Mode(1);
    /// Every message that fits: the oldest are skipped and counted.
    pub const LOSSY: Mode = Mode(2);
    /// The latest value for each key of [`SubscribeOptions::key`].
    pub const KEYED: Mode = Mode(3);
}

/// How to subscribe.
#[repr(C)]
#[derive(StableAbi)]
pub struct SubscribeOptions {
    /// How it treats what it cannot keep up with.
    pub mode: Mode,
    /// Whether it starts with the topic's last value, where there is one.
    pub current: bool,
    /// With [`Mode::KEYED`]: what makes two messages the same.
    pub key: ROption<KeyBox>,
    /// What later versions ask for: JSON text of an object; `{}` and the empty text ask for nothing.
    /// What a host does not know it refuses.
    pub settings: RString,
}

impl SubscribeOptions {
    /// Options without further settings.
    pub fn new(mode: Mode, current: bool, key: Option<KeyBox>) -> Self {
        SubscribeOptions { mode, current, key: key.into(), settings: RString::new() }
    }
}

/// What makes two messages the same, implemented by the plugin's side.
#[sabi_trait]
pub trait Key: Send + Sync {
    /// The key's bytes. Catches its own panics; a message without a key has none.
    #[sabi(last_prefix_field)]
    fn of(&self, message: &Message) -> ROption<RVec<u8>>;
}

/// An owned [`Key`].
pub type KeyBox = Key_TO<'static, RBox<()>>;

/// What a poll found; a number that later versions may add to.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollStatus(pub u32);

impl PollStatus {
    /// There is something.
    pub const READY: PollStatus = PollStatus(0);
    /// There is nothing yet; the waker is registered.
    pub const PENDING: PollStatus = PollStatus(1);
    /// There is nothing, and never will be.
    pub const CLOSED: PollStatus = PollStatus(2);
    /// The host failed; its log says how. There will be nothing more.
    pub const FAILED: PollStatus = PollStatus(3);
}

/// Messages that are lent.
///
/// The host owns the array and the references in it; both are valid until the next call of
/// [`Subscription::poll_batch`] or [`Subscription::poll_owned`], or until the subscription is dropped.
/// Read by the thread that polls.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct Batch {
    /// Whether there are messages.
    pub status: PollStatus,
    /// How many there are.
    pub len: u32,
    /// The first of `len` messages; only valid with [`PollStatus::READY`].
    pub messages: *const Message,
    /// The first one's number on the topic, counted from 0; the others follow without a gap.
    pub sequence: u64,
    /// How many were skipped just before the first.
    pub skipped: u64,
}

/// Messages of one topic that are given away.
#[repr(C)]
#[derive(StableAbi)]
pub struct OwnedBatch {
    /// Whether there are messages.
    pub status: PollStatus,
    /// The name of the topic that all of them are from; empty if there are none.
    pub topic: RString,
    /// The messages.
    pub deliveries: RVec<Delivery>,
}

impl OwnedBatch {
    /// A batch without messages.
    pub fn nothing(status: PollStatus) -> Self {
        OwnedBatch { status, topic: RString::new(), deliveries: RVec::new() }
    }
}

/// One message with where it is from.
#[repr(C)]
#[derive(StableAbi)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// The number of the instance that published it: see [`Bus::publisher`].
    pub publisher: u64,
    /// When it was published, in nanoseconds on the host's clock ([`Services::now`](crate::Services));
    /// 0 if it was before anybody subscribed to the topic by a pattern: the time is not looked at then.
    pub published: u64,
    /// Its number on the topic, counted from 0.
    pub sequence: u64,
    /// How many were skipped just before it.
    pub skipped: u64,
}

/// How a publish ended; a number that later versions may add to.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishStatus(pub u32);

impl PublishStatus {
    /// It is published.
    pub const PUBLISHED: PublishStatus = PublishStatus(0);
    /// There is no room now: a lossless subscription is behind. Waiting may help.
    pub const FULL: PublishStatus = PublishStatus(1);
    /// There is no room, and waiting cannot help: nobody who could make room is running, or only the
    /// publisher itself. The detail says which.
    pub const STUCK: PublishStatus = PublishStatus(2);
    /// Publishing has ended: the program shuts down, or the topic is closed.
    pub const CLOSED: PublishStatus = PublishStatus(3);
    /// Another instance has claimed the topic; the detail names it.
    pub const CLAIMED: PublishStatus = PublishStatus(4);
    /// The host failed; its log says how. The message may be lost.
    pub const FAILED: PublishStatus = PublishStatus(5);
    /// Of [values](Topic::try_publish_values) only: there is no message to write it over. Publish it
    /// as a message.
    pub const UNPLACED: PublishStatus = PublishStatus(6);
}

/// Plain values to publish.
///
/// The caller owns the array, and has it unchanged after the call: the host copies what it publishes.
/// Read by the calling thread, during the call only.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct Values {
    /// The type of the values, which is [plain](crate::MessageType::plain), and that of the topic.
    pub kind: MessageTypeRef,
    /// An array of `len` payloads of that type.
    pub first: *const (),
    /// How many there are.
    pub len: usize,
}

/// The answer to [`Topic::try_publish_values`].
#[repr(C)]
#[derive(StableAbi)]
pub struct ValuesReply {
    /// [`PublishStatus::PUBLISHED`] if all are published; else why the first of the others is not.
    pub status: PublishStatus,
    /// How many are published: the first ones.
    pub published: usize,
    /// Why not all, for people; empty if there is nothing to say.
    pub detail: RString,
}

/// The answer to a publish.
#[repr(C)]
#[derive(StableAbi)]
pub struct PublishReply {
    /// How it ended.
    pub status: PublishStatus,
    /// The message back, if it was not published.
    pub message: ROption<Message>,
    /// Why not, for people; empty if there is nothing to say.
    pub detail: RString,
}

/// Why the bus refused.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct BusFault {
    /// What kind of reason it is.
    pub code: FaultCode,
    /// The whole reason, for people, with the names of both sides where there are two.
    pub reason: RString,
}

/// What kind of reason a [`BusFault`] has; a number that later versions may add to.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultCode(pub u32);

impl FaultCode {
    /// The name or pattern cannot be one.
    pub const NAME: FaultCode = FaultCode(0);
    /// The topic has another type.
    pub const TYPE: FaultCode = FaultCode(1);
    /// The type cannot be shared; the reason says why.
    pub const UNSHAREABLE: FaultCode = FaultCode(2);
    /// Another instance has claimed the topic.
    pub const CLAIMED: FaultCode = FaultCode(3);
    /// The program shuts down, or the topic is closed.
    pub const CLOSED: FaultCode = FaultCode(4);
    /// The options do not fit together.
    pub const OPTIONS: FaultCode = FaultCode(5);
    /// The host failed; its log says how.
    pub const FAILED: FaultCode = FaultCode(6);
    /// There is no such topic.
    pub const UNKNOWN: FaultCode = FaultCode(7);
}
