//! Instances on runtimes of their own, with a host that only awaits them.

use std::future::{pending, poll_fn};
use std::sync::Condvar;
use std::thread::{ThreadId, sleep};

use lifespan_abi::abi_stable::std_types::RResult;
use lifespan_abi::async_ffi::FfiFuture;
use lifespan_abi::{Ending, InstanceBox, Report, Stance, WireReport};
use tokio::net::TcpListener;

use super::*;
use crate::context::Context as Instance;
use crate::panics::tests::hook;
use crate::task::{crossing, on_task, polling};
use crate::test_host::{Host, poll};

/// What a plugin has told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

/// Needs a runtime where it is dropped.
struct Needy(Told);

impl Drop for Needy {
    fn drop(&mut self) {
        tokio::spawn(async {});
        drop(tokio::time::sleep(LIMIT));
        self.0.tell(&format!("dropped on {}", this_thread()));
    }
}

impl Told {
    fn tell(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn bound<F, L>(workers: usize, lifespan: F) -> InstanceBox
where
    F: FnOnce(Instance) -> L + Send + 'static,
    L: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    hook();
    on_own_runtime(Box::new(move |ctx| Box::pin(lifespan(ctx))), workers)
}

/// Polls until it is ready, on this thread, which no runtime knows.
fn wait<F: Future + Unpin>(mut future: F) -> F::Output {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Poll::Ready(output) = poll(&mut future) {
            return output;
        }
        assert!(Instant::now() < end, "the future does not end");
        sleep(Duration::from_millis(1));
    }
}

/// How a phase ended.
fn ended<T>(phase: FfiFuture<RResult<T, WireReport>>) -> Result<T, String> {
    wait(phase).into_result().map_err(|report| Report::from(report).message)
}

async fn use_tokio() -> anyhow::Result<()> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    tokio::spawn(async {}).await?;
    TcpListener::bind(("127.0.0.1", 0)).await?;
    tokio::task::spawn_blocking(|| ()).await?;
    Ok(())
}

#[test]
fn every_phase_is_within_the_runtime() {
    let (host, told) = (Host::default(), Told::default());
    let telling = told.clone();
    let instance = bound(1, |ctx| async move {
        let _needy = Needy(telling.clone());
        use_tokio().await?;
        telling.tell(&format!("set-up on {}", this_thread()));
        let end = ctx
            .run(async {
                use_tokio().await?;
                telling.tell(&format!("task on {}", this_thread()));
                Ok(())
            })
            .await;
        use_tokio().await?;
        telling.tell(&format!("{end:?} on {}", this_thread()));
        Ok(())
    });
    assert_eq!(ended(instance.setup(host.services())), Ok(Stance::RUN));
    assert_eq!(ended(instance.run()), Ok(Ending::FINISHED));
    assert_eq!(ended(instance.teardown()), Ok(()));
    let expect = ["set-up", "task", "Finished", "dropped"].map(|it| format!("{it} on fish@one-1"));
    assert_eq!(told.lines(), expect);
    assert_eq!(host.reports(), []);
}

#[test]
fn cancelling_drops_the_task_within_the_runtime() {
    let (host, told) = (Host::default(), Told::default());
    let needy = Needy(told.clone());
    let instance = bound(1, |ctx| async move {
        ctx.run(async move {
            let _needy = needy;
            pending().await
        })
        .await;
        Ok(())
    });
    assert_eq!(ended(instance.setup(host.services())), Ok(Stance::RUN));
    let mut run = instance.run();
    assert!(poll(&mut run).is_pending());
    instance.cancel();
    assert_eq!(ended(run), Ok(Ending::CANCELLED));
    assert_eq!(told.lines(), ["dropped on fish@one-1"]);
    assert_eq!(ended(instance.teardown()), Ok(()));
}

#[test]
fn what_never_ended_is_dropped_within_the_runtime_and_before_its_end() {
    let (host, told) = (Host::default(), Told::default());
    let (local, spawned) = (Needy(told.clone()), Needy(told.clone()));
    let instance = bound(2, |_| async move {
        let _local = local;
        tokio::spawn(async move {
            let _spawned = spawned;
            pending::<()>().await;
        });
        pending().await
    });
    let mut setup = instance.setup(host.services());
    assert!(poll(&mut setup).is_pending());
    drop(setup);
    drop(instance);
    let lines = told.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().all(|line| line.starts_with("dropped on fish@one-")), "{lines:?}");
}

#[test]
fn an_instance_that_was_never_set_up_has_no_runtime() {
    let told = Told::default();
    let kept = told.clone();
    drop(bound(1, |_| async move {
        kept.tell("begun");
        Ok(())
    }));
    assert_eq!(told.lines(), [""; 0]);
}

