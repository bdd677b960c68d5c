//! The bundled plugin `http`: what it answers, whom it refuses, and how it begins and ends.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use lifespan::Exit;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::client::{Events, Reply, address, ask, get, post};
use crate::env::{Process, TestEnv};

/// Ends what runs as an operator does; all is well then.
fn stop(process: Process) {
    process.signal(Signal::TERM);
    process.wait().assert_code(Exit::Success);
}

/// A countdown that shows its first number, and then waits.
const COUNTDOWN: &str = "countdown --from 7 --sleep 1h";

#[test]
fn topics_and_their_values_are_told() {
    let env = TestEnv::new();
    let mut process = env.spawn(&format!("http --port 0 {COUNTDOWN} onlooker"));
    process.wait_for_line("Counting down… 7");
    let server = address(&mut process);
    let topics = get(server, "/topics");
    topics.assert(200);
    assert!(topics.head.contains("content-type: application/json"), "{topics:?}");
    let expect = json!([
        { "name": "countdown", "type": "u32" },
        { "name": "http/address", "type": "String" },
        { "name": "numbers", "type": "u64" },
    ]);
    assert_eq!(topics.json(), expect);
    // It is told before it is published.
    let end = Instant::now() + Duration::from_secs(20);
    while get(server, "/topics/countdown").status == 204 && Instant::now() < end {}
    assert_eq!(get(server, "/topics/countdown").assert(200).json(), 7);
    let url = format!("http://{server}");
    assert_eq!(get(server, "/topics/http/address").assert(200).json(), url);
    assert_eq!(get(server, "/topics/numbers").assert(204).body, "");
    let unknown = get(server, "/topics/nowhere");
    assert_eq!(unknown.assert(404).json()["error"], "there is no topic `nowhere` now");
    get(server, "/topics/a*").assert(404);
    get(server, "/nowhere").assert(404);
    assert_eq!(get(server, "/health").assert(200).json(), json!({ "status": "ok" }));
    ask(server, "DELETE", "/topics/countdown", &[], "").assert(405);
    let page = get(server, "/");
    page.assert(200);
    for part in ["content-type: text/html", "content-security-policy: default-src 'none'"] {
        assert!(page.head.contains(part), "{}", page.head);
    }
    // It works without any network: nothing of it is from elsewhere.
    assert!(!page.body.contains("://"), "{page:?}");
    stop(process);
}

#[test]
fn values_are_published_by_post() {
    let env = TestEnv::new();
    let mut process = env.spawn(&format!("http@a --port 0 {COUNTDOWN} echo"));
    process.wait_for_line("Counting down… 7");
    let server = address(&mut process);
    post(server, "/topics/countdown", "42").assert(204);
    process.wait_for_line("Countdown currently at 42");
    assert_eq!(get(server, "/topics/countdown").json(), 42);
    let unfit = post(server, "/topics/countdown", "\"fish\"");
    let error = unfit.assert(400).json()["error"].to_string();
    assert!(error.contains("no value of topic `countdown`, whose type is u32"), "{error}");
    post(server, "/topics/nowhere", "1").assert(404);
    // An instance with a name has topics of that name.
    get(server, "/topics/http/a/address").assert(200);
    stop(process);
}

#[test]
fn who_may_not_ask_is_refused() {
    let env = TestEnv::new();
    let mut process = env.spawn(&format!("http --port 0 --max-body 10 {COUNTDOWN}"));
    process.wait_for_line("Counting down… 7");
    let server = address(&mut process);
    let json = "Content-Type: application/json";
    let publish =
        |headers: &[&str], body: &str| ask(server, "POST", "/topics/countdown", headers, body);
    let rebound = ask(server, "GET", "/topics", &["Host: evil.example"], "");
    assert!(rebound.assert(421).json()["hint"].to_string().contains("--allow-host evil.example"));
    publish(&[json, "Host: evil.example"], "1").assert(421);
    publish(&[json, "Origin: http://evil.example"], "1").assert(403);
    publish(&["Content-Type: text/plain"], "1").assert(415);
    publish(&[json], "12345678901").assert(413);
    publish(&[json], "\u{e9}").assert(400);
    assert_eq!(get(server, "/topics/countdown").json(), 7, "nothing of that was published");
    let own = format!("Origin: http://{server}");
    publish(&[json, &format!("Host: {server}"), &own], "1").assert(204);
    stop(process);

    let mut process = env
        .spawn(&format!("http --port 0 --publish nobody --allow-host board.example {COUNTDOWN}"));
    process.wait_for_line("Counting down… 7");
    let server = address(&mut process);
    ask(server, "GET", "/topics", &["Host: board.example"], "").assert(200);
    post(server, "/topics/countdown", "1").assert(403);
    stop(process);
}

#[test]
fn a_message_without_a_length_is_limited_too() {
    let env = TestEnv::new();
    let mut process = env.spawn(&format!("http --port 0 --max-body 10 {COUNTDOWN}"));
    process.wait_for_line("Counting down… 7");
    let server = address(&mut process);
    let mut stream = TcpStream::connect(server).unwrap();
    stream
        .write_all(
            b"POST /topics/countdown HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
              Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
              14\r\n12345678901234567890\r\n0\r\n\r\n",
        )
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    stop(process);
}

