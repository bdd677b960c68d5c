//! The benchmark of the bus, side by side with other channels.
//!
//! ```text
//! cargo xtask bench bus [--rounds N] [--quick] [--arc] [--only TEXT] [--contender TEXT] [--json FILE]
//! ```
//!
//! builds this program and its two plugin libraries for release, and runs it. The comparison with the
//! Python package needs one in which `click_async_plugins` can be imported: `python3.13`, `python3`, or
//! the one named in `LIFESPAN_BENCH_PYTHON`. Without it that part is left out, and it is said. A whole
//! run takes about five minutes, a quick one less than one.
//!
//! # What is measured
//!
//! * **Every message**: one publisher that publishes as fast as it can, in bursts of 128; 1, 8 and 64
//!   subscribers, each of which gets every message, in order; 16 bytes and 1 KiB; on a runtime with two
//!   workers and on one thread. From the first publish until the last subscriber has everything, by the
//!   number of deliveries.
//! * **Singly**: the same of ours alone, one message a call, beside the peers as above.
//! * Where overwriting in place cannot help: **messages kept** by one subscriber, a **last value** that
//!   is read in a loop meanwhile, **two publishers** on a topic.
//! * **Ping-pong**: a round trip of two tasks that wait for each other.
//! * **A publish without a subscriber**, beside `watch`, which keeps a last value as we do.
//! * **Updates** beside `watch`: publishes, and a ping-pong, which is two wake-ups.
//! * **One message to 64 parked subscriptions** in four tasks of four instances, until all have it,
//!   beside 64 tasks with a `broadcast` receiver each: a host wakes an instance and not a subscription.
//!   The same with **64 handlers**, of which those of an instance share one subscription.
//! * **Memory** that a topic and a subscription take.
//! * **The Python bus** that this project carries over, with the same subscribers (`seed.rs`).
//!
//! # Ours
//!
//! *In process*: the SDK linked into this program, on the same runtime as the peers, with the host's bus
//! and host services around it (`lifespan::bench`) and no dispatcher. *Over abi*: two libraries loaded by
//! the real host, publishers in one and subscribers in the other; its own runtime has a worker a core,
//! so this program keeps itself to two cores (on Linux). There is no row of it on one thread, since the
//! host does not run on one. Both run the very same code, `lifespan_bench_work`.
//!
//! # Why it is fair
//!
//! * Everyone holds 1024 messages for a subscriber, and nobody may lose one: what a subscriber has not
//!   read makes the publisher wait. `lost` is counted, and a damaged or repeated message is an error.
//! * Everyone has the same tasks: one a publisher and one a subscriber, all spawned on the runtime; what
//!   waits for their end is no task.
//! * Every subscriber checks each message: its sequence, the end of its payload, and of 1 KiB a word in
//!   one cache line, another one from message to message. Every message is filled anew by its
//!   publisher. Whoever reads all of 1 KiB spends most of the time on that, whatever it came by: with a
//!   word of each cache line 64 subscribers were 3.3 times as fast as the best peer, where the table
//!   says more than 5.
//! * Peers send 16 bytes by value, as they are fastest, and 1 KiB as an `Arc` that subscribers share:
//!   they would copy it for each otherwise. Ours shares either, and copies neither for a subscriber.
//!   With `--arc` peers share 16 bytes too, as they would have to share what owns something.
//! * Everyone uses its fastest call, for a batch where there is one: see the files in `peers`.
//! * Who is compared runs in turn within each round, and every other round in reverse. Figures are
//!   medians; each contender gets as many messages as take it about the same time. Ratios within one run
//!   are what to trust.

mod args;
mod say;
mod runtime;
mod stats;
mod cell;
mod peer;
mod peers;
mod ours;
mod memory;
mod seed;
mod suite;
mod report;

use std::fs;
use std::process::ExitCode;
use std::rc::Rc;

use anyhow::{Context, Result};
use clap::Parser;

use crate::args::Args;
use crate::ours::{InProcess, OverAbi};
use crate::runtime::{Kind, Shared};
use crate::say::{say, talk};
use crate::seed::Seed;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            talk(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    runtime::keep_to_two_cores()?;
    // The runtime of one thread polls on this one.
    lifespan::bench::thread_started();
    let runtimes: Vec<_> = Kind::ALL.into_iter().map(Shared::start).collect::<Result<_>>()?;
    let over_abi = Rc::new(OverAbi::new(&args.plugins)?);
    let mut cells = suite::cells(&runtimes, &over_abi, args.arc);
    cells.retain(|cell| args.wants(&format!("{}, {}", cell.title, cell.column)));
    for cell in &mut cells {
        cell.contenders.retain(|contender| contender.name.ends_with(&args.contender));
    }
    cells.retain(|cell| !cell.contenders.is_empty());
    let rounds = args.rounds();
    talk("finding out how many messages each needs");
    for cell in &mut cells {
        cell.calibrate(args.time()).with_context(|| cell.title.clone())?;
    }
    for number in 0..rounds {
        talk(&format!("round {} of {rounds}", number + 1));
        for cell in &mut cells {
            cell.round(number).with_context(|| cell.title.clone())?;
        }
    }
    say(&format!("medians of {rounds} rounds, {}", machine()));
    for table in report::tables(&cells) {
        say(&format!("\n{table}"));
    }
    let one_thread = &runtimes[1];
    let memory = if args.wants(memory::TITLE) { memory::all(one_thread)? } else { Vec::new() };
    if !memory.is_empty() {
        say(&format!("\n{}", report::memory(&memory)));
    }
    let seed = seed(args, one_thread, &over_abi)?;
    for table in seed.iter().flat_map(Seed::tables) {
        say(&format!("\n{table}"));
    }
    if let Some(file) = &args.json {
        let json = report::json(rounds, &cells, &memory, seed.as_ref());
        fs::write(file, format!("{json:#}\n"))
            .with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    Ok(())
}

fn seed(args: &Args, shared: &Shared, over_abi: &OverAbi) -> Result<Option<Seed>> {
    let Some(python) = args.python.as_ref().filter(|_| args.wants(seed::TITLE)) else {
        return Ok(None);
    };
    talk("the Python package");
    Seed::measure(python, &InProcess::new(shared), over_abi).map(Some)
}

/// The processor, where the system tells.
fn machine() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("a processor without a name", |(_, model)| model);
    format!("two cores of {model}")
}
