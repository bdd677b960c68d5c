//! A real browser without a window, for tests of pages: Chromium, if there is one.
//!
//! It is spoken to by the protocol of its developer tools, over two pipes: messages of JSON, each
//! ended by a zero byte. The pipes are its descriptors 3 and 4, which a shell opens for it.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use ct_codecs::{Base64, Decoder as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::nested::skip;

/// The names that it is installed under.
const NAMES: [&str; 3] = ["chromium-headless-shell", "chromium", "google-chrome"];

/// How long a test waits for an answer: the first comes when the browser has started.
const LIMIT: Duration = Duration::from_secs(60);

/// A browser with one page. Dropping it ends it.
pub(crate) struct Browser {
    child: Child,
    commands: File,
    answers: Receiver<Value>,
    /// The number of the last command.
    last: u64,
    /// The page, as commands name it.
    session: Option<String>,
    _folder: TempDir,
}

impl Browser {
    /// Starts it; where there is none, says so.
    pub(crate) fn start() -> Option<Browser> {
        let Some(program) = found() else {
            skip("the page in a browser", &format!("there is none of {}", NAMES.join(", ")));
            return None;
        };
        let folder = TempDir::new().expect("a temporary folder");
        let pipe = |name: &str| folder.path().join(name);
        let (commands, answers) = (pipe("commands"), pipe("answers"));
        let made = Command::new("mkfifo").args([&commands, &answers]).status();
        assert!(made.is_ok_and(|status| status.success()), "no pipes can be made");
        let script = "exec \"$0\" \"$@\" 3<\"$COMMANDS\" 4>\"$ANSWERS\"";
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).arg(program).args([
            "--headless",
            "--remote-debugging-pipe",
            // The sandbox is not for root, nor for many a container; the page is our own.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--no-proxy-server",
            "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        ]);
        shell.arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
        shell.env("COMMANDS", &commands).env("ANSWERS", &answers).env("HOME", folder.path());
        shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = shell.spawn().expect("a shell can be started");
        // In the order in which the shell opens them: each waits for the other side.
        let commands = File::options().write(true).open(commands).expect("a pipe");
        let answers = read(File::open(answers).expect("a pipe"));
        Some(Browser { child, commands, answers, last: 0, session: None, _folder: folder })
    }

    /// Opens a page.
    pub(crate) fn open(&mut self, url: &str) {
        let opened = self.call("Target.createTarget", json!({ "url": "about:blank" }));
        let target = &opened["targetId"];
        let attach = json!({ "targetId": target, "flatten": true });
        let attached = self.call("Target.attachToTarget", attach);
        self.session = attached["sessionId"].as_str().map(ToOwned::to_owned);
        let size = json!({ "width": 1000, "height": 640, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
        // Answered once it is this page that is there, and asked.
        self.call("Page.navigate", json!({ "url": url }));
    }

    /// The value of an expression of JavaScript in the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let number = self.send("Runtime.evaluate", evaluation(expression));
        self.answer(number)
    }

    /// Waits until an expression is true in the page.
    pub(crate) fn wait_until(&mut self, expression: &str) {
        let number = self.begin_to_wait(expression);
        self.answer(number);
    }

    /// Begins to wait until an expression is true; [`answer`](Self::answer) waits. It is looked at
    /// whenever the page changes.
    pub(crate) fn begin_to_wait(&mut self, expression: &str) -> u64 {
        let promise = format!(
            "new Promise(done => {{
                const look = () => {{ if ({expression}) {{ observer.disconnect(); done(true); }} }};
                const observer = new MutationObserver(look);
                observer.observe(document, {{
                    subtree: true, childList: true, characterData: true, attributes: true,
                }});
                look();
            }})"
        );
        self.send("Runtime.evaluate", evaluation(&promise))
    }

    /// The value that was asked for.
    pub(crate) fn answer(&mut self, number: u64) -> Value {
        let mut result = self.result(number);
        assert!(result.get("exceptionDetails").is_none(), "{result:#}");
        result["result"]["value"].take()
    }

    /// Prefers a light or a dark page.
    pub(crate) fn prefer(&mut self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
    }

    /// Keeps a picture of the page.
    pub(crate) fn screenshot(&mut self, path: &Path) {
        let taken = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        let data = taken["data"].as_str().expect("a picture");
        let picture = Base64::decode_to_vec(data, None).expect("a picture in base64");
        fs::write(path, picture).expect("a file below the target folder");
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        let number = self.send(method, params);
        self.result(number)
    }

    fn send(&mut self, method: &str, params: Value) -> u64 {
        self.last += 1;
        let mut command = json!({ "id": self.last, "method": method, "params": params });
        if let Some(session) = &self.session {
            command["sessionId"] = session.as_str().into();
        }
        let mut text = command.to_string().into_bytes();
        text.push(0);
        self.commands.write_all(&text).expect("the browser reads");
        self.last
    }

    /// The answer to a command; what else the browser tells is left.
    fn result(&mut self, number: u64) -> Value {
        loop {
            let mut message = self.answers.recv_timeout(LIMIT).expect("the browser answers");
            if message["id"] == number {
                assert!(message.get("error").is_none(), "{message:#}");
                return message["result"].take();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Both fail where it has ended; its children end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn found() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<_> = env::split_paths(&path).collect();
    let files = NAMES.iter().flat_map(|name| folders.iter().map(move |it| it.join(name)));
    files.into_iter().find(|file| file.is_file())
}

fn evaluation(expression: &str) -> Value {
    json!({ "expression": expression, "awaitPromise": true, "returnByValue": true })
}

/// What the browser tells, until its end.
fn read(answers: File) -> Receiver<Value> {
    let (told, heard) = channel();
    thread::spawn(move || {
        let mut answers = BufReader::new(answers);
        let mut text = Vec::new();
        while answers.read_until(0, &mut text).is_ok_and(|count| count > 0) {
            text.pop();
            let message = serde_json::from_slice(&text).expect("the browser tells JSON");
            if told.send(message).is_err() {
                return;
            }
            text.clear();
        }
    });
    heard
}