#[test]
fn a_stream_has_the_last_value_and_then_every_message() {
    let env = TestEnv::new();
    let mut process = env.spawn(&format!("http --port 0 {COUNTDOWN} onlooker"));
    process.wait_for_line("Counting down… 7");
    let server = address(&mut process);
    let mut one = Events::of(server, "/events/countdown");
    let mut other = Events::of(server, "/events/*");
    let mut all = Events::of(server, "/events");
    let mut latest = Events::of(server, "/events/**?latest");
    let streams = [&mut one, &mut other, &mut all, &mut latest];
    for stream in streams {
        let message = stream.message("countdown");
        let expect = json!({
            "topic": "countdown", "publisher": "countdown", "sequence": 0, "skipped": 0,
            "type": "u32", "value": 7,
        });
        assert_eq!(message, expect);
    }
    for n in 1..=50 {
        post(server, "/topics/countdown", &n.to_string()).assert(204);
    }
    for stream in [&mut one, &mut other, &mut all] {
        let numbers: Vec<_> = (1..=50).map(|_| stream.message("countdown")).collect();
        let values: Vec<_> = numbers.iter().map(|it| it["value"].as_u64().unwrap()).collect();
        assert_eq!(values, (1..=50).collect::<Vec<_>>());
        assert_eq!(numbers[0]["publisher"], "http");
    }
    // Not all of them perhaps, but the last.
    while latest.value("countdown") != 50 {}
    post(server, "/topics/numbers", "1").assert(204);
    assert_eq!(other.message("numbers")["type"], "u64");
    assert!(get(server, "/events/a**").assert(400).json()["error"].is_string());
    get(server, "/events/a?fish").assert(400);
    stop(process);
    assert_eq!(one.until_end(), []);
    assert_eq!(other.until_end(), []);
}

#[test]
fn what_was_published_last_is_in_the_streams_before_their_end() {
    let env = TestEnv::new();
    let line = "--until countdown http --port 0 countdown --from 1000 --sleep 1ms";
    let mut process = env.spawn(line);
    let server = address(&mut process);
    let mut events = Events::of(server, "/events/countdown");
    let mut values: Vec<_> =
        events.until_end().iter().map(|event| event.data["value"].as_u64().unwrap()).collect();
    process.wait().assert_code(Exit::Success);
    assert_eq!(values.pop(), Some(1));
    // Without a gap, from wherever it began.
    let begin = values[0];
    let expect: Vec<_> = (2..=begin).rev().collect();
    assert_eq!(values, expect);
}

#[test]
fn at_the_end_a_stream_is_whole_and_a_client_that_does_nothing_is_no_hindrance() {
    let env = TestEnv::new();
    let mut process = env.spawn(&format!("-v http --port 0 {COUNTDOWN}"));
    let server = address(&mut process);
    let silent = TcpStream::connect(server).unwrap();
    let mut half = TcpStream::connect(server).unwrap();
    half.write_all(b"GET / HT").unwrap();
    let mut idle = TcpStream::connect(server).unwrap();
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut stream = TcpStream::connect(server).unwrap();
    stream.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut head = [0; 8];
    stream.read_exact(&mut head).unwrap();
    process.signal(Signal::TERM);
    let begun = Instant::now();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    // The last chunk has no bytes: a client knows by it that nothing is missing.
    assert!(rest.ends_with("event: end\ndata: {}\n\n\r\n0\r\n\r\n"), "{rest}");
    let output = process.wait();
    output.assert_code(Exit::Success).assert_has_not(&["grace period"]);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    output.assert_in_order(&["No more clients are served", "Tearing down"]);
    drop((silent, half, idle));
}

#[test]
fn a_port_that_is_taken_is_an_error_before_anything_runs() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let output = TestEnv::new().run(&format!("countdown http --port {port}"));
    output.assert_code(Exit::Plugin).assert_has(&[
        &format!("error: http: set-up: cannot listen on 127.0.0.1, port {port}"),
        "caused by: Address already in use",
        "hint: another program has that port; `--port 0` takes one that is free",
    ]);
    output.assert_has_not(&["Counting down"]);
    let output = TestEnv::new().run("http --host 192.0.2.1");
    output.assert_code(Exit::Plugin).assert_has(&["hint: name an address of this machine"]);
    TestEnv::new().run("http --port 65536").assert_code(Exit::Usage);
}

#[test]
fn two_servers_are_two() {
    let env = TestEnv::new();
    let line = "--until countdown --bus-trace http/** http@a --port 0 http@b --port 0 --host localhost \
                countdown --from 1 --sleep 0";
    let output = env.run(line);
    output.assert_code(Exit::Success);
    let messages = output.stdout.lines().map(|it| serde_json::from_str::<Value>(it).unwrap());
    let mut addresses: Vec<_> = messages
        .map(|it| (it["topic"].to_string(), it["value"].as_str().unwrap().to_owned()))
        .collect();
    addresses.sort();
    let [(a, first), (b, second)] = addresses.as_slice() else { panic!("{output}") };
    assert_eq!([a, b], ["\"http/a/address\"", "\"http/b/address\""]);
    assert!(first.starts_with("http://127.0.0.1:") && first != second, "{output}");
}

#[test]
fn there_is_an_end_to_how_many_streams_there_are() {
    let env = TestEnv::new();
    let mut process = env.spawn(&format!("http --port 0 --max-streams 2 {COUNTDOWN}"));
    let server = address(&mut process);
    let streams = [Events::of(server, "/events"), Events::of(server, "/events/a")];
    let refused: Reply = get(server, "/events/b");
    assert!(refused.assert(503).json()["hint"].to_string().contains("--max-streams"));
    drop(streams);
    let end = Instant::now() + Duration::from_secs(20);
    // That a client has gone is known once it is written to, or its end is read.
    while get(server, "/topics").status != 200 || !free(server) {
        assert!(Instant::now() < end, "their places are not free again");
    }
    stop(process);
}

fn free(server: std::net::SocketAddr) -> bool {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.write_all(b"GET /events/b HTTP/1.0\r\n\r\n").unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    head.ends_with(b"200")
}
