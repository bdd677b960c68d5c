//! Who waits, and is woken: two that one task polls, and subscriptions that end while they wait.

use std::sync::Mutex;
use std::task::Wake;

use super::*;

/// A reader with the waker of the task that polls it.
#[derive(Clone, Default)]
struct Sleeper(Arc<Mutex<Option<Waker>>>);

impl Sleeper {
    fn sleep(&self, waker: Waker) {
        *self.0.lock().unwrap() = Some(waker);
    }
}

impl Reader for Sleeper {
    fn gates(&self) -> bool {
        true
    }
    fn raise(&self) -> Option<Waker> {
        self.0.lock().unwrap().take()
    }
}

/// A task that runs as soon as it is woken, on the thread of whoever wakes it, and reads one
/// subscription until that is empty.
struct Task {
    wakes: AtomicU32,
    reads: Mutex<Consumer<Ref, Sleeper>>,
    sleeper: Sleeper,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
        self.run();
    }
}

impl Task {
    fn run(self: &Arc<Self>) {
        let mut reads = self.reads.lock().unwrap();
        while let Polled::Ready { .. } = reads.poll(BATCH, false) {}
        self.sleeper.sleep(self.clone().into());
    }
}

fn push(producer: &mut Producer<Ref, Sleeper>, living: &Arc<AtomicU64>) {
    let mut garbage = Garbage::default();
    assert!(producer.has_room(&mut garbage));
    producer.push(Ref::new(0, 1, living), Origin::default(), &mut garbage);
    producer.ring().wake();
}

#[test]
fn a_task_that_is_woken_while_others_are_still_raised_is_woken_again() {
    let (mut producer, living) = (Ring::new(8), Arc::default());
    let (sleeper, other) = (Sleeper::default(), Sleeper::default());
    let reads = Mutex::new(producer.attach(Mode::Lossless, false, sleeper.clone()));
    let mut first = producer.attach(Mode::Lossless, false, other.clone());
    let task = Arc::new(Task { wakes: AtomicU32::new(0), reads, sleeper: sleeper.clone() });
    // It waits for both. Whoever parks last is raised first: that is not the one that it will read.
    task.run();
    assert_eq!(first.poll(BATCH, false), Polled::Empty);
    other.sleep(task.clone().into());
    push(&mut producer, &living);
    // It has read the one, and waits for that one only.
    assert_eq!((task.wakes.load(Ordering::Relaxed), first.has_news()), (1, true));
    push(&mut producer, &living);
    assert_eq!(task.wakes.load(Ordering::Relaxed), 2);
    assert!(!task.reads.lock().unwrap().has_news());
    sleeper.raise();
}

#[test]
fn who_ends_while_it_waits_is_forgotten_and_who_goes_on_waiting_is_not() {
    let mut bench = Bench::new(4);
    let (mut waiting, raised) = bench.subscribe(Mode::Lossless);
    assert_eq!(waiting.poll(BATCH, false), Polled::Empty);
    let others = Listener::default();
    let mut most = 0;
    for _ in 0..if cfg!(miri) { 500 } else { 10_000 } {
        let mut consumer = bench.producer.attach(Mode::Lossy, false, others.clone());
        assert_eq!(consumer.poll(BATCH, false), Polled::Empty);
        if bench.producer.detach(&consumer) {
            let mut wakers = Vec::new();
            bench.producer.ring().sweep(&mut wakers);
            assert_eq!(wakers.len(), 0, "a listener has none");
            // Raised for nothing, it waits again.
            assert_eq!(waiting.poll(BATCH, false), Polled::Empty);
        }
        drop(consumer);
        // Each cursor on the list has one reference.
        most = most.max(Arc::strong_count(&others.raised) - 1);
    }
    assert!(most < 100, "{most}");
    let before = raised.raised.load(Ordering::Relaxed);
    assert!(bench.push(false));
    assert_eq!(raised.raised.load(Ordering::Relaxed), before + 1);
    assert_eq!(take(&mut waiting, BATCH).0, [0]);
}
