//! Publishing on a host that counts its calls, has little room, and cannot place every value.
#![expect(
    unsafe_code,
    reason = "a host reads the values that it is given; see the SAFETY comments"
)]

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::abi_stable::std_types::{ROption, RResult, RStr, RString};
use lifespan_abi::async_ffi::FfiContext;
use lifespan_abi::bus::Topic as AbiTopic;
use lifespan_abi::{
    BusFault, Message as AbiMessage, MessageTypeRef, PollStatus, PublishReply, PublishStatus,
    SubscribeOptions, SubscriptionBox, TopicBox, Values, ValuesReply,
};

use crate::bus::{Dispatcher, Message, PublishError, Topic};
use crate::failure::report;
use crate::message::kind::KindOf;
use crate::message::{DecodeError, EncodeError, json_of, of_json};
use crate::task::polling;
use crate::test_host::{Host, Wakes};
use crate::time::Clock;

/// A topic of `u32`s as the host has it.
#[derive(Clone)]
struct Counting(Arc<Mutex<State>>);

struct State {
    /// How many more it takes.
    room: usize,
    /// How many values it places before one that it does not.
    places: usize,
    /// How many more until then.
    left: usize,
    closed: bool,
    seen: Vec<u32>,
    calls: Vec<Call>,
    /// The addresses of all kinds that it was given.
    kinds: BTreeSet<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    Values(usize),
    Message,
}

/// A plain type of which one value cannot be encoded.
struct Fussy(u32);

impl Message for Fussy {
    type Wire = u32;
    type View = u32;
    const NAME: &'static str = "Fussy";

    fn into_wire(self) -> Result<u32, EncodeError> {
        if self.0 == 13 { Err(EncodeError::new("13")) } else { Ok(self.0) }
    }
    fn view(wire: &u32) -> &u32 {
        wire
    }
    fn to_json(wire: &u32) -> Result<String, EncodeError> {
        json_of(wire)
    }
    fn from_json(text: &str) -> Result<Self, DecodeError> {
        of_json(text).map(Fussy)
    }
    fn to_bytes(_: &u32) -> Result<Vec<u8>, EncodeError> {
        Err(EncodeError::new("nobody asks"))
    }
    fn from_bytes(_: &[u8]) -> Result<u32, DecodeError> {
        Err(DecodeError::new("nobody asks"))
    }
}

impl Counting {
    /// Room for so many, and every value after so many is not placed.
    fn new(room: usize, places: usize) -> Counting {
        Counting(Arc::new(Mutex::new(State {
            room,
            places,
            left: places,
            closed: false,
            seen: Vec::new(),
            calls: Vec::new(),
            kinds: BTreeSet::new(),
        })))
    }

