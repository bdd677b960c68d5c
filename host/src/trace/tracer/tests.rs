//! What a tracer tells of a bus, in which order, and how it ends.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use lifespan_abi::{BusBox, TopicBox, TopicOptions};
use lifespan_plugin_api::message::{kind_of, message_of};

use super::*;
use crate::bus::{BusOptions, Member, Phase};

/// No test waits as long as this.
const EVER: Duration = Duration::from_secs(60);

/// A bus, what was told of it, and whether that may go on.
struct World {
    clock: Clock,
    bus: Bus,
    told: Arc<Mutex<Vec<TracedMessage>>>,
    goes_on: Arc<AtomicBool>,
}

impl World {
    fn new() -> World {
        let clock = Clock::start();
        let bus = Bus::new(BusOptions::new(clock.clone()));
        World { clock, bus, told: Arc::default(), goes_on: Arc::new(AtomicBool::new(true)) }
    }

    fn tracer(&self) -> Tracer {
        let (told, goes_on) = (self.told.clone(), self.goes_on.clone());
        let sink = move |message: &TracedMessage| {
            while !goes_on.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            told.lock().unwrap().push(message.clone());
        };
        let trace = BusTrace::new(["**"], sink).unwrap();
        Tracer::start(&trace, &self.bus, &self.clock).unwrap()
    }

    fn member(&self, name: &str) -> (Member, BusBox) {
        let member = self.bus.member(name, 1);
        member.set_phase(Phase::Running);
        let bus = member.services();
        (member, bus)
    }

    /// Number, how many were skipped before it, value.
    fn rows(&self) -> Vec<(u64, u64, String)> {
        let told = self.told.lock().unwrap();
        let value = |it: &TracedMessage| it.value.clone().unwrap_or_else(|error| error);
        told.iter().map(|it| (it.sequence, it.skipped, value(it))).collect()
    }
}

fn topic(bus: &BusBox, name: &str) -> TopicBox {
    bus.topic(name.into(), kind_of::<u32>(), TopicOptions::default()).into_result().unwrap()
}

fn publish(topic: &TopicBox, value: u32) {
    topic.try_publish(message_of(value).unwrap());
}

#[test]
fn all_is_told_in_the_order_in_which_it_was_published() {
    let world = World::new();
    world.goes_on.store(false, Ordering::Relaxed);
    let tracer = world.tracer();
    let ((_one, bus), (_two, other)) = (world.member("one"), world.member("two"));
    let (a, b) = (topic(&bus, "a"), topic(&other, "b"));
    // The first is in the sink's hands; the others are there together.
    publish(&a, 0);
    for value in 1..50 {
        publish(if value % 3 == 0 { &a } else { &b }, value);
        thread::sleep(Duration::from_micros(10));
    }
    let before = SystemTime::now();
    world.goes_on.store(true, Ordering::Relaxed);
    world.bus.close();
    tracer.finish(EVER);
    let told = world.told.lock().unwrap();
    let values: Vec<u32> =
        told.iter().map(|it| it.value.as_ref().unwrap().parse().unwrap()).collect();
    assert_eq!(values, (0..50).collect::<Vec<_>>());
    let times: Vec<_> = told.iter().map(|it| it.published.unwrap()).collect();
    assert!(times.is_sorted() && times[49] <= before + WAS_SET, "{times:?}");
    assert!(times[0] + EVER > before, "{times:?}");
    assert_eq!((&*told[3].publisher, &*told[4].publisher), ("one", "two"));
    assert!(told.iter().all(|it| it.type_name == "u32"));
}

#[test]
fn what_a_slow_sink_skips_is_counted_in_the_next() {
    let world = World::new();
    let tracer = world.tracer();
    let (_member, bus) = world.member("one");
    let small =
        bus.topic("t".into(), kind_of::<u32>(), TopicOptions::new(2)).into_result().unwrap();
    world.goes_on.store(false, Ordering::Relaxed);
    publish(&small, 0);
    (1..50).for_each(|value| publish(&small, value));
    world.goes_on.store(true, Ordering::Relaxed);
    world.bus.close();
    tracer.finish(EVER);
    let rows = world.rows();
    let mut expected = 0;
    for (sequence, skipped, value) in &rows {
        assert_eq!((*sequence, value), (expected + skipped, &sequence.to_string()), "{rows:?}");
        expected = sequence + 1;
    }
    assert!(expected == 50 && rows.len() < 50, "{rows:?}");
}

#[test]
fn the_end_of_a_run_waits_neither_for_the_bus_nor_for_a_sink_that_hangs() {
    let world = World::new();
    let (_member, bus) = world.member("one");
    // Nobody closes the bus, and somebody goes on publishing.
    let tracer = world.tracer();
    let endless = topic(&bus, "t");
    publish(&endless, 0);
    let published = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !published.load(Ordering::Relaxed) {
                publish(&endless, 1);
            }
        });
        tracer.finish(EVER);
        published.store(true, Ordering::Relaxed);
    });
    assert!(!world.rows().is_empty());

    world.goes_on.store(false, Ordering::Relaxed);
    let tracer = world.tracer();
    publish(&endless, 2);
    let begun = Instant::now();
    tracer.finish(Duration::from_millis(50));
    assert!((50..1500).contains(&begun.elapsed().as_millis()));
    world.goes_on.store(true, Ordering::Relaxed);
}

#[test]
fn a_sink_that_panics_ends_the_trace_and_nothing_else() {
    let world = World::new();
    let trace = BusTrace::new(["**"], |_| panic!("bomb")).unwrap();
    let tracer = Tracer::start(&trace, &world.bus, &world.clock).unwrap();
    let (_member, bus) = world.member("one");
    let topic = topic(&bus, "t");
    publish(&topic, 1);
    tracer.finish(EVER);
    publish(&topic, 2);
    assert_eq!(topic.get().into_option().unwrap().to_json().unwrap(), "2");
}

#[test]
fn a_wall_clock_that_was_set_is_followed_and_one_that_drifts_is_not() {
    let mut wall = Wall::new(Clock::standing(1_000_000_000));
    wall.look();
    let (_, anchor) = wall.anchor;
    assert_eq!(wall.at(1_000_000_500), anchor + Duration::from_nanos(500));
    assert_eq!(wall.at(0), anchor - Duration::from_secs(1));
    // As if it had been set back by an hour since.
    let hour = Duration::from_secs(3600);
    wall.anchor.1 += hour;
    wall.look();
    assert!(wall.anchor.1 < anchor + hour);
    let near = wall.anchor.1 + WAS_SET / 5;
    wall.anchor.1 = near;
    wall.look();
    assert_eq!(wall.anchor.1, near);
}
