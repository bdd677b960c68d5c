//! What a topic and a subscription take: bytes that the allocator has given and not got back, and the
//! handle itself. What a peer's subscriber receives a batch into is not counted.

mod allocator;

use anyhow::Result;
use lifespan_bench_work::CAPACITY;
use lifespan_bench_work::payload::{Payload, Small};
use tokio::sync::broadcast;

use crate::ours::{IN_PROCESS, memory};
use crate::peer::Peer;
use crate::peers::{AsyncBroadcast, Broadcast, Crossfire, Kanal, Mpsc, Postage};
use crate::runtime::Shared;

/// How its table begins.
pub(crate) const TITLE: &str = "memory, after one message of 16 bytes, capacity 1024";

/// How many of each are made.
const MANY: usize = 64;

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sizes {
    pub(crate) topic: usize,
    pub(crate) subscription: usize,
}

/// Who takes how much. A peer with a channel a subscriber has no topic.
pub(crate) fn all(shared: &Shared) -> Result<Vec<(&'static str, Sizes)>> {
    // One round, so that what is made once is there.
    memory(shared)?;
    let _entered = shared.runtime.enter();
    Ok(vec![
        (IN_PROCESS, memory(shared)?),
        (Broadcast::NAME, of_broadcast()?),
        (Mpsc::NAME, per_subscriber::<Mpsc>(shared)?),
        (Crossfire::NAME, per_subscriber::<Crossfire>(shared)?),
        (Kanal::NAME, per_subscriber::<Kanal>(shared)?),
        (Postage::NAME, shared_by_all::<Postage>(shared)?),
        (AsyncBroadcast::NAME, shared_by_all::<AsyncBroadcast>(shared)?),
    ])
}

/// Makes many, and says how many bytes each takes, with its handle.
pub(crate) fn measured<T>(mut make: impl FnMut(usize) -> Result<T>) -> Result<(Vec<T>, usize)> {
    let mut made = Vec::with_capacity(MANY);
    let before = allocator::begin();
    for number in 0..MANY {
        made.push(make(number)?);
    }
    let taken = allocator::end(before);
    Ok((made, taken / MANY + size_of::<T>()))
}

fn of_broadcast() -> Result<Sizes> {
    let channel = |_| {
        let (tx, _) = broadcast::channel(CAPACITY as usize);
        let _ = tx.send(Small::make(0));
        Ok(tx)
    };
    let (txs, topic) = measured(channel)?;
    let (_rxs, subscription) = measured(|_| Ok(txs[0].subscribe()))?;
    Ok(Sizes { topic, subscription })
}

fn per_subscriber<B: Peer>(shared: &Shared) -> Result<Sizes> {
    let (_ends, subscription) = measured(|_| one::<B>(shared, 1))?;
    Ok(Sizes { topic: 0, subscription })
}

fn shared_by_all<B: Peer>(shared: &Shared) -> Result<Sizes> {
    let (_ends, topic) = measured(|_| one::<B>(shared, 1))?;
    let (_ends, with_more) = measured(|_| one::<B>(shared, 1 + MANY))?;
    Ok(Sizes { topic, subscription: with_more.saturating_sub(topic) / MANY })
}

/// A channel that has seen a message.
fn one<B: Peer>(shared: &Shared, subscribers: usize) -> Result<impl Sized> {
    let (mut txs, rxs) = B::open::<Small>(1, subscribers);
    for tx in &mut txs {
        shared.wait(B::publish(tx, Small::make(0)))?;
    }
    Ok((txs, rxs))
}
