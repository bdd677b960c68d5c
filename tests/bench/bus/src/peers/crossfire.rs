//! `crossfire`, a channel a subscriber: its `spsc` with one publisher, its `mpsc` with more. It has no
//! call for a batch: `try_recv` as long as there is something, then `recv`.

use anyhow::Result;
use crossfire::{AsyncRx, AsyncTx, MAsyncTx, TrySendError, mpsc, spsc};
use lifespan_bench_work::CAPACITY;

use crate::peer::{Item, Peer};

pub(crate) struct Crossfire;

pub(crate) struct CrossfireMany;

impl Peer for Crossfire {
    const NAME: &'static str = "crossfire";
    type Tx<P: Item> = Vec<AsyncTx<spsc::Array<P>>>;
    type Rx<P: Item> = AsyncRx<spsc::Array<P>>;

    fn open<P: Item>(_one: usize, subscribers: usize) -> (Vec<Self::Tx<P>>, Vec<Self::Rx<P>>) {
        let channels = (0..subscribers).map(|_| spsc::bounded_async(CAPACITY as usize));
        let (txs, rxs) = channels.unzip();
        (vec![txs], rxs)
    }

    async fn publish<P: Item>(txs: &mut Self::Tx<P>, item: P) -> Result<()> {
        for tx in txs.iter_mut() {
            match tx.try_send(item.clone()) {
                Ok(()) | Err(TrySendError::Disconnected(_)) => {}
                Err(TrySendError::Full(item)) => tx.send(item).await.unwrap_or_default(),
            }
        }
        Ok(())
    }

    async fn receive<P: Item>(rx: &mut Self::Rx<P>, see: &mut (impl FnMut(P) + Send)) -> bool {
        let Ok(item) = rx.recv().await else { return false };
        see(item);
        while let Ok(item) = rx.try_recv() {
            see(item);
        }
        true
    }
}

impl Peer for CrossfireMany {
    const NAME: &'static str = Crossfire::NAME;
    type Tx<P: Item> = Vec<MAsyncTx<mpsc::Array<P>>>;
    type Rx<P: Item> = AsyncRx<mpsc::Array<P>>;

    fn open<P: Item>(
        publishers: usize,
        subscribers: usize,
    ) -> (Vec<Self::Tx<P>>, Vec<Self::Rx<P>>) {
        let channels = (0..subscribers).map(|_| mpsc::bounded_async(CAPACITY as usize));
        let (txs, rxs): (Vec<_>, _) = channels.unzip();
        (vec![txs; publishers], rxs)
    }

    async fn publish<P: Item>(txs: &mut Self::Tx<P>, item: P) -> Result<()> {
        for tx in txs.iter_mut() {
            match tx.try_send(item.clone()) {
                Ok(()) | Err(TrySendError::Disconnected(_)) => {}
                Err(TrySendError::Full(item)) => tx.send(item).await.unwrap_or_default(),
            }
        }
        Ok(())
    }

    async fn receive<P: Item>(rx: &mut Self::Rx<P>, see: &mut (impl FnMut(P) + Send)) -> bool {
        let Ok(item) = rx.recv().await else { return false };
        see(item);
        while let Ok(item) = rx.try_recv() {
            see(item);
        }
        true
    }
}
