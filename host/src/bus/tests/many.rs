//! Ten thousand topics at a time: opened, published on, received from, and gone.

use std::collections::HashSet;

use lifespan_plugin_api::bus::{Messages, Pattern, Updates};

use super::*;

const MANY: u32 = 10_000;

#[test]
fn ten_thousand_topics() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let early = one.topic::<u32>("court/early", 0);
    let mut all = Pattern::messages(two.bus(), "court/*").unwrap();
    let mut latest = Pattern::updates(two.bus(), "**").unwrap();
    early.try_publish(MANY).unwrap();

    let name = |n: u32| format!("court/{n}");
    let topics: Vec<Topic<u32>> = (0..MANY).map(|n| one.topic(&name(n), 4)).collect();
    let theirs: Vec<Topic<u32>> = (0..MANY).map(|n| two.topic(&name(n), 0)).collect();
    let mut messages: Vec<Messages<u32>> = theirs.iter().map(Topic::messages).collect();
    let mut updates: Vec<Updates<u32>> = theirs.iter().map(Topic::updates).collect();
    drop(theirs);
    assert_eq!(two.bus().topics().len(), MANY as usize + 1);

    for (n, topic) in (0..).zip(&topics) {
        topic.try_publish_all([n, n + 1]).unwrap();
    }
    for (n, (messages, updates)) in (0..).zip(messages.iter_mut().zip(&mut updates)) {
        assert_eq!(now(messages.recv()).unwrap().as_deref(), Some(&n));
        assert_eq!(now(messages.recv()).unwrap().as_deref(), Some(&(n + 1)));
        assert_eq!(now(updates.recv()).unwrap().as_deref(), Some(&(n + 1)));
    }
    // Each pattern has each topic: every message, in the topic's order, and the latest value.
    let mut seen = HashSet::new();
    for _ in 0..2 * MANY + 1 {
        let one = now(all.recv()).unwrap().unwrap();
        let n: u32 = one.json_text().unwrap().parse().unwrap();
        assert_eq!((one.publisher(), one.skipped()), ("one", 0));
        let first = n - one.sequence() as u32;
        assert!(first == MANY || one.topic() == name(first), "{one:?} is {n}");
        assert!(seen.insert((first, one.sequence())), "{one:?} comes again");
    }
    assert!(now(all.recv()).is_none());
    let mut last = 0;
    while let Some(Some(one)) = now(latest.recv()) {
        last += one.json_text().unwrap().parse::<u64>().unwrap();
    }
    assert_eq!(last, (1..=u64::from(MANY)).sum::<u64>() + u64::from(MANY));

    // The last who has to do with a topic takes it along.
    drop((topics, messages));
    assert_eq!(two.bus().topics().len(), MANY as usize + 1);
    drop(updates);
    assert_eq!(two.bus().topics(), ["court/early"]);
    assert_eq!((one.member.backlog(), two.member.backlog()), (0, 0));
}
