//! The services as an author has them, with a clock that is moved by hand.

use std::future::{pending, ready as at_once};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use lifespan_abi::abi_stable::std_types::RString;
use lifespan_abi::async_ffi::FutureExt;

use crate::context::reason;
use crate::test_host::{Host, Wakes, poll, ready};

const MILLI: u64 = 1_000_000;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn an_instance_knows_who_it_is() {
    let ctx = Host::default().context();
    assert_eq!((ctx.instance(), ctx.generation()), ("fish@one", 7));
}

#[test]
fn a_sleep_is_measured_from_the_call() {
    let host = Host::default();
    let mut sleep = host.context().sleep(millis(10));
    host.advance(9 * MILLI);
    let wakes = Arc::<Wakes>::default();
    assert!(wakes.poll(&mut sleep).is_pending());
    host.advance(MILLI);
    assert_eq!(wakes.count(), 1);
    assert!(poll(&mut sleep).is_ready());
    assert!(poll(&mut sleep).is_ready(), "a sleep that is over stays over");
}

#[test]
fn a_sleep_may_last_for_ever() {
    let host = Host::default();
    let mut sleep = host.context().sleep(Duration::MAX);
    host.advance(u64::MAX / 2);
    assert!(poll(&mut sleep).is_pending());
}

#[test]
fn an_interval_does_not_drift() {
    let host = Host::default();
    let mut beat = host.context().interval(millis(10));
    ready(beat.tick());
    host.advance(13 * MILLI);
    ready(beat.tick());
    host.advance(6 * MILLI);
    assert!(poll(&mut pin!(beat.tick())).is_pending());
    host.advance(MILLI);
    ready(beat.tick());
    // Three and a half beats late: one tick for all of them, and the next on the old grid.
    host.advance(35 * MILLI);
    ready(beat.tick());
    assert!(poll(&mut pin!(beat.tick())).is_pending());
    host.advance(5 * MILLI);
    ready(beat.tick());
}

#[test]
fn a_timeout_drops_what_takes_too_long() {
    let host = Host::default();
    let ctx = host.context();
    assert_eq!(ready(ctx.timeout(millis(10), at_once(42))), Ok(42));
    let mut slow = Box::pin(ctx.timeout(millis(10), pending::<()>()));
    assert!(poll(&mut slow).is_pending());
    host.advance(10 * MILLI);
    assert_eq!(ready(slow).unwrap_err().to_string(), "not done within 10ms");
}

#[test]
fn a_shutdown_tells_why() {
    let host = Host::default();
    let ctx = host.context();
    let mut shutdown = Box::pin(ctx.shutdown());
    assert!(poll(&mut shutdown).is_pending());
    ctx.request_shutdown("enough fish");
    assert_eq!(ready(shutdown), "enough fish");
    assert!(host.ends_itself());
}

#[test]
fn who_only_watches_for_the_shutdown_does_not_say_that_it_ends_by_itself() {
    let host = Host::default();
    let ctx = host.context();
    ctx.request_shutdown("enough fish");
    assert_eq!(ready(ctx.shutdown_begun()), "enough fish");
    assert!(!host.ends_itself());
}

#[test]
fn what_the_bus_refuses_is_told() {
    let ctx = Host::default().context();
    let refused = ctx.topic::<u32>("fish").unwrap_err();
    assert!(refused.to_string().contains("no bus"), "{refused}");
    assert!(ctx.messages_of("**").is_err());
}

#[test]
fn a_notice_that_is_none_is_still_told() {
    assert_eq!(ready(reason(at_once(RString::from("boom")).into_ffi())), "boom");
}
