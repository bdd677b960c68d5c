//! Every rule of a lifespan, with a host that polls by hand.

use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use anyhow::{Context as _, anyhow};
use lifespan_abi::ReportKind;

use super::*;
use crate::failure::Failure;
use crate::test_host::{Host, Wakes, bound, once, poll, ready};

/// What happened, in order.
#[derive(Clone, Default)]
struct Story(Arc<Mutex<Vec<String>>>);

impl Story {
    fn tell(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }
    fn told(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Tells of its drop, or panics in it.
struct Dropped(Story, &'static str);
impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.tell(self.1);
    }
}
struct Bomb;
impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("bomb");
    }
}

fn set_up(instance: &InstanceBox, host: &Host) -> Result<Stance, Report> {
    ready(instance.setup(host.services())).into_result().map_err(Report::from)
}

fn run(instance: &InstanceBox) -> Result<Ending, Report> {
    ready(instance.run()).into_result().map_err(Report::from)
}

fn tear_down(instance: &InstanceBox) -> Result<(), Report> {
    ready(instance.teardown()).into_result().map_err(Report::from)
}

/// A lifespan with one task, which tells what it goes through and how the task ended.
fn told<F>(story: &Story, task: F) -> InstanceBox
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let story = story.clone();
    bound(async move |ctx| {
        story.tell("up");
        let end = ctx.run(task).await;
        story.tell(format!("down after {end:?}"));
        Ok(())
    })
}

#[test]
fn one_function_is_three_phases() {
    let (host, story) = (Host::default(), Story::default());
    let lines = story.clone();
    let instance = bound(async move |ctx| {
        let local = String::from("local");
        lines.tell("up");
        let end = ctx
            .run(async {
                lines.tell(format!("task has {local}"));
                once().await;
                lines.tell("task ends");
                Ok(())
            })
            .await;
        lines.tell(format!("down: {end:?}, {local}"));
        once().await;
        lines.tell("over");
        Ok(())
    });
    assert_eq!(set_up(&instance, &host), Ok(Stance::RUN));
    assert_eq!(story.told(), ["up"]);
    let mut running = instance.run();
    assert!(poll(&mut running).is_pending());
    assert_eq!(story.told(), ["up", "task has local"]);
    assert_eq!(ready(running).into_result().unwrap(), Ending::FINISHED);
    assert_eq!(story.told()[2..], ["task ends"]);
    let mut ending = instance.teardown();
    assert!(poll(&mut ending).is_pending());
    assert_eq!(story.told()[3..], ["down: Finished, local"]);
    ready(ending).into_result().unwrap();
    assert_eq!(story.told()[4..], ["over"]);
    assert!(host.reports().is_empty());
}

#[test]
fn set_up_may_take_several_polls() {
    let host = Host::default();
    let instance = bound(async |ctx| {
        once().await;
        ctx.background(async { Ok(()) }).await;
        Ok(())
    });
    let mut setup = instance.setup(host.services());
    assert!(poll(&mut setup).is_pending());
    assert_eq!(ready(setup).into_result().unwrap(), Stance::BACKGROUND);
}

#[test]
fn without_a_task_the_work_is_done_in_set_up() {
    assert_eq!(set_up(&bound(async |_| Ok(())), &Host::default()), Ok(Stance::DONE));
}

#[test]
fn an_error_in_set_up_is_told_with_its_chain() {
    let instance = bound(async |_| Err(anyhow!("no fish")).context("cannot cook"));
    let report = set_up(&instance, &Host::default()).unwrap_err();
    assert_eq!(
        (report.message.as_str(), &report.causes[..]),
        ("cannot cook", &["no fish".into()][..])
    );
}

#[test]
fn a_panic_in_set_up_is_told_with_its_place() {
    let instance = bound(async |_| panic!("ouch"));
    let report = set_up(&instance, &Host::default()).unwrap_err();
    assert_eq!((report.kind, report.message.as_str()), (ReportKind::Panic, "ouch"));
    assert!(report.location.unwrap().contains("instance/tests.rs"));
}

