//! Batches on the real bus: all that is lent at once, nothing lost or seen twice.

use lifespan_plugin_api::bus::{Kept, Lent, LentBatch};

use super::*;

/// What is there now, batch after batch, each checked to follow the one before.
macro_rules! drain {
    ($messages:expr, $next:expr) => {{
        let mut seen = Vec::new();
        while let Some(Some(batch)) = now($messages.recv_batch()) {
            assert!((1..=512).contains(&batch.len()));
            assert_eq!(batch.sequence(), $next + batch.skipped());
            $next = batch.sequence() + batch.len() as u64;
            seen.extend(batch.iter().copied());
        }
        seen
    }};
}

#[test]
fn batches_follow_each_other_without_a_gap() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let topic = one.topic::<u32>("t", 1024);
    let (mut messages, mut next) = (two.topic::<u32>("t", 0).messages(), 0);
    for round in 0..5 {
        topic.try_publish_all(0..300 + round).unwrap();
        assert_eq!(drain!(messages, next), (0..300 + round).collect::<Vec<_>>());
    }
    assert_eq!(next, 5 * 300 + 10);
    topic.try_publish(7).unwrap();
    topic.close().unwrap();
    assert_eq!(drain!(messages, next), [7]);
    assert!(now(messages.recv_batch()).unwrap().is_none());
}

#[test]
fn a_batch_is_all_that_one_call_lends() {
    let world = World::new();
    let topic = world.running("a").topic::<u32>("t", 1024);
    let mut messages = topic.messages();
    topic.try_publish_all(0..100).unwrap();
    assert_eq!(now(messages.recv_batch()).unwrap().unwrap().len(), 100);
    // After a single receive it is the rest.
    topic.try_publish_all(100..200).unwrap();
    assert_eq!(*now(messages.recv()).unwrap().unwrap(), 100);
    let rest = now(messages.recv_batch()).unwrap().unwrap();
    assert_eq!((rest.len(), rest.sequence()), (99, 101));
    assert!(rest.into_iter().copied().eq(101..200));
}

#[test]
fn a_batch_shows_values_and_lends_messages() {
    let world = World::new();
    let topic = world.running("a").topic::<String>("t", 1024);
    let mut messages = topic.messages();
    topic.try_publish_all(["a", "bc", "d"].map(str::to_owned)).unwrap();
    let batch: LentBatch<'_, String> = now(messages.recv_batch()).unwrap().unwrap();
    assert_eq!(format!("{batch:?}"), r#"["a", "bc", "d"]"#);
    assert_eq!(batch.iter().rev().collect::<Vec<&str>>(), ["d", "bc", "a"]);
    assert_eq!((&batch).into_iter().map(str::len).sum::<usize>(), 4);
    let numbers: Vec<u64> = batch.lent().map(|lent| lent.sequence()).collect();
    assert_eq!(numbers, [0, 1, 2]);
    let kept: Vec<Kept<String>> = batch.lent().map(|lent: Lent<'_, String>| lent.keep()).collect();
    drop(messages);
    assert_eq!((&*kept[1], kept[1].sequence()), ("bc", Some(1)));
}

#[test]
fn what_a_lossy_batch_skipped_is_told_with_its_first() {
    let world = World::new();
    let topic = world.running("a").topic::<u32>("t", 4);
    let (mut lossy, mut next) = (topic.messages().lossy(), 0);
    topic.try_publish_all(0..10).unwrap();
    let mut told = 0;
    if let Some(Some(first)) = now(lossy.recv_batch()) {
        told = first.skipped();
        next = first.sequence() + first.len() as u64;
        assert_eq!((first.sequence(), first.iter().next()), (6, Some(&6)));
        assert!(
            first.lent().map(|lent| lent.skipped()).eq((0..first.len()).map(|n| [6, 0][n.min(1)]))
        );
    }
    assert_eq!(told, 6);
    drain!(lossy, next);
    assert_eq!(next, 10);
}

#[test]
fn a_batch_keeps_publishers_waiting_until_the_next_receive() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let topic = one.topic::<u32>("t", 2);
    let mut messages = two.topic::<u32>("t", 0).messages();
    topic.try_publish_all([1, 2]).unwrap();
    let waker = Waker::from(Arc::<Wakes>::default());
    let mut waiting = Box::pin(topic.publish_all([3, 4]));
    assert!(poll(waiting.as_mut(), &waker).is_pending());
    let values: Vec<u32> =
        now(messages.recv_batch()).unwrap().unwrap().into_iter().copied().collect();
    assert_eq!(values[0], 1);
    assert!(poll(waiting.as_mut(), &waker).is_pending(), "the batch may still be read");
    let mut next = values.len() as u64;
    let mut rest = drain!(messages, next);
    assert!(poll(waiting.as_mut(), &waker).is_ready());
    rest.extend(drain!(messages, next));
    assert_eq!([values, rest].concat(), [1, 2, 3, 4]);
}

#[test]
fn what_a_batch_has_handed_out_is_not_lost() {
    let world = World::new();
    let party = world.running("a");
    let topic = party.topic::<u32>("t", 1024);
    let mut messages = topic.messages();
    topic.try_publish_all(0..100).unwrap();
    let batch = now(messages.recv_batch()).unwrap().unwrap();
    assert_eq!(batch.iter().next(), Some(&0));
    assert_eq!(messages.backlog(), 0);
    assert_eq!(party.member.backlog(), 100, "it counts until it is done with");
    topic.try_publish_all(100..103).unwrap();
    assert_eq!(messages.backlog(), 3);
    world.bus.close();
    drop(messages);
    let lost: u64 = party.member.lost().iter().map(|lost| lost.messages).sum();
    assert_eq!(lost, 3);
}

#[test]
fn a_receive_of_a_batch_may_be_dropped_at_every_point() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let (topic, theirs) = (one.topic::<u32>("t", 0), two.topic::<u32>("t", 0));
    macro_rules! nothing_is_lost {
        ($stream:expr) => {{
            let (mut stream, mut seen) = ($stream, Vec::new());
            for n in 0..30 {
                drop(stream.recv_batch());
                let wakes = Arc::<Wakes>::default();
                {
                    let mut waiting = Box::pin(stream.recv_batch());
                    assert!(poll(waiting.as_mut(), &Waker::from(wakes.clone())).is_pending());
                    topic.try_publish(n * 3).unwrap();
                    assert_eq!(wakes.count(), 1);
                }
                topic.try_publish_all([n * 3 + 1, n * 3 + 2]).unwrap();
                drop(stream.recv_batch());
                if n % 3 == 0 {
                    seen.push(*now(stream.recv()).unwrap().unwrap());
                    drop(stream.recv_batch());
                }
                while let Some(batch) = now(stream.recv_batch()) {
                    seen.extend(batch.expect("it has not ended").iter().copied());
                }
            }
            assert_eq!(seen, (0..90).collect::<Vec<_>>());
        }};
    }
    nothing_is_lost!(theirs.messages());
    nothing_is_lost!(theirs.messages().lossy());
}
