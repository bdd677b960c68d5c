//! Publishers and subscribers on threads of their own: nothing is lost, and nobody sleeps through.

use std::time::Duration;

use lifespan_plugin_api::bus::{Delivered, Owned, Pattern, Source};
use tokio::runtime::{Builder, Runtime};

use super::*;

/// How many messages each publisher sends.
const EACH: u64 = 2000;

/// How long a test may take whose tasks are all woken; one that is not would wait for ever.
const LIMIT: Duration = Duration::from_secs(60);

async fn within_limit<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("somebody was not woken")
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

#[test]
fn threads_lose_nothing() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let (topic, theirs) = (one.topic::<u64>("t", 16), two.topic::<u64>("t", 0));
    let runtime = runtime();
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let mut messages = theirs.messages();
            runtime.spawn(async move {
                let mut next = [0; 2];
                while let Some(message) = messages.recv().await {
                    let (publisher, n) = ((*message % 2) as usize, *message / 2);
                    assert_eq!(n, next[publisher]);
                    next[publisher] += 1;
                }
                next
            })
        })
        .collect();
    let writers: Vec<_> = (0..2)
        .map(|publisher| {
            let topic = topic.clone();
            runtime.spawn(async move {
                for n in 0..EACH {
                    topic.publish(n * 2 + publisher).await.unwrap();
                }
            })
        })
        .collect();
    runtime.block_on(within_limit(async {
        for writer in writers {
            writer.await.unwrap();
        }
        world.bus.close();
        for reader in readers {
            assert_eq!(reader.await.unwrap(), [EACH; 2]);
        }
    }));
}

/// One instance sends a number and waits for it to come back before it sends the next, so that each
/// of a subscription's waits must end by a wake-up.
fn ping_pong<S>(subscribe: impl FnOnce(&Party, &Topic<u64>) -> S, number: fn(S::Item) -> u64)
where
    S: Source + Send + 'static,
    S::Item: Send,
{
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let (ping, pong) = (one.topic::<u64>("ping", 0), two.topic::<u64>("pong", 0));
    let mut answers = one.topic::<u64>("pong", 0).messages();
    let mut source = subscribe(&two, &two.topic("ping", 0));
    let runtime = runtime();
    runtime.spawn(async move {
        while let Some(item) = std::future::poll_fn(|cx| source.poll_source(cx)).await {
            pong.publish(number(item)).await.unwrap();
        }
    });
    runtime.block_on(within_limit(async move {
        for n in 0..EACH {
            ping.publish(n).await.unwrap();
            assert_eq!(*answers.recv().await.unwrap(), n);
        }
    }));
}

#[test]
fn every_wait_of_every_kind_ends() {
    ping_pong(|_, topic| topic.messages(), |n| *n);
    ping_pong(|_, topic| topic.messages().lossy(), |n| *n);
    ping_pong(|_, topic| topic.updates(), |n| *n);
    ping_pong(|_, topic| topic.updates_by(|n| n % 7), |n| *n);
    let number = |item: Delivered| item.sequence();
    ping_pong(|party, _| Pattern::messages(party.bus(), "ping").unwrap(), number);
}

#[test]
fn topics_that_come_and_go_lose_nothing_for_a_pattern() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let mut pattern: Owned<_> = Pattern::messages(two.bus(), "t/*").unwrap().owned();
    let runtime = runtime();
    let reader = runtime.spawn(async move {
        let mut count = 0;
        while let Some(message) = pattern.recv().await {
            assert_eq!(message.skipped(), 0);
            count += 1;
        }
        count
    });
    let writers: Vec<_> = (0..2)
        .map(|writer| {
            let services = one.services.clone();
            runtime.spawn(async move {
                for n in 0..EACH / 10 {
                    let name = format!("t/{}", (n + writer) % 3);
                    let topic = Topic::of_services(services.clone(), &name, 4).unwrap();
                    for n in 0..10 {
                        topic.publish(n as u32).await.unwrap();
                    }
                }
            })
        })
        .collect();
    runtime.block_on(within_limit(async {
        for writer in writers {
            writer.await.unwrap();
        }
        world.bus.close();
        assert_eq!(reader.await.unwrap(), EACH * 2);
    }));
}