#[test]
fn a_failed_task_does_not_keep_from_tearing_down() {
    for (task, message, end) in [
        (async { Err(anyhow!("no fish")) }.boxed(), "no fish", "Failed"),
        (async { panic!("ouch") }.boxed(), "ouch", "Failed"),
    ] {
        let (host, story) = (Host::default(), Story::default());
        let instance = told(&story, task);
        assert_eq!(set_up(&instance, &host), Ok(Stance::RUN));
        assert_eq!(run(&instance).unwrap_err().message, message);
        assert_eq!(tear_down(&instance), Ok(()));
        assert!(story.told()[1].starts_with(&format!("down after {end}")), "{:?}", story.told());
    }
}

#[test]
fn cancelling_wakes_and_drops_the_task() {
    let (host, story) = (Host::default(), Story::default());
    let held = Dropped(story.clone(), "task dropped");
    let instance = told(&story, async move {
        let _held = held;
        pending().await
    });
    assert_eq!(set_up(&instance, &host), Ok(Stance::RUN));
    let (mut running, wakes) = (instance.run(), Arc::<Wakes>::default());
    assert!(wakes.poll(&mut running).is_pending());
    assert_eq!(wakes.count(), 0);
    instance.cancel();
    assert_eq!(wakes.count(), 1);
    assert_eq!(story.told(), ["up"]);
    assert_eq!(ready(running).into_result().unwrap(), Ending::CANCELLED);
    assert_eq!(story.told(), ["up", "task dropped"]);
    instance.cancel();
    assert_eq!(tear_down(&instance), Ok(()));
    assert_eq!(story.told()[2..], ["down after Cancelled"]);
}

#[test]
fn what_is_cancelled_before_it_ran_never_runs() {
    let (host, story) = (Host::default(), Story::default());
    let instance = told(&story, async { panic!("it ran") });
    assert_eq!(set_up(&instance, &host), Ok(Stance::RUN));
    instance.cancel();
    assert_eq!(run(&instance), Ok(Ending::CANCELLED));
}

#[test]
fn a_panic_while_a_task_is_dropped_is_reported() {
    let (host, story) = (Host::default(), Story::default());
    let bomb = Bomb;
    let instance = told(&story, async move {
        let _bomb = bomb;
        pending().await
    });
    assert_eq!(set_up(&instance, &host), Ok(Stance::RUN));
    let mut running = instance.run();
    assert!(poll(&mut running).is_pending());
    instance.cancel();
    assert_eq!(ready(running).into_result().unwrap(), Ending::CANCELLED);
    assert_eq!(host.reports(), [("dropping the task".into(), "bomb".into())]);
    assert_eq!(tear_down(&instance), Ok(()));
}

#[test]
fn idling_waits_for_the_end() {
    let host = Host::default();
    let instance = bound(async |ctx| {
        assert_eq!(ctx.idle().await, TaskEnd::Cancelled);
        Ok(())
    });
    assert_eq!(set_up(&instance, &host), Ok(Stance::IDLE));
    let mut running = instance.run();
    assert!(poll(&mut running).is_pending());
    instance.cancel();
    assert_eq!(ready(running).into_result().unwrap(), Ending::CANCELLED);
    assert_eq!(tear_down(&instance), Ok(()));
}

