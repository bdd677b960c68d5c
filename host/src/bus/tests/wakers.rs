//! Wakers: how many are kept, for how long, and that nothing of them runs under a lock.

use super::*;

#[test]
fn nothing_is_kept_of_subscriptions_that_end_while_they_wait() {
    let world = World::new();
    let (topic, other) = (world.running("a").raw("t", 0), world.running("b").raw("t", 0));
    let wakes = Arc::<Wakes>::default();
    let mut waiting = subscribe(&other, Mode::LOSSLESS);
    assert_eq!(
        poll_batch(&mut waiting, &Waker::from(wakes.clone()), 0).status,
        PollStatus::PENDING
    );
    for mode in [Mode::LATEST, Mode::LOSSLESS, Mode::LOSSY] {
        let ended = Arc::<Wakes>::default();
        for _ in 0..10_000 {
            let mut subscription = subscribe(&topic, mode);
            let waker = Waker::from(ended.clone());
            assert_eq!(poll_batch(&mut subscription, &waker, 0).status, PollStatus::PENDING);
            drop((subscription, waker));
            assert_eq!(Arc::strong_count(&ended), 1, "no waker is left");
        }
        assert_eq!(ended.count(), 0);
        // Whoever goes on waiting is woken for nothing now and then, and waits again.
        assert!(wakes.count() <= 1, "{}", wakes.count());
    }
    let waker = Waker::from(wakes.clone());
    assert_eq!(poll_batch(&mut waiting, &waker, 0).status, PollStatus::PENDING);
    let before = wakes.count();
    publish(&topic, 1);
    assert_eq!(wakes.count(), before + 1);
}
