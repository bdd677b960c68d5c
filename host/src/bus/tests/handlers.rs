//! Handlers: called in one task of their instance, whatever becomes of the others.

use std::sync::MutexGuard;

use lifespan_abi::{InstanceBox, PluginFacts};
use lifespan_plugin_api::__private::instance_of;
use lifespan_plugin_api::anyhow::{Context as _, bail};
use lifespan_plugin_api::bus::{Handler, LentBatch};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::*;
use crate::bind::BoundStage;
use crate::bus::Lost;
use crate::exit::Exit;
use crate::lifespan::Outcome;
use crate::limits::Deadlines;
use crate::run::{RunOptions, run};
use crate::runtime::Starting;
use crate::shutdown::Shutdown;

/// What handlers have been called with.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<u32>>>);

impl Seen {
    fn handler(&self) -> impl FnMut(LentBatch<'_, u32>) + Send + 'static {
        let seen = self.clone();
        move |batch| seen.lock().extend(batch)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u32>> {
        self.0.lock().unwrap()
    }

    fn take(&self) -> Vec<u32> {
        std::mem::take(&mut *self.lock())
    }
}

/// Tells that it has been dropped; panics at that, if it shall.
struct Dropped(Arc<AtomicU32>, bool);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        assert!(!self.1, "bomb in a handler");
    }
}

#[test]
fn all_handlers_of_an_instance_are_one_task() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let (ctx, seen) = (two.context(), Seen::default());
    let names: Vec<String> = (0..64).map(|n| format!("t/{n}")).collect();
    for name in &names {
        ctx.topic::<u32>(name).unwrap().on_messages(seen.handler());
    }
    let wakes = Arc::<Wakes>::default();
    let waker = Waker::from(wakes.clone());
    assert_eq!(two.work.poll(&waker), 1);
    assert_eq!(wakes.count(), 0);
    for (name, n) in names.iter().zip(0..) {
        one.topic::<u32>(name, 0).try_publish_all([n, n]).unwrap();
    }
    assert!(wakes.count() > 0);
    assert_eq!(two.work.poll(&waker), 1);
    let mut all = seen.take();
    all.sort_unstable();
    assert_eq!(all, (0..64).flat_map(|n| [n, n]).collect::<Vec<_>>(), "in one poll");

    // One that comes later is adopted by the same task, which is told.
    let woken = wakes.count();
    ctx.topic::<u32>("late").unwrap().on_messages(seen.handler());
    assert_eq!(wakes.count(), woken + 1);
    one.topic::<u32>("late", 0).try_publish(7).unwrap();
    assert_eq!((two.work.poll(&waker), seen.take()), (1, vec![7]));
}

#[test]
fn a_handler_is_called_with_everything_in_order_and_holds_up_publishers() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let topic = one.topic::<u32>("t", 8);
    let (ctx, seen) = (two.context(), Seen::default());
    ctx.topic::<u32>("t").unwrap().on_messages(seen.handler());
    let mut burst = Box::pin(topic.publish_all(0..500));
    while poll(burst.as_mut(), Waker::noop()).is_pending() {
        assert!(two.member.backlog() > 0, "what waits for a handler waits for its instance");
        two.work.poll(Waker::noop());
    }
    two.work.poll(Waker::noop());
    assert_eq!(seen.take(), (0..500).collect::<Vec<_>>());
    assert_eq!(two.member.backlog(), 0);
}

#[test]
fn handlers_with_much_to_do_take_turns_and_yield() {
    let world = World::new();
    let party = world.running("a");
    let (ctx, seen) = (party.context(), Seen::default());
    let topics = [0, 1, 2].map(|n| {
        let topic = ctx.topic_with_capacity::<u32>(format!("t/{n}"), 4096).unwrap();
        topic.on_messages(seen.handler());
        topic.try_publish_all(std::iter::repeat_n(n, 4000)).unwrap();
        topic
    });
    let (wakes, mut last) = (Arc::<Wakes>::default(), None);
    let waker = Waker::from(wakes.clone());
    let mut total = 0;
    while total < 12_000 {
        let woken = wakes.count();
        party.work.poll(&waker);
        let batch = seen.take();
        assert!((1..=1023).contains(&batch.len()), "{}", batch.len());
        total += batch.len();
        if total < 8000 {
            assert!(batch.iter().all(|n| Some(*n) != last), "it is another one's turn");
        }
        last = batch.last().copied();
        assert!(total == 12_000 || wakes.count() > woken, "it comes back by itself");
    }
    drop(topics);
}

