//! Subscriptions to all topics that match.

use lifespan_abi::{FaultCode, Mode, PollStatus, Publisher};

use super::*;
use crate::bus::Pattern;

fn listen(party: &Party, pattern: &str, mode: Mode, current: bool) -> SubscriptionBox {
    party.bus().subscribe_pattern(pattern.into(), options(mode, current)).into_result().unwrap()
}

/// All that is there: topic, publisher, value. `published` is when.
fn drain_of(
    bus: &BusBox,
    subscription: &mut SubscriptionBox,
    published: u64,
) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    loop {
        let batch = poll_owned(subscription, 0);
        if batch.status != PollStatus::READY {
            return all;
        }
        for delivery in batch.deliveries {
            assert_eq!(delivery.published, published);
            let value = delivery.message.to_json().unwrap();
            let publisher = Publisher::from_json(&bus.publisher(delivery.publisher)).unwrap();
            all.push((batch.topic.to_string(), publisher.name, value));
        }
    }
}

/// As [`drain_of`], of what was published when somebody looked at the time.
fn drain(bus: &BusBox, subscription: &mut SubscriptionBox) -> Vec<(String, String, String)> {
    drain_of(bus, subscription, 7)
}

fn row(topic: &str, publisher: &str, value: &str) -> (String, String, String) {
    (topic.into(), publisher.into(), value.into())
}

#[test]
fn topics_that_are_there_and_that_come_later_of_any_type() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let early = one.topic::<u32>("a/x", 0);
    let mut pattern = listen(&two, "a/*", Mode::LOSSLESS, false);
    let wakes = Arc::<Wakes>::default();
    poll_batch(&mut pattern, &Waker::from(wakes.clone()), 0);
    early.try_publish(1).unwrap();
    assert_eq!(wakes.count(), 1);
    let later = two.topic::<String>("a/y", 0);
    later.try_publish("hello".into()).unwrap();
    one.topic::<u32>("b/x", 0).try_publish(2).unwrap();
    one.topic::<u32>("a/x/z", 0).try_publish(3).unwrap();
    early.try_publish(4).unwrap();
    let expect = [row("a/x", "one", "1"), row("a/x", "one", "4"), row("a/y", "two", "\"hello\"")];
    assert_eq!(drain(&two.bus(), &mut pattern), expect);
}

#[test]
fn a_waiting_pattern_is_woken_by_a_new_topic() {
    let world = World::new();
    let party = world.running("a");
    let mut pattern = listen(&party, "**", Mode::LATEST, true);
    let wakes = Arc::<Wakes>::default();
    let waker = Waker::from(wakes.clone());
    assert_eq!(poll_batch(&mut pattern, &waker, 0).status, PollStatus::PENDING);
    let topic = party.raw("new/one", 0);
    while poll_batch(&mut pattern, &waker, 0).status == PollStatus::READY {}
    let before = wakes.count();
    publish(&topic, 1);
    assert_eq!(wakes.count(), before + 1);
    assert_eq!(drain(&party.bus(), &mut pattern), [row("new/one", "a", "1")]);
}

#[test]
fn it_starts_with_current_values_if_asked() {
    let world = World::new();
    let party = world.running("a");
    let topic = party.raw("t", 0);
    publish(&topic, 1);
    assert_eq!(
        // Nobody looked at the time when it was published.
        drain_of(&party.bus(), &mut listen(&party, "*", Mode::LATEST, true), 0),
        [row("t", "a", "1")]
    );
    assert_eq!(drain(&party.bus(), &mut listen(&party, "*", Mode::LATEST, false)), []);
}

#[test]
fn a_topic_that_ends_is_delivered_and_forgotten() {
    let world = World::new();
    let party = world.running("a");
    let mut pattern = listen(&party, "*", Mode::LOSSLESS, false);
    for n in 0..3 {
        let topic = party.raw("t", 0);
        publish(&topic, n);
    }
    assert_eq!(party.member.backlog(), 3);
    let values: Vec<String> =
        drain(&party.bus(), &mut pattern).into_iter().map(|row| row.2).collect();
    assert_eq!(values, ["0", "1", "2"]);
    assert_eq!(party.member.backlog(), 0);
}

