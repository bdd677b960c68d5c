//! One that holds several subscriptions at once and waits for all of them: two lend, the others are
//! merged, one of these is by pattern; handlers are beside them, and a [claim](crate::claim). What any of
//! them sees is checked, and that they come to the same end.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use lifespan_plugin_api::Context;
use lifespan_plugin_api::bus::{Kept, Lossy, Merge, Messages, Topic};

use crate::chance::Chance;
use crate::claim::Claim;
use crate::follow::{Follow, Promise, Seen};
use crate::handled::Handled;
use crate::life::Life;
use crate::payload::{Payload, read_any};
use crate::subscriber::{Place, read_lent, see};
use crate::world::{Verdict, World, add, once, panic_on_purpose};

/// Its subscriptions of the life's topic.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Every,
    Counted,
    Latest,
    Owned,
    Pattern,
    Handled,
}

const PARTS: usize = 6;

/// How many handlers come and go.
const HANDLERS: usize = 4;

/// What is merged.
#[derive(Clone, Copy)]
enum Merged {
    Of(Part),
    Claimed,
}

pub(crate) struct Holder<M: Payload> {
    world: Arc<World>,
    life: Arc<Life>,
    ctx: Context,
    released: Arc<AtomicBool>,
    chance: Chance,
    every: Messages<M>,
    counted: Lossy<M>,
    merged: Merge<Merged, Seen>,
    handled: Handled,
    /// Handlers that come and go; they share what they receive as soon as they can.
    others: Vec<Handled>,
    topic: Topic<M>,
    claim: Claim<M>,
    /// Of all but the handlers.
    follows: [Follow; PARTS - 1],
    progress: Arc<Progress>,
}

/// How far its subscriptions are, so that whoever waits for it to come to the last message waits for
/// each of them.
struct Progress {
    parts: Mutex<[u64; PARTS]>,
    seen: Arc<AtomicU64>,
}

/// Which of three was ready first.
enum First<A, B, C> {
    A(A),
    B(B),
    C(C),
}

impl<M: Payload> Holder<M> {
    /// Subscribes.
    pub(crate) fn new(place: Place, topic: &Topic<M>, mut chance: Chance) -> Result<Self, String> {
        let Place { world, life, ctx, released, seen } = place;
        let progress = Arc::new(Progress { parts: Mutex::default(), seen });
        let pattern = ctx.messages_of(topic.name()).map_err(|error| error.to_string())?;
        let handled = {
            let progress = progress.clone();
            let came = move |next| progress.came(Part::Handled, next);
            Handled::new(&world, &life, &released, topic, came)
        };
        let (every, counted) = (topic.messages(), topic.messages().lossy());
        let claim = Claim::new(&ctx, topic.name(), &life, &mut chance)?;
        let merged = Merge::new()
            .with_map(Merged::Of(Part::Latest), topic.updates().owned(), seen_of::<M>)
            .with_map(Merged::Of(Part::Owned), topic.messages().owned(), seen_of::<M>)
            .with_map(Merged::Claimed, claim.messages().owned(), seen_of::<M>)
            .with_map(Merged::Of(Part::Pattern), pattern.owned(), |delivered| Seen {
                sequence: delivered.sequence(),
                skipped: delivered.skipped(),
                stamp: read_any(&delivered),
            });
        // The handler is counted, and the claim has one.
        add(&world.counts.subscriptions, PARTS as u64);
        // After the calls: whoever begins from now on is seen from its first message on.
        let born = life.publishers();
        let follow = |promise| Follow::new(life.number, promise, born);
        let follows =
            [Promise::Every, Promise::Counted, Promise::Latest, Promise::Every, Promise::Every]
                .map(follow);
        Ok(Holder {
            world,
            life,
            ctx,
            released,
            chance,
            every,
            counted,
            merged,
            handled,
            others: Vec::new(),
            topic: topic.clone(),
            claim,
            follows,
            progress,
        })
    }

    pub(crate) async fn run(mut self) -> Verdict {
        for _ in 0..10 + self.chance.below(40_000) {
            if self.step().await? {
                return self.end().await;
            }
        }
        if self.chance.one_in(2) {
            self.handled.end();
            self.others.iter().for_each(Handled::end);
        }
        Ok(())
    }

