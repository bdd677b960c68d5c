//! A claim that comes while somebody else's publish is under way: what is published was published
//! before the claim was given, and nothing is afterwards.

use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use super::*;
use crate::bus::core::Publisher;

#[test]
fn a_publish_that_asks_for_keys_meanwhile_is_refused() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let yours = two.raw("t", 0);
    // Keys are asked for between two locks: the claim comes exactly there.
    let (claims, asked) = (one.raw("t", 0), Arc::<AtomicBool>::default());
    let asks = asked.clone();
    let _keyed = one.topic::<u32>("t", 0).updates_by(move |n| {
        claims.claim().into_result().unwrap();
        asks.store(true, Ordering::Relaxed);
        *n
    });
    assert_eq!(publish(&yours, 1), PublishStatus::CLAIMED);
    assert!(asked.load(Ordering::Relaxed) && yours.get().is_none());
}

#[test]
fn a_claim_is_given_when_the_publish_that_was_let_in_is_done() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let (mine, yours) = (one.raw("t", 0), two.raw("t", 0));
    let shared = world.bus.shared.existing("t").unwrap();
    let (inside, is_inside) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel();
    let (given, is_given) = mpsc::channel();
    thread::scope(|scope| {
        let shared = &shared;
        let instance = &two.member.instance;
        scope.spawn(move || {
            let refused = || {
                inside.send(()).unwrap();
                goes_on.recv().unwrap();
                false
            };
            let publisher = Publisher { instance, now: || 0, refused };
            assert!(shared.topic().core.push(message(1), &publisher).is_ok());
        });
        is_inside.recv().unwrap();
        scope.spawn(|| {
            mine.claim().into_result().unwrap();
            given.send(()).unwrap();
        });
        // The publish has been let in, and is not done.
        let early = is_given.recv_timeout(Duration::from_millis(200));
        go_on.send(()).unwrap();
        assert_eq!(early, Err(RecvTimeoutError::Timeout));
        is_given.recv().unwrap();
        assert!(mine.get().is_some());
    });
    assert_eq!(publish(&yours, 2), PublishStatus::CLAIMED);
    assert_eq!(publish(&mine, 2), PublishStatus::PUBLISHED);
}
