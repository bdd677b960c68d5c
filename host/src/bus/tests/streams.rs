//! The SDK's streams on the real bus: nothing lost or seen twice, whenever a receive is dropped.

use std::future::Future;
use std::time::Duration;

use lifespan_plugin_api::bus::{
    BusError, Delivered, Encoded, Kept, Lent, Merge, Pattern, PublishError, Update, UpdatesBy,
};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Receives once, which must be possible now.
macro_rules! now {
    ($recv:expr) => {
        now($recv).expect("it is ready").expect("it has not ended")
    };
}

fn pending<T>(recv: impl Future<Output = Option<T>>) -> bool {
    now(recv).is_none()
}

fn ended<T>(recv: impl Future<Output = Option<T>>) -> bool {
    now(recv).is_some_and(|item| item.is_none())
}

#[test]
fn publish_waits_and_dropping_it_publishes_nothing() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let topic = one.topic::<u32>("t", 1);
    let mut messages = two.topic::<u32>("t", 0).messages();
    now(topic.publish(1)).unwrap().unwrap();
    assert!(now(topic.publish(2)).is_none(), "it waits, and is dropped");
    assert!(matches!(topic.try_publish(2), Err(PublishError::Full { .. })));

    let wakes = Arc::<Wakes>::default();
    let waker = Waker::from(wakes.clone());
    let mut waiting = Box::pin(topic.publish(3));
    assert!(poll(waiting.as_mut(), &waker).is_pending());
    assert_eq!(*now!(messages.recv()), 1);
    assert!(pending(messages.recv()), "which gives the batch back");
    assert_eq!(wakes.count(), 1);
    assert!(matches!(poll(waiting.as_mut(), &waker), Poll::Ready(Ok(()))));
    let third = now!(messages.recv());
    assert_eq!((*third, third.sequence()), (3, 1));
}

#[test]
fn publish_errors_say_which() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let (mine, yours) = (one.topic::<u32>("t", 1), two.topic::<u32>("t", 0));
    mine.claim().unwrap();
    assert!(matches!(now(yours.publish(1)), Some(Err(PublishError::Claimed { .. }))));
    assert!(matches!(yours.claim(), Err(BusError::Claimed(_))));
    let _own = mine.messages();
    mine.try_publish(1).unwrap();
    let stuck = now(mine.publish(2)).unwrap().unwrap_err();
    assert!(matches!(stuck, PublishError::Stuck { .. }), "{stuck}");
    world.bus.close();
    assert!(now(mine.publish(1)).unwrap().unwrap_err().is_closed());
    let name = Topic::<u32>::of_services(one.services.clone(), "", 0).unwrap_err();
    assert!(matches!(name, BusError::Name(_)), "{name}");
}

#[test]
fn a_receive_that_is_dropped_loses_nothing() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let (topic, theirs) = (one.topic::<u32>("t", 8), two.topic::<u32>("t", 0));
    let mut messages = theirs.messages();
    let mut seen = Vec::new();
    let mut sent = 0;
    // Dropped before the first poll, while it waits, and after it was woken, in turn.
    for round in 0..200 {
        match round % 5 {
            0 => drop(messages.recv()),
            1 => {
                if let Some(Some(message)) = now(messages.recv()) {
                    seen.push(*message);
                }
            }
            2 => {
                let waker = Waker::from(Arc::<Wakes>::default());
                let mut waiting = Box::pin(messages.recv());
                match poll(waiting.as_mut(), &waker) {
                    Poll::Ready(message) => seen.push(*message.unwrap()),
                    Poll::Pending => {
                        topic.try_publish(sent).unwrap();
                        sent += 1;
                    }
                }
            }
            _ => {
                if topic.try_publish(sent).is_ok() {
                    sent += 1;
                }
            }
        }
    }
    world.bus.close();
    while let Some(Some(message)) = now(messages.recv()) {
        seen.push(*message);
    }
    assert!(sent > 50);
    assert_eq!(seen, (0..sent).collect::<Vec<_>>());
    assert!(ended(messages.recv()));
}

#[test]
fn what_was_handed_out_is_not_lost_and_the_rest_is_counted() {
    let world = World::new();
    let party = world.running("a");
    let topic = party.topic::<u32>("t", 0);
    let (mut lent, mut given) = (topic.messages(), topic.updates_by(|n| *n));
    (0..5).for_each(|n| topic.try_publish(n).unwrap());
    now!(lent.recv());
    now!(lent.recv());
    now!(given.recv());
    // What was given last is being worked on until the next poll, and so is a lent batch.
    assert_eq!(party.member.backlog(), 5 + 5, "a batch counts until it is done with");
    for n in 2..5 {
        assert_eq!(*now!(lent.recv()), n);
    }
    assert_eq!(party.member.backlog(), 5 + 5);
    assert!(pending(lent.recv()));
    assert_eq!(party.member.backlog(), 5);
    (5..9).for_each(|n| topic.try_publish(n).unwrap());
    now!(lent.recv());
    world.bus.close();
    drop(lent);
    drop(given);
    let lost: u64 = party.member.lost().iter().map(|lost| lost.messages).sum();
    assert_eq!(lost, 3 + 8);
}

