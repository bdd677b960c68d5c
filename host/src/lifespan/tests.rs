//! The dispatcher against instances that are scripted, on the real runtimes.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use lifespan_abi::abi_stable::sabi_trait::TD_Opaque;
use lifespan_abi::abi_stable::std_types::RResult;
use lifespan_abi::async_ffi::FfiFuture;
use lifespan_abi::{
    Ending, Instance, InstanceBox, PluginFacts, Report, ServicesBox, Stance, WireReport,
};
use tokio::sync::Notify;

use crate::bind::BoundStage;
use crate::exit::Exit;
use crate::lifespan::Outcome;
use crate::limits::Deadlines;
use crate::run::{RunOptions, run};
use crate::runtime::Starting;
use crate::shutdown::Shutdown;
use crate::watchdog::STALLED;

/// What a phase does.
#[derive(Clone, Copy, Default)]
enum Act {
    #[default]
    Finish,
    Fail,
    Panic,
    /// Until it is dropped or cancelled.
    Wait,
    /// Blocks the thread, for longer than any deadline here.
    Block,
}

#[derive(Clone, Copy, Default)]
struct Script {
    setup: Act,
    stance: Option<Stance>,
    run: Act,
    teardown: Act,
    drop: Act,
}

type Told = Arc<Mutex<Vec<String>>>;

struct Scripted {
    name: &'static str,
    script: Script,
    told: Told,
    cancelled: Arc<Notify>,
    /// There once it has been set up.
    services: OnceLock<ServicesBox>,
}

impl Scripted {
    fn phase<T: Send + 'static>(
        &self,
        phase: &'static str,
        act: Act,
        value: T,
    ) -> FfiFuture<RResult<T, WireReport>> {
        let (name, told) = (self.name, self.told.clone());
        FfiFuture::new(async move {
            told.lock().unwrap().push(format!("{phase} {name}"));
            match act {
                Act::Finish => RResult::ROk(value),
                Act::Fail => RResult::RErr(Report::error("no fish").into()),
                Act::Panic => panic!("bomb"),
                Act::Wait => std::future::pending().await,
                Act::Block => {
                    std::thread::sleep(Duration::from_secs(5));
                    RResult::ROk(value)
                }
            }
        })
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        match self.script.drop {
            Act::Block => std::thread::sleep(Duration::from_secs(5)),
            Act::Fail => {
                let services = self.services.get().expect("it has been set up");
                services.report("drop".into(), Report::error("no fish").into());
            }
            Act::Finish | Act::Panic | Act::Wait => {}
        }
    }
}

impl Instance for Scripted {
    fn setup(&self, services: ServicesBox) -> FfiFuture<RResult<Stance, WireReport>> {
        assert!(self.services.set(services).is_ok(), "it is set up once");
        self.phase("setup", self.script.setup, self.script.stance.unwrap_or(Stance::RUN))
    }

    fn run(&self) -> FfiFuture<RResult<Ending, WireReport>> {
        let run = self.phase("run", self.script.run, Ending::FINISHED);
        let cancelled = self.cancelled.clone();
        FfiFuture::new(async move {
            tokio::select! {
                biased;
                () = cancelled.notified() => RResult::ROk(Ending::CANCELLED),
                ended = run => ended,
            }
        })
    }

    fn cancel(&self) {
        self.told.lock().unwrap().push(format!("cancel {}", self.name));
        self.cancelled.notify_one();
    }

    fn teardown(&self) -> FfiFuture<RResult<(), WireReport>> {
        self.phase("teardown", self.script.teardown, ())
    }
}

const DEADLINES: Deadlines = Deadlines {
    setup: Duration::from_millis(200),
    grace: Duration::from_millis(200),
    teardown: Duration::from_millis(200),
    shutdown: Duration::from_secs(2),
};

/// Runs `a`, `b`, … with these scripts; answers the outcome and what was called.
fn scripted(scripts: &[Script], shutdown: &Shutdown) -> (Outcome, String) {
    limited(scripts, shutdown, DEADLINES)
}