#[test]
fn a_second_task_beside_the_first_fails_the_set_up() {
    let (host, story) = (Host::default(), Story::default());
    let held = Dropped(story.clone(), "dropped");
    let instance = bound(async move |ctx| {
        let _held = held;
        let (mut one, mut two) = (ctx.run(pending()), ctx.idle());
        poll_fn(|context| {
            let one = Pin::new(&mut one).poll(context).is_ready();
            let two = Pin::new(&mut two).poll(context).is_ready();
            if one && two { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        Ok(())
    });
    let report = set_up(&instance, &host).unwrap_err();
    assert!(report.message.contains("exactly one"), "{report}");
    assert_eq!(story.told(), ["dropped"]);
}

#[test]
fn an_error_beside_the_task_fails_the_run() {
    let (host, story) = (Host::default(), Story::default());
    let held = Dropped(story.clone(), "dropped");
    let instance = bound(async |ctx| {
        let mut run = ctx.run(async move {
            let _held = held;
            pending().await
        });
        let mut polls = 0;
        // As in `select!`, of which the other branch is ready at the third poll.
        poll_fn(|context| {
            polls += 1;
            if polls == 3 { Poll::Ready(()) } else { Pin::new(&mut run).poll(context).map(|_| ()) }
        })
        .await;
        drop(run);
        Err(anyhow!("beside the task"))
    });
    assert_eq!(set_up(&instance, &host), Ok(Stance::RUN));
    let mut running = instance.run();
    assert!(poll(&mut running).is_pending());
    let report = Report::from(ready(running).into_result().unwrap_err());
    assert_eq!(report.message, "beside the task");
    assert_eq!(story.told(), ["dropped"]);
    assert_eq!(tear_down(&instance), Ok(()), "it has been told");
}

#[test]
fn a_second_task_while_the_first_runs_fails_the_run_at_once() {
    let (host, story) = (Host::default(), Story::default());
    let (held, lines) = (Dropped(story.clone(), "dropped"), story.clone());
    let instance = bound(async move |ctx| {
        let mut one = ctx.run(async move {
            let _held = held;
            pending().await
        });
        let (mut two, mut polls) = (ctx.run(async { panic!("it ran") }), 0);
        poll_fn(|context| {
            polls += 1;
            if polls == 2 {
                let refused = Pin::new(&mut two).poll(context).map(|end| format!("{end:?}"));
                assert!(matches!(refused, Poll::Ready(end) if end.starts_with("Failed")));
            }
            Pin::new(&mut one).poll(context)
        })
        .await;
        lines.tell("torn down");
        Ok(())
    });
    assert_eq!(set_up(&instance, &host), Ok(Stance::RUN));
    let (mut running, wakes) = (instance.run(), Arc::<Wakes>::default());
    let report = loop {
        let before = wakes.count();
        match wakes.poll(&mut running) {
            Poll::Ready(end) => break Report::from(end.into_result().unwrap_err()),
            Poll::Pending => assert!(wakes.count() > before, "nobody would poll it again"),
        }
    };
    assert!(report.message.contains("exactly one"), "{report}");
    assert_eq!(story.told(), ["dropped"]);
    assert_eq!(tear_down(&instance), Ok(()), "it has been told");
    assert_eq!(story.told(), ["dropped", "torn down"]);
}

#[test]
fn a_second_task_in_tear_down_fails_it_and_returns_at_once() {
    let (host, story) = (Host::default(), Story::default());
    let lines = story.clone();
    let instance = bound(async move |ctx| {
        ctx.run(async { Ok(()) }).await;
        let end = ctx.run(async { panic!("it ran") }).await;
        lines.tell(format!("{end:?}"));
        Ok(())
    });
    assert_eq!(set_up(&instance, &host), Ok(Stance::RUN));
    assert_eq!(run(&instance), Ok(Ending::FINISHED));
    assert!(tear_down(&instance).unwrap_err().message.contains("exactly one"));
    assert!(story.told()[0].starts_with("Failed"));
}

#[test]
fn letting_the_task_go_cancels_it() {
    let (host, story) = (Host::default(), Story::default());
    let lines = story.clone();
    let instance = bound(async move |ctx| {
        let held = Dropped(lines.clone(), "task dropped");
        let mut run = Box::pin(ctx.run(async move {
            let _held = held;
            pending().await
        }));
        let mut polls = 0;
        poll_fn(|context| {
            polls += 1;
            if polls == 3 { Poll::Ready(()) } else { run.as_mut().poll(context).map(|_| ()) }
        })
        .await;
        drop(run);
        lines.tell("down");
        Ok(())
    });
    assert_eq!(set_up(&instance, &host), Ok(Stance::RUN));
    let mut running = instance.run();
    assert!(poll(&mut running).is_pending());
    assert_eq!(ready(running).into_result().unwrap(), Ending::CANCELLED);
    assert_eq!(story.told(), ["task dropped", "down"]);
    assert_eq!(tear_down(&instance), Ok(()));
}

#[test]
fn a_task_that_was_let_go_in_set_up_is_not_run() {
    let host = Host::default();
    let instance = bound(async |ctx| {
        let mut run = ctx.run(async { panic!("it ran") });
        poll_fn(|context| {
            assert!(Pin::new(&mut run).poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(run);
        pending().await
    });
    assert_eq!(set_up(&instance, &host), Ok(Stance::RUN));
    assert_eq!(run(&instance), Ok(Ending::CANCELLED));
}

#[test]
fn a_panic_beside_the_task_ends_the_lifespan() {
    let (host, story) = (Host::default(), Story::default());
    let held = Dropped(story.clone(), "dropped");
    let instance = bound(async move |ctx| {
        let _held = held;
        let mut run = ctx.run(pending());
        let mut polls = 0;
        poll_fn(|context| {
            polls += 1;
            assert!(polls < 2, "beside the task");
            Pin::new(&mut run).poll(context)
        })
        .await;
        Ok(())
    });
    assert_eq!(set_up(&instance, &host), Ok(Stance::RUN));
    assert_eq!(run(&instance).unwrap_err().message, "beside the task");
    assert_eq!(story.told(), ["dropped"]);
    assert_eq!(tear_down(&instance), Ok(()));
}

#[test]
fn tear_down_tells_its_own_failures() {
    for (fails, kind) in [(true, ReportKind::Error), (false, ReportKind::Panic)] {
        let host = Host::default();
        let instance = bound(async move |ctx| {
            ctx.run(async { Ok(()) }).await;
            assert!(fails, "ouch");
            Err(anyhow!("ouch"))
        });
        assert_eq!(set_up(&instance, &host), Ok(Stance::RUN));
        assert_eq!(run(&instance), Ok(Ending::FINISHED));
        let report = tear_down(&instance).unwrap_err();
        assert_eq!((report.kind, report.message.as_str()), (kind, "ouch"));
    }
}

#[test]
fn a_set_up_that_is_dropped_drops_what_was_set_up() {
    let (host, story) = (Host::default(), Story::default());
    let held = (Bomb, Dropped(story.clone(), "dropped"));
    let instance = bound(async move |_| {
        let _held = held;
        pending().await
    });
    let mut setup = instance.setup(host.services());
    assert!(poll(&mut setup).is_pending());
    drop(setup);
    assert_eq!(story.told(), ["dropped"]);
    assert_eq!(host.reports(), [("dropping what was set up".into(), "bomb".into())]);
}

#[test]
fn a_bound_instance_that_never_begins_drops_its_arguments() {
    let story = Story::default();
    let held = Dropped(story.clone(), "dropped");
    drop(bound(async move |_| {
        let _held = held;
        Ok(())
    }));
    assert_eq!(story.told(), ["dropped"]);
}

#[test]
fn an_instance_that_is_dropped_drops_its_lifespan() {
    let (host, story) = (Host::default(), Story::default());
    let held = (Bomb, Dropped(story.clone(), "task dropped"));
    let instance = told(&story, async move {
        let _held = held;
        pending().await
    });
    assert_eq!(set_up(&instance, &host), Ok(Stance::RUN));
    let mut running = instance.run();
    assert!(poll(&mut running).is_pending());
    drop(instance);
    assert_eq!(story.told(), ["up", "task dropped"]);
    assert_eq!(host.reports(), [("dropping the task".into(), "bomb".into())]);
    assert_eq!(ready(running).into_result().unwrap(), Ending::CANCELLED);
}

/// Polls what is inside with a waker of its own, and only after that was woken, as a set of futures
/// does.
struct Picky<F> {
    inner: F,
    woken: Arc<Flag>,
}

struct Flag {
    set: AtomicBool,
    outer: Mutex<Option<Waker>>,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.set.store(true, Ordering::Relaxed);
        if let Some(waker) = &*self.outer.lock().unwrap() {
            waker.wake_by_ref();
        }
    }
}

impl<F> Picky<F> {
    fn new(inner: F) -> Self {
        let woken = Arc::new(Flag { set: AtomicBool::new(true), outer: Mutex::new(None) });
        Picky { inner, woken }
    }
}

impl<F: Future + Unpin> Future for Picky<F> {
    type Output = F::Output;
    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<F::Output> {
        *self.woken.outer.lock().unwrap() = Some(context.waker().clone());
        if !self.woken.set.swap(false, Ordering::Relaxed) {
            return Poll::Pending;
        }
        let waker = Waker::from(self.woken.clone());
        Pin::new(&mut self.inner).poll(&mut TaskContext::from_waker(&waker))
    }
}

#[test]
fn a_combinator_with_a_waker_of_its_own_is_reached() {
    let host = Host::default();
    let instance = bound(async |ctx| {
        assert_eq!(Picky::new(ctx.run(pending())).await, TaskEnd::Cancelled);
        Ok(())
    });
    assert_eq!(set_up(&instance, &host), Ok(Stance::RUN));
    let mut running = instance.run();
    assert!(poll(&mut running).is_pending());
    instance.cancel();
    assert_eq!(ready(running).into_result().unwrap(), Ending::CANCELLED);
    assert_eq!(tear_down(&instance), Ok(()));
}

#[test]
fn a_task_within_a_spawned_one_is_reached() {
    let host = Host::default();
    let instance = bound(async |ctx| {
        let inner = ctx.clone();
        let end = ctx.spawn(async move { inner.run(pending()).await }).await?;
        assert_eq!(end, TaskEnd::Cancelled);
        Ok(())
    });
    let wakes = Arc::<Wakes>::default();
    let mut setup = instance.setup(host.services());
    assert!(wakes.poll(&mut setup).is_pending());
    host.poll_spawned();
    assert_eq!(wakes.count(), 1);
    assert_eq!(ready(setup).into_result().unwrap(), Stance::RUN);
    let mut running = instance.run();
    assert!(wakes.poll(&mut running).is_pending());
    instance.cancel();
    host.poll_spawned();
    assert_eq!(ready(running).into_result().unwrap(), Ending::CANCELLED);
    let mut ending = instance.teardown();
    assert!(poll(&mut ending).is_pending());
    host.poll_spawned();
    ready(ending).into_result().unwrap();
}

#[test]
fn a_task_after_the_end_of_its_lifespan_is_refused() {
    let (host, story) = (Host::default(), Story::default());
    let lines = story.clone();
    let instance = bound(async move |ctx| {
        let inner = ctx.clone();
        drop(ctx.spawn(async move { lines.tell(format!("{:?}", inner.idle().await)) }));
        Ok(())
    });
    assert_eq!(set_up(&instance, &host), Ok(Stance::DONE));
    host.poll_spawned();
    assert!(story.told()[0].contains("after the lifespan's end"), "{:?}", story.told());
}

#[test]
fn a_phase_that_is_still_polled_is_never_waited_for() {
    let host = Host::default();
    let slot = Arc::new(Mutex::new(None::<InstanceBox>));
    let inner = slot.clone();
    let instance = bound(async move |ctx| {
        ctx.run(async move {
            let instance = inner.lock().unwrap().take().unwrap();
            let report = tear_down(&instance).unwrap_err();
            assert!(report.message.contains("still being polled"), "{report}");
            drop(instance);
            Ok(())
        })
        .await;
        Ok(())
    });
    assert_eq!(set_up(&instance, &host), Ok(Stance::RUN));
    let running = instance.run();
    *slot.lock().unwrap() = Some(instance);
    assert_eq!(ready(running).into_result().unwrap(), Ending::FINISHED);
    assert!(host.reports().is_empty());
}

#[test]
fn the_failure_of_a_task_can_be_looked_at() {
    let host = Host::default();
    let instance = bound(async |ctx| {
        let TaskEnd::Failed(failure) = ctx.run(async { panic!("ouch") }).await else {
            return Err(anyhow!("it did not fail"));
        };
        assert!(Failure::is_panic(&failure));
        assert_eq!(failure.message(), "ouch");
        Ok(())
    });
    assert_eq!(set_up(&instance, &host), Ok(Stance::RUN));
    assert!(run(&instance).is_err());
    assert_eq!(tear_down(&instance), Ok(()));
}

#[test]
fn each_phase_is_begun_once() {
    let host = Host::default();
    let instance = bound(async |ctx| {
        ctx.idle().await;
        Ok(())
    });
    assert_eq!(set_up(&instance, &host), Ok(Stance::IDLE));
    assert!(set_up(&instance, &host).unwrap_err().message.contains("twice"));
}

trait Boxed {
    fn boxed(self) -> BoxFuture<anyhow::Result<()>>;
}
impl<F: Future<Output = anyhow::Result<()>> + Send + 'static> Boxed for F {
    fn boxed(self) -> BoxFuture<anyhow::Result<()>> {
        Box::pin(self)
    }
}
