//! The handshakes of the ring under loom, which tries every order that the memory model allows.
//!
//! `cargo xtask loom` runs them. A message's payload is a cell of loom's: reading it while it is freed
//! or written anew is found as a race. Rings are of two slots here, and limbo holds nothing that it
//! need not, so that the few steps that loom can try are the interesting ones.

use std::mem::ManuallyDrop;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::Waker;

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use loom::thread;

use super::*;

/// What a freed payload says.
const FREED: u64 = u64::MAX;

struct Payload(UnsafeCell<u64>);

struct Ref(NonNull<Payload>);

// SAFETY: loom watches over the cell.
#[expect(unsafe_code, reason = "a message for models")]
unsafe impl Send for Ref {}
// SAFETY: as above.
#[expect(unsafe_code, reason = "a message for models")]
unsafe impl Sync for Ref {}

// SAFETY: both ways are the same pointer; its memory is never freed, see `drop`.
#[expect(unsafe_code, reason = "a message for models")]
unsafe impl Pointer for Ref {
    fn into_raw(self) -> NonNull<()> {
        ManuallyDrop::new(self).0.cast()
    }
    unsafe fn from_raw(raw: NonNull<()>) -> Self {
        Ref(raw.cast())
    }
    fn weight(&self) -> usize {
        1
    }
    fn reusable(&self) -> bool {
        true
    }
}

#[expect(unsafe_code, reason = "a message for models")]
impl Ref {
    fn new(value: u64) -> Ref {
        Ref(NonNull::from(Box::leak(Box::new(Payload(UnsafeCell::new(value))))))
    }
    fn get(&self) -> u64 {
        // SAFETY: the memory is never freed; whether the value may be read, loom judges.
        let payload = unsafe { self.0.as_ref() };
        // SAFETY: as above.
        payload.0.with(|value| unsafe { *value })
    }
    fn set(&self, new: u64) -> bool {
        // SAFETY: as in `get`.
        let payload = unsafe { self.0.as_ref() };
        // SAFETY: as above.
        payload.0.with_mut(|value| unsafe { *value = new });
        true
    }
}

impl Drop for Ref {
    /// Leaks the memory, so that whoever reads it too late is told by loom, and not by the system.
    fn drop(&mut self) {
        self.set(FREED);
    }
}

#[derive(Clone)]
struct Listener {
    raised: Arc<AtomicU32>,
    ended: Arc<AtomicBool>,
}

