//! One that publishes, in every way, until it is bored, dies, panics, or the topic is closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lifespan_plugin_api::Context;
use lifespan_plugin_api::bus::{PublishError, Topic};

use crate::chance::Chance;
use crate::life::Life;
use crate::payload::{Payload, Stamp};
use crate::world::{Verdict, World, add, once, panic_on_purpose};

pub(crate) struct Publisher<M: Payload> {
    pub(crate) world: Arc<World>,
    pub(crate) life: Arc<Life>,
    pub(crate) topic: Topic<M>,
    pub(crate) ctx: Context,
    /// Its instance has ended.
    pub(crate) released: Arc<AtomicBool>,
    pub(crate) chance: Chance,
}

/// What it calls itself, and how many it has published.
struct Name<'l> {
    life: &'l Life,
    publisher: u64,
    number: u64,
}

impl<M: Payload> Publisher<M> {
    pub(crate) async fn run(mut self) -> Verdict {
        let life = self.life.clone();
        let mut name = Name::new(&life);
        for _ in 0..10 + self.chance.below(20_000) {
            if life.is_quiet() {
                break;
            }
            let before = name.number;
            let done = match self.chance.below(100) {
                0..40 => self.one(&mut name).await,
                40..65 => self.burst(&mut name).await,
                65..85 => self.attempt(&mut name),
                85..92 => self.attempts(&mut name),
                92..98 => {
                    self.ctx.sleep(self.chance.up_to(5)).await;
                    Ok(())
                }
                _ => {
                    let newest = self.topic.get().map(|kept| M::read(&kept));
                    if newest == Some(None) {
                        return Err("the last value is damaged".to_owned());
                    }
                    Ok(())
                }
            };
            add(&self.world.counts.published, name.number.saturating_sub(before));
            match done {
                Ok(()) => {}
                Err(error) => return self.may_end(&error),
            }
            if self.chance.one_in(8_000) {
                panic_on_purpose();
            }
        }
        Ok(())
    }

    async fn one(&mut self, name: &mut Name<'_>) -> Result<(), PublishError> {
        let value = M::make(name.stamp());
        if self.chance.one_in(10) {
            // What is cancelled has published nothing: its number is used again.
            match once(self.topic.publish(value)).await {
                Some(done) => done?,
                None => {
                    add(&self.world.counts.cancelled, 1);
                    self.ctx.sleep(self.chance.up_to(1)).await;
                    return Ok(());
                }
            }
        } else {
            self.topic.publish(value).await?;
        }
        name.number += 1;
        Ok(())
    }

    async fn burst(&mut self, name: &mut Name<'_>) -> Result<(), PublishError> {
        let count = 1 + self.chance.below(200);
        let values = name.values::<M>(count);
        if self.chance.one_in(20) {
            match once(self.topic.publish_all(values)).await {
                Some(done) => done.map_err(PublishError::from)?,
                None => {
                    // Some of it is published, and nobody says how many.
                    add(&self.world.counts.cancelled, 1);
                    name.forget();
                    return Ok(());
                }
            }
        } else if let Err(error) = self.topic.publish_all(values).await {
            name.number += error.published();
            return Err(error.into());
        }
        name.number += count;
        Ok(())
    }

    fn attempt(&mut self, name: &mut Name<'_>) -> Result<(), PublishError> {
        match self.topic.try_publish(M::make(name.stamp())) {
            Err(PublishError::Full { .. }) => Ok(()),
            done => {
                done?;
                name.number += 1;
                Ok(())
            }
        }
    }

    fn attempts(&mut self, name: &mut Name<'_>) -> Result<(), PublishError> {
        let count = 1 + self.chance.below(100);
        match self.topic.try_publish_all(name.values::<M>(count)) {
            Ok(()) => name.number += count,
            Err(error) => {
                name.number += error.published();
                if !matches!(error.error(), PublishError::Full { .. }) {
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    /// Whether it may have come to this.
    fn may_end(&self, error: &PublishError) -> Verdict {
        let may = match error {
            PublishError::Closed { .. } => self.life.is_closing(),
            PublishError::Stuck { .. } => self.released.load(Ordering::SeqCst),
            _ => false,
        };
        if may { Ok(()) } else { Err(format!("a publisher was told: {error}")) }
    }
}

impl<'l> Name<'l> {
    fn new(life: &'l Life) -> Name<'l> {
        Name { life, publisher: life.begin_publisher(), number: 0 }
    }

    fn stamp(&self) -> Stamp {
        Stamp { life: self.life.number, publisher: self.publisher, number: self.number }
    }

    fn values<M: Payload>(&self, count: u64) -> impl Iterator<Item = M> + use<M> {
        let first = self.stamp();
        (0..count).map(move |more| M::make(Stamp { number: first.number + more, ..first }))
    }

    /// Nobody knows how many it has published: it goes on by another name.
    fn forget(&mut self) {
        (self.publisher, self.number) = (self.life.begin_publisher(), 0);
    }
}
