//! Lifespans in a world: held where they should be, woken where they sleep, and given up where nothing
//! will ever wake them.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};

use lifespan_abi::PluginFacts;
use lifespan_plugin_api::__private::instance_of;

use super::*;
use crate::limits::Limits;
use crate::validate::polls::NO_LIMIT;

const HOUR: Duration = Duration::from_secs(3600);

/// Counts how often something of its is dropped.
#[derive(Clone, Default)]
struct Drops(Arc<AtomicUsize>);

struct Dropped(Drops);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drops {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A world with one instance, which sleeps an hour twice in set-up, task and tear-down each, and holds
/// something that is dropped.
fn world(drops: &Drops) -> (World, Inhabitant, Arc<Ledger>) {
    let dropped = Dropped(drops.clone());
    let instance = instance_of(|ctx| async move {
        let _dropped = dropped;
        ctx.sleep(HOUR).await;
        ctx.sleep(HOUR).await;
        ctx.run(async {
            ctx.sleep(HOUR).await;
            ctx.sleep(HOUR).await;
            Ok(())
        })
        .await;
        ctx.sleep(HOUR).await;
        ctx.sleep(HOUR).await;
        Ok(())
    });
    let all_day = Some(HOUR * 24);
    let limits = Limits { setup: all_day, grace: None, teardown: all_day, shutdown: None };
    let world = World::new(&Threads::OfTests, None).unwrap();
    let ledger = Ledger::new(false);
    let deadlines = limits.deadlines(&PluginFacts::default());
    let who = world.add("sleeper", instance, deadlines, &ledger);
    (world, who, ledger)
}

#[test]
fn nobody_waits_for_a_sleep() {
    let begun = Instant::now();
    let (world, mut who, ledger) = world(&Drops::default());
    assert!(matches!(world.set_up(&mut who, NO_LIMIT), End::Ended(Stance::RUN)));
    assert_eq!(ledger.polls(), 3);
    world.start(&mut who, NO_LIMIT);
    world.look_on(&[&who], Wait { own: HOUR * 24, ..Wait::look() });
    assert!(matches!(world.cancel(&mut who, true), End::Ended(Ending::FINISHED)));
    assert!(matches!(world.tear_down(&mut who), End::Ended(())));
    let left = world.release(who);
    assert!(left.reports.is_empty() && left.jobs.is_empty(), "{left:?}");
    assert!(world.time.now() > 6 * HOUR.as_nanos() as u64);
    assert!(begun.elapsed() < HOUR);
}

#[test]
fn a_set_up_is_held_before_each_poll_and_dropped_there() {
    for polls in 0..3 {
        let drops = Drops::default();
        let (world, mut who, ledger) = world(&drops);
        assert!(matches!(world.set_up(&mut who, polls), End::Held), "{polls}");
        assert_eq!((ledger.polls(), drops.count()), (polls, 0));
        world.drop_set_up(&mut who);
        // Before the first poll there is nothing but the instance.
        assert_eq!(drops.count(), usize::from(polls > 0), "{polls}");
        assert!(world.release(who).reports.is_empty());
        assert_eq!(drops.count(), 1, "{polls}");
    }
}

#[test]
fn a_task_is_held_and_then_cancelled() {
    for polls in 0..3 {
        let (world, mut who, ledger) = world(&Drops::default());
        assert!(matches!(world.set_up(&mut who, NO_LIMIT), End::Ended(_)));
        world.start(&mut who, polls);
        world.look_on(&[&who], Wait { own: HOUR * 24, ..Wait::look() });
        assert_eq!((ledger.polls(), ledger.is_held()), (polls, true));
        world.shut_down();
        assert!(matches!(world.cancel(&mut who, false), End::Ended(Ending::CANCELLED)), "{polls}");
        assert!(matches!(world.tear_down(&mut who), End::Ended(())));
        drop(world.release(who));
    }
}

#[test]
fn what_nothing_will_ever_wake_is_given_up() {
    let world = World::new(&Threads::OfTests, None).unwrap();
    let deadlines = Limits::default().deadlines(&PluginFacts::default());
    let instance = instance_of(|_| pending());
    let mut who = world.add("patient", instance, deadlines, &Ledger::new(false));
    assert!(matches!(world.set_up(&mut who, NO_LIMIT), End::Asleep));
    drop(world.release(who));
}

#[test]
fn what_takes_too_long_in_the_worlds_own_time_is_late() {
    let world = World::new(&Threads::OfTests, None).unwrap();
    let deadlines = Limits::default().deadlines(&PluginFacts::default());
    let instance = instance_of(|ctx| async move {
        ctx.sleep(HOUR).await;
        Ok(())
    });
    let mut who = world.add("sleeper", instance, deadlines, &Ledger::new(false));
    let end = world.set_up(&mut who, NO_LIMIT);
    assert!(matches!(end, End::Late(limit) if limit == deadlines.setup), "{end:?}");
    drop(world.release(who));
}