#[test]
fn a_kept_message_outlives_all() {
    let world = World::new();
    let party = world.running("a");
    let topic = party.topic::<String>("t", 0);
    let mut messages = topic.messages();
    topic.try_publish("kept".to_owned()).unwrap();
    let kept: Kept<String> = now!(messages.recv()).keep();
    drop((messages, topic, party, world));
    assert_eq!(&*kept.clone(), "kept");
    assert_eq!(kept.sequence(), Some(0));
}

#[test]
fn lossy_counts_what_it_skipped() {
    let world = World::new();
    let topic = world.running("a").topic::<u32>("t", 2);
    let mut lossy = topic.messages().lossy();
    (0..5).for_each(|n| topic.try_publish(n).unwrap());
    let first = now!(lossy.recv());
    assert_eq!((*first, first.skipped()), (3, 3));
    let second = now!(lossy.recv());
    assert_eq!((*second, second.skipped()), (4, 0));
    topic.try_publish(5).unwrap();
    let mut owned = lossy.owned();
    assert_eq!(*now!(owned.recv()), 5);
}

#[test]
fn updates_are_the_latest_with_or_without_the_current() {
    let world = World::new();
    let topic = world.running("a").topic::<u32>("t", 0);
    assert!(!topic.has_value());
    topic.try_publish(1).unwrap();
    assert_eq!(topic.get().as_deref(), Some(&1));
    let (mut with, mut without) = (topic.updates(), topic.updates().without_current());
    assert!(topic.has_subscribers());
    assert_eq!(*now!(with.recv()), 1);
    assert!(pending(without.recv()));
    (2..5).for_each(|n| topic.try_publish(n).unwrap());
    assert_eq!(now!(with.recv()).skipped(), 2);
    assert_eq!(*now!(without.recv()), 4);
    topic.notify();
    assert_eq!(*now!(with.recv()), 4);
    topic.try_publish(9).unwrap();
    topic.close().unwrap();
    assert_eq!(*now!(with.recv()), 9);
    assert!(ended(with.recv()));
}

#[test]
fn a_timeout_is_not_an_update() {
    let world = World::new();
    let topic = world.running("a").topic::<u32>("t", 0);
    let mut updates = topic.updates().timeout(SECOND);
    assert!(pending(updates.recv()));
    world.clock.advance(SECOND / 2);
    assert!(pending(updates.recv()), "a dropped receive does not begin the time anew");
    world.clock.advance(SECOND / 2);
    let timeout = now!(updates.recv());
    assert!(timeout.is_timeout() && timeout.value().is_none());

    topic.try_publish(1).unwrap();
    assert!(matches!(now!(updates.recv()), Update::New(one) if *one == 1));
    assert!(pending(updates.recv()));
    world.clock.advance(SECOND);
    let timeout = now!(updates.recv());
    assert_eq!((timeout.is_timeout(), timeout.value()), (true, Some(&1)));

    assert!(pending(updates.recv()));
    world.clock.advance(SECOND);
    topic.try_publish(2).unwrap();
    let mut owned = updates.owned();
    assert!(matches!(now!(owned.recv()), Update::New(two) if *two == 2), "news come first");
}

#[test]
fn a_timeout_knows_the_current_value_that_was_not_wanted_as_an_update() {
    let world = World::new();
    let topic = world.running("a").topic::<u32>("t", 0);
    topic.try_publish(1).unwrap();
    let mut updates = topic.updates().without_current().timeout(SECOND);
    assert!(pending(updates.recv()));
    world.clock.advance(SECOND);
    assert_eq!(now!(updates.recv()).value(), Some(&1));
}

