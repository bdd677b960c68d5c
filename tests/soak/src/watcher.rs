//! One that receives by pattern what passes on all topics, those that come later too.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lifespan_plugin_api::bus::Pattern;
use lifespan_plugin_api::{Context, JoinHandle};
use tokio::time::sleep;

use crate::chance::Chance;
use crate::follow::{Follow, Promise, Seen};
use crate::payload::read_any;
use crate::world::{Party, Verdict, World, add, once, panic_on_purpose};

/// The topics.
const PATTERN: &str = "soak/*";

struct Watcher {
    world: Arc<World>,
    ctx: Context,
    released: Arc<AtomicBool>,
    chance: Chance,
    pattern: Pattern,
    promise: Promise,
    /// Lives from this on began after the subscription did.
    born: u64,
    follows: HashMap<u64, Follow>,
}

/// One after the other, until time is up.
pub(crate) async fn watchers(world: Arc<World>, mut chance: Chance) {
    while !world.is_over() {
        let party = world.party();
        let watching = match Watcher::begin(&world, &party, chance.split()) {
            Ok(watching) => watching,
            Err(mistake) => return world.complain(mistake),
        };
        sleep(chance.up_to(800)).await;
        match chance.below(3) {
            0 => watching.abort(),
            1 => {
                party.end();
                sleep(chance.up_to(20)).await;
            }
            _ => {}
        }
        drop(party);
        world.ended(watching.await);
        sleep(chance.up_to(300)).await;
    }
}

impl Watcher {
    fn begin(
        world: &Arc<World>,
        party: &Party,
        mut chance: Chance,
    ) -> Result<JoinHandle<Verdict>, String> {
        let ctx = party.ctx.clone();
        let (pattern, promise) = match chance.below(4) {
            0 => (ctx.messages_of(PATTERN), Promise::Every),
            1 => (ctx.updates_of(PATTERN), Promise::Latest),
            _ => (ctx.lossy_messages_of(PATTERN), Promise::Counted),
        };
        let pattern = pattern.map_err(|error| error.to_string())?;
        add(&world.counts.subscriptions, 1);
        let (released, born) = (party.released(), world.lives());
        let (world, follows) = (world.clone(), HashMap::new());
        let watcher =
            Watcher { world, ctx: ctx.clone(), released, chance, pattern, promise, born, follows };
        Ok(ctx.spawn(watcher.run()))
    }

    async fn run(mut self) -> Verdict {
        for _ in 0..10 + self.chance.below(100_000) {
            let received = if self.chance.one_in(10) {
                once(self.pattern.recv()).await
            } else {
                Some(self.pattern.recv().await)
            };
            let Some(received) = received else {
                add(&self.world.counts.cancelled, 1);
                continue;
            };
            let delivered = received.ok_or("a pattern ended before the program")?;
            let (sequence, skipped) = (delivered.sequence(), delivered.skipped());
            let stamp = read_any(&delivered);
            let life = stamp.ok_or("a damaged message")?.life;
            let (promise, born) = (self.promise, self.born);
            let follow = self.follows.entry(life).or_insert_with(|| {
                let publishers = if life < born { u64::MAX } else { 0 };
                Follow::new(life, promise, publishers)
            });
            add(&self.world.counts.received, 1);
            add(&self.world.counts.skipped, skipped);
            let released = || self.released.load(Ordering::SeqCst);
            follow.see(Seen { sequence, skipped, stamp }, released)?;
            if self.chance.one_in(2_000) {
                self.ctx.sleep(self.chance.up_to(5)).await;
            }
            if self.chance.one_in(50_000) {
                panic_on_purpose();
            }
        }
        Ok(())
    }
}