    fn topic<T: Message>(&self) -> Topic<T> {
        let handle = Arc::new(TopicBox::from_value(self.clone(), TD_Opaque));
        let services = Arc::new(Host::default().services());
        let (clock, dispatcher) = (Clock::new(services.clone()), Dispatcher::new(services));
        Topic { handle, clock, dispatcher, kind: KindOf::new() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    /// Why it takes no message now, if so.
    fn refuses(&self) -> Option<PublishStatus> {
        match (self.closed, self.room) {
            (true, _) => Some(PublishStatus::CLOSED),
            (false, 0) => Some(PublishStatus::FULL),
            (false, _) => None,
        }
    }
}

fn address(kind: MessageTypeRef) -> usize {
    kind.0.to_raw_ptr().addr()
}

impl AbiTopic for Counting {
    fn name(&self) -> RStr<'_> {
        "t".into()
    }
    fn kind(&self) -> MessageTypeRef {
        KindOf::<u32>::new().raw()
    }
    fn try_publish(&self, message: AbiMessage) -> PublishReply {
        let mut state = self.state();
        state.calls.push(Call::Message);
        state.kinds.insert(address(message.kind()));
        if let Some(status) = state.refuses() {
            let message = ROption::RSome(message);
            return PublishReply { status, message, detail: "why".into() };
        }
        state.room -= 1;
        state.left = state.places;
        state.seen.push(message.to_json().unwrap().parse().unwrap());
        let (status, message) = (PublishStatus::PUBLISHED, ROption::RNone);
        PublishReply { status, message, detail: RString::new() }
    }
    fn try_publish_values(&self, values: Values) -> ValuesReply {
        let mut state = self.state();
        state.calls.push(Call::Values(values.len));
        state.kinds.insert(address(values.kind));
        let mut published = 0;
        let status = loop {
            if published == values.len {
                break PublishStatus::PUBLISHED;
            }
            if let Some(status) = state.refuses() {
                break status;
            }
            if state.left == 0 {
                break PublishStatus::UNPLACED;
            }
            // SAFETY: there are `len` values, and `published` is below that.
            let value = unsafe { values.first.cast::<u32>().add(published) };
            // SAFETY: the kind of all topics here is that of `u32`, or of what travels as one.
            state.seen.push(unsafe { value.read() });
            state.room -= 1;
            state.left -= 1;
            published += 1;
        };
        ValuesReply { status, published, detail: RString::new() }
    }
    fn poll_room(&self, _: &mut FfiContext<'_>, _: bool) -> PollStatus {
        let room = self.state().refuses() != Some(PublishStatus::FULL);
        if room { PollStatus::READY } else { PollStatus::PENDING }
    }
    fn get(&self) -> ROption<AbiMessage> {
        ROption::RNone
    }
    fn notify(&self) {}
    fn subscribers(&self) -> u64 {
        0
    }
    fn claim(&self) -> RResult<(), BusFault> {
        RResult::ROk(())
    }
    fn close(&self) -> RResult<(), BusFault> {
        RResult::ROk(())
    }
    fn subscribe(&self, _: SubscribeOptions) -> RResult<SubscriptionBox, BusFault> {
        unreachable!("nobody subscribes here")
    }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn now<F: Future>(future: F) -> F::Output {
    match poll(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

fn numbers(count: u32) -> Vec<u32> {
    (0..count).collect()
}

#[test]
fn a_plain_value_is_one_call_and_no_message() {
    let host = Counting::new(usize::MAX, usize::MAX);
    let topic = host.topic::<u32>();
    now(topic.publish(7)).unwrap();
    topic.try_publish(8).unwrap();
    assert_eq!(host.state().calls, [Call::Values(1); 2]);
    assert_eq!(host.state().seen, [7, 8]);
}

#[test]
fn what_is_not_placed_is_a_message_of_the_same_kind() {
    let host = Counting::new(2, 0);
    let topic = host.topic::<u32>();
    now(topic.publish(7)).unwrap();
    topic.try_publish(8).unwrap();
    assert_eq!(host.state().calls, [Call::Values(1), Call::Message].repeat(2));
    assert!(matches!(topic.try_publish(9), Err(PublishError::Full { .. })));
    now(topic.publish_all([])).unwrap();
    assert_eq!(host.state().seen, [7, 8]);
    assert_eq!(host.state().kinds, BTreeSet::from([address(topic.kind.raw())]));
}

#[test]
fn what_owns_something_is_a_message_at_once() {
    let host = Counting::new(usize::MAX, usize::MAX);
    let topic = host.topic::<crate::message::Encoded<u32>>();
    now(topic.publish(crate::message::Encoded(7))).unwrap();
    now(topic.publish_all((8..10).map(crate::message::Encoded))).unwrap();
    assert_eq!(host.state().calls, [Call::Message; 3]);
    assert_eq!(host.state().seen, [7, 8, 9]);
}

#[test]
fn a_value_that_waited_for_room_is_tried_where_it_lies() {
    let host = Counting::new(0, usize::MAX);
    let topic = host.topic::<u32>();
    let mut publish = Box::pin(topic.publish(7));
    assert!(poll(publish.as_mut()).is_pending());
    host.state().room = 1;
    assert!(poll(publish.as_mut()).is_ready());
    assert_eq!(host.state().calls, [Call::Values(1); 2]);
    assert!(poll(pin!(topic.publish(8))).is_pending(), "which is dropped");
    assert_eq!(host.state().seen, [7]);
}

#[test]
fn a_burst_takes_few_calls() {
    let host = Counting::new(usize::MAX, usize::MAX);
    now(host.topic::<u32>().publish_all(numbers(300))).unwrap();
    assert_eq!(host.state().calls, [Call::Values(128), Call::Values(128), Call::Values(44)]);
    assert_eq!(host.state().seen, numbers(300));
}

#[test]
fn a_burst_goes_on_after_what_is_not_placed() {
    for places in [0, 1, 7, 127, 128] {
        let host = Counting::new(usize::MAX, places);
        host.topic::<u32>().try_publish_all(numbers(300)).unwrap();
        assert_eq!(host.state().seen, numbers(300), "{places}");
    }
}

#[test]
fn a_burst_moves_no_more_than_the_budget_in_one_poll() {
    for places in [3, usize::MAX] {
        let host = Counting::new(usize::MAX, places);
        let topic = host.topic::<u32>();
        let wakes = Arc::<Wakes>::default();
        let waker = Waker::from(wakes.clone());
        let mut burst = Box::pin(topic.publish_all(numbers(1200)));
        for (at, moved) in [(0, 512), (1, 1024), (2, 1200)] {
            assert_eq!(wakes.count(), at);
            let polled =
                polling(&mut Context::from_waker(&waker), |context| burst.as_mut().poll(context));
            assert_eq!((polled.is_ready(), host.state().seen.len()), (at == 2, moved));
        }
        assert_eq!(host.state().seen, numbers(1200));
    }
}

#[test]
fn a_burst_waits_for_room_and_has_published_a_prefix_when_it_is_dropped() {
    for places in [0, 2, usize::MAX] {
        let host = Counting::new(5, places);
        let topic = host.topic::<u32>();
        let mut burst = Box::pin(topic.publish_all(numbers(20)));
        assert!(poll(burst.as_mut()).is_pending());
        assert_eq!(host.state().seen, numbers(5));
        host.state().room = 6;
        assert!(poll(burst.as_mut()).is_pending());
        drop(burst);
        host.state().room = 100;
        assert_eq!(host.state().seen, numbers(11));
        now(topic.publish_all(11..20)).unwrap();
        assert_eq!(host.state().seen, numbers(20));
    }
}

#[test]
fn a_burst_says_how_many_it_has_published() {
    for places in [0, 2, usize::MAX] {
        let host = Counting::new(5, places);
        let topic = host.topic::<u32>();
        let full = topic.try_publish_all(numbers(20)).unwrap_err();
        assert_eq!(full.published(), 5);
        assert!(matches!(full.error(), PublishError::Full { topic } if topic == "t"));

        host.state().room = 3;
        let mut burst = Box::pin(topic.publish_all(numbers(20)));
        assert!(poll(burst.as_mut()).is_pending());
        host.state().closed = true;
        let Poll::Ready(Err(closed)) = poll(burst.as_mut()) else { panic!("it is not told") };
        assert_eq!((closed.published(), closed.is_closed()), (3, true));
        assert_eq!(closed.to_string(), "a burst ended after 3 messages");
        assert!(report(&anyhow::Error::new(closed)).publishing_ended);
    }
}

#[test]
fn a_burst_ends_at_what_cannot_be_encoded() {
    for places in [0, usize::MAX] {
        let host = Counting::new(usize::MAX, places);
        let mut taken = 0;
        let values = (0..20).map(|n| {
            taken = n;
            Fussy(n)
        });
        let error = now(host.topic().publish_all(values)).unwrap_err();
        assert_eq!(error.published(), 13);
        assert!(matches!(PublishError::from(error), PublishError::Encode(_)));
        assert_eq!((host.state().seen.len(), taken), (13, 13));
    }
}