#[test]
fn a_lossless_pattern_gates_and_none_is_starved() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let (a, b) = (one.raw("a", 4), one.raw("b", 4));
    let mut pattern = listen(&two, "*", Mode::LOSSLESS, false);
    (0..4).for_each(|n| assert_eq!(publish(&a, n), PublishStatus::PUBLISHED));
    assert_eq!(publish(&a, 4), PublishStatus::FULL);
    publish(&b, 10);
    let first: Vec<_> = (0..2).map(|_| poll_owned(&mut pattern, 1)).collect();
    let mut topics: Vec<_> = first.iter().map(|batch| batch.topic.as_str()).collect();
    topics.sort_unstable();
    assert_eq!(topics, ["a", "b"]);
    drain(&two.bus(), &mut pattern);
    assert_eq!(publish(&a, 4), PublishStatus::PUBLISHED);
}

#[test]
fn it_ends_with_the_bus_when_all_is_delivered() {
    let world = World::new();
    let party = world.running("a");
    let topic = party.raw("t", 0);
    let mut pattern = listen(&party, "*", Mode::LOSSLESS, false);
    publish(&topic, 1);
    world.bus.close();
    assert_eq!(drain(&party.bus(), &mut pattern), [row("t", "a", "1")]);
    assert_eq!(poll_owned(&mut pattern, 0).status, PollStatus::CLOSED);
}

#[test]
fn a_wrong_pattern_or_name_is_refused() {
    let world = World::new();
    let party = world.running("a");
    let bus = party.bus();
    let fault = bus.subscribe_pattern("a/**/b".into(), options(Mode::LOSSY, false));
    let fault = fault.into_result().err().unwrap();
    assert_eq!(fault.code, FaultCode::NAME);
    assert!(fault.reason.starts_with("`a/**/b` is not a pattern: "), "{}", fault.reason);
    let options = TopicOptions::default();
    let fault = bus.topic("a/*".into(), kind_of::<u32>(), options).into_result().err().unwrap();
    assert_eq!(fault.code, FaultCode::NAME);
    assert_eq!(fault.reason, "`a/*` is not a topic's name: `*` stands only in patterns");
}

#[test]
fn publishers_are_numbers_of_one_life_of_an_instance() {
    let world = World::new();
    let (one, two) = (world.running("same"), world.in_life("same", 2));
    two.member.set_phase(Phase::Running);
    let mut pattern = listen(&one, "*", Mode::LOSSLESS, false);
    let topics = [one.raw("t", 0), two.raw("t", 0)];
    topics.iter().for_each(|topic| publish_all(topic, 0..1));
    let numbers: Vec<_> =
        poll_owned(&mut pattern, 0).deliveries.iter().map(|delivery| delivery.publisher).collect();
    assert_ne!(numbers[0], numbers[1], "a name may come again, with another generation");
    let bus = one.bus();
    let known = |number: &u64| Publisher::from_json(&bus.publisher(*number)).unwrap();
    let known: Vec<_> = numbers.iter().map(known).collect();
    assert_eq!(known, [Publisher::new("same", 1), Publisher::new("same", 2)]);
    assert_eq!(bus.publisher(77), "");
}

#[test]
fn an_observer_changes_nothing_for_those_who_take_part() {
    let world = World::new();
    let any = Pattern::any(["a/*", "**"].map(|text| Pattern::parse(text).unwrap()));
    let mut observer = world.bus.observe(any).unwrap();
    let party = world.running("a");
    let topic = party.topic::<u32>("a/t", 2);
    assert!(!topic.has_subscribers());
    let mine = topic.messages();
    assert!(topic.has_subscribers());
    drop(mine);
    // More than there is room for: nobody waits, and what was skipped is counted. A topic that two of
    // the patterns mean is seen once.
    (0..50).for_each(|value| topic.try_publish(value).unwrap());
    let mut seen = Vec::new();
    while let rows @ [_, ..] = &*take(&mut observer, 0) {
        seen.extend_from_slice(rows);
    }
    let skipped: u64 = seen.iter().map(|(_, _, skipped)| skipped).sum();
    assert_eq!((seen[0].0, skipped + seen.len() as u64), (skipped, 50), "{seen:?}");
    assert!(skipped > 0 && seen.last().is_some_and(|last| last.1 == 49), "{seen:?}");
    assert_eq!(world.bus.jams(), []);
    // The topic ends with its handle, and what it had is still seen.
    topic.try_publish(50).unwrap();
    drop(topic);
    assert!(party.bus().topics().is_empty());
    assert_eq!(take(&mut observer, 0), [(50, 50, 0)]);
    world.bus.close();
    assert_eq!(poll_owned(&mut observer, 0).status, PollStatus::CLOSED);
}