fn limited(scripts: &[Script], shutdown: &Shutdown, deadlines: Deadlines) -> (Outcome, String) {
    let told = Told::default();
    let stages = scripts.iter().zip(["a", "b", "c"]).map(|(&script, name)| BoundStage {
        instance: name.into(),
        facts: PluginFacts::default(),
        args: Vec::new(),
        library: String::new(),
        deadlines,
        object: InstanceBox::from_value(
            Scripted {
                name,
                script,
                told: told.clone(),
                cancelled: Arc::default(),
                services: OnceLock::new(),
            },
            TD_Opaque,
        ),
    });
    let options = RunOptions {
        deadlines,
        until: Vec::new(),
        stall_warning: STALLED,
        traces: Vec::new(),
        probe: None,
    };
    let outcome = run(stages.collect(), Starting::begin(), options, shutdown);
    let told = told.lock().unwrap().join(", ");
    (outcome, told)
}

fn check(scripts: &[Script], exit: Exit, expect: &str) -> Outcome {
    let (outcome, told) = scripted(scripts, &Shutdown::new());
    assert_eq!((outcome.exit, told.as_str()), (exit, expect), "{outcome:?}");
    outcome
}

const FINE: Script = Script {
    setup: Act::Finish,
    stance: None,
    run: Act::Finish,
    teardown: Act::Finish,
    drop: Act::Finish,
};

#[test]
fn phases_follow_in_order_and_tear_down_in_reverse() {
    let waits = Script { stance: Some(Stance::BACKGROUND), run: Act::Wait, ..FINE };
    let (outcome, told) = scripted(&[FINE, waits], &Shutdown::new());
    assert_eq!(outcome.exit, Exit::Success);
    // The two tasks run at the same time, and the one may have ended before the other is polled at all.
    let (runs, rest): (Vec<_>, Vec<_>) =
        told.split(", ").enumerate().partition(|(_, step)| step.starts_with("run "));
    assert!(runs.iter().all(|(at, _)| *at > 1), "{told}");
    assert!(runs.iter().any(|(_, step)| *step == "run a"), "{told}");
    let rest: Vec<_> = rest.into_iter().map(|(_, step)| step).collect();
    assert_eq!(rest, ["setup a", "setup b", "cancel b", "teardown b", "teardown a"], "{told}");
}

#[test]
fn an_instance_that_is_done_has_no_task_and_no_tear_down() {
    check(
        &[Script { stance: Some(Stance::DONE), ..FINE }, FINE],
        Exit::Success,
        "setup a, setup b, run b, teardown b",
    );
}

#[test]
fn a_set_up_that_fails_or_panics_or_hangs_unwinds_what_is_up() {
    for (act, message) in [
        (Act::Fail, "b: set-up: no fish"),
        (Act::Panic, "b: set-up: panicked: FFI future panicked"),
        (Act::Wait, "b: set-up: it did not finish within 200ms"),
    ] {
        let outcome = check(
            &[FINE, Script { setup: act, ..FINE }, FINE],
            Exit::Plugin,
            "setup a, setup b, teardown a",
        );
        assert_eq!(outcome.failures[0].to_string(), message);
        assert!(outcome.abandoned.is_empty());
    }
}

#[test]
fn a_set_up_that_blocks_is_given_up_and_named() {
    let outcome = check(
        &[FINE, Script { setup: Act::Block, ..FINE }],
        Exit::Plugin,
        "setup a, setup b, teardown a",
    );
    assert_eq!(outcome.abandoned, ["b"]);
}

#[test]
fn a_task_that_fails_ends_the_others() {
    let waits = Script { run: Act::Wait, ..FINE };
    for act in [Act::Fail, Act::Panic] {
        let (outcome, told) = scripted(&[waits, Script { run: act, ..FINE }], &Shutdown::new());
        assert_eq!(outcome.exit, Exit::Plugin);
        assert!(told.ends_with("cancel a, teardown b, teardown a"), "{told}");
        assert_eq!(outcome.failures.len(), 1);
    }
}