#[test]
fn at_most_every_has_the_first_at_once_then_the_latest_without_drift() {
    let world = World::new();
    let topic = world.running("a").topic::<u32>("t", 0);
    let mut updates = topic.updates().at_most_every(SECOND);
    topic.try_publish(0).unwrap();
    assert_eq!(*now!(updates.recv()), 0);
    for n in 1..=10 {
        topic.try_publish(n * 10).unwrap();
        assert!(pending(updates.recv()));
        topic.try_publish(n * 10 + 1).unwrap();
        // The timer is late each time, by ever more: that does not add up.
        let lateness = Duration::from_millis(u64::from(n));
        let before = Duration::from_millis(u64::from(n) - 1);
        world.clock.advance(SECOND - before + lateness);
        assert_eq!(*now!(updates.recv()), n * 10 + 1);
    }
    // Ten items in ten seconds and ten milliseconds. After a long silence the next comes at once,
    // and what follows it is measured from there.
    world.clock.advance(SECOND * 5 + SECOND / 3);
    assert!(pending(updates.recv()));
    topic.try_publish(200).unwrap();
    assert_eq!(*now!(updates.recv()), 200);
    topic.try_publish(201).unwrap();
    world.clock.advance(SECOND * 9 / 10);
    assert!(pending(updates.recv()));
    world.clock.advance(SECOND / 10);
    assert_eq!(*now!(updates.recv()), 201);
}

#[test]
fn an_update_that_waits_for_its_time_is_delivered_at_the_end() {
    let world = World::new();
    let party = world.running("a");
    let topic = party.topic::<u32>("t", 0);
    let mut updates = topic.updates().at_most_every(SECOND).timeout(SECOND / 4);
    topic.try_publish(0).unwrap();
    assert!(!now!(updates.recv()).is_timeout());
    topic.try_publish(1).unwrap();
    world.bus.close();
    world.clock.advance(SECOND / 2);
    assert!(pending(updates.recv()), "no timeout while an update waits");
    assert_eq!(party.member.backlog(), 1);
    world.clock.advance(SECOND / 2);
    assert!(matches!(now!(updates.recv()), Update::New(one) if *one == 1));
    world.clock.advance(SECOND);
    assert!(ended(updates.recv()));
}

#[test]
fn ten_courts_on_one_topic() {
    let world = World::new();
    let topic = world.running("a").topic::<Encoded<(u32, u32)>>("courts", 4);
    let key = |bytes: &[u8]| Encoded::<(u32, u32)>::decode(bytes).unwrap().0;
    let mut courts: UpdatesBy<Encoded<(u32, u32)>> = topic.updates_by(key);
    for points in 0..3 {
        for court in 0..10 {
            now(topic.publish(Encoded((court, points)))).unwrap().unwrap();
        }
    }
    for court in 0..10 {
        let score = now!(courts.recv());
        assert_eq!((score.decode().unwrap(), score.skipped()), ((court, 2), 2));
    }
    assert!(pending(courts.recv()));
}

#[test]
fn ten_courts_in_one_burst_for_one_who_is_slow() {
    let world = World::new();
    let (umpire, board) = (world.running("umpire"), world.running("board"));
    let topic = umpire.topic::<Encoded<(usize, u32)>>("courts", 4);
    let key = |bytes: &[u8]| Encoded::<(usize, u32)>::decode(bytes).unwrap().0;
    let mut courts = board.topic::<Encoded<(usize, u32)>>("courts", 0).updates_by(key);
    // All courts at once, several times: `more` is what was published before.
    let burst = |more: u32| {
        let scores = (0..3).flat_map(|n| (0..10).map(move |court| Encoded((court, more + n))));
        now(topic.publish_all(scores)).unwrap().unwrap();
    };
    burst(0);
    for court in 0..10 {
        let score = now!(courts.recv());
        assert_eq!((score.decode().unwrap(), score.skipped()), ((court, 2), 2));
    }
    assert!(pending(courts.recv()));
    // Its work takes so long that after each score it has received, the next burst is there.
    let mut shown = [None; 10];
    burst(3);
    for round in 1..=10 {
        let (court, points) = now!(courts.recv()).decode().unwrap();
        shown[court] = Some(points);
        burst(3 + 3 * round);
    }
    assert!(shown.iter().all(Option::is_some), "none is starved: {shown:?}");
    while let Some(Some(score)) = now(courts.recv()) {
        let (court, points) = score.decode().unwrap();
        shown[court] = Some(points);
    }
    assert_eq!(shown, [Some(35); 10]);
}

#[test]
fn a_key_that_panics_is_a_message_without_a_key() {
    let world = World::new();
    let topic = world.running("a").topic::<u32>("t", 0);
    let mut by = topic.updates_by(|n| assert!(*n < 2, "too big for a key"));
    (0..4).for_each(|n| topic.try_publish(n).unwrap());
    assert_eq!(*now!(by.recv()), 1);
    assert_eq!(*now!(by.recv()), 3);
}

