//! A peer: another channel, used as well as it can be; and the work that all peers do.
//!
//! It is the work of our roles in `lifespan_bench_work`: one task a publisher, one task a subscriber,
//! all on one runtime; from the first publish to the moment when the last subscriber has everything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use lifespan_bench_work::calls::{Keep, yield_now};
use lifespan_bench_work::figures::{Figure, Summary, summary, waits};
use lifespan_bench_work::payload::{Payload, Small};
use lifespan_bench_work::spread::{BURST, READS, Spread};
use lifespan_bench_work::tally::{Tally, sequence};
use tokio::sync::{mpsc, watch};

/// A message as peers send it: a small one by value, a large one in an `Arc`.
pub(crate) trait Item: Payload + Clone + Unpin {}

impl<P: Payload + Clone + Unpin> Item for P {}

/// The ends of a channel's publishers and subscribers.
pub(crate) type Ends<B, P> = (Vec<<B as Peer>::Tx<P>>, Vec<<B as Peer>::Rx<P>>);

/// A channel by which every subscriber gets every message.
pub(crate) trait Peer: Sized + 'static {
    const NAME: &'static str;
    /// A publisher's end.
    type Tx<P: Item>: Send + 'static;
    /// A subscriber's end.
    type Rx<P: Item>: Send + 'static;

    /// The ends of so many publishers and subscribers.
    fn open<P: Item>(publishers: usize, subscribers: usize) -> Ends<Self, P>;

    /// Publishes one message to all subscribers; waits while one has no room.
    fn publish<P: Item>(tx: &mut Self::Tx<P>, item: P) -> impl Future<Output = Result<()>> + Send;

    /// Publishes several that are there at once, and leaves none: by the channel's own call where it
    /// has one.
    fn publish_all<P: Item>(
        tx: &mut Self::Tx<P>,
        items: &mut Vec<P>,
    ) -> impl Future<Output = Result<()>> + Send {
        async {
            for item in items.drain(..) {
                Self::publish(tx, item).await?;
            }
            Ok(())
        }
    }

    /// Waits for a message, and receives all that are there; `false` at the end.
    fn receive<P: Item>(
        rx: &mut Self::Rx<P>,
        see: &mut (impl FnMut(P) + Send),
    ) -> impl Future<Output = bool> + Send;
}

/// One run of [`Spread`] on a peer.
pub(crate) async fn spread<B: Peer, P: Item>(run: Spread) -> Result<Summary> {
    let (txs, rxs) = B::open::<P>(run.publishers as usize, run.subscribers as usize);
    let (tell, mut told) = mpsc::unbounded_channel();
    let zero = Instant::now();
    for (at, rx) in rxs.into_iter().enumerate() {
        let keep = Keep::last(if at == 0 { run.keep } else { 0 });
        tokio::spawn(subscriber::<B, P>(run.clone(), rx, keep, zero, tell.clone()));
    }
    // Publishers leave their ends here, so that no channel is closed before it is empty.
    let ends = Arc::new(Mutex::new(Vec::new()));
    for (number, mut tx) in txs.into_iter().enumerate() {
        let (run, tell, ends) = (run.clone(), tell.clone(), ends.clone());
        tokio::spawn(async move {
            let at = nanos(zero);
            if publisher::<B, P>(&run, number as u64, &mut tx).await.is_ok() {
                let _ = tell.send(Figure::Began { at });
            }
            ends.lock().unwrap_or_else(PoisonError::into_inner).push(tx);
        });
    }
    drop(tell);
    let mut figures = Vec::new();
    while let Some(figure) = told.recv().await {
        figures.push(figure);
    }
    ensure!(figures.len() as u64 == run.figures(), "{}: a task has failed", B::NAME);
    Ok(summary(figures))
}