#[test]
fn a_task_that_blocks_is_given_up_and_gets_no_tear_down() {
    let blocks = Script { run: Act::Block, ..FINE };
    let fails = Script { run: Act::Fail, ..FINE };
    let (outcome, told) = scripted(&[blocks, fails], &Shutdown::new());
    assert_eq!(outcome.abandoned, ["a"]);
    assert!(told.ends_with("cancel a, teardown b"), "{told}");
}

#[test]
fn tear_downs_that_fail_or_hang_do_not_keep_others_from_theirs() {
    let (outcome, told) = scripted(
        &[
            FINE,
            Script { teardown: Act::Fail, ..FINE },
            Script { teardown: Act::Wait, stance: Some(Stance::IDLE), ..FINE },
        ],
        &Shutdown::new(),
    );
    assert_eq!(outcome.exit, Exit::Plugin);
    assert!(told.ends_with("teardown c, teardown b, teardown a"), "{told}");
    let failed: Vec<_> = outcome.failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        failed,
        ["c: tear-down: it did not finish in time (200ms)", "b: tear-down: no fish"]
    );
}

#[test]
fn a_request_before_the_first_set_up_is_a_clean_end() {
    let shutdown = Shutdown::new();
    shutdown.request("SIGTERM");
    let (outcome, told) = scripted(&[FINE], &shutdown);
    assert_eq!((outcome.exit, told.as_str()), (Exit::Success, ""));
}

#[test]
fn a_request_ends_tasks_that_wait() {
    let shutdown = Shutdown::new();
    let later = shutdown.clone();
    let asking = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        later.request("enough");
    });
    let (outcome, told) = scripted(&[Script { run: Act::Wait, ..FINE }], &shutdown);
    asking.join().unwrap();
    assert_eq!(outcome.exit, Exit::Success);
    assert_eq!(told, "setup a, run a, cancel a, teardown a");
}

#[test]
fn force_ends_at_once_and_names_what_is_left() {
    let shutdown = Shutdown::new();
    shutdown.force(15);
    let (outcome, _) = scripted(&[Script { run: Act::Wait, ..FINE }], &shutdown);
    assert_eq!(outcome.exit, Exit::Signal(15));
    assert_eq!(outcome.abandoned, ["a"]);
}

#[test]
fn an_instance_that_blocks_while_it_is_dropped_is_named() {
    let done = Script { stance: Some(Stance::DONE), drop: Act::Block, ..FINE };
    let outcome = check(&[done], Exit::Plugin, "setup a");
    assert_eq!(outcome.abandoned, ["a"]);
}

#[test]
fn what_an_instance_reports_while_it_is_dropped_is_told() {
    let outcome =
        check(&[Script { drop: Act::Fail, ..FINE }], Exit::Plugin, "setup a, run a, teardown a");
    let failed: Vec<_> = outcome.failures.iter().map(ToString::to_string).collect();
    assert_eq!(failed, ["a: drop: no fish"]);
}

#[test]
fn limits_without_end_are_no_overflow() {
    let deadlines = Deadlines {
        setup: Duration::MAX,
        grace: Duration::MAX,
        teardown: Duration::MAX,
        shutdown: Duration::MAX,
    };
    let (outcome, _) = limited(&[FINE], &Shutdown::new(), deadlines);
    assert_eq!(outcome.exit, Exit::Success);
}

#[test]
fn the_limit_of_the_whole_shutdown_is_told_as_such() {
    let deadlines = Deadlines {
        teardown: Duration::from_secs(60),
        shutdown: Duration::from_millis(300),
        ..DEADLINES
    };
    let hangs = Script { teardown: Act::Wait, ..FINE };
    let (outcome, told) = limited(&[FINE, hangs], &Shutdown::new(), deadlines);
    assert!(told.ends_with("teardown b"), "{told}");
    let failed: Vec<_> = outcome.failures.iter().map(ToString::to_string).collect();
    let first = "b: tear-down: it did not finish before the whole shutdown's time was over (300ms)";
    assert_eq!(failed, [first, "the shutdown did not finish within 300ms"]);
    assert_eq!(outcome.abandoned, ["a"]);
}