    /// Takes what is there first. True at the end of a stream.
    async fn step(&mut self) -> Result<bool, String> {
        match self.chance.below(1000) {
            0..10 => self.ctx.sleep(self.chance.up_to(6)).await,
            10..40 => self.claim.try_claim(&self.life, &self.released)?,
            40..50 => self.change_handlers(),
            50..210 => self.claim.publish(&self.world, &self.life, &self.released)?,
            _ => {}
        }
        let cancels = self.chance.one_in(12);
        let (turn, panics) = (self.chance.below(3), self.chance.one_in(50_000));
        let Holder { world, released, every, counted, merged, follows, .. } = self;
        let first = first(turn, every.recv(), counted.recv(), merged.recv());
        let first = if cancels { once(first).await } else { Some(first.await) };
        let part = match first {
            None => {
                add(&world.counts.cancelled, 1);
                return Ok(false);
            }
            Some(First::A(None) | First::B(None) | First::C(None)) => return Ok(true),
            Some(First::A(Some(lent))) => {
                read_lent(world, released, &mut follows[Part::Every as usize], &lent)?;
                Part::Every
            }
            Some(First::B(Some(lent))) => {
                read_lent(world, released, &mut follows[Part::Counted as usize], &lent)?;
                Part::Counted
            }
            Some(First::C(Some((from, seen)))) => return self.merged(from, seen).map(|()| false),
        };
        if panics {
            panic_on_purpose();
        }
        self.progress.came(part, self.follows[part as usize].next());
        Ok(false)
    }

    /// Adds a handler, or ends one.
    fn change_handlers(&mut self) {
        if self.others.len() < HANDLERS {
            let Holder { world, life, released, topic, .. } = self;
            self.others.push(Handled::new(world, life, released, topic, |_| ()));
        } else {
            let one = self.chance.below(HANDLERS as u64) as usize;
            self.others.swap_remove(one).end();
        }
    }

    fn merged(&mut self, from: Merged, seen: Seen) -> Verdict {
        let Merged::Of(part) = from else {
            return self.claim.see(&self.world, &self.released, seen);
        };
        let follow = &mut self.follows[part as usize];
        see(&self.world, &self.released, follow, seen)?;
        self.progress.came(part, follow.next());
        Ok(())
    }

    /// Whatever is left is taken, and all have come equally far.
    async fn end(mut self) -> Verdict {
        if !self.life.is_closing() {
            return Err("one of several streams ended before its topic".to_owned());
        }
        let Holder { world, released, every, counted, follows, .. } = &mut self;
        while let Some(lent) = every.recv().await {
            read_lent(world, released, &mut follows[Part::Every as usize], &lent)?;
        }
        while let Some(lent) = counted.recv().await {
            read_lent(world, released, &mut follows[Part::Counted as usize], &lent)?;
        }
        // What is merged does not end, since a pattern does not; but all of it comes to the last.
        let last = self.follows[Part::Every as usize].next();
        // One that has seen nothing may have subscribed after the last, unless another saw later ones.
        let first = u64::from(!self.follows.iter().any(Follow::has_seen_later));
        let behind = |follow: &Follow| (first..last).contains(&follow.next());
        while self.follows.iter().any(behind) {
            let merged = self.merged.recv().await.ok_or("a pattern ended before the program")?;
            self.merged(merged.0, merged.1)?;
        }
        let handled = || self.others.iter().chain([&self.handled]);
        while !handled().all(Handled::is_finished) {
            self.ctx.sleep(Duration::from_millis(1)).await;
        }
        let reached: Vec<_> = handled().map(Handled::reached).collect();
        let streams = self.follows.into_iter().map(Follow::reached);
        streams.chain(reached).for_each(|reached| self.life.reached(reached));
        Ok(())
    }
}

impl Progress {
    fn came(&self, part: Part, next: u64) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts[part as usize] = next;
        // Who has seen nothing may have subscribed after the last.
        let least = parts.iter().copied().filter(|next| *next > 0).min();
        self.seen.store(least.unwrap_or_default(), Ordering::Relaxed);
    }
}

fn seen_of<M: Payload>(kept: Kept<M>) -> Seen {
    // Without a number it is no number that fits.
    let sequence = kept.sequence().unwrap_or(u64::MAX - 1);
    Seen { sequence, skipped: kept.skipped(), stamp: M::read(&kept) }
}

/// Waits for the first of three, and drops the others; whose turn it is, is asked first.
async fn first<A, B, C>(
    turn: u64,
    a: impl Future<Output = A>,
    b: impl Future<Output = B>,
    c: impl Future<Output = C>,
) -> First<A, B, C> {
    let (mut a, mut b, mut c) = (pin!(a), pin!(b), pin!(c));
    poll_fn(|context| {
        for at in turn..turn + 3 {
            let polled = match at % 3 {
                0 => a.as_mut().poll(context).map(First::A),
                1 => b.as_mut().poll(context).map(First::B),
                _ => c.as_mut().poll(context).map(First::C),
            };
            if polled.is_ready() {
                return polled;
            }
        }
        Poll::Pending
    })
    .await
}
