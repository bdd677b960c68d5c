//! `kanal`, a channel a subscriber: `drain_into` takes all that is there under one lock; only where
//! there is nothing, `recv` waits. (A `recv` of it must not be cancelled; here none is.)

use anyhow::Result;
use kanal::{AsyncReceiver, AsyncSender, bounded_async};
use lifespan_bench_work::CAPACITY;

use crate::peer::{Item, Peer};

pub(crate) struct Kanal;

pub(crate) struct Rx<P> {
    channel: AsyncReceiver<P>,
    batch: Vec<P>,
}

impl Peer for Kanal {
    const NAME: &'static str = "kanal";
    type Tx<P: Item> = Vec<AsyncSender<P>>;
    type Rx<P: Item> = Rx<P>;

    fn open<P: Item>(publishers: usize, subscribers: usize) -> (Vec<Self::Tx<P>>, Vec<Rx<P>>) {
        let (txs, rxs): (Vec<_>, _) = (0..subscribers)
            .map(|_| {
                let (tx, channel) = bounded_async(CAPACITY as usize);
                (tx, Rx { channel, batch: Vec::new() })
            })
            .unzip();
        (vec![txs; publishers], rxs)
    }

    async fn publish<P: Item>(txs: &mut Self::Tx<P>, item: P) -> Result<()> {
        for tx in txs {
            let mut item = Some(item.clone());
            if let Ok(false) = tx.try_send_option(&mut item)
                && let Some(item) = item
            {
                tx.send(item).await.unwrap_or_default();
            }
        }
        Ok(())
    }

    async fn receive<P: Item>(rx: &mut Rx<P>, see: &mut (impl FnMut(P) + Send)) -> bool {
        match rx.channel.drain_into(&mut rx.batch) {
            Err(_) => return false,
            Ok(0) => match rx.channel.recv().await {
                Ok(item) => see(item),
                Err(_) => return false,
            },
            Ok(_) => rx.batch.drain(..).for_each(see),
        }
        true
    }
}
