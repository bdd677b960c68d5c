//! `tokio::sync::mpsc`, a channel a subscriber, received by `recv_many`. A publisher tries to send to
//! each, and waits only where there is no room: cheaper than its `send`.

use anyhow::Result;
use lifespan_bench_work::CAPACITY;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::peer::{Item, Peer};

pub(crate) struct Mpsc;

pub(crate) struct Rx<P> {
    channel: Receiver<P>,
    batch: Vec<P>,
}

impl Peer for Mpsc {
    const NAME: &'static str = "tokio mpsc, recv_many";
    type Tx<P: Item> = Vec<Sender<P>>;
    type Rx<P: Item> = Rx<P>;

    fn open<P: Item>(publishers: usize, subscribers: usize) -> (Vec<Self::Tx<P>>, Vec<Rx<P>>) {
        let (txs, rxs): (Vec<_>, _) = (0..subscribers)
            .map(|_| {
                let (tx, channel) = channel(CAPACITY as usize);
                (tx, Rx { channel, batch: Vec::new() })
            })
            .unzip();
        (vec![txs; publishers], rxs)
    }

    async fn publish<P: Item>(txs: &mut Vec<Sender<P>>, item: P) -> Result<()> {
        for tx in txs {
            match tx.try_send(item.clone()) {
                Ok(()) | Err(TrySendError::Closed(_)) => {}
                Err(TrySendError::Full(item)) => tx.send(item).await.unwrap_or_default(),
            }
        }
        Ok(())
    }

    async fn publish_all<P: Item>(txs: &mut Vec<Sender<P>>, items: &mut Vec<P>) -> Result<()> {
        for tx in txs {
            let permits = match tx.try_reserve_many(items.len()) {
                Ok(permits) => permits,
                Err(_) => match tx.reserve_many(items.len()).await {
                    Ok(permits) => permits,
                    Err(_) => continue,
                },
            };
            permits.zip(items.iter()).for_each(|(permit, item)| permit.send(item.clone()));
        }
        items.clear();
        Ok(())
    }

    async fn receive<P: Item>(rx: &mut Rx<P>, see: &mut (impl FnMut(P) + Send)) -> bool {
        let received = rx.channel.recv_many(&mut rx.batch, CAPACITY as usize).await;
        rx.batch.drain(..).for_each(see);
        received > 0
    }
}
