//! Who may publish, who waits, and who is woken.

use lifespan_abi::{FaultCode, Mode, PollStatus, PublishReply};

use super::*;
use crate::worker::{Owner, Tracked};

fn detail(reply: PublishReply) -> (PublishStatus, String) {
    assert_eq!(reply.message.is_some(), reply.status != PublishStatus::PUBLISHED);
    (reply.status, reply.detail.into_string())
}

fn try_publish(topic: &TopicBox, value: u32) -> (PublishStatus, String) {
    detail(topic.try_publish(message(value)))
}

fn poll_room(topic: &TopicBox, waker: &Waker) -> PollStatus {
    let mut context = Context::from_waker(waker);
    context.with_ffi_context(|context| topic.poll_room(context, false))
}

/// A full topic: a publisher's handle, its party, and a subscription of another instance.
fn full(world: &World) -> (Party, TopicBox, Party, SubscriptionBox) {
    let (publisher, subscriber) = (world.running("pub"), world.running("sub"));
    let topic = publisher.raw("t", 2);
    let subscription = subscribe(&subscriber.raw("t", 0), Mode::LOSSLESS);
    assert_eq!(publish(&topic, 0), PublishStatus::PUBLISHED);
    assert_eq!(publish(&topic, 1), PublishStatus::PUBLISHED);
    (publisher, topic, subscriber, subscription)
}

#[test]
fn a_full_subscription_gates_until_its_batch_is_given_back() {
    let world = World::new();
    let (_publisher, topic, _subscriber, mut subscription) = full(&world);
    let wakes = Arc::<Wakes>::default();
    let waker = Waker::from(wakes.clone());
    assert_eq!(publish(&topic, 2), PublishStatus::FULL);
    assert_eq!(poll_room(&topic, &waker), PollStatus::PENDING);
    poll_batch(&mut subscription, Waker::noop(), 1);
    assert_eq!((wakes.count(), publish(&topic, 2)), (0, PublishStatus::FULL));
    poll_batch(&mut subscription, Waker::noop(), 1);
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll_room(&topic, &waker), PollStatus::READY);
    assert_eq!(publish(&topic, 2), PublishStatus::PUBLISHED);
    assert_eq!(publish(&topic, 3), PublishStatus::FULL);
}

#[test]
fn dropping_the_subscription_lets_the_publisher_go_on() {
    let world = World::new();
    let (_publisher, topic, _subscriber, subscription) = full(&world);
    let wakes = Arc::<Wakes>::default();
    assert_eq!(poll_room(&topic, &Waker::from(wakes.clone())), PollStatus::PENDING);
    drop(subscription);
    assert_eq!(wakes.count(), 1);
    assert_eq!(publish(&topic, 2), PublishStatus::PUBLISHED);
}

#[test]
fn an_instance_that_has_ended_no_longer_gates() {
    for phase in [Phase::Ended, Phase::Teardown, Phase::Gone] {
        let world = World::new();
        let (_publisher, topic, subscriber, mut subscription) = full(&world);
        let wakes = Arc::<Wakes>::default();
        assert_eq!(poll_room(&topic, &Waker::from(wakes.clone())), PollStatus::PENDING);
        subscriber.member.set_phase(phase);
        assert_eq!(wakes.count(), 1);
        assert_eq!(publish(&topic, 2), PublishStatus::PUBLISHED);
        // It may still look at what is there: of what it missed it knows the number.
        assert_eq!(take(&mut subscription, 0), [(1, 1, 1)]);
    }
}

#[test]
fn set_up_and_tear_down_never_wait() {
    let world = World::new();
    let (publisher, topic, _subscriber, _subscription) = full(&world);
    let early = world.in_setup("early").raw("t", 0);
    publisher.member.set_phase(Phase::Teardown);
    for (topic, why) in [(early, "set up"), (topic, "tear-down")] {
        let (status, detail) = try_publish(&topic, 2);
        assert_eq!(status, PublishStatus::STUCK);
        assert!(detail.contains("`t`") && detail.contains(why), "{detail}");
        assert_eq!(poll_room(&topic, Waker::noop()), PollStatus::READY);
    }
}

