//! A topic beside a life's own, on which only one instance at a time publishes: whoever has claimed it.
//! After another's first message nobody may see one of those before.

use std::sync::atomic::{AtomicBool, Ordering};

use lifespan_plugin_api::Context;
use lifespan_plugin_api::bus::{BusError, Messages, PublishError, Topic};

use crate::chance::Chance;
use crate::follow::{Follow, Promise, Seen};
use crate::life::Life;
use crate::payload::{Payload, Stamp};
use crate::subscriber::see;
use crate::world::{Verdict, World, add};

pub(crate) struct Claim<M: Payload> {
    topic: Topic<M>,
    /// What it publishes next, if it has the claim.
    next: Option<Stamp>,
    follow: Follow,
    /// Those that it has seen publish, in their order.
    publishers: Vec<u64>,
}

impl<M: Payload> Claim<M> {
    /// Opens the topic of that life of the topic of that name.
    pub(crate) fn new(
        ctx: &Context,
        name: &str,
        life: &Life,
        chance: &mut Chance,
    ) -> Result<Self, String> {
        let name = format!("{name}/claimed/{}", life.number);
        let topic = ctx.topic_with_capacity(name, chance.pick(&[1, 8, 64]));
        let topic = topic.map_err(|error| error.to_string())?;
        let follow = Follow::new(life.number, Promise::Every, u64::MAX);
        Ok(Claim { topic, next: None, follow, publishers: Vec::new() })
    }

    /// Every message on it, from now on, for [`see`](Self::see).
    pub(crate) fn messages(&self) -> Messages<M> {
        self.topic.messages()
    }

    /// Claims the topic, unless another has it. The claim lasts as long as the instance.
    pub(crate) fn try_claim(&mut self, life: &Life, released: &AtomicBool) -> Verdict {
        match self.topic.claim() {
            Ok(()) => {
                let publisher = || life.begin_publisher();
                let first = || Stamp { life: life.number, publisher: publisher(), number: 0 };
                self.next.get_or_insert_with(first);
                Ok(())
            }
            Err(BusError::Claimed(_)) if self.next.is_none() || is_set(released) => Ok(()),
            Err(error) => Err(format!("a claim: {error}")),
        }
    }

    /// Publishes a message, if it has the claim and there is room.
    pub(crate) fn publish(&mut self, world: &World, life: &Life, released: &AtomicBool) -> Verdict {
        // One whose instance is over may publish as long as nobody has claimed the topic anew, and so
        // between two others.
        if life.is_quiet() || is_set(released) {
            return Ok(());
        }
        let Some(stamp) = &mut self.next else { return Ok(()) };
        match self.topic.try_publish(M::make(*stamp)) {
            Ok(()) => {
                stamp.number += 1;
                add(&world.counts.published, 1);
                Ok(())
            }
            Err(PublishError::Full { .. } | PublishError::Stuck { .. }) => Ok(()),
            Err(PublishError::Claimed { .. }) if is_set(released) => Ok(()),
            Err(error) => Err(format!("who has the claim was told: {error}")),
        }
    }

    /// Takes note of a message on it.
    pub(crate) fn see(&mut self, world: &World, released: &AtomicBool, seen: Seen) -> Verdict {
        see(world, released, &mut self.follow, seen)?;
        let publisher = seen.stamp.map(|stamp| stamp.publisher);
        if self.publishers.last().copied() != publisher {
            if self.publishers.iter().any(|before| Some(*before) == publisher) {
                return Err(format!("{publisher:?} published after another had the claim"));
            }
            self.publishers.extend(publisher);
        }
        Ok(())
    }
}

fn is_set(released: &AtomicBool) -> bool {
    released.load(Ordering::SeqCst)
}
