//! What each mode delivers.

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::abi_stable::std_types::{ROption, RVec};
use lifespan_abi::{
    FaultCode, Key, KeyBox, Message, Mode, PollStatus, PublishStatus, SubscribeOptions,
};

use super::*;

/// The last digit is the key; 100 and more have none.
struct LastDigit;

impl Key for LastDigit {
    fn of(&self, message: &Message) -> ROption<RVec<u8>> {
        let value: u32 = message.to_json().unwrap().parse().unwrap();
        let key = (value < 100).then(|| vec![(value % 10) as u8].into());
        key.into()
    }
}

fn keyed(current: bool) -> SubscribeOptions {
    SubscribeOptions::new(Mode::KEYED, current, Some(KeyBox::from_value(LastDigit, TD_Opaque)))
}

#[test]
fn lossless_has_every_message_in_order() {
    let world = World::new();
    let topic = world.running("a").raw("t", 0);
    let mut subscription = subscribe(&topic, Mode::LOSSLESS);
    (0..300).for_each(|n| assert_eq!(publish(&topic, n), PublishStatus::PUBLISHED));
    let mut all = Vec::new();
    loop {
        let some = take(&mut subscription, 0);
        if some.is_empty() {
            break;
        }
        all.extend(some);
    }
    assert_eq!(all, (0..300).map(|n| (u64::from(n), n, 0)).collect::<Vec<_>>());
}

#[test]
fn a_lent_batch_says_where_it_begins() {
    let world = World::new();
    let topic = world.running("a").raw("t", 0);
    publish(&topic, 10);
    let mut subscription = subscribe(&topic, Mode::LOSSLESS);
    publish_all(&topic, 11..14);
    let batch = poll_batch(&mut subscription, Waker::noop(), 2);
    assert_eq!((batch.status, batch.len, batch.sequence), (PollStatus::READY, 2, 1));
    assert!(!batch.messages.is_null());
    let batch = poll_batch(&mut subscription, Waker::noop(), 2);
    assert_eq!((batch.status, batch.len, batch.sequence), (PollStatus::READY, 1, 3));
    assert_eq!(poll_batch(&mut subscription, Waker::noop(), 2).status, PollStatus::PENDING);
}

#[test]
fn lossless_may_start_with_the_current_value() {
    let world = World::new();
    let topic = world.running("a").raw("t", 0);
    let mut early = topic.subscribe(options(Mode::LOSSLESS, true)).into_result().unwrap();
    assert_eq!(take(&mut early, 0), []);
    publish_all(&topic, 0..3);
    let mut late = topic.subscribe(options(Mode::LOSSLESS, true)).into_result().unwrap();
    publish(&topic, 3);
    assert_eq!(take(&mut early, 0).len(), 4);
    assert_eq!(take(&mut late, 0), [(2, 2, 0), (3, 3, 0)]);
}

#[test]
fn latest_makes_one_of_several_and_says_how_many() {
    let world = World::new();
    let topic = world.running("a").raw("t", 0);
    publish(&topic, 0);
    let mut with = topic.subscribe(options(Mode::LATEST, true)).into_result().unwrap();
    let mut without = subscribe(&topic, Mode::LATEST);
    assert_eq!(take(&mut with, 0), [(0, 0, 0)]);
    assert_eq!(take(&mut without, 0), []);
    publish_all(&topic, 1..5);
    assert_eq!(take(&mut with, 0), [(4, 4, 3)]);
    assert_eq!(take(&mut without, 0), [(4, 4, 3)]);
    assert_eq!(take(&mut with, 0), []);
}

#[test]
fn notify_shows_the_value_again_to_the_latest_only() {
    let world = World::new();
    let topic = world.running("a").raw("t", 0);
    let mut latest = subscribe(&topic, Mode::LATEST);
    let mut every = subscribe(&topic, Mode::LOSSLESS);
    topic.notify();
    assert_eq!(take(&mut latest, 0), []);
    publish(&topic, 5);
    assert_eq!(take(&mut latest, 0), [(0, 5, 0)]);
    assert_eq!(take(&mut every, 0), [(0, 5, 0)]);
    topic.notify();
    assert_eq!(take(&mut latest, 0), [(0, 5, 0)]);
    assert_eq!(take(&mut every, 0), []);
}