#[test]
fn a_publisher_that_waits_learns_that_its_tear_down_begins() {
    let world = World::new();
    let (publisher, topic, _subscriber, _subscription) = full(&world);
    let wakes = Arc::<Wakes>::default();
    assert_eq!(poll_room(&topic, &Waker::from(wakes.clone())), PollStatus::PENDING);
    publisher.member.set_phase(Phase::Teardown);
    assert_eq!(wakes.count(), 1);
    assert_eq!(publish(&topic, 2), PublishStatus::STUCK);
}

#[test]
fn waiting_for_oneself_is_an_error() {
    let world = World::new();
    let party = world.running("self");
    let topic = party.raw("t", 1);
    let own = subscribe(&topic, Mode::LOSSLESS);
    publish(&topic, 0);
    let (status, detail) = try_publish(&topic, 1);
    assert_eq!(status, PublishStatus::STUCK);
    assert!(detail.contains("`t`") && detail.contains("this very instance"), "{detail}");

    let other = world.running("other");
    assert_eq!(publish(&other.raw("t", 0), 1), PublishStatus::FULL);
    drop(own);

    // Another's subscription in the way beside one's own: waiting may help.
    let _own = subscribe(&topic, Mode::LOSSLESS);
    let mut others = subscribe(&other.raw("t", 0), Mode::LOSSLESS);
    assert_eq!(publish(&topic, 2), PublishStatus::PUBLISHED);
    assert_eq!(publish(&topic, 3), PublishStatus::FULL);
    // It waits, until only its own is left: then it is woken to be told so.
    let wakes = Arc::<Wakes>::default();
    let waker = Waker::from(wakes.clone());
    let room = |waker: &Waker| {
        let mut context = Context::from_waker(waker);
        context.with_ffi_context(|context| topic.poll_room(context, false))
    };
    assert_eq!(room(&waker), PollStatus::PENDING);
    assert_eq!(take(&mut others, 0).len(), 1);
    assert_eq!((take(&mut others, 0).len(), wakes.count()), (0, 1));
    assert_eq!(room(&waker), PollStatus::READY);
    assert_eq!(publish(&topic, 3), PublishStatus::STUCK);
}

#[test]
fn only_lossless_subscriptions_gate() {
    let world = World::new();
    let topic = world.running("a").raw("t", 1);
    let other = world.running("b").raw("t", 0);
    let _lossy = subscribe(&other, Mode::LOSSY);
    let _latest = subscribe(&other, Mode::LATEST);
    (0..5).for_each(|n| assert_eq!(publish(&topic, n), PublishStatus::PUBLISHED));
}

#[test]
fn the_claimant_alone_publishes_until_it_is_gone() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let (mine, yours) = (one.raw("t", 0), two.raw("t", 0));
    mine.claim().into_result().unwrap();
    mine.claim().into_result().unwrap();
    let fault = yours.claim().into_result().unwrap_err();
    assert_eq!(fault.code, FaultCode::CLAIMED);
    assert_eq!(fault.reason, "topic `t` is claimed by `one`");
    let claimed = (PublishStatus::CLAIMED, "topic `t` is claimed by `one`".to_owned());
    assert_eq!(try_publish(&yours, 1), claimed);
    assert_eq!(yours.close().into_result().unwrap_err().code, FaultCode::CLAIMED);
    assert_eq!(publish(&mine, 1), PublishStatus::PUBLISHED);
    one.member.set_phase(Phase::Gone);
    assert_eq!(publish(&yours, 2), PublishStatus::PUBLISHED);
    yours.claim().into_result().unwrap();
}

#[test]
fn a_claim_wakes_those_who_now_wait_in_vain() {
    let world = World::new();
    let (_publisher, topic, subscriber, _subscription) = full(&world);
    let wakes = Arc::<Wakes>::default();
    assert_eq!(poll_room(&topic, &Waker::from(wakes.clone())), PollStatus::PENDING);
    subscriber.raw("t", 0).claim().into_result().unwrap();
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll_room(&topic, Waker::noop()), PollStatus::READY);
    assert_eq!(publish(&topic, 2), PublishStatus::CLAIMED);
}

