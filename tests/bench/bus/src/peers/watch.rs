//! `tokio::sync::watch`, the peer of our `updates`: `send_replace`, which does not mind who listens, and
//! `changed`, then a borrow of the value.

use std::time::Instant;

use anyhow::{Context, Result};
use lifespan_bench_work::calls::yield_now;
use lifespan_bench_work::figures::{Figure, Summary, summary};
use lifespan_bench_work::latest::YIELD_EVERY;
use lifespan_bench_work::payload::{Payload, Small};
use tokio::sync::watch::{Receiver, Sender, channel};

use crate::peer::{Item, Peer, nanos};

/// For its ping-pong only: it is not lossless.
pub(crate) struct Watch;

impl Peer for Watch {
    const NAME: &'static str = "tokio watch";
    type Tx<P: Item> = Sender<P>;
    type Rx<P: Item> = Receiver<P>;

    fn open<P: Item>(publishers: usize, subscribers: usize) -> (Vec<Sender<P>>, Vec<Receiver<P>>) {
        let (tx, rx) = channel(P::make(u64::MAX));
        (vec![tx; publishers], vec![rx; subscribers])
    }

    async fn publish<P: Item>(tx: &mut Sender<P>, item: P) -> Result<()> {
        tx.send_replace(item);
        Ok(())
    }

    async fn receive<P: Item>(rx: &mut Receiver<P>, see: &mut (impl FnMut(P) + Send)) -> bool {
        let changed = rx.changed().await.is_ok();
        see(rx.borrow_and_update().clone());
        changed
    }
}

/// Publishes as fast as it can to one subscriber that wants the latest.
pub(crate) async fn latest(messages: u64) -> Result<Summary> {
    let (mut txs, mut rxs) = Watch::open::<Small>(1, 1);
    let (tx, mut rx) = txs.pop().zip(rxs.pop()).context("no ends")?;
    let zero = Instant::now();
    let subscriber = tokio::spawn(async move {
        let (mut seen, mut wrong) = (None, 0);
        while seen != Some(messages - 1) {
            rx.changed().await?;
            let next = rx.borrow_and_update().read();
            wrong += u64::from(next <= seen);
            seen = next;
        }
        anyhow::Ok(Figure::Ended { at: nanos(zero), lost: 0, wrong })
    });
    let publisher = tokio::spawn(async move {
        let at = nanos(zero);
        for count in 0..messages {
            tx.send_replace(Small::make(count));
            if count % YIELD_EVERY == YIELD_EVERY - 1 {
                yield_now().await;
            }
        }
        (Figure::Began { at }, tx)
    });
    let (began, _tx) = publisher.await?;
    Ok(summary([began, subscriber.await??]))
}

/// Publishes where nobody listens.
pub(crate) async fn quiet(messages: u64) -> Result<Summary> {
    let zero = Instant::now();
    let publisher = tokio::spawn(async move {
        let (tx, _) = channel(Small::make(0));
        let at = nanos(zero);
        for count in 0..messages {
            tx.send_replace(Small::make(count));
        }
        [Figure::Began { at }, Figure::Ended { at: nanos(zero), lost: 0, wrong: 0 }]
    });
    Ok(summary(publisher.await?))
}
