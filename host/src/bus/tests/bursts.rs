//! Bursts on the real bus: all of it arrives, in order, whoever is slow, drops it or ends it.

use lifespan_plugin_api::bus::{Encoded, Kept, Messages, PublishError};

use super::*;

/// Receives what is there now.
fn drain(messages: &mut Messages<u32>) -> Vec<u32> {
    let mut seen = Vec::new();
    while let Some(Some(message)) = now(messages.recv()) {
        seen.push(*message);
    }
    seen
}

fn numbers(count: u32) -> Vec<u32> {
    (0..count).collect()
}

#[test]
fn a_burst_reaches_everyone_in_order() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let (topic, theirs) = (one.topic::<u32>("t", 1024), two.topic::<u32>("t", 0));
    let (mut all, mut again, mut latest) =
        (theirs.messages(), theirs.messages(), theirs.updates().without_current());
    // More than once round the ring, so that what was published before is written over or replaced.
    for _ in 0..5 {
        now(topic.publish_all(0..400)).unwrap().unwrap();
        assert_eq!(drain(&mut all), numbers(400));
        assert_eq!(drain(&mut again), numbers(400));
        assert_eq!(*now(latest.recv()).unwrap().unwrap(), 399);
    }
    topic.try_publish_all([]).unwrap();
    assert!(drain(&mut all).is_empty());
}

#[test]
fn what_owns_something_may_come_in_a_burst_too() {
    let world = World::new();
    let topic = world.running("a").topic::<Encoded<u32>>("t", 0);
    let mut messages = topic.messages();
    now(topic.publish_all((0..200).map(Encoded))).unwrap().unwrap();
    for n in 0..200 {
        assert_eq!(now(messages.recv()).unwrap().unwrap().decode().unwrap(), n);
    }
}

#[test]
fn a_burst_waits_for_a_slow_subscriber() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let topic = one.topic::<u32>("t", 4);
    let mut messages = two.topic::<u32>("t", 0).messages();
    let wakes = Arc::<Wakes>::default();
    let waker = Waker::from(wakes.clone());
    let mut burst = Box::pin(topic.publish_all(0..50));
    let mut seen = Vec::new();
    while poll(burst.as_mut(), &waker).is_pending() {
        let woken = wakes.count();
        let received = drain(&mut messages);
        assert!((1..=4).contains(&received.len()), "{received:?}");
        seen.extend(received);
        assert!(wakes.count() > woken, "there is room, and the burst is told");
    }
    seen.extend(drain(&mut messages));
    assert_eq!(seen, numbers(50));
}

#[test]
fn a_burst_that_is_dropped_has_published_a_prefix() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let topic = one.topic::<u32>("t", 8);
    let mut messages = two.topic::<u32>("t", 0).messages();
    drop(topic.publish_all(0..50));
    assert!(drain(&mut messages).is_empty(), "it was never polled");
    assert!(now(topic.publish_all(0..50)).is_none(), "it waits, and is dropped");
    assert_eq!(drain(&mut messages), numbers(8));
    topic.try_publish(8).unwrap();
    assert_eq!(drain(&mut messages), [8], "and nothing of it comes later");
}

#[test]
fn an_error_counts_what_is_published() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let (topic, theirs) = (one.topic::<u32>("t", 8), two.topic::<u32>("t", 0));
    let mut messages = theirs.messages();
    let full = topic.try_publish_all(0..50).unwrap_err();
    assert!(matches!(full.error(), PublishError::Full { topic } if topic == "t"), "{full:?}");
    assert_eq!(full.published(), 8);

    let mut burst = Box::pin(topic.publish_all(8..50));
    assert!(poll(burst.as_mut(), Waker::noop()).is_pending());
    assert_eq!(drain(&mut messages), numbers(8));
    assert!(poll(burst.as_mut(), Waker::noop()).is_pending());
    world.bus.close();
    let Poll::Ready(Err(closed)) = poll(burst.as_mut(), Waker::noop()) else { panic!("it waits") };
    assert_eq!((closed.is_closed(), closed.published()), (true, 8));
    assert_eq!(drain(&mut messages), (8..16).collect::<Vec<_>>());
}

#[test]
fn a_burst_is_refused_as_one_message_is() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let (mine, yours) = (one.topic::<u32>("t", 2), two.topic::<u32>("t", 0));
    mine.claim().unwrap();
    let claimed = now(yours.publish_all(0..5)).unwrap().unwrap_err();
    assert!(matches!(claimed.error(), PublishError::Claimed { .. }), "{claimed:?}");
    assert_eq!(claimed.published(), 0);
    let _own = mine.messages();
    let stuck = now(mine.publish_all(0..5)).unwrap().unwrap_err();
    assert!(matches!(stuck.error(), PublishError::Stuck { .. }), "{stuck:?}");
    assert_eq!(stuck.published(), 2);
}

#[test]
fn what_is_kept_is_not_written_over() {
    let world = World::new();
    let topic = world.running("a").topic::<u32>("t", 4);
    let mut messages = topic.messages();
    let mut kept: Vec<Kept<u32>> = Vec::new();
    for round in 0..20 {
        now(topic.publish_all(round * 4..round * 4 + 4)).unwrap().unwrap();
        while let Some(Some(message)) = now(messages.recv()) {
            if *message % 3 == 0 {
                kept.push(message.keep());
            }
        }
    }
    let last = topic.get().unwrap();
    topic.try_publish_all(100..104).unwrap();
    let kept: Vec<u32> = kept.iter().map(|message| **message).collect();
    assert_eq!(kept, (0..80).filter(|n| n % 3 == 0).collect::<Vec<_>>());
    assert_eq!(*last, 79);
}

#[test]
fn bursts_of_two_publishers_keep_their_own_order() {
    let world = World::new();
    let parties = [world.running("one"), world.running("two")];
    let topics = parties.each_ref().map(|party| party.topic::<u32>("t", 16));
    let reader = world.running("reader");
    let mut messages = reader.topic::<u32>("t", 0).messages();
    let mut bursts: Vec<_> = topics
        .iter()
        .zip([0, 1000])
        .map(|(topic, from)| Box::pin(topic.publish_all(from..from + 300)))
        .collect();
    let mut seen = Vec::new();
    while !bursts.is_empty() {
        bursts.retain_mut(|burst| match poll(burst.as_mut(), Waker::noop()) {
            Poll::Ready(published) => {
                published.unwrap();
                false
            }
            Poll::Pending => true,
        });
        seen.extend(drain(&mut messages));
    }
    let (low, high): (Vec<u32>, Vec<u32>) = seen.into_iter().partition(|n| *n < 1000);
    assert_eq!(low, numbers(300));
    assert_eq!(high, (1000..1300).collect::<Vec<_>>());
}
