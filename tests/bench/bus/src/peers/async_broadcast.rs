//! `async_broadcast` with its overflow off, so that it loses nothing: `try_broadcast` and `try_recv` as
//! long as they go, then the calls that wait without allocating (`…_direct`).

use std::pin::pin;

use anyhow::Result;
use async_broadcast::{Receiver, Sender, TrySendError, broadcast};
use lifespan_bench_work::CAPACITY;

use crate::peer::{Item, Peer};

pub(crate) struct AsyncBroadcast;

impl Peer for AsyncBroadcast {
    const NAME: &'static str = "async-broadcast";
    type Tx<P: Item> = Sender<P>;
    type Rx<P: Item> = Receiver<P>;

    fn open<P: Item>(publishers: usize, subscribers: usize) -> (Vec<Sender<P>>, Vec<Receiver<P>>) {
        let (tx, rx) = broadcast(CAPACITY as usize);
        let mut rxs: Vec<_> = (1..subscribers).map(|_| tx.new_receiver()).collect();
        rxs.push(rx);
        (vec![tx; publishers], rxs)
    }

    async fn publish<P: Item>(tx: &mut Sender<P>, item: P) -> Result<()> {
        match tx.try_broadcast(item) {
            Err(TrySendError::Full(item)) => {
                let _ = pin!(tx.broadcast_direct(item)).await;
            }
            Ok(_) | Err(TrySendError::Closed(_) | TrySendError::Inactive(_)) => {}
        }
        Ok(())
    }

    async fn receive<P: Item>(rx: &mut Receiver<P>, see: &mut (impl FnMut(P) + Send)) -> bool {
        let Ok(item) = pin!(rx.recv_direct()).await else { return false };
        see(item);
        while let Ok(item) = rx.try_recv() {
            see(item);
        }
        true
    }
}