#[test]
fn a_handler_that_fails_is_reported_with_its_topic_and_ends_alone() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let topics = ["err", "panic", "fine"].map(|name| one.topic::<u32>(name, 1));
    let (ctx, seen) = (two.context(), Seen::default());
    let [err, panic, fine] = ["err", "panic", "fine"].map(|name| ctx.topic::<u32>(name).unwrap());
    let err = err.on_messages(|batch| {
        let text = batch.iter().next().context("it is never empty")?.to_string();
        // An error of any type will do.
        bail!("no fish: {:?}", text.parse::<bool>()?)
    });
    let panic = panic.on_messages(|_| -> () { panic!("bomb") });
    let fine = fine.on_messages(seen.handler());
    topics.iter().for_each(|topic| topic.try_publish(1).unwrap());
    assert_eq!(two.work.poll(Waker::noop()), 1);
    let reports = two.work.reports();
    assert_eq!(reports.len(), 2);
    assert_eq!(reports[0].0, "the handler of topic `err`");
    assert!(reports[0].1.contains("provided string was not"), "{reports:?}");
    assert_eq!(reports[1], ("the handler of topic `panic`".to_owned(), "bomb".to_owned()));
    assert_eq!([err, panic, fine].map(|handler| handler.is_finished()), [true, true, false]);
    // Those that have ended hold up nobody; the other goes on.
    for topic in &topics {
        topic.try_publish(2).unwrap();
        two.work.poll(Waker::noop());
        topic.try_publish(3).unwrap();
    }
    two.work.poll(Waker::noop());
    assert_eq!(seen.take(), [1, 2, 3]);
}

#[test]
fn a_handler_that_cannot_publish_any_more_has_not_failed() {
    let world = World::new();
    let party = world.running("a");
    let ctx = party.context();
    let (from, to) = (ctx.topic::<u32>("from").unwrap(), ctx.topic::<u32>("to").unwrap());
    let handler = from.on_messages(move |batch| {
        to.try_publish_all(batch.iter().copied())?;
        Ok(())
    });
    from.try_publish(1).unwrap();
    world.bus.close();
    assert_eq!(party.work.poll(Waker::noop()), 0);
    assert!(handler.is_finished());
    assert_eq!(party.work.reports(), []);
}

#[test]
fn a_handler_ends_when_it_is_told_to_and_not_with_its_handle() {
    let world = World::new();
    let party = world.running("a");
    let (topic, seen) = (party.context().topic::<u32>("t").unwrap(), Seen::default());
    let dropped = Arc::<AtomicU32>::default();
    let (mut handle, witness) = (seen.handler(), Dropped(dropped.clone(), false));
    let handler: Handler = topic.on_messages(move |batch| {
        let _ = &witness;
        handle(batch);
    });
    drop(topic.on_messages(seen.handler()));
    let wakes = Arc::<Wakes>::default();
    let waker = Waker::from(wakes.clone());
    topic.try_publish(1).unwrap();
    party.work.poll(&waker);
    assert_eq!(seen.take(), [1, 1]);
    topic.try_publish(2).unwrap();
    let woken = wakes.count();
    handler.end();
    handler.end();
    assert_eq!(wakes.count(), woken + 1);
    assert!(!handler.is_finished());
    assert_eq!(party.work.poll(&waker), 1);
    assert!(handler.is_finished());
    assert_eq!((seen.take(), dropped.load(Ordering::Relaxed)), (vec![2], 1));
}

