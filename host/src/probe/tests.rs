//! Faults as a plugin meets them, through the SDK, and what a probe sees.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use lifespan_abi::ServicesBox;
use lifespan_plugin_api::Context;
use lifespan_plugin_api::anyhow::Result;
use lifespan_plugin_api::bus::{BusError, PublishError};
use tokio::time::timeout;

use super::{Call, Fault, Probe};
use crate::example;

/// A moment in which what can come has come.
const A_MOMENT: Duration = Duration::from_millis(20);

/// Runs an example with `fish`, which is probed, and `cat`, which is not.
fn probed(probe: &Probe, test: impl AsyncFnOnce(Context, Context) -> Result<()>) {
    let context = |services: Arc<ServicesBox>| {
        let services = Arc::into_inner(services).expect("nobody else has it yet");
        let fish = services.instance().as_str() == "fish";
        let services = if fish { probe.services(services) } else { services };
        Context::of_services(Arc::new(services))
    };
    example::run(["fish", "cat"], context, async |[fish, cat]| Ok(test(fish, cat).await?));
}

#[test]
fn the_nth_call_is_refused_and_no_other() {
    let probe = Probe::new();
    probe.plan("fish", Call::Topic, 2, Fault::Fails);
    probe.plan("fish", Call::Claim, 1, Fault::Claimed);
    probe.plan("fish", Call::Subscribe, 1, Fault::Closed);
    probe.plan("cat", Call::Topic, 1, Fault::Fails);
    probed(&probe, async |fish, cat| {
        let topic = fish.topic::<u32>("t")?;
        let error = fish.topic::<u32>("t").unwrap_err();
        assert_eq!(error.to_string(), "the host has failed: a test wants it so");
        fish.topic::<u32>("t")?;
        cat.topic::<u32>("t")?;
        assert!(matches!(topic.claim(), Err(BusError::Claimed(_))));
        topic.claim()?;
        assert!(matches!(fish.messages_of("**"), Err(BusError::Closed(_))));
        fish.messages_of("**")?;
        Ok(())
    });
    assert_eq!(probe.planned().len(), 1, "that of `cat`");
    assert_eq!(probe.count("fish", Call::Topic), 3);
    assert_eq!(probe.count("cat", Call::Topic), 0, "it is not probed");
    let struck: Vec<_> = probe.struck().iter().map(ToString::to_string).collect();
    assert_eq!(
        struck,
        [
            "call 2 of `Topic` by `fish`: `Fails`",
            "call 1 of `Claim` by `fish`: `Claimed`",
            "call 1 of `Subscribe` by `fish`: `Closed`",
        ]
    );
}

#[test]
fn of_messages_published_together_each_counts() {
    for (fault, expect) in
        [(Fault::Closed, "publishing has ended"), (Fault::Stuck, "the topic is full")]
    {
        for records in [false, true] {
            let probe = Probe::new();
            if records {
                probe.record();
            }
            probe.plan("fish", Call::Publish, 4, fault);
            probed(&probe, async |fish, cat| {
                let topic = fish.topic_with_capacity::<u32>("t", 16)?;
                let mut all = cat.topic::<u32>("t")?.messages();
                // Makes messages to write values over.
                for n in 0..2 {
                    topic.publish(n).await?;
                    assert_eq!(all.recv().await.as_deref(), Some(&n));
                }
                let error = topic.publish_all(2..9).await.unwrap_err();
                assert_eq!(error.published(), 1, "{error}");
                assert!(error.error().to_string().contains(expect), "{:?}", error.error());
                topic.publish(9).await?;
                topic.close()?;
                let mut rest = Vec::new();
                while let Some(n) = all.recv().await {
                    rest.push(*n);
                }
                assert_eq!(rest, [2, 9]);
                Ok(())
            });
            assert_eq!(probe.count("fish", Call::Publish), 5);
            let published = probe.take_published();
            let shown: Vec<_> = published.iter().map(|it| it.message.to_json().unwrap()).collect();
            let all: &[&str] = if records { &["0", "1", "2", "9"] } else { &[] };
            assert_eq!(shown, all);
            assert!(published.iter().all(|it| *it.instance == *"fish" && *it.topic == *"t"));
        }
    }
}

#[test]
fn what_hangs_hangs_for_good() {
    let probe = Probe::new();
    probe.plan("fish", Call::Publish, 2, Fault::Hangs);
    probe.plan("fish", Call::Receive, 2, Fault::Hangs);
    probe.plan("fish", Call::Sleep, 1, Fault::Hangs);
    probed(&probe, async |fish, cat| {
        let topic = fish.topic::<u32>("t")?;
        let mut all = topic.messages();
        topic.publish(1).await?;
        assert!(timeout(A_MOMENT, topic.publish(2)).await.is_err());
        assert!(matches!(topic.try_publish(2), Err(PublishError::Full { .. })));
        assert_eq!(all.recv().await.as_deref(), Some(&1));
        cat.topic::<u32>("t")?.publish(3).await?;
        for _ in 0..2 {
            assert!(timeout(A_MOMENT, all.recv()).await.is_err());
        }
        assert!(timeout(A_MOMENT, fish.sleep(Duration::ZERO)).await.is_err());
        fish.sleep(Duration::ZERO).await;
        Ok(())
    });
    assert_eq!(probe.struck().len(), 3);
}

#[test]
fn what_is_spawned_is_refused_as_at_the_end() {
    let probe = Probe::new();
    probe.plan("fish", Call::Spawn, 1, Fault::Fails);
    probe.plan("fish", Call::SpawnBlocking, 2, Fault::Fails);
    probed(&probe, async |fish, _| {
        assert!(fish.spawn(async {}).await.is_err());
        fish.spawn(async {}).await?;
        fish.spawn_blocking(|| ()).await?;
        assert!(fish.spawn_blocking(|| ()).await.is_err());
        Ok(())
    });
}

#[test]
fn a_panic_of_the_host_comes_out_of_the_await() {
    let probe = Probe::new();
    probe.plan("fish", Call::Sleep, 1, Fault::Panics);
    probed(&probe, async |fish, _| {
        let slept = fish.spawn({
            let fish = fish.clone();
            async move { fish.sleep(Duration::ZERO).await }
        });
        let mut slept = pin!(slept);
        assert!(slept.as_mut().await.unwrap_err().to_string().contains("panicked"));
        Ok(())
    });
}

#[test]
fn each_call_fails_as_it_says_it_can() {
    for call in Call::ALL {
        for &fault in call.faults() {
            Probe::new().plan("fish", call, 1, fault);
        }
    }
    for (call, nth, fault) in [(Call::Spawn, 1, Fault::Hangs), (Call::Topic, 0, Fault::Fails)] {
        let planned = std::panic::catch_unwind(|| Probe::new().plan("fish", call, nth, fault));
        assert!(planned.is_err(), "{call:?}");
    }
}
