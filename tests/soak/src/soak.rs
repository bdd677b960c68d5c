//! One run: all actors from the begin to the end, and the verdict.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lifespan::bench::Stage;
use lifespan_plugin_api::bus::Encoded;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::chance::Chance;
use crate::life::lives;
use crate::memory::{Memory, is_flat};
use crate::payload::{Owning, Plain};
use crate::say::say;
use crate::watcher::watchers;
use crate::world::World;

/// How many topics there are, and how many look at all of them.
const TOPICS: u64 = 8;
const WATCHERS: u64 = 2;

/// How often there is a line.
const TELLS: u64 = 30;

/// How long the end may take: longer than anything that is waited for in it.
const LIMIT: Duration = Duration::from_secs(90);

/// Runs for that long.
pub(crate) fn soak(time: Duration, seed: u64) -> Result<()> {
    say(&format!("seed {seed}, {time:.0?}"));
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).on_thread_start(lifespan::bench::thread_started);
    let runtime = builder.enable_time().build().context("cannot start a runtime")?;
    let world = World::new(Stage::new(runtime.handle()));
    let mut memory = Memory::default();
    let ended = runtime.block_on(run(&world, time, seed, &mut memory));
    let mut mistakes = world.mistakes();
    mistakes.extend(ended.err().map(|error| format!("{error:#}")));
    say(&format!("in all: {}; {} lives of topics", world.counts, world.lives()));
    match memory.compared() {
        Some((first, last)) => {
            say(&format!("resident after a minute {first} KiB, at the end {last} KiB"));
            if !is_flat(first, last) {
                mistakes.push(format!("memory is not flat: {first} KiB, then {last} KiB"));
            }
        }
        None => say("memory was not compared: the run was shorter than two minutes"),
    }
    if !mistakes.is_empty() {
        bail!("seed {seed}:\n{}", mistakes.join("\n"));
    }
    say("nothing was wrong");
    Ok(())
}

async fn run(world: &Arc<World>, time: Duration, seed: u64, memory: &mut Memory) -> Result<()> {
    let mut all = JoinSet::new();
    for topic in 0..TOPICS {
        let (name, chance) = (format!("soak/{topic}"), Chance::new(seed, topic));
        if topic % 2 == 0 {
            all.spawn(lives::<Plain>(world.clone(), name, chance));
        } else {
            all.spawn(lives::<Encoded<Owning>>(world.clone(), name, chance));
        }
    }
    for watcher in TOPICS..TOPICS + WATCHERS {
        all.spawn(watchers(world.clone(), Chance::new(seed, watcher)));
    }
    let begun = Instant::now();
    let end = begun + time;
    for second in 1.. {
        sleep_until((begun + Duration::from_secs(second)).min(end)).await;
        let resident = memory.sample().unwrap_or_default();
        if second.is_multiple_of(TELLS) {
            let (counts, instances) = (&world.counts, world.instances());
            // The bus keeps an instance's name, some 60 bytes, for whoever asks who has published.
            say(&format!("{second} s: {counts}; {instances} instances, {resident} KiB resident"));
        }
        if Instant::now() >= end || !world.mistakes().is_empty() {
            break;
        }
    }
    world.end();
    let all_ended = async {
        while let Some(ended) = all.join_next().await {
            ended.context("a part of the soak panicked")?;
        }
        Ok(())
    };
    timeout(LIMIT, all_ended).await.context("it does not end")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_one_finds_nothing() {
        soak(Duration::from_secs(4), 3).unwrap();
    }
}
