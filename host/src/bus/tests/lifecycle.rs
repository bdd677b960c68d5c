//! How topics, streams and the whole bus end, and what is counted then.

use std::thread;

use lifespan_abi::{Mode, PollStatus};

use super::*;
use crate::bus::Lost;

fn lost(topic: &str, messages: u64) -> Vec<Lost> {
    vec![Lost { topic: topic.to_owned(), messages }]
}

#[test]
fn a_topic_ends_with_its_last_handle() {
    let world = World::new();
    let party = world.running("a");
    let topic = party.raw("t", 0);
    publish(&topic, 1);
    let subscription = subscribe(&topic, Mode::LATEST);
    drop(topic);
    let topic = party.raw("t", 0);
    assert!(topic.get().is_some(), "the subscription kept it");
    drop(subscription);
    drop(topic);
    let other = party.topic::<String>("t", 0);
    assert!(!other.has_value(), "a new topic, of another type");
}

#[test]
fn a_closed_topic_delivers_what_it_has_and_ends() {
    let world = World::new();
    let party = world.running("a");
    let topic = party.raw("t", 0);
    let mut every = subscribe(&topic, Mode::LOSSLESS);
    let mut latest = subscribe(&topic, Mode::LATEST);
    publish_all(&topic, 0..3);
    topic.close().into_result().unwrap();
    let reply = topic.try_publish(message(3));
    assert_eq!(reply.status, PublishStatus::CLOSED);
    assert_eq!(reply.detail, "topic `t` is closed");
    assert_eq!(take(&mut every, 0), [(0, 0, 0), (1, 1, 0), (2, 2, 0)]);
    assert_eq!(take(&mut latest, 0), [(2, 2, 2)]);
    for mut ended in [every, latest, subscribe(&party.raw("t", 0), Mode::LOSSLESS)] {
        assert_eq!(poll_batch(&mut ended, Waker::noop(), 0).status, PollStatus::CLOSED);
        assert_eq!(poll_batch(&mut ended, Waker::noop(), 0).status, PollStatus::CLOSED);
    }
}

#[test]
fn closing_wakes_everybody() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let topic = one.raw("t", 1);
    let _gate = subscribe(&two.raw("t", 0), Mode::LOSSLESS);
    let mut idle = subscribe(&two.raw("u", 0), Mode::LATEST);
    let mut pattern = two.bus().subscribe_pattern("none/*".into(), options(Mode::LOSSY, false));
    let pattern = pattern.as_mut().into_result().unwrap();
    publish(&topic, 0);

    let wakes: [Arc<Wakes>; 3] = Default::default();
    let wakers = wakes.clone().map(Waker::from);
    let mut context = Context::from_waker(&wakers[0]);
    let room = context.with_ffi_context(|context| topic.poll_room(context, false));
    assert_eq!(room, PollStatus::PENDING);
    assert_eq!(poll_batch(&mut idle, &wakers[1], 0).status, PollStatus::PENDING);
    assert_eq!(poll_batch(pattern, &wakers[2], 0).status, PollStatus::PENDING);

    world.bus.close();
    assert_eq!(wakes.map(|wakes| wakes.count()), [1, 1, 1]);
    let reply = topic.try_publish(message(1));
    assert_eq!(reply.status, PublishStatus::CLOSED);
    assert!(reply.detail.contains("shuts down"), "{}", reply.detail);
    assert_eq!(poll_batch(&mut idle, Waker::noop(), 0).status, PollStatus::CLOSED);
    assert_eq!(poll_batch(pattern, Waker::noop(), 0).status, PollStatus::CLOSED);
}

#[test]
fn after_the_close_a_topic_may_still_be_opened() {
    let world = World::new();
    world.bus.close();
    let topic = world.running("a").raw("t", 0);
    assert_eq!(publish(&topic, 1), PublishStatus::CLOSED);
    let mut subscription = subscribe(&topic, Mode::LOSSLESS);
    assert_eq!(poll_batch(&mut subscription, Waker::noop(), 0).status, PollStatus::CLOSED);
}

#[test]
fn the_backlog_is_what_has_not_been_taken() {
    let world = World::new();
    let party = world.running("a");
    let topic = party.raw("t", 0);
    let mut every = subscribe(&topic, Mode::LOSSLESS);
    let latest = subscribe(&topic, Mode::LATEST);
    publish_all(&topic, 0..5);
    assert_eq!(party.member.backlog(), 6);
    assert_eq!(poll_batch(&mut every, Waker::noop(), 3).len, 3);
    assert_eq!(party.member.backlog(), 6, "lent, not taken");
    every.taken(2);
    assert_eq!(party.member.backlog(), 4);
    drop(latest);
    assert_eq!(party.member.backlog(), 3);
    while poll_batch(&mut every, Waker::noop(), 0).status == PollStatus::READY {}
    assert_eq!(party.member.backlog(), 0);
}

#[test]
fn what_a_cancelled_task_left_is_lost() {
    let world = World::new();
    let party = world.running("a");
    let topic = party.raw("t", 0);
    let mut dropped = subscribe(&topic, Mode::LOSSLESS);
    let living = subscribe(&topic, Mode::LOSSLESS);
    let early = subscribe(&topic, Mode::LOSSLESS);
    publish_all(&topic, 0..5);
    drop(early);
    assert_eq!(party.member.lost(), [], "nothing is lost before the shutdown");
    world.bus.close();
    poll_batch(&mut dropped, Waker::noop(), 4);
    dropped.taken(3);
    drop(dropped);
    party.member.set_phase(Phase::Ended);
    assert_eq!(party.member.lost(), lost("t", 2 + 5));
    drop(living);
    assert_eq!(party.member.lost(), lost("t", 2 + 5));
}

#[test]
fn a_loss_is_counted_once_also_while_its_subscription_ends() {
    let world = World::new();
    let party = world.running("a");
    let topic = party.raw("t", 0);
    let many = if cfg!(miri) { 20 } else { 2000 };
    let subscriptions: Vec<_> = (0..many).map(|_| subscribe(&topic, Mode::LOSSLESS)).collect();
    publish(&topic, 0);
    world.bus.close();
    thread::scope(|scope| {
        let ends = scope.spawn(|| subscriptions.into_iter().for_each(drop));
        while !ends.is_finished() {
            assert_eq!(party.member.lost(), lost("t", many));
        }
    });
    assert_eq!(party.member.lost(), lost("t", many));
}

#[test]
fn what_an_ended_task_left_is_not_lost() {
    let world = World::new();
    let (party, never_ran) = (world.running("a"), world.in_setup("b"));
    let topic = party.raw("t", 0);
    let _mine = subscribe(&topic, Mode::LOSSLESS);
    let _other = subscribe(&never_ran.raw("t", 0), Mode::LOSSLESS);
    publish(&topic, 1);
    party.member.set_phase(Phase::Ended);
    world.bus.close();
    never_ran.member.set_phase(Phase::Teardown);
    assert_eq!(party.member.lost(), []);
    assert_eq!(never_ran.member.lost(), []);
}
