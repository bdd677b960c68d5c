//! Two real libraries, loaded by the real host: publishers in one, subscribers in the other. What they
//! tell is collected by a plugin that is linked into this program.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};
use lifespan::{Host, Preparation, Rendering, Shutdown};
use lifespan_bench_work::figures::{self, Summary, collect};
use lifespan_bench_work::parked::Parked;
use lifespan_bench_work::pingpong::PingPong;
use lifespan_bench_work::quiet::Quiet;
use lifespan_bench_work::spread::Spread;
use lifespan_plugin_api::prelude::{Context, plugin};

use crate::runtime::LIMIT;

/// What the collector has added up.
static COLLECTED: Mutex<Option<Summary>> = Mutex::new(None);

/// A host that has found the two libraries.
pub(crate) struct OverAbi {
    host: Host,
}

#[derive(clap::Args)]
struct Collect {
    /// How many figures are told
    #[arg(long)]
    figures: u64,
}

/// Add up what the others tell
#[plugin]
async fn bench_collect(args: Collect, ctx: Context) -> Result<()> {
    let mut told = figures::topic(&ctx)?.messages();
    ctx.run(async {
        let summary = collect(&mut told, args.figures).await?;
        *COLLECTED.lock().unwrap_or_else(PoisonError::into_inner) = summary;
        Ok(())
    })
    .await;
    Ok(())
}

impl OverAbi {
    /// # Errors
    ///
    /// One of the libraries is not there.
    pub(crate) fn new(plugins: &Path) -> Result<Self> {
        // A path of a host's must not depend on where it stands.
        let plugins = &fs::canonicalize(plugins)
            .with_context(|| format!("there is no folder `{}`", plugins.display()))?;
        let host = Host::builder("bench")
            .plugin_dir(plugins)
            .builtin(lifespan_plugin_api::builtins![bench_collect])
            .build();
        for name in ["bench-publish", "bench-subscribe"] {
            let found = host.catalog().plugins().any(|plugin| plugin.name() == name);
            ensure!(found, "there is no plugin `{name}` in `{}`", plugins.display());
        }
        Ok(OverAbi { host })
    }

    pub(crate) fn spread(&self, run: &Spread) -> Result<Summary> {
        let mut line = Line::collecting(run.figures());
        line.stage("bench-subscribe", run.words());
        for number in 0..run.publishers {
            let number = ["--number".to_owned(), number.to_string()];
            line.stage("bench-publish", run.words().into_iter().chain(number));
        }
        self.run(line)
    }

    pub(crate) fn pingpong(&self, run: &PingPong) -> Result<Summary> {
        let mut line = Line::collecting(1);
        line.stage("bench-pong", run.words());
        line.stage("bench-ping", run.words());
        self.run(line)
    }

    pub(crate) fn parked(&self, run: &Parked) -> Result<Summary> {
        let mut line = Line::collecting(1);
        for _ in 0..run.instances {
            line.stage("bench-wait", run.words());
        }
        line.stage("bench-beat", run.words());
        self.run(line)
    }

    pub(crate) fn quiet(&self, run: &Quiet) -> Result<Summary> {
        let mut line = Line::collecting(2);
        line.stage("bench-quiet", ["--messages".to_owned(), run.messages.to_string()]);
        self.run(line)
    }

    fn run(&self, line: Line) -> Result<Summary> {
        let prepared = match self.host.prepare(line.0, Rendering::default())? {
            Preparation::Ready(prepared) => prepared,
            Preparation::Answer(text) => bail!("the host answered: {text}"),
        };
        let shutdown = Shutdown::new();
        let (over, is_over) = mpsc::channel::<()>();
        let outcome = thread::scope(|scope| {
            let shutdown = &shutdown;
            scope.spawn(move || {
                if is_over.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
                    shutdown.request("it hangs");
                }
            });
            let outcome = prepared.run(shutdown);
            drop(over);
            outcome
        });
        if let Some(failure) = outcome.failures.into_iter().next() {
            bail!("the host: {failure}");
        }
        let collected = COLLECTED.lock().unwrap_or_else(PoisonError::into_inner).take();
        collected.context("it hangs, or the collector was told nothing")
    }
}

/// A command line for the host.
struct Line(Vec<OsString>);

impl Line {
    fn collecting(figures: u64) -> Line {
        Line(["bench-collect", "--figures", &figures.to_string()].map(OsString::from).to_vec())
    }

    fn stage(&mut self, plugin: &str, words: impl IntoIterator<Item = String>) {
        self.0.push(plugin.into());
        self.0.extend(words.into_iter().map(OsString::from));
    }
}