#[test]
fn each_instance_has_threads_of_its_own() {
    let host = Host::default();
    let ids = Arc::<Mutex<Vec<ThreadId>>>::default();
    let instances = [(); 2].map(|()| {
        let ids = ids.clone();
        bound(1, |_| async move {
            ids.lock().unwrap().push(thread::current().id());
            Ok(())
        })
    });
    for instance in &instances {
        assert_eq!(ended(instance.setup(host.services())), Ok(Stance::DONE));
    }
    let ids = ids.lock().unwrap();
    assert!(ids[0] != ids[1] && !ids.contains(&thread::current().id()));
}

#[test]
fn a_panic_is_a_report_in_each_phase() {
    for place in 0..3 {
        let host = Host::default();
        let instance = bound(1, move |ctx| async move {
            assert!(place != 0, "phase 0");
            ctx.run(async move {
                assert!(place != 1, "phase 1");
                Ok(())
            })
            .await;
            panic!("phase 2");
        });
        let messages = [
            ended(instance.setup(host.services())).err(),
            ended(instance.run()).err(),
            ended(instance.teardown()).err(),
        ];
        assert_eq!(messages[place].as_deref(), Some(&*format!("phase {place}")), "{messages:?}");
    }
}

#[test]
fn the_host_is_told_that_none_of_its_tasks_is_polled_there() {
    let (host, told) = (Host::default(), Told::default());
    let telling = told.clone();
    let instance = bound(1, |ctx| async move {
        poll_fn(|context| {
            polling(context, |context| {
                telling.tell(&format!("{}", on_task(context)));
                crossing(context, |_, own| telling.tell(&format!("{own}")));
            });
            telling.tell(&format!("{}", on_task(context)));
            Poll::Ready(())
        })
        .await;
        ctx.sleep(Duration::from_nanos(5)).await;
        Ok(())
    });
    let mut setup = instance.setup(host.services());
    while told.lines().len() < 3 {
        assert!(poll(&mut setup).is_pending());
    }
    assert_eq!(told.lines(), ["false"; 3]);
    sleep(Duration::from_millis(20));
    host.advance(5);
    assert_eq!(ended(setup), Ok(Stance::DONE));
}

#[test]
fn what_is_spawned_through_the_host_runs_and_is_dropped_within_the_runtime() {
    let (host, told) = (Host::default(), Told::default());
    let (one, two, three) = (Needy(told.clone()), Needy(told.clone()), told.clone());
    let instance = bound(1, |ctx| async move {
        ctx.spawn(async move {
            let _one = one;
            use_tokio().await
        })
        .await??;
        drop(ctx.spawn(async move {
            let _two = two;
            pending::<()>().await;
        }));
        drop(ctx.spawn_blocking(move || {
            tokio::runtime::Handle::current().block_on(async {
                tokio::time::sleep(Duration::from_millis(1)).await;
            });
            drop(Needy(three));
        }));
        ctx.idle().await;
        Ok(())
    });
    let mut setup = instance.setup(host.services());
    let stance = loop {
        // As the host does it: its own runtime polls what was given to it.
        host.poll_spawned();
        if let Poll::Ready(stance) = poll(&mut setup) {
            break stance;
        }
    };
    assert_eq!(stance.into_result().ok(), Some(Stance::IDLE));
    assert_eq!(told.lines(), ["dropped on fish@one-1"]);
    host.run_jobs();
    assert_eq!(told.lines().len(), 2);
    host.drop_spawned();
    drop(instance);
    let lines = told.lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[2].starts_with("dropped on fish@one-"), "{lines:?}");
    assert_eq!(host.reports(), []);
}

#[test]
fn what_does_not_end_is_named_and_not_waited_for() {
    let held = Arc::<(Mutex<bool>, Condvar)>::default();
    let runtime = OwnRuntime::start("fish", 1).unwrap();
    let blocking = held.clone();
    runtime.handle().spawn_blocking(move || {
        let (free, changed) = &*blocking;
        drop(changed.wait_while(free.lock().unwrap(), |free| !*free));
    });
    let begun = Instant::now();
    let left = runtime.end(|| ());
    // Which of its two threads took the job is tokio's affair.
    assert!(left == ["fish-1"] || left == ["fish-2"], "{left:?}");
    assert!(begun.elapsed() < LIMIT + Duration::from_secs(5));
    *held.0.lock().unwrap() = true;
    held.1.notify_all();

    let runtime = OwnRuntime::start("fish", 2).unwrap();
    runtime.handle().spawn(pending::<()>());
    assert_eq!(runtime.end(|| ()), [""; 0]);
}

#[test]
fn it_may_be_ended_within_any_runtime() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let host = Host::default();
    let instance = bound(1, |ctx| async move {
        ctx.idle().await;
        Ok(())
    });
    assert_eq!(ended(instance.setup(host.services())), Ok(Stance::IDLE));
    // A plain runtime panics where it is dropped in an asynchronous context.
    runtime.block_on(async move { drop(instance) });
    runtime.block_on(async { drop(OwnRuntime::start("fish", 1).unwrap()) });
}
