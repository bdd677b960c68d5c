//! One that receives, in one of the modes: it dawdles, keeps, cancels, leaves, or panics with a message
//! in its hands. All that it sees is checked, and what it holds is checked once more before it lets go.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lifespan_plugin_api::Context;
use lifespan_plugin_api::bus::{Kept, Lent, LentBatch, Lossy, Messages, Topic, Updates, UpdatesBy};

use crate::chance::Chance;
use crate::follow::{Follow, Promise, Seen, key_of};
use crate::life::Life;
use crate::payload::{Payload, Stamp};
use crate::world::{Verdict, World, add, once, panic_on_purpose};

/// How many messages are kept at most.
const MOST_KEPT: usize = 64;

/// A subscription, from the call on.
pub(crate) enum Stream<M: Payload> {
    Every(Messages<M>),
    Lossy(Lossy<M>),
    Latest(Updates<M>),
    ByKey(UpdatesBy<M>),
}

pub(crate) struct Subscriber<M: Payload> {
    world: Arc<World>,
    life: Arc<Life>,
    ctx: Context,
    released: Arc<AtomicBool>,
    seen: Arc<AtomicU64>,
    chance: Chance,
    stream: Stream<M>,
    follow: Follow,
    kept: VecDeque<(Kept<M>, Stamp)>,
}

/// Whether there is more to come.
enum Got {
    Some,
    End,
}

/// Its place in the world.
pub(crate) struct Place {
    pub(crate) world: Arc<World>,
    pub(crate) life: Arc<Life>,
    pub(crate) ctx: Context,
    pub(crate) released: Arc<AtomicBool>,
    /// For the number behind the last message that it has seen.
    pub(crate) seen: Arc<AtomicU64>,
}

impl<M: Payload> Subscriber<M> {
    /// Subscribes.
    pub(crate) fn new(place: Place, topic: &Topic<M>, mut chance: Chance) -> Subscriber<M> {
        let Place { world, life, ctx, released, seen } = place;
        let (stream, promise) = match chance.below(10) {
            0..5 => (Stream::Every(topic.messages()), Promise::Every),
            5..7 => (Stream::Lossy(topic.messages().lossy()), Promise::Counted),
            7 => (Stream::Latest(topic.updates()), Promise::Latest),
            8 => (Stream::Latest(topic.updates().without_current()), Promise::Latest),
            _ => (Stream::ByKey(topic.updates_by(|view| key_of(M::read(view)))), Promise::ByKey),
        };
        add(&world.counts.subscriptions, 1);
        // After the call: whoever begins from now on is seen from its first message on.
        let follow = Follow::new(life.number, promise, life.publishers());
        Subscriber {
            world,
            life,
            ctx,
            released,
            seen,
            chance,
            stream,
            follow,
            kept: VecDeque::new(),
        }
    }

    pub(crate) async fn run(mut self) -> Verdict {
        for _ in 0..10 + self.chance.below(40_000) {
            let got = self.step().await?;
            self.seen.store(self.follow.next(), Ordering::Relaxed);
            if let Got::End = got {
                if !self.life.is_closing() {
                    return Err("a stream ended before its topic".to_owned());
                }
                self.life.reached(self.follow.reached());
                break;
            }
        }
        // Whatever is left unread, and perhaps lent, is dropped with the stream.
        self.kept.drain(..).try_for_each(whole)
    }

    async fn step(&mut self) -> Result<Got, String> {
        match self.chance.below(100) {
            0..55 => self.one(false).await,
            55..62 => self.one(true).await,
            62..92 => self.batch(false).await,
            92..97 => self.batch(true).await,
            _ => {
                self.ctx.sleep(self.chance.up_to(6)).await;
                Ok(Got::Some)
            }
        }
    }

