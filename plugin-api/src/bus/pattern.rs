//! Every topic that matches, without knowing its type.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use lifespan_abi::{BusBox, Delivery, Mode, Publisher, SubscribeOptions};
use serde_json::Value;

use crate::bus::error::BusError;
use crate::bus::giving::Giving;
use crate::bus::owned::{Owned, Source};

/// What is published on every topic that matches a pattern, those that come later too: `*` is one
/// segment of a name, `**` at the end is the rest.
///
/// ```
/// # use lifespan_plugin_api::prelude::*;
/// # let names = ["umpire", "recorder"];
/// # lifespan::example::run(names, Context::of_services, async |[umpire, recorder]| {
/// let first = umpire.topic::<u32>("court/1")?;
/// let mut all = recorder.messages_of("court/*")?;
/// let second = umpire.topic::<String>("court/2")?; // comes later, with a type of its own
/// first.publish(15).await?;
/// second.publish("rain".to_owned()).await?;
/// umpire.topic::<u32>("umpires")?.publish(1).await?; // another name
/// let mut seen = Vec::new();
/// while all.backlog() > 0 {
///     let one = all.recv().await.context("it has ended")?;
///     seen.push(format!("{} by {}: {}", one.topic(), one.publisher(), one.json()?));
/// }
/// seen.sort(); // topics have no order among each other
/// assert_eq!(seen, [r#"court/1 by umpire: 15"#, r#"court/2 by umpire: "rain""#]);
/// # Ok(()) });
/// ```
pub struct Pattern {
    giving: Giving,
    bus: BusBox,
    /// Who has published, by number.
    publishers: HashMap<u64, Arc<Publisher>>,
}

/// A message of any type, with where it is from.
pub struct Delivered {
    delivery: Delivery,
    topic: Arc<str>,
    publisher: Arc<Publisher>,
}

impl Pattern {
    /// Every message in order, none lost: publishers wait for this.
    ///
    /// # Errors
    ///
    /// The text is no pattern.
    #[doc(hidden)]
    pub fn messages(bus: BusBox, pattern: &str) -> Result<Pattern, BusError> {
        Pattern::open(bus, pattern, Mode::LOSSLESS, false)
    }

    /// Every message that fits; the oldest are skipped and counted.
    ///
    /// # Errors
    ///
    /// The text is no pattern.
    #[doc(hidden)]
    pub fn lossy(bus: BusBox, pattern: &str) -> Result<Pattern, BusError> {
        Pattern::open(bus, pattern, Mode::LOSSY, false)
    }

    /// The latest value of each topic, beginning with those that are there.
    ///
    /// # Errors
    ///
    /// The text is no pattern.
    #[doc(hidden)]
    pub fn updates(bus: BusBox, pattern: &str) -> Result<Pattern, BusError> {
        Pattern::open(bus, pattern, Mode::LATEST, true)
    }

    /// The next message; `None` at the end of the program. Dropped before it is ready, it has taken
    /// nothing.
    pub async fn recv(&mut self) -> Option<Delivered> {
        poll_fn(|context| self.poll_source(context)).await
    }

    /// How many messages wait to be received.
    pub fn backlog(&self) -> u64 {
        self.giving.backlog()
    }

    /// The subscription as a stream.
    pub fn owned(self) -> Owned<Self> {
        Owned::new(self)
    }

    fn open(bus: BusBox, pattern: &str, mode: Mode, current: bool) -> Result<Self, BusError> {
        let options = SubscribeOptions::new(mode, current, None);
        let subscription = bus.subscribe_pattern(pattern.into(), options).into_result()?;
        let giving = Giving::new(Some(subscription));
        Ok(Pattern { giving, bus, publishers: HashMap::new() })
    }

    fn delivered(&mut self, delivery: Delivery) -> Delivered {
        let (number, bus) = (delivery.publisher, &self.bus);
        // Of whom nothing is known there is no name.
        let known = || Arc::new(Publisher::from_json(&bus.publisher(number)).unwrap_or_default());
        let publisher = self.publishers.entry(number).or_insert_with(known).clone();
        Delivered { delivery, topic: self.giving.topic().clone(), publisher }
    }
}

impl Source for Pattern {
    type Item = Delivered;

    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivered>> {
        let polled = self.giving.poll(context);
        polled.map(|delivery| delivery.map(|delivery| self.delivered(delivery)))
    }
}

impl Delivered {
    /// The topic's name.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The instance that published it.
    pub fn publisher(&self) -> &str {
        &self.publisher.name
    }

    /// Which life of that instance published it, from 1.
    pub fn generation(&self) -> u32 {
        self.publisher.generation
    }

    /// Its number on the topic, counted from 0.
    pub fn sequence(&self) -> u64 {
        self.delivery.sequence
    }

    /// How many of the topic's messages were skipped just before it.
    pub fn skipped(&self) -> u64 {
        self.delivery.skipped
    }

    /// When it was published, on the host's clock. `None` of a value that was there before anybody
    /// subscribed to its topic by a pattern: nobody looked at the time then.
    pub fn published(&self) -> Option<Duration> {
        let nanos = self.delivery.published;
        (nanos > 0).then(|| Duration::from_nanos(nanos))
    }

    /// How errors and tools name its type.
    pub fn type_name(&self) -> &str {
        self.delivery.message.kind().name().as_str()
    }

    /// Its value as JSON text, made by the library that published it.
    ///
    /// # Errors
    ///
    /// It cannot be shown; the reason.
    pub fn json_text(&self) -> Result<String, BusError> {
        self.delivery.message.to_json().map_err(BusError::Other)
    }

    /// Its value as MessagePack, made by the library that published it; nothing is lost.
    ///
    /// # Errors
    ///
    /// It cannot be encoded; the reason.
    pub fn bytes(&self) -> Result<Vec<u8>, BusError> {
        self.delivery.message.to_bytes().map_err(BusError::Other)
    }

    /// Its value as JSON.
    ///
    /// # Errors
    ///
    /// It cannot be shown; the reason.
    pub fn json(&self) -> Result<Value, BusError> {
        let text = self.json_text()?;
        serde_json::from_str(&text).map_err(|error| BusError::Other(error.to_string()))
    }
}

impl fmt::Debug for Delivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivered")
            .field("topic", &self.topic())
            .field("publisher", &self.publisher())
            .field("sequence", &self.sequence())
            .field("type", &self.type_name())
            .finish_non_exhaustive()
    }
}
