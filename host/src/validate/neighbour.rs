//! Another instance on the bus: it hears what is published, and publishes a little on every topic, so
//! that whoever waits for messages has some.

use std::sync::Arc;
use std::task::{Context, Waker};

use lifespan_abi::async_ffi::ContextExt;
use lifespan_abi::{BusBox, Message, MessageTypeRef, PollStatus, SubscriptionBox};

use crate::bus::{Bus, Pattern};

/// What a message may be made of.
const SAMPLES: [&str; 9] = ["0", "1", "-1", "1.5", "true", "\"a\"", "null", "[]", "{}"];

/// How many messages there are on each topic.
const MESSAGES: usize = 3;

/// The name by which it stands on the bus.
const NAME: &str = "neighbour";

/// See the module.
pub(super) struct Neighbour {
    bus: BusBox,
    ears: Option<SubscriptionBox>,
}

impl Neighbour {
    /// One on that bus, which hears all from now on.
    pub(super) fn of(bus: &Bus) -> Self {
        let all = Pattern::parse("**").ok();
        Neighbour {
            bus: bus.member(NAME, 1).services(),
            ears: all.and_then(|all| bus.observe(all).ok()),
        }
    }

    /// The topics that are there, with the types that they have.
    pub(super) fn topics(&self) -> Vec<(String, MessageTypeRef)> {
        let opened = self.bus.topics().into_iter().filter_map(|name| {
            let topic = self.bus.existing(name.as_rstr()).into_result().ok()?;
            Some((name.into_string(), topic.kind()))
        });
        opened.collect()
    }

    /// What was published since it was last asked, with the topics' names, as far as it was kept.
    pub(super) fn heard(&mut self) -> Vec<(String, Message)> {
        let mut heard = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        while let Some(ears) = &mut self.ears {
            let batch = context.with_ffi_context(|context| ears.poll_owned(context, false, 0));
            if batch.status != PollStatus::READY {
                break;
            }
            let topic: Arc<str> = batch.topic.as_str().into();
            let messages = batch.deliveries.into_iter().map(|it| it.message);
            heard.extend(messages.map(|message| (topic.to_string(), message)));
        }
        heard
    }

    /// Publishes a few messages on each topic, as far as it may.
    pub(super) fn publish(&self) {
        for (name, kind) in self.topics() {
            let Ok(topic) = self.bus.existing(name.as_str().into()).into_result() else { continue };
            for message in made_of(kind).into_iter().cycle().take(MESSAGES) {
                // Where there is no room, or another has claimed it, there is none of its messages.
                let _refused = topic.try_publish(message);
            }
        }
    }
}

/// Messages of a type, made of what many types can be made of; none if it is of no such type.
pub(super) fn made_of(kind: MessageTypeRef) -> Vec<Message> {
    SAMPLES.iter().filter_map(|text| Message::from_json(kind, text).ok()).collect()
}