async fn publisher<B: Peer, P: Item>(run: &Spread, number: u64, tx: &mut B::Tx<P>) -> Result<()> {
    if run.read_last {
        return publisher_with_last::<B, P>(run, number, tx).await;
    }
    let (mut burst, mut next) = (Vec::with_capacity(BURST as usize), 0);
    while next < run.messages {
        let end = (next + BURST).min(run.messages);
        burst.extend((next..end).map(|count| P::make(sequence(number, count))));
        B::publish_all(tx, &mut burst).await?;
        next = end;
    }
    Ok(())
}

/// No peer has a last value and every message too: who wants both has a `watch` beside it.
async fn publisher_with_last<B: Peer, P: Item>(
    run: &Spread,
    number: u64,
    tx: &mut B::Tx<P>,
) -> Result<()> {
    let (last, reader) = watch::channel(P::make(0));
    let over = Arc::new(AtomicBool::new(false));
    let until = over.clone();
    tokio::spawn(async move {
        let mut reads = 0;
        while !until.load(Ordering::Relaxed) {
            std::hint::black_box(reader.borrow().read());
            reads += 1;
            if reads % READS == 0 {
                yield_now().await;
            }
        }
    });
    for count in 0..run.messages {
        let item = P::make(sequence(number, count));
        last.send_replace(item.clone());
        B::publish(tx, item).await?;
    }
    over.store(true, Ordering::Relaxed);
    Ok(())
}

async fn subscriber<B: Peer, P: Item>(
    run: Spread,
    mut rx: B::Rx<P>,
    mut keep: Keep<P>,
    zero: Instant,
    tell: mpsc::UnboundedSender<Figure>,
) {
    let mut tally = Tally::of(run.messages * run.publishers);
    if keep.is_off() {
        while !tally.is_complete() {
            let mut seen = tally;
            let open = B::receive(&mut rx, &mut |item: P| seen.see(&item)).await;
            tally = seen;
            if !open {
                break;
            }
        }
    } else {
        let mut see = |item: P| {
            tally.see(&item);
            keep.push(item);
            tally.is_complete()
        };
        let mut complete = false;
        while !complete && B::receive(&mut rx, &mut |item| complete = see(item)).await {}
    }
    let at = nanos(zero);
    tally.end();
    let Tally { lost, wrong, .. } = tally;
    let _ = tell.send(Figure::Ended { at, lost, wrong });
}

/// One run of ping-pong on a peer, with so many round trips.
pub(crate) async fn pingpong<B: Peer>(messages: u64) -> Result<Summary> {
    let (mut ping, mut pinged) = pair::<B>()?;
    let (mut pong, mut ponged) = pair::<B>()?;
    let answers = tokio::spawn(async move {
        for count in 0..messages {
            expect::<B>(&mut pinged, count).await?;
            B::publish(&mut pong, Small::make(count)).await?;
        }
        anyhow::Ok((pinged, pong))
    });
    let begins = tokio::spawn(async move {
        let zero = Instant::now();
        let mut samples = Vec::with_capacity(messages as usize);
        let mut before = nanos(zero);
        for count in 0..messages {
            B::publish(&mut ping, Small::make(count)).await?;
            expect::<B>(&mut ponged, count).await?;
            let now = nanos(zero);
            samples.push(now - before);
            before = now;
        }
        anyhow::Ok((samples, ping, ponged))
    });
    let (_pinged, _pong) = answers.await??;
    let (samples, ..) = begins.await??;
    Ok(summary([waits(samples)]))
}

fn pair<B: Peer>() -> Result<(B::Tx<Small>, B::Rx<Small>)> {
    let (mut tx, mut rx) = B::open::<Small>(1, 1);
    tx.pop().zip(rx.pop()).context("no ends")
}

async fn expect<B: Peer>(rx: &mut B::Rx<Small>, count: u64) -> Result<()> {
    let mut got = None;
    ensure!(B::receive(rx, &mut |item: Small| got = item.read()).await, "{}: ended", B::NAME);
    ensure!(got == Some(count), "{}: {got:?} came instead of {count}", B::NAME);
    Ok(())
}

/// Nanoseconds since then.
pub(crate) fn nanos(zero: Instant) -> u64 {
    zero.elapsed().as_nanos() as u64
}
