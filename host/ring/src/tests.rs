//! What a ring does: by hand, and against a model of a few lines under random steps. That no message is
//! freed too early, twice, or never, each message finds out by itself.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::Waker;
use std::thread;

use proptest::prelude::*;

use super::*;

mod wakes;

/// A message that knows whether it lives.
struct Counted {
    value: u64,
    weight: usize,
    living: Arc<AtomicU64>,
}

/// One reference to one; dropping it drops the message.
struct Ref(NonNull<Counted>);

// SAFETY: a `Counted` is `Send` and `Sync`.
#[expect(unsafe_code, reason = "a message for tests")]
unsafe impl Send for Ref {}
// SAFETY: as above.
#[expect(unsafe_code, reason = "a message for tests")]
unsafe impl Sync for Ref {}

// SAFETY: both ways are the same pointer, which lives until the reference is dropped.
#[expect(unsafe_code, reason = "a message for tests")]
unsafe impl Pointer for Ref {
    fn into_raw(self) -> NonNull<()> {
        ManuallyDrop::new(self).0.cast()
    }
    unsafe fn from_raw(raw: NonNull<()>) -> Self {
        Ref(raw.cast())
    }
    fn weight(&self) -> usize {
        self.get().weight
    }
    fn reusable(&self) -> bool {
        true
    }
}

impl Ref {
    fn new(value: u64, weight: usize, living: &Arc<AtomicU64>) -> Ref {
        living.fetch_add(1, Ordering::Relaxed);
        let counted = Counted { value, weight, living: living.clone() };
        Ref(NonNull::from(Box::leak(Box::new(counted))))
    }

    #[expect(unsafe_code, reason = "a message for tests")]
    fn get(&self) -> &Counted {
        // SAFETY: it lives as long as the reference, or the borrow that the ring promises.
        unsafe { self.0.as_ref() }
    }

    #[expect(unsafe_code, reason = "a message for tests")]
    fn set(&mut self, value: u64) -> bool {
        // SAFETY: nobody else has it: the ring promises so of what it gives to be written anew.
        unsafe { self.0.as_mut() }.value = value;
        true
    }
}

