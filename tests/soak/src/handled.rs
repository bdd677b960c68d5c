//! A handler of a topic: what it is called with is followed like what a subscription receives.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use lifespan_plugin_api::bus::{Handler, Topic};

use crate::follow::{Follow, Promise, Reached};
use crate::life::Life;
use crate::payload::Payload;
use crate::subscriber::read_batch;
use crate::world::{World, add};

pub(crate) struct Handled {
    handler: Handler,
    /// None until it is known which publishers began later.
    follow: Arc<Mutex<Option<Follow>>>,
}

impl Handled {
    /// Adds a handler; `came` is told how far it is after each call.
    pub(crate) fn new<M: Payload>(
        world: &Arc<World>,
        life: &Life,
        released: &Arc<AtomicBool>,
        topic: &Topic<M>,
        came: impl Fn(u64) + Send + 'static,
    ) -> Handled {
        let follow = Arc::<Mutex<Option<Follow>>>::default();
        // The handler may be called at once: it waits for what it is to follow.
        let mut awaited = follow.lock().unwrap_or_else(PoisonError::into_inner);
        let handler = {
            let (world, released, follow) = (world.clone(), released.clone(), follow.clone());
            topic.on_messages(move |batch| {
                let mut follow = follow.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(follow) = follow.as_mut() else { return };
                if let Err(mistake) = read_batch(&world, &released, follow, &batch) {
                    world.complain(format!("a handler: {mistake}"));
                }
                came(follow.next());
            })
        };
        add(&world.counts.subscriptions, 1);
        *awaited = Some(Follow::new(life.number, Promise::Every, life.publishers()));
        drop(awaited);
        Handled { handler, follow }
    }

    /// Ends it, whatever is still to come.
    pub(crate) fn end(&self) {
        self.handler.end();
    }

    /// Whether it has ended.
    pub(crate) fn is_finished(&self) -> bool {
        self.handler.is_finished()
    }

    /// How far it came.
    pub(crate) fn reached(&self) -> Option<Reached> {
        let follow = self.follow.lock().unwrap_or_else(PoisonError::into_inner).take();
        follow.and_then(Follow::reached)
    }
}