#[test]
fn a_merge_says_where_from_and_prefers_none() {
    let world = World::new();
    let party = world.running("a");
    let (numbers, texts) = (party.topic::<u32>("n", 0), party.topic::<String>("s", 0));
    let mut merge = Merge::new()
        .with_map("number", numbers.messages().owned(), |n| n.to_string())
        .with_map("text", texts.messages().owned(), |text| text.to_string());
    assert!(pending(merge.recv()));
    (0..3).for_each(|n| numbers.try_publish(n).unwrap());
    (0..2).for_each(|n| texts.try_publish(format!("text {n}")).unwrap());
    texts.close().unwrap();
    let mut all = Vec::new();
    while let Some(Some((tag, item))) = now(merge.recv()) {
        all.push((tag, item));
    }
    let expect = [("number", "0"), ("text", "text 0"), ("number", "1"), ("text", "text 1")];
    assert_eq!(all[..4], expect.map(|(tag, item)| (tag, item.to_owned())));
    assert_eq!(all.len(), 5);
    numbers.close().unwrap();
    assert!(ended(merge.recv()));
}

#[test]
fn a_pattern_shows_any_type_as_json() {
    let world = World::new();
    let party = world.running("a");
    let mut all = Pattern::messages(party.bus(), "**").unwrap();
    party.topic::<Encoded<Vec<u32>>>("x/y", 0).try_publish(Encoded(vec![1, 2])).unwrap();
    let one = now!(all.recv());
    assert_eq!((one.topic(), one.publisher(), one.sequence()), ("x/y", "a", 0));
    assert_eq!(one.json().unwrap().to_string(), "[1,2]");
    assert_eq!(one.published(), Some(Duration::from_nanos(7)));
    assert!(Pattern::lossy(party.bus(), "a//b").is_err());
    let topic = party.topic::<u32>("n", 0);
    topic.try_publish(3).unwrap();
    let mut updates = Pattern::updates(party.bus(), "*").unwrap();
    assert_eq!(now!(updates.recv()).json_text().unwrap(), "3");
}

/// Receives from each kind of subscription in turn, dropping receives at every point where they can
/// be: unpolled, waiting, and woken but not polled again. `$recv` is one receive, `$value` its value.
macro_rules! nothing_is_lost {
    ($topic:expr, $stream:ident, $value:expr) => {{
        let topic: &Topic<u32> = $topic;
        let mut seen = Vec::new();
        for n in 0..30 {
            drop($stream.recv());
            let wakes = Arc::<Wakes>::default();
            let waker = Waker::from(wakes.clone());
            {
                let mut waiting = Box::pin($stream.recv());
                assert!(poll(waiting.as_mut(), &waker).is_pending());
                topic.try_publish(n * 2).unwrap();
                assert_eq!(wakes.count(), 1);
            }
            topic.try_publish(n * 2 + 1).unwrap();
            drop($stream.recv());
            while let Some(item) = now($stream.recv()) {
                seen.push($value(item.expect("it has not ended")));
                if n % 3 == 0 {
                    drop($stream.recv());
                }
            }
        }
        seen
    }};
}

#[test]
fn every_kind_of_receive_may_be_dropped_at_every_point() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let (topic, theirs) = (one.topic::<u32>("t", 0), two.topic::<u32>("t", 0));
    let all: Vec<u32> = (0..60).collect();
    let every_second: Vec<u32> = (0..30).map(|n| n * 2 + 1).collect();

    let mut messages = theirs.messages();
    let value = |item: Lent<'_, u32>| *item;
    assert_eq!(nothing_is_lost!(&topic, messages, value), all);
    let mut lossy = theirs.messages().lossy();
    let value = |item: Lent<'_, u32>| *item;
    assert_eq!(nothing_is_lost!(&topic, lossy, value), all);
    let mut owned = theirs.messages().owned();
    assert_eq!(nothing_is_lost!(&topic, owned, |item: Kept<u32>| *item), all);
    let mut by_key = theirs.updates_by(|n| *n);
    assert!(now(by_key.recv()).is_some(), "the current value");
    assert_eq!(nothing_is_lost!(&topic, by_key, |item: Kept<u32>| *item), all);
    let mut merge = Merge::new().with((), theirs.messages().owned());
    assert_eq!(nothing_is_lost!(&topic, merge, |((), item): ((), Kept<u32>)| *item), all);
    let mut pattern = Pattern::messages(two.bus(), "*").unwrap();
    let value = |item: Delivered| item.json_text().unwrap().parse::<u32>().unwrap();
    assert_eq!(nothing_is_lost!(&topic, pattern, value), all);

    let mut updates = theirs.updates().without_current();
    let value = |item: Lent<'_, u32>| *item;
    assert_eq!(nothing_is_lost!(&topic, updates, value), every_second);
    let mut timed = theirs.updates().without_current().timeout(SECOND);
    let value = |item: Update<Lent<'_, u32>>| *item.value().unwrap();
    assert_eq!(nothing_is_lost!(&topic, timed, value), every_second);
}
