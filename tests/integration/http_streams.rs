//! The plugin `http` with many clients at once, and with one that is slow.

use std::time::{Duration, Instant};

use lifespan::Exit;
use rustix::process::{Resource, Signal, getrlimit, setrlimit};

use crate::client::{Events, address, get, post};
use crate::env::TestEnv;

const STREAMS: usize = 1000;

/// The grace period that a host gives by default.
const GRACE: Duration = Duration::from_secs(5);

#[test]
fn a_thousand_streams_are_served_at_once_and_end_within_the_grace_period() {
    // The clients are files of this process; the server sees to its own.
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(4096, |maximum| maximum.min(4096));
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(wanted);
        setrlimit(Resource::Nofile, limit).expect("a process may have as many files as it may");
    }
    let env = TestEnv::new();
    let mut process = env.spawn("http --port 0 countdown --from 7 --sleep 1h");
    process.wait_for_line("Counting down… 7");
    let server = address(&mut process);
    let mut streams: Vec<_> =
        (0..STREAMS).map(|_| Events::asked(server, "/events/countdown")).collect();
    for stream in &mut streams {
        stream.begun();
        assert_eq!(stream.value("countdown"), 7);
    }
    for n in 0..3 {
        post(server, "/topics/countdown", &n.to_string()).assert(204);
        for stream in &mut streams {
            assert_eq!(stream.value("countdown"), n);
        }
    }
    process.signal(Signal::TERM);
    let begun = Instant::now();
    process.wait_for_end();
    let time = begun.elapsed();
    process.wait().assert_code(Exit::Success).assert_has_not(&["grace period", "cut off"]);
    assert!(time < GRACE, "{time:?}");
    for stream in &mut streams {
        assert_eq!(stream.until_end(), []);
    }
}

#[test]
fn a_client_that_does_not_read_loses_and_holds_up_nobody() {
    let env = TestEnv::new();
    // More than the sockets and the server keep: 48 MiB, in lines of 16 KiB.
    let script = "read go; line=$(head -c 16383 /dev/zero | tr '\\0' x); \
                  i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $line; done";
    let before = ["http", "--port", "0", "countdown", "--from", "1", "--sleep", "1h"];
    let words = ["--then", "exec", "--stdin", "countdown", "sh", "-c", script];
    let words: Vec<_> = before.iter().chain(&words).map(std::ffi::OsStr::new).collect();
    let mut process = env.spawn_args(&words);
    let server = address(&mut process);
    let mut slow = Events::of(server, "/events/exec/stdout");
    let mut status = Events::of(server, "/events/exec/status");
    post(server, "/topics/countdown", "1").assert(204);
    assert_eq!(status.value("exec/status"), 0, "the command has ended, whoever reads");
    let (mut got, mut lost) = (0, 0);
    while got + lost < 3000 {
        let event = slow.next().expect("a message, or that some were lost");
        let skipped = event.data["skipped"].as_u64().expect("a number");
        lost += skipped;
        if event.name.is_empty() {
            got += 1;
            let sequence = event.data["sequence"].as_u64().expect("a number");
            assert_eq!(sequence + 1, got + lost, "what was lost is told where it is missing");
        } else {
            assert_eq!(event.name, "skipped");
        }
    }
    assert!(lost > 0, "nothing was lost of 48 MiB");
    get(server, "/health").assert(200);
    process.signal(Signal::TERM);
    process.wait().assert_code(Exit::Success);
}
