//! Spawned work: its output, its panic, its abort, its drop.

use std::future::pending;

use super::*;
use crate::panics::tests::hook;
use crate::test_host::{Host, Wakes, once, poll, ready};

struct Bomb;
impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("bomb");
    }
}

#[test]
fn the_output_is_in_the_handle() {
    let host = Host::default();
    let mut handle = host.context().spawn(async {
        once().await;
        42
    });
    let wakes = Arc::<Wakes>::default();
    assert!(wakes.poll(&mut handle).is_pending());
    host.poll_spawned();
    assert!(!handle.is_finished());
    host.poll_spawned();
    assert_eq!(wakes.count(), 1);
    assert!(handle.is_finished());
    assert_eq!(ready(handle), Ok(42));
    assert!(host.reports().is_empty());
}

#[test]
fn a_panic_is_reported_and_given_to_the_handle() {
    hook();
    let host = Host::default();
    let line = line!() + 1;
    let handle = host.context().spawn(async { panic!("ouch") });
    host.poll_spawned();
    let [(place, message)] = &host.reports()[..] else { panic!("one report") };
    assert!(place.starts_with("the task spawned at "), "{place}");
    assert!(place.contains(&format!("spawn/tests.rs:{line}:")), "{place}");
    assert_eq!(message, "ouch");
    match ready(handle) {
        Err(JoinError::Panicked(failure)) => assert_eq!(failure.message(), "ouch"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_host_drops_is_aborted() {
    let host = Host::default();
    let mut handle = host.context().spawn(pending::<()>());
    host.poll_spawned();
    assert!(poll(&mut handle).is_pending());
    handle.abort();
    assert_eq!(host.aborted(), 1);
    host.drop_spawned();
    assert_eq!(ready(handle), Err(JoinError::Aborted));
}

#[test]
fn drops_that_panic_are_reported() {
    hook();
    let host = Host::default();
    let bomb = Bomb;
    let work = host.context().spawn(async move {
        let _bomb = bomb;
        pending().await
    });
    host.poll_spawned();
    host.drop_spawned();
    assert_eq!(host.reports()[0].1, "bomb");
    assert_eq!(ready(work), Err::<(), _>(JoinError::Aborted));

    drop(host.context().spawn(async { Bomb }));
    host.poll_spawned();
    assert_eq!(host.reports().len(), 2, "the output that nobody wanted");
}

#[test]
fn a_job_gives_its_output_too() {
    hook();
    let host = Host::default();
    let (good, bad) = {
        let ctx = host.context();
        (ctx.spawn_blocking(|| 42), ctx.spawn_blocking(|| -> u8 { panic!("ouch") }))
    };
    host.run_jobs();
    assert_eq!(ready(good), Ok(42));
    assert!(matches!(ready(bad), Err(JoinError::Panicked(_))));
    assert!(host.reports()[0].0.starts_with("the job spawned at "));

    let never = host.context().spawn_blocking(|| ());
    host.drop_jobs();
    assert_eq!(ready(never), Err(JoinError::Aborted));
}
