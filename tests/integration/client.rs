//! A client of the plugin `http`, of sockets alone: what a script would use curl for.
//!
//! It asks by HTTP/1.0, so that an answer is what comes until the end. Every wait has a limit.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::env::Process;

/// How long a test waits for an answer, or for the next event.
const LIMIT: Duration = Duration::from_secs(20);

/// What the server logs before its address.
const SERVING: &str = "Serving http://";

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A stream of events that has begun.
pub(crate) struct Events {
    stream: BufReader<TcpStream>,
    /// Messages that came before one of another topic: topics have no order among each other.
    passed: VecDeque<Value>,
}

/// An event: its name, which most have none of, and its data.
#[derive(Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// Where a process serves, once it does.
pub(crate) fn address(process: &mut Process) -> SocketAddr {
    let address = process.rest_of_line(SERVING);
    address.parse().unwrap_or_else(|error| panic!("{error}: {address}"))
}

pub(crate) fn get(server: SocketAddr, path: &str) -> Reply {
    ask(server, "GET", path, &[], "")
}

/// Publishes a value as JSON.
pub(crate) fn post(server: SocketAddr, path: &str, json: &str) -> Reply {
    ask(server, "POST", path, &["Content-Type: application/json"], json)
}

/// Asks, with further lines of header.
pub(crate) fn ask(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &str,
) -> Reply {
    let mut stream = request(server, method, path, headers, body);
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer, of text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head, and a body");
    Reply { status: status(head), head: head.to_lowercase(), body: body.to_owned() }
}

/// A connection on which that was asked.
fn request(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &str,
) -> TcpStream {
    let mut stream = TcpStream::connect_timeout(&server, LIMIT).expect("the server is there");
    stream.set_read_timeout(Some(LIMIT)).expect("a socket has a limit");
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    let text =
        format!("{method} {path} HTTP/1.0\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).expect("the server reads");
    stream
}

fn status(head: &str) -> u16 {
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    code.unwrap_or_else(|| panic!("no status: {head}"))
}

impl Reply {
    #[track_caller]
    pub(crate) fn assert(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Events {
    /// Asks for the events of that path, and waits until they have begun.
    pub(crate) fn of(server: SocketAddr, path: &str) -> Events {
        let mut events = Events::asked(server, path);
        events.begun();
        events
    }

    /// Asks, and waits for nothing.
    pub(crate) fn asked(server: SocketAddr, path: &str) -> Events {
        let stream = BufReader::new(request(server, "GET", path, &[], ""));
        Events { stream, passed: VecDeque::new() }
    }

    /// Waits until they have begun.
    pub(crate) fn begun(&mut self) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.stream.read_line(&mut head).expect("a head"), 0, "{head}");
        }
        assert_eq!(status(&head), 200, "{head}");
        assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
    }

    /// The next event; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Event> {
        let (mut name, mut data) = (String::new(), String::new());
        let end = Instant::now() + LIMIT;
        loop {
            // A server that has nothing to tell says that it is there.
            assert!(Instant::now() < end, "no event came");
            let mut line = String::new();
            match self.stream.read_line(&mut line) {
                Ok(0) => {
                    assert!(name.is_empty() && data.is_empty(), "cut off: {name} {data}");
                    return None;
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("no event came"),
                Err(error) => panic!("the stream was cut off: {error}"),
            }
            let line = line.trim_end_matches('\n');
            if let Some(text) = line.strip_prefix("event: ") {
                text.clone_into(&mut name);
            } else if let Some(text) = line.strip_prefix("data: ") {
                data += text;
            } else if line.is_empty() && !data.is_empty() {
                let data = serde_json::from_str(&data).unwrap_or_else(|it| panic!("{it}: {data}"));
                return Some(Event { name, data });
            }
        }
    }

    /// The next message of a topic.
    pub(crate) fn message(&mut self, topic: &str) -> Value {
        let passed = self.passed.iter().position(|message| message["topic"] == topic);
        if let Some(message) = passed.and_then(|place| self.passed.remove(place)) {
            return message;
        }
        loop {
            let event = self.next().expect("a message");
            if event.name.is_empty() && event.data["topic"] == topic {
                return event.data;
            }
            if event.name.is_empty() {
                self.passed.push_back(event.data);
            }
        }
    }

    /// The next value of a topic.
    pub(crate) fn value(&mut self, topic: &str) -> Value {
        self.message(topic)["value"].take()
    }

    /// Reads messages until the end, which is told.
    #[track_caller]
    pub(crate) fn until_end(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next() {
            events.push(event);
        }
        let last = events.pop().expect("that it ends is told");
        assert_eq!(last.name, "end", "{last:?}");
        events
    }
}
