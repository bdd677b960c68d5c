//! `tokio::sync::broadcast`, paced so that it loses nothing.
//!
//! It overwrites what a slow receiver has not read. So a publisher takes a permit for each half of the
//! capacity, and there is a new one whenever all subscribers have read another half: an atomic addition
//! a subscriber and half, nothing a message. Its receiver has no call for a batch: `try_recv` as long as
//! there is something, which is its fastest, then `recv`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Result;
use lifespan_bench_work::CAPACITY;
use lifespan_bench_work::figures::{Summary, summary, waits};
use lifespan_bench_work::parked::PAUSE;
use lifespan_bench_work::payload::{Payload, Small};
use tokio::sync::broadcast::{Receiver, Sender, channel};
use tokio::sync::{Notify, Semaphore};

use crate::peer::{Item, Peer, nanos};

const HALF: u64 = CAPACITY as u64 / 2;

pub(crate) struct Broadcast;

pub(crate) struct Tx<P> {
    channel: Sender<P>,
    pace: Arc<Pace>,
    sent: u64,
}

pub(crate) struct Rx<P> {
    channel: Receiver<P>,
    pace: Arc<Pace>,
    read: u64,
}

/// Who may publish.
struct Pace {
    permits: Semaphore,
    subscribers: usize,
    /// How many subscribers have read the half that they are at. Nobody is two halves ahead of another.
    done: [AtomicUsize; 2],
}

impl Pace {
    /// A subscriber has read one more half.
    fn read(&self, half: u64) {
        let done = &self.done[(half % 2) as usize];
        if done.fetch_add(1, Ordering::AcqRel) + 1 == self.subscribers {
            done.store(0, Ordering::Release);
            self.permits.add_permits(1);
        }
    }
}

impl Peer for Broadcast {
    const NAME: &'static str = "tokio broadcast, paced";
    type Tx<P: Item> = Tx<P>;
    type Rx<P: Item> = Rx<P>;

    fn open<P: Item>(publishers: usize, subscribers: usize) -> (Vec<Tx<P>>, Vec<Rx<P>>) {
        let (channel, _) = channel(CAPACITY as usize);
        let permits = Semaphore::new(2);
        let pace = Arc::new(Pace { permits, subscribers, done: Default::default() });
        let rx = || Rx { channel: channel.subscribe(), pace: pace.clone(), read: 0 };
        let rxs = (0..subscribers).map(|_| rx()).collect();
        let tx = || Tx { channel: channel.clone(), pace: pace.clone(), sent: 0 };
        ((0..publishers).map(|_| tx()).collect(), rxs)
    }

    async fn publish<P: Item>(tx: &mut Tx<P>, item: P) -> Result<()> {
        if tx.sent.is_multiple_of(HALF) {
            tx.pace.permits.acquire().await?.forget();
        }
        tx.sent += 1;
        // It fails where nobody listens; for a subscriber that has ended that is no failure.
        let _ = tx.channel.send(item);
        Ok(())
    }

    async fn receive<P: Item>(rx: &mut Rx<P>, see: &mut (impl FnMut(P) + Send)) -> bool {
        let Ok(mut item) = rx.channel.recv().await else { return false };
        loop {
            see(item);
            rx.read += 1;
            if rx.read.is_multiple_of(HALF) {
                rx.pace.read(rx.read / HALF - 1);
            }
            match rx.channel.try_recv() {
                Ok(next) => item = next,
                Err(_) => return true,
            }
        }
    }
}

/// One message to so many tasks that wait, so many times: how long until the last has it.
pub(crate) async fn parked(messages: u64, subscribers: u64) -> Result<Summary> {
    struct Arrivals {
        left: AtomicUsize,
        last: AtomicU64,
        all: Notify,
    }
    let (tx, _) = channel::<Small>(CAPACITY as usize);
    let arrivals = Arc::new(Arrivals { left: 0.into(), last: 0.into(), all: Notify::new() });
    let zero = Instant::now();
    for _ in 0..subscribers {
        let (mut rx, arrivals) = (tx.subscribe(), arrivals.clone());
        tokio::spawn(async move {
            while let Ok(message) = rx.recv().await {
                std::hint::black_box(message.read());
                arrivals.last.fetch_max(nanos(zero), Ordering::AcqRel);
                if arrivals.left.fetch_sub(1, Ordering::AcqRel) == 1 {
                    arrivals.all.notify_one();
                }
            }
        });
    }
    let publisher = tokio::spawn(async move {
        let mut samples = Vec::with_capacity(messages as usize);
        for count in 0..messages {
            arrivals.left.store(subscribers as usize, Ordering::Release);
            tokio::time::sleep(PAUSE).await;
            let before = nanos(zero);
            let _ = tx.send(Small::make(count));
            arrivals.all.notified().await;
            samples.push(arrivals.last.load(Ordering::Acquire) - before);
        }
        samples
    });
    Ok(summary([waits(publisher.await?)]))
}