impl Drop for Ref {
    fn drop(&mut self) {
        self.get().living.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: it was leaked by `new`, and this is the only reference.
        #[expect(unsafe_code, reason = "a message for tests")]
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

#[derive(Clone, Default)]
struct Listener {
    raised: Arc<AtomicU32>,
    ended: Arc<AtomicBool>,
}

impl Reader for Listener {
    fn gates(&self) -> bool {
        !self.ended.load(Ordering::Relaxed)
    }
    fn raise(&self) -> Option<Waker> {
        self.raised.fetch_add(1, Ordering::Relaxed);
        None
    }
}

type Publisher = Producer<Ref, Listener>;
type Subscriber = Consumer<Ref, Listener>;

struct Bench {
    producer: Publisher,
    /// What each message says that it weighs.
    weight: usize,
    living: Arc<AtomicU64>,
}

impl Bench {
    fn new(capacity: u64) -> Bench {
        Bench { producer: Ring::new(capacity), weight: 100, living: Arc::default() }
    }

    /// Publishes its own number, over an old message where `anew` says so and there is one.
    fn push(&mut self, anew: bool) -> bool {
        let mut garbage = Garbage::default();
        if !self.producer.has_room(&mut garbage) {
            return false;
        }
        let value = self.producer.ring().head();
        let origin = Origin { publisher: value, published: value };
        let placed = anew && self.producer.place(|old| old.set(value), origin, &mut garbage);
        self.producer.commit();
        if !placed {
            let message = Ref::new(value, self.weight, &self.living);
            self.producer.push(message, origin, &mut garbage);
        }
        self.producer.ring().wake();
        true
    }

    fn subscribe(&mut self, mode: Mode) -> (Subscriber, Listener) {
        let listener = Listener::default();
        (self.producer.attach(mode, false, listener.clone()), listener)
    }

    fn living(&self) -> u64 {
        self.living.load(Ordering::Relaxed)
    }
}

/// What a poll lends, and how many it skipped before.
fn take(consumer: &mut Subscriber, max: u64) -> (Vec<u64>, u64) {
    match consumer.poll(max, true) {
        Polled::Ready { skipped } => (lent(consumer), skipped),
        Polled::Empty | Polled::Ended => (Vec::new(), 0),
    }
}

/// What is lent; the numbers that it has are those that it ought to have.
fn lent(consumer: &Subscriber) -> Vec<u64> {
    let values: Vec<_> = consumer.batch().iter().map(|message| message.get().value).collect();
    let numbers: Vec<_> = (consumer.start()..).take(values.len()).collect();
    assert_eq!(values, numbers);
    if !consumer.origins().is_empty() {
        assert!(consumer.origins().iter().map(|origin| origin.publisher).eq(numbers));
    }
    values
}

#[test]
fn nothing_is_freed_that_is_lent_and_nothing_leaks() {
    let mut bench = Bench::new(8);
    let living = bench.living.clone();
    let (mut lossless, listener) = bench.subscribe(Mode::Lossless);
    let (mut lossy, _) = bench.subscribe(Mode::Lossy);
    let (mut latest, _) = bench.subscribe(Mode::Latest);
    (0..8).for_each(|_| assert!(bench.push(false)));
    assert!(!bench.push(false), "the lossless one gates");
    for consumer in [&mut lossless, &mut lossy] {
        assert_eq!(take(consumer, 3), (vec![0, 1, 2], 0));
    }
    assert_eq!(take(&mut latest, 1), (vec![7], 7));
    // Its reader gates no more: it is overrun, and what it has lent stays.
    listener.ended.store(true, Ordering::Relaxed);
    (0..5000).for_each(|n| assert!(bench.push(n % 2 == 0)));
    for consumer in [&lossless, &lossy] {
        assert_eq!(lent(consumer), [0, 1, 2]);
    }
    assert_eq!(lent(&latest), [7]);
    // What is pinned (of the first, whose pin is its floor, a whole batch), twice, and a little.
    assert!(bench.living() < 2 * (BATCH + 4) + 100, "{}", bench.living());
    assert_eq!(take(&mut lossless, 3), (vec![5000, 5001, 5002], 4997));
    assert_eq!(take(&mut lossy, 200), ((5000..5008).collect(), 4997));
    drop(bench);
    assert_eq!(lent(&lossless), [5000, 5001, 5002], "also when there is no producer any more");
    drop((lossless, lossy, latest));
    assert_eq!(living.load(Ordering::Relaxed), 0);
}

#[test]
fn a_stalled_pin_keeps_no_more_than_it_has_lent() {
    let mut bench = Bench::new(1000);
    let (mut stalled, _) = bench.subscribe(Mode::Lossy);
    (0..100).for_each(|_| assert!(bench.push(false)));
    assert_eq!(take(&mut stalled, 5).0.len(), 5);
    (0..if cfg!(miri) { 5_000 } else { 50_000 }).for_each(|_| assert!(bench.push(false)));
    assert!(bench.living() < 1024 + 200, "{}", bench.living());
    assert_eq!(lent(&stalled), [0, 1, 2, 3, 4]);
}

#[test]
fn what_everybody_has_read_is_given_up_where_it_is_much() {
    let many = if cfg!(miri) { 600 } else { 60_000 };
    let mut bench = Bench { weight: 6_000_000 / many as usize, ..Bench::new(1 << 20) };
    let (mut lossless, _) = bench.subscribe(Mode::Lossless);
    (0..many).for_each(|_| assert!(bench.push(false)));
    assert_eq!(bench.living(), many);
    while !take(&mut lossless, BATCH).0.is_empty() {}
    (0..many).for_each(|_| {
        assert!(bench.push(false));
        take(&mut lossless, 1);
    });
    assert!(bench.living() < many / 6 * 5, "{}", bench.living());
}

#[test]
fn in_the_steady_state_messages_are_written_anew() {
    for mode in [Mode::Lossless, Mode::Lossy, Mode::Latest] {
        let mut bench = Bench::new(16);
        let (mut consumer, _) = bench.subscribe(mode);
        let mut round = || {
            for _ in 0..1000 {
                assert!(bench.push(true));
                assert_eq!(take(&mut consumer, 1).0.len(), 1);
            }
            bench.living()
        };
        let before = round();
        assert_eq!(round(), before, "{mode:?}");
        assert!(before <= 80, "{before}");
    }
}

#[test]
fn whoever_waits_is_raised_once() {
    let mut bench = Bench::new(4);
    for mode in [Mode::Lossless, Mode::Lossy, Mode::Latest] {
        let (mut consumer, listener) = bench.subscribe(mode);
        assert_eq!(consumer.poll(9, false), Polled::Empty);
        assert_eq!(consumer.poll(9, false), Polled::Empty);
        assert!(bench.push(false) && bench.push(false));
        assert_eq!(listener.raised.load(Ordering::Relaxed), 1);
        take(&mut consumer, 9);
        assert_eq!(consumer.poll(9, false), Polled::Empty);
        bench.producer.close();
        bench.producer.ring().wake();
        assert_eq!(listener.raised.load(Ordering::Relaxed), 2);
        assert_eq!(consumer.poll(9, false), Polled::Ended);
        bench = Bench::new(4);
    }
}

#[test]
fn half_of_the_ring_is_free_before_a_publisher_goes_on() {
    let mut bench = Bench::new(8);
    let (mut consumer, _) = bench.subscribe(Mode::Lossless);
    (0..8).for_each(|_| assert!(bench.push(false)));
    let mark = bench.producer.wait();
    assert_eq!((mark, bench.producer.behind(mark).count()), (4, 1));
    let mut told = Vec::new();
    for _ in 0..6 {
        consumer.poll(1, false);
        consumer.release();
        told.push(consumer.take_wanted());
    }
    assert_eq!(told, [false, false, false, true, false, false]);
    assert_eq!(bench.producer.behind(mark).count(), 0);
}

/// A subscription as it ought to be.
struct Model {
    mode: Mode,
    next: u64,
    floor: u64,
    again: bool,
}

impl Model {
    fn poll(&mut self, head: u64, capacity: u64, max: u64) -> (Vec<u64>, u64) {
        self.floor = self.next;
        if self.mode == Mode::Latest {
            if self.next == head && !(self.again && head > 0) {
                return (Vec::new(), 0);
            }
            let skipped = (head - 1).saturating_sub(self.next);
            (self.next, self.again) = (head, false);
            return (vec![head - 1], skipped);
        }
        let start = self.next.max(head.saturating_sub(capacity));
        let end = head.min(start + max);
        if start == end {
            return (Vec::new(), 0);
        }
        let skipped = start - self.next;
        self.next = end;
        ((start..end).collect(), skipped)
    }
}

/// Interpreted, each case takes seconds, and there are no files.
fn cases() -> ProptestConfig {
    let usual = ProptestConfig::default();
    if cfg!(miri) { ProptestConfig { cases: 4, failure_persistence: None, ..usual } } else { usual }
}

proptest! {
    #![proptest_config(cases())]
    #[test]
    fn every_mode_is_as_its_model(
        capacity in 1..40_u64,
        steps in prop::collection::vec((0..12_u32, 0..6_usize, 1..50_u64), 1..400),
    ) {
        let mut bench = Bench::new(capacity);
        let living = bench.living.clone();
        let mut all: Vec<(Subscriber, Model)> = Vec::new();
        let mut head = 0;
        for (what, which, max) in steps {
            let which = which % all.len().max(1);
            match what {
                0..=5 => for _ in 0..max.min(9) {
                    let full = |(_, model): &(Subscriber, Model)| {
                        model.mode == Mode::Lossless && head - model.floor >= capacity
                    };
                    let room = !all.iter().any(full);
                    prop_assert_eq!(bench.push(what % 2 == 0), room);
                    head += u64::from(room);
                },
                6..=8 => if let Some((real, model)) = all.get_mut(which) {
                    prop_assert_eq!(take(real, max), model.poll(head, capacity, max));
                },
                9 => {
                    let mode = [Mode::Lossless, Mode::Lossy, Mode::Latest][max as usize % 3];
                    let current = max % 2 == 0;
                    let real = bench.producer.attach(mode, current, Listener::default());
                    let next = head - u64::from(current && head > 0);
                    all.push((real, Model { mode, next, floor: next, again: false }));
                }
                10 => {
                    bench.producer.show_again();
                    all.iter_mut().for_each(|(_, model)| model.again = head > 0);
                }
                _ => if which < all.len() {
                    let (real, _) = all.remove(which);
                    if bench.producer.detach(&real) {
                        bench.producer.ring().sweep(&mut Vec::new());
                    }
                },
            }
            for (real, model) in &all {
                lent(real);
                let waiting = match model.mode {
                    Mode::Latest => u64::from(head > model.next || model.again),
                    _ => head - model.next.max(head.saturating_sub(capacity)),
                };
                prop_assert_eq!(real.pending(), waiting);
            }
        }
        drop((bench, all));
        prop_assert_eq!(living.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn threads_lose_nothing_and_read_only_what_lives() {
    let mut bench = Bench::new(64);
    let living = bench.living.clone();
    let modes = [Mode::Lossless, Mode::Lossless, Mode::Lossy, Mode::Latest];
    let consumers = modes.map(|mode| bench.subscribe(mode).0);
    let count = if cfg!(miri) { 500 } else { 200_000 };
    thread::scope(|scope| {
        for (mode, mut consumer) in modes.into_iter().zip(consumers) {
            scope.spawn(move || {
                let mut next = 0;
                loop {
                    match consumer.poll(BATCH, true) {
                        Polled::Ended => break,
                        Polled::Empty => thread::yield_now(),
                        Polled::Ready { skipped } => {
                            assert!(skipped == 0 || mode != Mode::Lossless);
                            assert_eq!(consumer.start(), next + skipped);
                            next = consumer.start() + lent(&consumer).len() as u64;
                        }
                    }
                }
                assert_eq!(next, count);
            });
        }
        for n in 0..count {
            while !bench.push(n % 3 == 0) {
                thread::yield_now();
            }
        }
        bench.producer.close();
    });
    drop(bench);
    assert_eq!(living.load(Ordering::Relaxed), 0);
}
