//! Uses the bus at random for a long time, and checks what it promises.
//!
//! ```text
//! cargo xtask soak [--minutes N] [--seed S]
//! ```
//!
//! The SDK is linked into this program, on the host's bus without a dispatcher (`lifespan::bench`), on a
//! runtime with two workers. Eight topics with capacities from 1 to 1024 are used by instances that come
//! and go: publishers that publish one message, bursts, and attempts, cancel, die, and panic; subscribers
//! of every mode that dawdle, keep, cancel, leave, are aborted in the middle of a receive, and panic with a
//! message in their hands; tasks that hold several subscriptions at once, with a handler beside them and
//! a topic that one of them at a time has claimed; instances that end with their batches lent; topics
//! that are closed and come again; and subscriptions by pattern to all of it.
//!
//! Each message says where it is from and whether it is whole. What is checked:
//!
//! * a lossless stream has every message, each publisher's in its order, none twice, and the last before
//!   the end; one whose instance has ended may miss some, which are counted;
//! * of a lossy stream, number and skipped count add up; updates never go back, and end with the last
//!   value; of each key neither;
//! * a publish that is cancelled has published nothing, and a burst that fails what it says;
//! * several subscriptions that one task holds, and its handler, come to the same last message;
//! * who has claimed a topic publishes alone;
//! * nothing lent or kept changes while it is held;
//! * those who publish and receive are woken by each other: when it grows quiet, all come to the last
//!   message before anything else wakes them;
//! * everybody ends in time, and a closed topic is forgotten;
//! * resident memory in the last half minute is that after the first minute, within a tenth and 8 MiB.
//!
//! With the same seed everybody decides the same again, one after the other; how they meet is up to the
//! system. An exit code of 1 says that something was wrong, with the seed.

mod args;
mod say;
mod chance;
mod payload;
mod follow;
mod world;
mod life;
mod publisher;
mod subscriber;
mod claim;
mod handled;
mod holder;
mod watcher;
mod memory;
mod soak;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::say::complain;
use crate::soak::soak;

fn main() -> ExitCode {
    let args = Args::parse();
    match soak(args.time(), args.seed()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