#[test]
fn handlers_get_what_is_left_and_the_task_ends_with_the_last() {
    let world = World::new();
    let party = world.running("a");
    let (ctx, seen) = (party.context(), Seen::default());
    let topic = ctx.topic::<u32>("t").unwrap();
    let handler = topic.on_messages(seen.handler());
    assert_eq!(party.work.poll(Waker::noop()), 1);
    topic.try_publish_all(0..5).unwrap();
    topic.close().unwrap();
    assert_eq!(party.work.poll(Waker::noop()), 0);
    assert_eq!((seen.take(), handler.is_finished()), (vec![0, 1, 2, 3, 4], true));

    // There is a task again with the next one.
    let other = ctx.topic::<u32>("other").unwrap();
    other.on_messages(seen.handler());
    other.try_publish(6).unwrap();
    assert_eq!(party.work.poll(Waker::noop()), 1);
    world.bus.close();
    assert_eq!(party.work.poll(Waker::noop()), 0);
    assert_eq!(seen.take(), [6]);
}

#[test]
fn what_the_host_drops_is_over_and_later_handlers_are_served() {
    let world = World::new();
    let party = world.running("a");
    let (topic, seen) = (party.context().topic::<u32>("t").unwrap(), Seen::default());
    let dropped = Arc::<AtomicU32>::default();
    let handlers = [true, true, false].map(|panics| {
        let witness = Dropped(dropped.clone(), panics);
        topic.on_messages(move |_| {
            let _ = &witness;
        })
    });
    party.work.poll(Waker::noop());
    let not_adopted = topic.on_messages(seen.handler());
    drop(std::mem::take(&mut *party.work.spawned.lock().unwrap()));
    assert!(handlers.iter().all(Handler::is_finished) && not_adopted.is_finished());
    assert_eq!(dropped.load(Ordering::Relaxed), 3);
    let bomb = ("the handler of topic `t`".to_owned(), "bomb in a handler".to_owned());
    assert_eq!(party.work.reports(), [bomb.clone(), bomb]);
    assert!(!topic.has_subscribers());

    topic.on_messages(seen.handler());
    topic.try_publish(1).unwrap();
    assert_eq!((party.work.poll(Waker::noop()), seen.take()), (1, vec![1]));
}

#[test]
fn a_handler_may_add_and_end_handlers() {
    let world = World::new();
    let party = world.running("a");
    let (topic, seen) = (party.context().topic::<u32>("t").unwrap(), Seen::default());
    let own: Arc<Mutex<Option<Handler>>> = Arc::default();
    let (inner, adds, slot) = (topic.clone(), seen.clone(), own.clone());
    let handler = topic.on_messages(move |_| {
        inner.on_messages(adds.handler());
        slot.lock().unwrap().as_ref().unwrap().end();
    });
    *own.lock().unwrap() = Some(handler);
    topic.try_publish(1).unwrap();
    let wakes = Arc::<Wakes>::default();
    let waker = Waker::from(wakes.clone());
    assert_eq!(party.work.poll(&waker), 1);
    assert!(own.lock().unwrap().as_ref().unwrap().is_finished());
    topic.try_publish(2).unwrap();
    assert_eq!((party.work.poll(&waker), seen.take()), (1, vec![2]));
}

#[test]
fn handlers_of_one_topic_share_a_subscription_as_soon_as_they_have_seen_the_same() {
    let world = World::new();
    let party = world.running("a");
    let (topic, seen) = (party.context().topic::<u32>("t").unwrap(), Seen::default());
    let subscribers = || subscribers(&party, "t");
    for _ in 0..3 {
        topic.on_messages(seen.handler());
    }
    assert_eq!(subscribers(), 3);
    party.work.poll(Waker::noop());
    assert_eq!(subscribers(), 1, "none has seen anything, and none has missed anything");
    topic.try_publish(1).unwrap();
    // It shall not see the first.
    let late = topic.on_messages(seen.handler());
    party.work.poll(Waker::noop());
    assert_eq!((seen.take(), subscribers()), (vec![1, 1, 1], 2));
    topic.try_publish(2).unwrap();
    party.work.poll(Waker::noop());
    assert_eq!((seen.take(), subscribers()), (vec![2, 2, 2, 2], 1));
    late.end();
    topic.try_publish(3).unwrap();
    party.work.poll(Waker::noop());
    assert_eq!((seen.take(), late.is_finished()), (vec![3, 3, 3], true));
    // Another handle of the topic may be one of another topic of that name some day.
    party.context().topic::<u32>("t").unwrap().on_messages(seen.handler());
    party.work.poll(Waker::noop());
    assert_eq!(subscribers(), 2);
}

