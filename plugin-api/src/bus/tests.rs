//! Answers of hosts that the tests of the host cannot make it give: unknown ones, and failures.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::abi_stable::std_types::{ROption, RResult, RStr, RString};
use lifespan_abi::async_ffi::FfiContext;
use lifespan_abi::bus::{Subscription, Topic as AbiTopic};
use lifespan_abi::{
    Batch, BusFault, FaultCode, Message as AbiMessage, MessageTypeRef, OwnedBatch, PollStatus,
    PublishReply, PublishStatus, Values, ValuesReply,
};

use super::*;
use crate::message::kind;
use crate::panics::tests::logged;
use crate::task::polling;
use crate::test_host::Host;

/// A topic of a host that always answers the same.
struct Fixed {
    publish: PublishStatus,
    gives_back: bool,
    poll: PollStatus,
}

/// A subscription that always has the same answer, and with it one more message.
struct FixedSubscription {
    poll: PollStatus,
    lent: Vec<AbiMessage>,
}

impl AbiTopic for Fixed {
    fn kind(&self) -> MessageTypeRef {
        kind::kind::<u32>()
    }
    fn try_publish_values(&self, _: Values) -> ValuesReply {
        ValuesReply { status: PublishStatus::UNPLACED, published: 0, detail: RString::new() }
    }
    fn name(&self) -> RStr<'_> {
        "t".into()
    }
    fn try_publish(&self, message: AbiMessage) -> PublishReply {
        let message = if self.gives_back { ROption::RSome(message) } else { ROption::RNone };
        PublishReply { status: self.publish, message, detail: "why".into() }
    }
    fn poll_room(&self, _: &mut FfiContext<'_>, _: bool) -> PollStatus {
        self.poll
    }
    fn get(&self) -> ROption<AbiMessage> {
        ROption::RNone
    }
    fn notify(&self) {}
    fn subscribers(&self) -> u64 {
        1
    }
    fn claim(&self) -> RResult<(), BusFault> {
        RResult::RErr(BusFault { code: FaultCode(77), reason: "why".into() })
    }
    fn close(&self) -> RResult<(), BusFault> {
        RResult::RErr(BusFault { code: FaultCode::FAILED, reason: "why".into() })
    }
    fn subscribe(&self, _: SubscribeOptions) -> RResult<SubscriptionBox, BusFault> {
        let subscription = FixedSubscription { poll: self.poll, lent: Vec::new() };
        RResult::ROk(SubscriptionBox::from_value(subscription, TD_Opaque))
    }
}

impl Subscription for FixedSubscription {
    fn poll_batch(&mut self, _: &mut FfiContext<'_>, _: bool, _: u32) -> Batch {
        self.lent = vec![kind::message(7_u32).unwrap()];
        let messages = self.lent.as_ptr();
        Batch { status: self.poll, len: 1, messages, sequence: 0, skipped: 0 }
    }
    fn taken(&mut self, _: u32) {}
    fn poll_owned(&mut self, _: &mut FfiContext<'_>, _: bool, _: u32) -> OwnedBatch {
        OwnedBatch::nothing(self.poll)
    }
    fn hand_over(&mut self) {}

    fn backlog(&self) -> u64 {
        3
    }
}

fn topic(publish: PublishStatus, gives_back: bool, poll: PollStatus, host: &Host) -> Topic<u32> {
    let fixed = Fixed { publish, gives_back, poll };
    let handle = Arc::new(TopicBox::from_value(fixed, TD_Opaque));
    let services = Arc::new(host.services());
    let (clock, dispatcher) = (Clock::new(services.clone()), Dispatcher::new(services));
    Topic { handle, clock, dispatcher, kind: KindOf::new() }
}

fn now<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn an_answer_that_is_not_known_is_named() {
    let host = Host::default();
    for (publish, gives_back, room, told) in [
        (PublishStatus(7), true, PollStatus::READY, "the host answers with status 7: why"),
        (PublishStatus::FAILED, false, PollStatus::READY, "why"),
        (PublishStatus::FULL, true, PollStatus(9), "the host answers with status 9"),
        (PublishStatus::FULL, true, PollStatus::FAILED, "the host answers with status 3"),
        (
            PublishStatus::FULL,
            false,
            PollStatus::READY,
            "the host has not given back what it did not publish",
        ),
    ] {
        let Poll::Ready(Err(error)) = now(topic(publish, gives_back, room, &host).publish(1))
        else {
            panic!("{told}")
        };
        assert!(matches!(error, PublishError::Other { .. }), "{error:?}");
        assert_eq!(error.to_string(), told);
    }
    let topic = topic(PublishStatus::CLOSED, true, PollStatus::READY, &host);
    assert!(matches!(topic.try_publish(1), Err(PublishError::Closed { .. })));
    assert_eq!(topic.claim().unwrap_err().to_string(), "why (fault 77)");
    assert_eq!(topic.close().unwrap_err().to_string(), "why");
}

#[test]
fn a_stream_that_ends_by_an_unknown_status_is_told() {
    for (status, told) in [
        (PollStatus(9), "status=9"),
        (PollStatus::FAILED, "the host failed"),
        (PollStatus::CLOSED, ""),
    ] {
        let topic = topic(PublishStatus::PUBLISHED, true, status, &Host::default());
        let text = logged(|| {
            let mut messages = topic.messages();
            assert!(matches!(now(messages.recv()), Poll::Ready(None)));
            let mut by_key = topic.updates_by(|n| *n);
            assert!(matches!(now(by_key.recv()), Poll::Ready(None)));
        });
        let lines = text.matches("message=").count();
        assert_eq!(lines, if told.is_empty() { 0 } else { 2 }, "{text}");
        assert!(text.contains(told), "{text}");
    }
}

#[test]
fn an_update_that_waits_for_the_task_to_yield_is_no_timeout() {
    let host = Host::default();
    let topic = topic(PublishStatus::PUBLISHED, true, PollStatus::READY, &host);
    let mut updates = topic.updates().timeout(Duration::from_nanos(0));
    let mut context = Context::from_waker(Waker::noop());
    polling(&mut context, |context| {
        let mut news = 0;
        // More than one poll may receive.
        for _ in 0..1000 {
            match pin!(updates.recv()).poll(context) {
                Poll::Ready(Some(Update::New(_))) => news += 1,
                Poll::Ready(other) => panic!("{other:?} after {news}"),
                Poll::Pending => {}
            }
        }
        assert!(news > 900, "{news}: who polls on is not stuck");
    });
    // The host counts three with the one that is being worked on.
    assert_eq!(updates.backlog(), 2);
}
