//! The kit itself, with plugins that do what one has to see.

use std::panic::catch_unwind;
use std::sync::Arc;
use std::thread;

use crate::bus::BusError;
use crate::prelude::*;
use crate::testing::{self, Call, Exit, Fault};

#[derive(clap::Args, Debug)]
struct Ticks {
    #[arg(long)]
    times: u32,
}

/// Tick every second
#[plugin]
async fn ticks(args: Ticks, ctx: Context) -> Result<()> {
    let topic = ctx.topic::<u32>("ticks")?;
    info!(times = args.times, "set up");
    ctx.run(async {
        for n in 0..args.times {
            topic.publish(n).await.context("no tick")?;
            debug!("tick {n}");
            ctx.sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    })
    .await;
    info!("torn down");
    Ok(())
}

/// Double what comes
#[plugin]
async fn doubles(ctx: Context) -> Result<()> {
    let mut ticks = ctx.topic::<u32>("ticks")?.messages();
    let doubled = ctx.topic::<u64>("doubled")?;
    ctx.background(async {
        while let Some(tick) = ticks.recv().await {
            doubled.publish(u64::from(*tick) * 2).await?;
        }
        Ok(())
    })
    .await;
    Ok(())
}

/// Log from everywhere
#[plugin]
async fn talks(ctx: Context) -> Result<()> {
    let job = ctx.spawn_blocking(|| {
        thread::sleep(Duration::from_millis(50));
        info!("from a job");
    });
    ctx.run(async {
        ctx.spawn(async { info!("from a spawned task") }).await?;
        job.await?;
        Ok(())
    })
    .await;
    Ok(())
}

/// Panic
#[plugin]
async fn panics(ctx: Context) -> Result<()> {
    ctx.run(async { panic!("no fish") }).await;
    Ok(())
}

#[test]
fn a_lifespan_is_seen_from_set_up_to_tear_down() {
    let ended = testing::run::<ticks>(["--times", "3"]);
    ended.assert_ok();
    assert_eq!(ended.exit(), Exit::Success);
    assert_eq!(ended.published::<u32>("ticks"), [0, 1, 2]);
    assert_eq!(ended.published_json("ticks"), ["0", "1", "2"]);
    assert_eq!(ended.topics(), ["ticks"]);
    assert_eq!(ended.log_lines(), ["set up times=3", "torn down"]);
    assert!(ended.logged("tick 2") && !ended.logged("tick 3"));
    assert!(ended.log().iter().all(|line| line.instance == "ticks"), "{ended}");
    assert_eq!(ended.took(), Duration::from_secs(3));
}

#[test]
fn arguments_are_parsed_as_by_the_host() {
    assert_eq!(testing::parse::<ticks>(["--times=7"]).unwrap().times, 7);
    let error = testing::parse::<ticks>(["--times", "fish"]).unwrap_err();
    assert!(error.contains("invalid value 'fish'"), "{error}");
    let ended = testing::run::<ticks>(["--times", "fish"]);
    assert_eq!(ended.exit(), Exit::Usage);
    ended.assert_fails("invalid value 'fish'");
    let ended = testing::run::<ticks>(["--help"]);
    assert!(ended.answer().is_some_and(|help| help.contains("Tick every second")), "{ended}");
}

#[test]
fn a_test_takes_part() {
    let ended = testing::plugin::<doubles>().named("one").run_with(async |test| {
        let mut doubled = test.topic::<u64>("doubled")?.messages();
        assert_eq!(test.topics(), ["doubled", "ticks"]);
        let ticks = test.topic::<u32>("ticks")?;
        for n in [4, 5] {
            ticks.publish(n).await?;
            assert_eq!(doubled.recv().await.as_deref(), Some(&(u64::from(n) * 2)));
        }
        Ok(())
    });
    ended.assert_ok();
    assert_eq!(ended.published::<u64>("doubled"), [8, 10]);
    assert_eq!(ended.topics(), ["doubled"], "what the test publishes is no merit of the plugin");
}

#[test]
fn two_plugins_run_beside_each_other() {
    let ended = testing::plugin::<doubles>().beside::<ticks>(["--times", "3"]).run();
    ended.assert_ok();
    assert_eq!(ended.published::<u64>("doubled"), [0, 2, 4]);
}

#[test]
fn time_passes_when_it_is_let() {
    let ticks = || testing::plugin::<ticks>().args(["--times", "10"]);
    assert_eq!(ticks().run_for(Duration::from_millis(2500)).published_json("ticks").len(), 3);
    let ended = ticks().time_by_hand().run_with(async |test| {
        let mut ticks = test.topic::<u32>("ticks")?.messages();
        let began = test.now();
        for n in 0..3 {
            assert_eq!(ticks.recv().await.as_deref(), Some(&n));
            thread::sleep(Duration::from_millis(5));
            assert_eq!(test.now(), began + u64::from(n) * 1_000_000_000);
            test.pass(Duration::from_millis(999)).await;
            let early = test.timeout(Duration::ZERO, ticks.recv()).await;
            assert!(early.is_err(), "the next one comes after a second");
            test.pass(Duration::from_millis(1)).await;
        }
        Ok(())
    });
    ended.assert_ok();
}

/// Work a while after each second
#[plugin]
async fn works(ctx: Context) -> Result<()> {
    let done = ctx.topic::<u32>("ticks")?;
    ctx.run(async {
        for n in 0.. {
            ctx.sleep(Duration::from_secs(1)).await;
            ctx.spawn_blocking(|| thread::sleep(Duration::from_millis(20))).await?;
            done.publish(n).await?;
        }
        Ok(())
    })
    .await;
    Ok(())
}

#[test]
fn what_is_due_when_the_time_has_passed_has_happened_and_what_it_wakes() {
    let second = Duration::from_secs(1);
    let ticks = || testing::plugin::<doubles>().beside::<ticks>(["--times", "10"]);
    let works = || testing::plugin::<doubles>().beside::<works>([""; 0]);
    // What is woken in turn: a tick or the end of a job, who doubles it, and nobody else.
    for (test, first) in [(ticks(), 1), (works(), 0)] {
        let ended = test.time_by_hand().run_with(async |test| {
            let doubled = test.topic::<u64>("doubled")?;
            test.pass(Duration::ZERO).await;
            let began = test.now();
            for n in 0..5 {
                test.pass(second).await;
                assert_eq!(doubled.get().as_deref(), Some(&((first + n) * 2)));
                assert_eq!(test.now(), began + (n + 1) * 1_000_000_000);
            }
            Ok(())
        });
        ended.assert_ok();
    }
    assert_eq!(ticks().run_for(second * 3).published::<u64>("doubled"), [0, 2, 4, 6]);
    assert_eq!(works().run_for(second * 3).published::<u64>("doubled"), [0, 2, 4]);
}

#[test]
fn real_time_is_that_of_all() {
    let ended = testing::plugin::<ticks>().args(["--times", "1"]).real_time().run();
    ended.assert_ok();
    assert!(ended.took() >= Duration::from_secs(1));
}

#[test]
fn the_host_fails_as_it_is_told() {
    let ticks = || testing::plugin::<ticks>().args(["--times", "3"]);
    let ended = ticks().fails(Call::Publish, 3, Fault::Stuck).run();
    ended.assert_fails("no tick");
    ended.assert_fails("waiting cannot help");
    assert_eq!(ended.exit(), Exit::Plugin);
    assert_eq!(ended.published::<u32>("ticks"), [0, 1]);
    assert!(ended.logged("torn down"));

    let ended = ticks().named("x").fails(Call::Topic, 1, Fault::Fails).run();
    ended.assert_fails("ticks@x: set-up: the host has failed");
    assert!(!ended.logged("torn down"));

    let ended = ticks().fails(Call::Sleep, 2, Fault::Panics).run();
    ended.assert_fails("panicked");
    let ended = ticks().fails(Call::Sleep, 2, Fault::Hangs).run_for(Duration::from_secs(60));
    ended.assert_ok();
    assert_eq!(ended.published::<u32>("ticks"), [0, 1]);
}

#[test]
fn what_comes_before_the_set_up_is_found_by_it() {
    let ended = testing::plugin::<ticks>()
        .args(["--times", "1"])
        .before(|tester| tester.topic::<String>("ticks").unwrap())
        .run();
    ended.assert_fails("`ticks` carries `String` since `tester` opened it");
}

#[test]
fn a_panic_is_told_with_its_place() {
    let ended = testing::plugin::<panics>().run();
    ended.assert_fails("no fish");
    ended.assert_fails("testing/tests.rs");
}

#[test]
fn logs_are_kept_wherever_they_come_from_and_apart_from_those_of_other_tests() {
    let others: Vec<_> =
        (0..4).map(|_| thread::spawn(|| testing::run::<ticks>(["--times", "2"]))).collect();
    let ended = testing::plugin::<talks>().run();
    ended.assert_ok();
    assert!(ended.logged("from a spawned task") && ended.logged("from a job"), "{ended}");
    assert_eq!(ended.took(), Duration::ZERO, "the clock waits for jobs");
    assert!(ended.log().iter().all(|line| line.instance == "talks"), "{ended}");
    for other in others {
        assert_eq!(other.join().unwrap().log_lines(), ["set up times=2", "torn down"]);
    }
}

/// The message of a test that fails.
#[track_caller]
fn message(test: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let thrown = catch_unwind(test).expect_err("the test fails");
    *thrown.downcast::<String>().expect("a panic with values has a text")
}

#[test]
fn a_test_that_cannot_end_or_is_wrong_fails_and_says_why() {
    let forever = || testing::plugin::<ticks>().args(["--times", "4000000000"]);
    let text = message(move || drop(forever().limit(Duration::from_secs(60)).run()));
    assert!(text.starts_with("`ticks` has not ended within 1m of its time"), "{text}");
    assert!(text.contains("logged: DEBUG ticks"), "{text}");

    let never = || testing::run::<doubles>([""; 0]);
    never().assert_ok();
    let text = message(|| {
        let test = testing::plugin::<ticks>().args(["--times", "1"]);
        drop(test.fails(Call::Claim, 1, Fault::Claimed).run());
    });
    assert!(text.starts_with("a fault has not come about: call 1 of `Claim` by `ticks`"), "{text}");

    let text = message(|| {
        drop(testing::plugin::<doubles>().run_with(async |test| {
            let topic = test.topic::<String>("ticks");
            assert!(matches!(topic, Err(BusError::Type(_))));
            bail!("the test has its reasons")
        }));
    });
    assert!(text.starts_with("the test fails: the test has its reasons"), "{text}");

    let ended = Arc::new(testing::run::<ticks>(["--times", "1"]));
    let of_ok = ended.clone();
    let text = message(move || of_ok.assert_fails("fish"));
    assert!(text.contains("published on `ticks`: 0"), "{text}");
    let text = message(move || drop(ended.published::<String>("ticks")));
    assert!(text.starts_with("0, published on `ticks`, is no `String`"), "{text}");
}
