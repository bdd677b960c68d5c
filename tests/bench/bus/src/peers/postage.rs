//! `postage::broadcast`, which loses nothing by itself: `try_send` and `try_recv` as long as they go,
//! then `send` and `recv`.

use anyhow::Result;
use lifespan_bench_work::CAPACITY;
use postage::broadcast::{Receiver, Sender, channel};
use postage::sink::{Sink, TrySendError};
use postage::stream::Stream;

use crate::peer::{Item, Peer};

pub(crate) struct Postage;

impl Peer for Postage {
    const NAME: &'static str = "postage broadcast";
    type Tx<P: Item> = Sender<P>;
    type Rx<P: Item> = Receiver<P>;

    fn open<P: Item>(publishers: usize, subscribers: usize) -> (Vec<Sender<P>>, Vec<Receiver<P>>) {
        let (tx, rx) = channel(CAPACITY as usize);
        // The first receiver is one of them: one that nobody reads would stop the publisher.
        let mut rxs: Vec<_> = (1..subscribers).map(|_| tx.subscribe()).collect();
        rxs.push(rx);
        (vec![tx; publishers], rxs)
    }

    async fn publish<P: Item>(tx: &mut Sender<P>, item: P) -> Result<()> {
        match tx.try_send(item) {
            Ok(()) | Err(TrySendError::Rejected(_)) => {}
            Err(TrySendError::Pending(item)) => {
                let _ = tx.send(item).await;
            }
        }
        Ok(())
    }

    async fn receive<P: Item>(rx: &mut Receiver<P>, see: &mut (impl FnMut(P) + Send)) -> bool {
        let Some(item) = rx.recv().await else { return false };
        see(item);
        while let Ok(item) = rx.try_recv() {
            see(item);
        }
        true
    }
}