#[test]
fn what_comes_while_handlers_are_put_together_is_no_loss() {
    let world = World::new();
    let party = world.running("a");
    let ctx = party.context();
    let (topic, seen) = (ctx.topic::<u32>("t").unwrap(), Seen::default());
    topic.on_messages(seen.handler());
    topic.on_messages(seen.handler());
    // Served after them and before they are put together, this one is the last to publish.
    let (inner, bus) = (topic.clone(), world.bus.clone());
    let last = ctx.topic::<u32>("last").unwrap();
    last.on_messages(move |_| {
        inner.try_publish(7).unwrap();
        bus.close();
    });
    last.try_publish(1).unwrap();
    while party.work.poll(Waker::noop()) > 0 {}
    assert_eq!((seen.take(), party.member.lost()), (vec![7, 7], vec![]));
}

#[test]
fn what_handlers_that_share_are_not_called_with_is_lost_once() {
    let world = World::new();
    let party = world.running("a");
    let topic = party.context().topic::<u32>("t").unwrap();
    for _ in 0..3 {
        topic.on_messages(|_| ());
    }
    party.work.poll(Waker::noop());
    topic.try_publish_all(0..4).unwrap();
    world.bus.close();
    assert_eq!(party.member.lost(), [Lost { topic: "t".to_owned(), messages: 4 }]);
}

#[test]
fn many_handlers_that_share_yield_as_often_as_they_would_alone() {
    for shared in [true, false] {
        let world = World::new();
        let party = world.running("a");
        let topic = party.context().topic_with_capacity::<u32>("t", 4096).unwrap();
        let seen = Seen::default();
        for _ in 0..64 {
            topic.on_messages(seen.handler());
        }
        if shared {
            party.work.poll(Waker::noop());
        }
        topic.try_publish_all(0..4096).unwrap();
        // Whoever has begun with a batch finishes it.
        for _ in 0..3 {
            party.work.poll(Waker::noop());
            assert!((1..=1023).contains(&seen.take().len()), "{shared}");
        }
    }
}

/// What happens to a topic with handlers.
#[derive(Clone, Copy, Debug)]
enum Step {
    Add,
    /// Ends one of the handlers, if there is any.
    End(usize),
    Publish(u32),
    Poll,
}

/// A handler, and what it must have been called with.
struct Expected {
    handler: Handler,
    seen: Seen,
    /// The first message since its beginning.
    from: u32,
    /// Once it has been ended: the message before which it must have seen all, and the one from which
    /// on it must have seen none.
    ended: Option<(u32, u32)>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::Add),
        1 => any::<usize>().prop_map(Step::End),
        3 => (1..4_u32).prop_map(Step::Publish),
        3 => Just(Step::Poll),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #[test]
    fn each_handler_sees_what_is_published_from_its_beginning_to_its_end(steps in steps()) {
        let world = World::new();
        let party = world.running("a");
        let topic = party.context().topic::<u32>("t").unwrap();
        let mut handlers: Vec<Expected> = Vec::new();
        let (mut published, mut polled) = (0, 0);
        for step in steps {
            match step {
                Step::Add => {
                    let seen = Seen::default();
                    let handler = topic.on_messages(seen.handler());
                    handlers.push(Expected { handler, seen, from: published, ended: None });
                }
                Step::End(one) if !handlers.is_empty() => {
                    let one = one % handlers.len();
                    handlers[one].handler.end();
                    handlers[one].ended.get_or_insert((polled, published));
                }
                Step::End(_) => {}
                Step::Publish(count) => {
                    topic.try_publish_all(published..published + count).unwrap();
                    published += count;
                }
                Step::Poll => {
                    party.work.poll(Waker::noop());
                    polled = published;
                }
            }
        }
        party.work.poll(Waker::noop());
        for Expected { seen, from, ended, .. } in handlers {
            let seen = seen.take();
            let (least, most) = ended.unwrap_or((published, published));
            let until = from + seen.len() as u32;
            prop_assert_eq!(seen, (from..until).collect::<Vec<_>>());
            prop_assert!((least.max(from)..=most.max(from)).contains(&until));
        }
    }
}

