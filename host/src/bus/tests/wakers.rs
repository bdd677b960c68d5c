//! Wakers: how many are kept, for how long, and that nothing of them runs under a lock.

use std::cell::RefCell;
use std::fmt;
use std::ptr;
use std::sync::mpsc;
use std::task::{RawWaker, RawWakerVTable};
use std::thread;

use super::*;

thread_local! {
    /// What a [`foreign`] waker does when it is copied or dropped on this thread.
    static DOES: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
}

static FOREIGN: RawWakerVTable = RawWakerVTable::new(copy, run, run, run);

fn copy(_: *const ()) -> RawWaker {
    run(ptr::null());
    RawWaker::new(ptr::null(), &FOREIGN)
}

fn run(_: *const ()) {
    DOES.with_borrow(|does| does.iter().for_each(|does| does()));
}

/// One whose copying and dropping is code like any other.
#[expect(unsafe_code, reason = "a waker that notices when it is copied")]
fn foreign() -> Waker {
    // SAFETY: its functions may be called on any thread, at any time, and look at no data.
    unsafe { Waker::new(ptr::null(), &FOREIGN) }
}

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

#[test]
fn a_waker_may_ask_the_bus_while_it_is_copied() {
    let world = World::new();
    let party = world.running("a");
    let topics = ["one", "by/pattern"].map(|name| party.raw(name, 0));
    let pattern = party.bus().subscribe_pattern("by/*".into(), options(Mode::LOSSLESS, false));
    let member = party.member.clone();
    let (asks, asked) = mpsc::channel::<()>();
    let (answers, answer) = mpsc::channel();
    // On another thread, so that a lock that is held is seen, and does not hang the test.
    let clerk = thread::spawn(move || {
        for () in asked {
            answers.send(member.backlog()).unwrap_or_default();
        }
    });
    let (noted, hangs) = (Arc::<AtomicU32>::default(), Duration::from_secs(10));
    let hung = noted.clone();
    DOES.set(Some(Box::new(move || {
        asks.send(()).unwrap();
        if hung.load(Ordering::Relaxed) == 0 && answer.recv_timeout(hangs).is_err() {
            hung.fetch_add(1, Ordering::Relaxed);
        }
    })));
    let waker = foreign();
    let subscriptions = [subscribe(&topics[0], Mode::LOSSLESS), pattern.into_result().unwrap()];
    for (topic, mut subscription) in topics.iter().zip(subscriptions) {
        for value in 0..2 {
            // Twice, so that the one is dropped for the other.
            for _ in 0..2 {
                let empty = poll_batch(&mut subscription, &waker, 0);
                assert_eq!(empty.status, PollStatus::PENDING);
            }
            publish(topic, value);
            assert_eq!(take(&mut subscription, 0).len(), 1);
        }
        // It ends while it waits.
        poll_batch(&mut subscription, &waker, 0);
    }
    drop(waker);
    DOES.set(None);
    clerk.join().unwrap();
    assert_eq!(noted.load(Ordering::Relaxed), 0, "a lock was held");
}

/// A publisher that waits, polled by hand when it is woken.
struct Waiter<F> {
    publish: Pin<Box<F>>,
    wakes: Arc<Wakes>,
    /// The wakes that it has followed.
    woken: u32,
    polls: u32,
    done: bool,
}

/// Polls all that were woken until none is any more, and says how many have published.
fn settle<F: Future<Output: fmt::Debug>>(waiters: &mut [Waiter<F>]) -> usize {
    loop {
        let mut idle = true;
        for waiter in waiters.iter_mut().filter(|waiter| !waiter.done) {
            if waiter.polls > 0 && waiter.woken == waiter.wakes.count() {
                continue;
            }
            idle = false;
            (waiter.woken, waiter.polls) = (waiter.wakes.count(), waiter.polls + 1);
            assert!(waiter.polls < 100, "they wake each other for ever");
            waiter.done = poll(waiter.publish.as_mut(), &waiter.wakes.clone().into()).is_ready();
        }
        if idle {
            return waiters.iter().filter(|waiter| waiter.done).count();
        }
    }
}

#[test]
fn however_many_publishers_wait_they_do_not_wake_each_other() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let topic = one.topic::<u32>("t", 512);
    let mut messages = two.topic::<u32>("t", 0).messages();
    (0..512).for_each(|n| topic.try_publish(n).unwrap());
    let mut waiters: Vec<_> = (512..2012)
        .map(|n| {
            let (topic, wakes) = (topic.clone(), Arc::default());
            let publish = Box::pin(async move { topic.publish(n).await.unwrap() });
            Waiter { publish, wakes, woken: 0, polls: 0, done: false }
        })
        .collect();
    assert_eq!(settle(&mut waiters), 0);
    let polls = waiters.iter().map(|waiter| waiter.polls).max();
    assert!(polls <= Some(4), "nothing moves, and somebody was polled {polls:?} times");
    let mut seen = Vec::new();
    while let Some(Some(batch)) = now(messages.recv_batch()) {
        seen.extend(batch.iter().copied());
        settle(&mut waiters);
    }
    assert_eq!(settle(&mut waiters), 1500);
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..2012));
}

#[test]
fn publishers_that_have_cancelled_are_sifted_out() {
    let world = World::new();
    let topic = world.running("one").raw("t", 1);
    let _full = subscribe(&world.running("two").raw("t", 0), Mode::LOSSLESS);
    publish_all(&topic, 0..1);
    // None waits any more; their wakers are copies of the boundary, each another.
    let wakes = Arc::<Wakes>::default();
    for _ in 0..1025 {
        let waker = Waker::from(wakes.clone());
        let mut context = Context::from_waker(&waker);
        let room = context.with_ffi_context(|context| topic.poll_room(context, false));
        assert_eq!(room, PollStatus::PENDING);
    }
    assert_eq!((wakes.count(), Arc::strong_count(&wakes)), (1024, 2));
}