impl Listener {
    fn new() -> Listener {
        Listener { raised: Arc::new(AtomicU32::new(0)), ended: Arc::new(AtomicBool::new(false)) }
    }
    fn was_raised(&self) -> bool {
        self.raised.load(Ordering::Relaxed) > 0
    }
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

fn push(producer: &mut Publisher, value: u64) -> bool {
    let room = append(producer, value);
    producer.ring().wake();
    room
}

/// One of a burst: those who wait are raised after the last.
fn append(producer: &mut Publisher, value: u64) -> bool {
    let mut garbage = Garbage::default();
    let room = producer.has_room(&mut garbage);
    if room {
        let origin = Origin { publisher: value, published: 0 };
        let placed = producer.place(|old| old.set(value), origin, &mut garbage);
        producer.commit();
        if !placed {
            producer.push(Ref::new(value), origin, &mut garbage);
        }
    }
    room
}

/// Reads once while another thread appends these, as one burst.
fn read_while(mut producer: Publisher, consumer: &mut Subscriber, values: Range<u64>) -> Publisher {
    let publisher = thread::spawn(move || {
        values.for_each(|value| assert!(append(&mut producer, value)));
        producer
    });
    read(consumer);
    publisher.join().unwrap()
}

/// What is lent, which must be its own number each.
fn read(consumer: &mut Subscriber) -> Polled {
    let polled = consumer.poll(BATCH, true);
    if let Polled::Ready { .. } = polled {
        let numbers = consumer.start()..;
        for (number, (message, origin)) in
            numbers.zip(consumer.batch().iter().zip(consumer.origins()))
        {
            assert_eq!((message.get(), origin.publisher), (number, number));
        }
    }
    polled
}

/// A model of three threads at the most; more than so many changes of thread find nothing new.
fn model(body: impl Fn() + Sync + Send + 'static) {
    model_within(3, body);
}

/// One of so many steps that fewer changes have to do: they find what it is there for.
fn model_within(changes: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(changes);
    builder.max_branches = 20_000;
    builder.check(body);
}

#[test]
fn whoever_parks_sees_the_message_or_is_raised() {
    for mode in [Mode::Lossless, Mode::Lossy, Mode::Latest] {
        model(move || {
            let mut producer: Publisher = Ring::new(1);
            let listener = Listener::new();
            let mut consumer = producer.attach(mode, false, listener.clone());
            let publisher = thread::spawn(move || {
                assert!(push(&mut producer, 0));
                producer
            });
            let polled = read(&mut consumer);
            let producer = publisher.join().unwrap();
            assert!(polled != Polled::Empty || listener.was_raised());
            drop(producer);
        });
    }
}

#[test]
fn whoever_parks_sees_the_end_or_is_raised_and_the_last_message_is_not_lost() {
    model(|| {
        let mut producer: Publisher = Ring::new(2);
        let listener = Listener::new();
        let mut consumer = producer.attach(Mode::Lossless, false, listener.clone());
        let publisher = thread::spawn(move || {
            assert!(push(&mut producer, 0));
            producer.close();
            producer.ring().wake();
            producer
        });
        let mut seen = 0;
        let polled = loop {
            match read(&mut consumer) {
                Polled::Ready { .. } => seen += consumer.batch().len(),
                other => break other,
            }
        };
        let producer = publisher.join().unwrap();
        match polled {
            Polled::Ended => assert_eq!(seen, 1),
            _ => assert!(listener.was_raised()),
        }
        drop(producer);
    });
}

#[test]
fn whoever_waits_for_room_sees_it_or_is_told() {
    model(|| {
        let mut producer: Publisher = Ring::new(1);
        let consumers =
            [0, 1].map(|at| (at, producer.attach(Mode::Lossless, false, Listener::new())));
        assert!(push(&mut producer, 0));
        let [one, two] = consumers.map(|(at, mut consumer)| {
            assert_eq!(read(&mut consumer), Polled::Ready { skipped: 0 });
            thread::spawn(move || {
                // One by one more poll, which parks; one by giving it back.
                if at == 0 {
                    read(&mut consumer);
                } else {
                    consumer.release();
                }
                (consumer.take_wanted(), consumer)
            })
        });
        let mark = producer.wait();
        let room = producer.behind(mark).count() == 0;
        let (told_one, _one) = one.join().unwrap();
        let (told_two, _two) = two.join().unwrap();
        assert!(room || told_one || told_two, "it would wait for ever");
        assert_eq!(producer.behind(mark).count(), 0);
    });
}

#[test]
fn whoever_waits_for_room_is_told_by_one_that_goes_on_to_the_next() {
    model(|| {
        let mut producer: Publisher = Ring::new(2);
        let mut consumer = producer.attach(Mode::Lossless, false, Listener::new());
        assert!(push(&mut producer, 0) && push(&mut producer, 1));
        assert_eq!(consumer.poll(1, false), Polled::Ready { skipped: 0 });
        let subscriber = thread::spawn(move || {
            assert_eq!(consumer.poll(1, false), Polled::Ready { skipped: 0 });
            (consumer.take_wanted(), consumer)
        });
        let mark = producer.wait();
        let room = producer.behind(mark).count() == 0;
        let (told, _consumer) = subscriber.join().unwrap();
        assert!(room || told, "it would wait for ever");
    });
}

#[test]
fn a_slot_is_written_anew_only_when_all_that_gate_have_passed_it() {
    model(|| {
        let mut producer: Publisher = Ring::new(2);
        let mut consumer = producer.attach(Mode::Lossless, false, Listener::new());
        assert!(push(&mut producer, 0) && push(&mut producer, 1));
        let publisher = thread::spawn(move || {
            // The third goes over the first, if that is released.
            push(&mut producer, 2);
            producer
        });
        assert_eq!(read(&mut consumer), Polled::Ready { skipped: 0 });
        read(&mut consumer);
        drop(publisher.join().unwrap());
    });
}

#[test]
fn what_is_pinned_is_neither_freed_nor_written_anew() {
    for mode in [Mode::Lossy, Mode::Latest] {
        model(move || {
            let mut producer: Publisher = Ring::new(1);
            let mut consumer = producer.attach(mode, false, Listener::new());
            assert!(push(&mut producer, 0));
            let publisher = thread::spawn(move || {
                (1..4).for_each(|value| assert!(append(&mut producer, value)));
                producer.ring().wake();
                producer
            });
            read(&mut consumer);
            consumer.release();
            drop(publisher.join().unwrap());
        });
    }
}

#[test]
fn one_that_gates_no_more_may_be_overrun_while_it_reads() {
    model(|| {
        let mut producer: Publisher = Ring::new(1);
        let listener = Listener::new();
        let mut consumer = producer.attach(Mode::Lossless, false, listener.clone());
        assert!(push(&mut producer, 0));
        listener.ended.store(true, Ordering::Relaxed);
        drop(read_while(producer, &mut consumer, 1..4));
    });
}

#[test]
fn a_ring_may_grow_while_it_is_read() {
    model(|| {
        let mut producer: Publisher = Ring::new(4);
        let mut consumer = producer.attach(Mode::Lossless, false, Listener::new());
        assert!(push(&mut producer, 0) && push(&mut producer, 1));
        let publisher = thread::spawn(move || {
            assert!(push(&mut producer, 2));
            producer
        });
        read(&mut consumer);
        let producer = publisher.join().unwrap();
        while read(&mut consumer) != Polled::Empty {}
        drop(producer);
    });
}

#[test]
fn one_that_gates_no_more_and_is_overrun_has_a_pin_where_it_reads_next() {
    model_within(2, || {
        let mut producer: Publisher = Ring::new(1);
        let listener = Listener::new();
        let mut consumer = producer.attach(Mode::Lossless, false, listener.clone());
        listener.ended.store(true, Ordering::Relaxed);
        // All that its floor covers is overwritten before it reads.
        (0..3).for_each(|value| assert!(append(&mut producer, value)));
        drop(read_while(producer, &mut consumer, 3..6));
    });
}

#[test]
fn one_that_gates_no_more_and_goes_on_has_a_pin_where_it_reads_next() {
    model_within(2, || {
        let mut producer: Publisher = Ring::new(2);
        let listener = Listener::new();
        let mut consumer = producer.attach(Mode::Lossless, false, listener.clone());
        assert!(append(&mut producer, 0));
        assert_eq!(read(&mut consumer), Polled::Ready { skipped: 0 });
        listener.ended.store(true, Ordering::Relaxed);
        // The next batch reaches beyond what its floor covers until it releases this one.
        (1..3).for_each(|value| assert!(append(&mut producer, value)));
        drop(read_while(producer, &mut consumer, 3..6));
    });
}

#[test]
fn the_latest_may_be_read_while_the_ring_grows_for_another() {
    for lagging in [Mode::Lossless, Mode::Lossy] {
        model(move || {
            let mut producer: Publisher = Ring::new(4);
            let other = producer.attach(lagging, false, Listener::new());
            let mut latest = producer.attach(Mode::Latest, false, Listener::new());
            assert!(push(&mut producer, 0) && push(&mut producer, 1));
            let producer = read_while(producer, &mut latest, 2..4);
            while read(&mut latest) != Polled::Empty {}
            drop((producer, other));
        });
    }
}