/// How many subscriptions a topic has.
fn subscribers(party: &Party, topic: &str) -> u64 {
    party.services.bus().existing(topic.into()).into_result().unwrap().subscribers()
}

const DEADLINES: Deadlines = Deadlines {
    setup: Duration::from_secs(5),
    grace: Duration::from_secs(5),
    teardown: Duration::from_secs(5),
    shutdown: Duration::from_secs(10),
};

/// Runs instances with those lifespans.
fn lived(instances: Vec<(&str, InstanceBox)>) -> Outcome {
    let stages = instances.into_iter().map(|(name, object)| BoundStage {
        instance: name.into(),
        facts: PluginFacts::default(),
        args: Vec::new(),
        library: String::new(),
        deadlines: DEADLINES,
        object,
    });
    let options = RunOptions {
        deadlines: DEADLINES,
        until: Vec::new(),
        stall_warning: Duration::from_secs(60),
        traces: Vec::new(),
        probe: None,
    };
    run(stages.collect(), Starting::begin(), options, &Shutdown::new())
}

/// Publishes `0..count` in bursts, then ends the program.
fn publisher(count: u32) -> InstanceBox {
    instance_of(move |ctx| async move {
        let topic = ctx.topic_with_capacity::<u32>("t", 16)?;
        let task = async {
            topic.publish_all(0..count).await?;
            ctx.request_shutdown("all is published");
            Ok(())
        };
        ctx.run(task).await;
        Ok(())
    })
}

#[test]
fn an_instance_is_served_whatever_its_own_task_does() {
    /// What the sink does beside its handler.
    #[derive(Clone, Copy, Debug)]
    enum Beside {
        Idles,
        Ends,
        Waits,
    }
    for beside in [Beside::Idles, Beside::Ends, Beside::Waits] {
        let seen = Seen::default();
        let handler = seen.handler();
        let sink = instance_of(move |ctx| async move {
            ctx.topic::<u32>("t")?.on_messages(handler);
            match beside {
                Beside::Idles => drop(ctx.idle().await),
                Beside::Ends => drop(ctx.run(async { Ok(()) }).await),
                Beside::Waits => drop(ctx.background(std::future::pending()).await),
            }
            Ok(())
        });
        let outcome = lived(vec![("sink", sink), ("pub", publisher(1000))]);
        assert_eq!((outcome.exit, outcome.lost.len()), (Exit::Success, 0), "{outcome:?}");
        assert_eq!(seen.take(), (0..1000).collect::<Vec<_>>(), "{beside:?}");
    }
}

#[test]
fn a_handler_that_fails_is_a_failure_of_its_instance() {
    let sink = instance_of(|ctx| async move {
        ctx.topic::<u32>("t")?.on_messages(|batch| match batch.iter().max() {
            Some(n) if *n > 100 => bail!("no fish"),
            _ => Ok(()),
        });
        ctx.idle().await;
        Ok(())
    });
    let outcome = lived(vec![("sink", sink), ("pub", publisher(1000))]);
    assert_eq!(outcome.exit, Exit::Plugin, "{outcome:?}");
    let failures: Vec<String> = outcome.failures.iter().map(ToString::to_string).collect();
    assert_eq!(failures, ["sink: the handler of topic `t`: no fish"]);
}
