//! Values that are written over messages that nobody holds any more, and over no others.
//!
//! The figures are small: all of it is interpreted too.

use std::fmt::Debug;

use lifespan_abi::Values;
use lifespan_plugin_api::bus::{Kept, Lossy};

use super::*;

/// How values came onto a topic: written over others, or as messages of their own.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ways {
    written_over: usize,
    made: usize,
}

/// Tries plain values where they lie, as the SDK does: how it ended, and how many are published.
fn place<T: Message>(topic: &TopicBox, values: &[T]) -> (PublishStatus, usize) {
    let kind = kind_of::<T>();
    let reply =
        topic.try_publish_values(Values { kind, first: values.as_ptr().cast(), len: values.len() });
    (reply.status, reply.published)
}

/// Publishes values one by one, each as a message of its own where there is none to write it over.
fn publish_each(topic: &TopicBox, values: Range<u32>) -> Ways {
    let mut ways = Ways::default();
    for value in values {
        match place(topic, &[value]) {
            (PublishStatus::PUBLISHED, 1) => ways.written_over += 1,
            (PublishStatus::UNPLACED, 0) => {
                assert_eq!(publish(topic, value), PublishStatus::PUBLISHED);
                ways.made += 1;
            }
            other => panic!("{value} is not published: {other:?}"),
        }
    }
    ways
}

/// As [`take`], until nothing is left and the last batch is given back: one ends where the ring does.
fn take_all(subscription: &mut SubscriptionBox) -> Vec<(u64, u32, u64)> {
    let mut all = Vec::new();
    while let rows @ [_, ..] = &*take(subscription, 0) {
        all.extend_from_slice(rows);
    }
    all
}

#[test]
fn once_round_the_ring_all_is_written_over() {
    let world = World::new();
    let topic = world.running("a").raw("t", 4);
    let mut all = subscribe(&topic, Mode::LOSSLESS);
    assert_eq!(place(&topic, &[7_u32]), (PublishStatus::UNPLACED, 0), "there is no message yet");
    let mut ways = Ways::default();
    for round in 0..8 {
        let first = round * 4;
        let Ways { written_over, made } = publish_each(&topic, first..first + 4);
        ways = Ways { written_over: ways.written_over + written_over, made: ways.made + made };
        let expect: Vec<_> = (first..first + 4).map(|n| (u64::from(n), n, 0)).collect();
        assert_eq!(take_all(&mut all), expect);
    }
    assert!(ways.written_over >= 16, "{ways:?}");
    // So does a burst, up to the first that finds no room.
    assert_eq!(place(&topic, &[100_u32, 101, 102, 103, 104]), (PublishStatus::STUCK, 4));
    let values: Vec<u32> = take_all(&mut all).iter().map(|row| row.1).collect();
    assert_eq!(values, [100, 101, 102, 103]);
}

#[test]
fn what_somebody_holds_stays_as_it_is() {
    let world = World::new();
    let party = world.running("a");
    let (raw, topic) = (party.raw("t", 4), party.topic::<u32>("t", 0));
    let mut all = topic.messages();
    let mut kept: Vec<Kept<u32>> = Vec::new();
    let mut ways = Ways::default();
    for n in 0..40 {
        let Ways { written_over, made } = publish_each(&raw, n..n + 1);
        ways = Ways { written_over: ways.written_over + written_over, made: ways.made + made };
        let message = now(all.recv()).unwrap().unwrap();
        if n % 8 == 0 {
            kept.push(message.keep());
        }
    }
    kept.push(topic.get().unwrap());
    publish_each(&raw, 40..42);
    let values: Vec<u32> = kept.iter().map(|message| **message).collect();
    assert_eq!(values, [0, 8, 16, 24, 32, 39]);
    assert!(ways.written_over > 0, "{ways:?}");
}

#[test]
fn what_is_lent_to_one_that_does_not_gate_stays_as_it_is() {
    let world = World::new();
    let party = world.running("a");
    let (raw, topic) = (party.raw("t", 4), party.topic::<u32>("t", 0));
    let mut lossy: Lossy<u32> = topic.messages().lossy();
    publish_each(&raw, 0..12);
    for first in [12, 36, 60] {
        publish_each(&raw, first..first + 4);
        let batch = now(lossy.recv_batch()).unwrap().unwrap();
        let before: Vec<u32> = batch.iter().copied().collect();
        // Several times round the ring, while the batch is lent.
        publish_each(&raw, first + 4..first + 24);
        assert_eq!(batch.iter().copied().collect::<Vec<_>>(), before);
        assert!(before.contains(&first), "{before:?}");
    }
}

#[test]
fn values_of_any_size_and_alignment() {
    /// Several times round a ring, one by one and in bursts.
    fn round<T: Message<View = T> + Copy + Debug + PartialEq>(values: [T; 3]) {
        let world = World::new();
        let topic = world.running("a").topic::<T>("t", 4);
        let mut messages = topic.messages();
        for _ in 0..6 {
            topic.try_publish(values[0]).unwrap();
            topic.try_publish_all(values).unwrap();
            let mut seen = Vec::new();
            while let Some(Some(batch)) = now(messages.recv_batch()) {
                seen.extend(batch.iter().copied());
            }
            assert_eq!(seen, [values[0], values[0], values[1], values[2]]);
        }
    }
    round([(), (), ()]);
    round([true, false, true]);
    round([1_u8, 2, 255]);
    round([1_u16, 2, 3]);
    round([0.5_f64, -1.0, 2.5]);
    round([u64::MAX, 0, 1]);
}