    /// One message; with `cancels` only if it is there.
    async fn one(&mut self, cancels: bool) -> Result<Got, String> {
        let Subscriber { world, ctx, released, chance, stream, follow, kept, .. } = self;
        let received = match stream {
            Stream::Every(messages) => cancelled(cancels, messages.recv()).await,
            Stream::Lossy(messages) => cancelled(cancels, messages.recv()).await,
            Stream::Latest(updates) => cancelled(cancels, updates.recv()).await,
            Stream::ByKey(updates) => {
                let update = cancelled(cancels, updates.recv()).await;
                let Some(update) = update else { return Ok(cancelled_one(world)) };
                let Some(update) = update else { return Ok(Got::End) };
                let stamp = M::read(&update);
                let sequence = update.sequence().ok_or("an update without a number")?;
                see(world, released, follow, Seen { sequence, skipped: update.skipped(), stamp })?;
                return Ok(Got::Some);
            }
        };
        let Some(lent) = received else { return Ok(cancelled_one(world)) };
        let Some(lent) = lent else { return Ok(Got::End) };
        let stamp = read_lent(world, released, follow, &lent)?;
        if chance.one_in(30) {
            add(&world.counts.kept, 1);
            kept.push_back((lent.keep(), stamp));
            if kept.len() > MOST_KEPT {
                kept.pop_front().map_or(Ok(()), whole)?;
            }
        }
        if chance.one_in(100) {
            ctx.sleep(chance.up_to(3)).await;
            if M::read(&lent) != Some(stamp) {
                return Err("a lent message was changed".to_owned());
            }
        }
        if chance.one_in(10_000) {
            panic_on_purpose();
        }
        Ok(Got::Some)
    }

    /// All that is there.
    async fn batch(&mut self, cancels: bool) -> Result<Got, String> {
        let Subscriber { world, ctx, released, chance, stream, follow, .. } = self;
        let received = match stream {
            Stream::Every(messages) => cancelled(cancels, messages.recv_batch()).await,
            Stream::Lossy(messages) => cancelled(cancels, messages.recv_batch()).await,
            Stream::Latest(_) | Stream::ByKey(_) => return self.one(cancels).await,
        };
        let Some(batch) = received else { return Ok(cancelled_one(world)) };
        let Some(batch) = batch else { return Ok(Got::End) };
        read_batch(world, released, follow, &batch)?;
        if chance.one_in(8) {
            let before: Vec<_> = batch.iter().map(M::read).collect();
            ctx.sleep(chance.up_to(8)).await;
            if !batch.iter().map(M::read).eq(before) {
                return Err("a lent batch was changed".to_owned());
            }
        }
        if chance.one_in(5_000) {
            panic_on_purpose();
        }
        Ok(Got::Some)
    }
}

/// Waits for what is received, or with `cancels` polls once: `None` if nothing was there.
async fn cancelled<T>(cancels: bool, receive: impl Future<Output = T>) -> Option<T> {
    if cancels { once(receive).await } else { Some(receive.await) }
}

fn cancelled_one(world: &World) -> Got {
    add(&world.counts.cancelled, 1);
    Got::Some
}

pub(crate) fn read_batch<M: Payload>(
    world: &World,
    released: &AtomicBool,
    follow: &mut Follow,
    batch: &LentBatch<'_, M>,
) -> Verdict {
    batch.lent().try_for_each(|lent| read_lent(world, released, follow, &lent).map(drop))
}

pub(crate) fn read_lent<M: Payload>(
    world: &World,
    released: &AtomicBool,
    follow: &mut Follow,
    lent: &Lent<'_, M>,
) -> Result<Stamp, String> {
    let stamp = M::read(lent);
    see(
        world,
        released,
        follow,
        Seen { sequence: lent.sequence(), skipped: lent.skipped(), stamp },
    )?;
    stamp.ok_or_else(|| "a damaged message".to_owned())
}

pub(crate) fn see(
    world: &World,
    released: &AtomicBool,
    follow: &mut Follow,
    seen: Seen,
) -> Verdict {
    add(&world.counts.received, 1);
    add(&world.counts.skipped, seen.skipped);
    follow.see(seen, || released.load(Ordering::SeqCst))
}

fn whole<M: Payload>((kept, stamp): (Kept<M>, Stamp)) -> Verdict {
    if M::read(&kept) == Some(stamp) {
        Ok(())
    } else {
        Err("a kept message was changed".to_owned())
    }
}