#[test]
fn lossy_skips_the_oldest_and_counts_them() {
    let world = World::new();
    let topic = world.running("a").raw("t", 4);
    let mut subscription = subscribe(&topic, Mode::LOSSY);
    (0..10).for_each(|n| assert_eq!(publish(&topic, n), PublishStatus::PUBLISHED));
    assert_eq!(take(&mut subscription, 2), [(6, 6, 6), (7, 7, 0)]);
    assert_eq!(take(&mut subscription, 9), [(8, 8, 0), (9, 9, 0)]);
}

#[test]
fn keyed_has_the_latest_of_each_key_in_the_order_of_keys() {
    let world = World::new();
    let topic = world.running("a").raw("t", 2);
    publish(&topic, 99);
    let mut subscription = topic.subscribe(keyed(true)).into_result().unwrap();
    for n in [11, 2, 100, 21, 31, 12, 200, 29] {
        assert_eq!(publish(&topic, n), PublishStatus::PUBLISHED);
    }
    let mut all = Vec::new();
    while let [one] = take(&mut subscription, 0)[..] {
        all.push(one);
    }
    // Of the key 9 the current value was the first; what has no key is one of its own.
    assert_eq!(all, [(8, 29, 1), (5, 31, 2), (6, 12, 1), (7, 200, 1)]);
    publish(&topic, 1);
    assert_eq!(take(&mut subscription, 0), [(9, 1, 0)]);
}

#[test]
fn a_key_may_use_the_bus() {
    struct Curious(TopicBox);
    impl Key for Curious {
        fn of(&self, _: &Message) -> ROption<RVec<u8>> {
            ROption::RSome(vec![self.0.subscribers() as u8].into())
        }
    }
    let world = World::new();
    let party = world.running("a");
    let topic = party.raw("t", 0);
    publish(&topic, 0);
    let key = KeyBox::from_value(Curious(party.raw("t", 0)), TD_Opaque);
    let keyed = SubscribeOptions::new(Mode::KEYED, true, Some(key));
    let mut subscription = topic.subscribe(keyed).into_result().unwrap();
    publish(&topic, 1);
    // The key of the first was asked for before there was a subscription.
    assert_eq!(take(&mut subscription, 0), [(0, 0, 0)]);
    assert_eq!(take(&mut subscription, 0), [(1, 1, 0)]);
}

#[test]
fn options_that_do_not_fit_together_are_refused() {
    let world = World::new();
    let topic = world.running("a").raw("t", 0);
    let no_key = options(Mode::KEYED, false);
    let key = SubscribeOptions { mode: Mode::LOSSY, ..keyed(false) };
    let unknown = options(Mode(77), false);
    for wrong in [no_key, key, unknown] {
        let fault = topic.subscribe(wrong).into_result().err().unwrap();
        assert_eq!(fault.code, FaultCode::OPTIONS, "{}", fault.reason);
    }
}

#[test]
fn settings_that_are_not_known_are_refused() {
    let world = World::new();
    let party = world.running("a");
    let topic = party.raw("t", 0);
    let bus = party.bus();
    for (settings, told) in [
        ("", None),
        ("{}", None),
        (" { } ", None),
        (r#"{"persist":true}"#, Some("this host knows no setting `persist`")),
        ("[]", Some("cannot be read")),
    ] {
        let topic_options = TopicOptions { settings: settings.into(), ..TopicOptions::default() };
        let opened = bus.topic("t".into(), kind_of::<u32>(), topic_options).into_result();
        let asked = SubscribeOptions { settings: settings.into(), ..options(Mode::LATEST, false) };
        let subscribed = topic.subscribe(asked).into_result();
        for fault in [opened.err(), subscribed.err()] {
            match (fault, told) {
                (None, None) => {}
                (Some(fault), Some(told)) => {
                    assert_eq!(fault.code, FaultCode::OPTIONS);
                    assert!(fault.reason.contains(told), "{}", fault.reason);
                }
                (fault, _) => panic!("`{settings}` is answered with {fault:?}"),
            }
        }
    }
}

#[test]
fn a_subscription_exists_from_the_call_and_ends_with_its_drop() {
    let world = World::new();
    let topic = world.running("a").raw("t", 0);
    assert_eq!(topic.subscribers(), 0);
    let subscription = subscribe(&topic, Mode::LOSSLESS);
    assert_eq!(topic.subscribers(), 1);
    publish(&topic, 1);
    assert_eq!(subscription.backlog(), 1);
    drop(subscription);
    assert_eq!(topic.subscribers(), 0);
}