#[test]
fn a_message_wakes_each_waiting_subscription_once() {
    let world = World::new();
    let topic = world.running("a").raw("t", 0);
    for mode in [Mode::LATEST, Mode::LOSSLESS, Mode::LOSSY] {
        let mut subscription = subscribe(&topic, mode);
        let wakes = Arc::<Wakes>::default();
        let waker = Waker::from(wakes.clone());
        assert_eq!(poll_batch(&mut subscription, &waker, 0).status, PollStatus::PENDING);
        publish(&topic, 1);
        publish(&topic, 2);
        assert_eq!(wakes.count(), 1);
        assert_eq!(poll_batch(&mut subscription, &waker, 0).status, PollStatus::READY);
        publish(&topic, 3);
        assert_eq!(wakes.count(), 1, "it does not wait");
    }
}

#[test]
fn on_a_task_of_the_hosts_its_own_waker_is_used() {
    let world = World::new();
    let topic = world.running("a").raw("t", 0);
    let mut subscription = subscribe(&topic, Mode::LOSSLESS);
    let (own, foreign) = (Arc::<Wakes>::default(), Arc::<Wakes>::default());
    let (own_waker, foreign_waker) = (Waker::from(own.clone()), Waker::from(foreign.clone()));
    let owner = Owner { id: 1, span: tracing::Span::none() };
    {
        let poll = std::future::poll_fn(|_| {
            let mut context = Context::from_waker(&foreign_waker);
            context.with_ffi_context(|context| subscription.poll_batch(context, true, 0));
            Poll::Ready(())
        });
        let polled = pin!(Tracked::new(owner, poll));
        assert!(polled.poll(&mut Context::from_waker(&own_waker)).is_ready());
    }
    publish(&topic, 1);
    assert_eq!((own.count(), foreign.count()), (1, 0));
    // Where there is no such task, what the plugin says does not matter.
    poll_batch(&mut subscription, &foreign_waker, 0);
    let mut context = Context::from_waker(&foreign_waker);
    context.with_ffi_context(|context| subscription.poll_batch(context, true, 0));
    publish(&topic, 2);
    assert_eq!((own.count(), foreign.count()), (1, 1));
}

#[test]
fn a_waker_may_use_the_bus() {
    struct Nosy(TopicBox);
    impl Wake for Nosy {
        fn wake(self: Arc<Self>) {
            assert_eq!(self.0.subscribers(), 1);
        }
    }
    impl Drop for Nosy {
        fn drop(&mut self) {
            self.0.get();
        }
    }
    let world = World::new();
    let topic = world.running("a").raw("t", 0);
    let mut subscription = subscribe(&topic, Mode::LOSSLESS);
    for n in 0..3 {
        let waker = Waker::from(Arc::new(Nosy(world.running("b").raw("t", 0))));
        poll_batch(&mut subscription, &waker, 0);
        poll_batch(&mut subscription, &waker, 0);
        drop(waker);
        publish(&topic, n);
        assert_eq!(take(&mut subscription, 0), [(u64::from(n), n, 0)]);
    }
}

#[test]
#[expect(unsafe_code, reason = "a payload that no type of message has")]
fn a_message_may_use_the_bus_when_it_is_dropped() {
    struct Late(TopicBox);
    impl Drop for Late {
        fn drop(&mut self) {
            self.0.notify();
        }
    }
    let world = World::new();
    let party = world.running("a");
    // Of a topic's own messages: that its payload is no `u32` does not matter where nobody reads.
    let topic = party.raw("t", 1);
    for _ in 0..3 {
        let payload = Late(party.raw("t", 0));
        // SAFETY: nobody reads it, or asks its kind for anything.
        let message = unsafe { AbiMessage::new(kind_of::<u32>(), payload, 0) };
        topic.try_publish(message);
    }
    // As many as drive all of them out: what a topic holds keeps the topic that it holds.
    publish_all(&topic, 0..5);
    assert_eq!(topic.get().into_option().unwrap().to_json().unwrap(), "4");
}
