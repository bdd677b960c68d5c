//! A topic without its type: for tools and bridges, which know values as JSON text or bytes.

use std::fmt;
use std::future::poll_fn;

use lifespan_abi::{BusBox, Message as AbiMessage, TopicBox};

use crate::bus::error::{BusError, PublishError};
use crate::bus::publishing::{Attempt, attempt_message, full, poll_publish};

/// A topic of whatever type. Its values are read and made by the library that opened the topic first,
/// which knows them. See [`Context::any_topic`](crate::Context::any_topic).
///
/// To receive from it, subscribe by its name as a [pattern](crate::Context::messages_of).
///
/// ```
/// # use lifespan_plugin_api::prelude::*;
/// # let names = ["countdown", "tool"];
/// # lifespan::example::run(names, Context::of_services, async |[countdown, tool]| {
/// let count = countdown.topic::<u32>("countdown")?;
/// let mut counts = count.messages();
///
/// // It knows no type.
/// let topic = tool.any_topic("countdown")?;
/// assert_eq!(topic.type_name(), "u32");
/// topic.publish_json("3").await?;
/// assert_eq!(topic.get_json()?.as_deref(), Some("3"));
/// let bytes = topic.get_bytes()?.context("nothing yet")?;
/// topic.publish_bytes(&bytes).await?;
///
/// for _ in 0..2 {
///     assert_eq!(counts.recv().await.as_deref(), Some(&3));
/// }
/// # Ok(()) });
/// ```
pub struct AnyTopic {
    handle: TopicBox,
}

impl AnyTopic {
    /// Opens a topic that is there.
    pub(crate) fn open(bus: &BusBox, name: &str) -> Result<AnyTopic, BusError> {
        Ok(AnyTopic { handle: bus.existing(name.into()).into_result()? })
    }

    /// The topic's name.
    pub fn name(&self) -> &str {
        self.handle.name().as_str()
    }

    /// How errors and tools name the topic's type.
    pub fn type_name(&self) -> &str {
        self.handle.kind().name().as_str()
    }

    /// Whether any instance is subscribed.
    pub fn has_subscribers(&self) -> bool {
        self.handle.subscribers() > 0
    }

    /// The last value as JSON text, if there is one.
    ///
    /// # Errors
    ///
    /// It cannot be shown; the reason.
    pub fn get_json(&self) -> Result<Option<String>, BusError> {
        self.get(AbiMessage::to_json)
    }

    /// The last value as MessagePack, if there is one; nothing is lost.
    ///
    /// # Errors
    ///
    /// It cannot be encoded; the reason.
    pub fn get_bytes(&self) -> Result<Option<Vec<u8>>, BusError> {
        self.get(AbiMessage::to_bytes)
    }

    /// Publishes the value that the JSON text is; where a lossless subscription is behind, waits until
    /// it is not. Dropped before it is ready, it has published nothing.
    ///
    /// # Errors
    ///
    /// The text is no value of the topic's type ([`PublishError::Decode`]), or as for
    /// [`Topic::publish`](crate::bus::Topic::publish).
    pub async fn publish_json(&self, text: &str) -> Result<(), PublishError> {
        self.publish(self.of_json(text)?).await
    }

    /// As [`publish_json`](Self::publish_json), if that needs no waiting.
    ///
    /// # Errors
    ///
    /// As there, and [`PublishError::Full`].
    pub fn try_publish_json(&self, text: &str) -> Result<(), PublishError> {
        self.try_publish(self.of_json(text)?)
    }

    /// As [`publish_json`](Self::publish_json), of MessagePack, such as
    /// [`get_bytes`](Self::get_bytes) gives. A topic of [`Encoded`](crate::bus::Encoded) values takes
    /// the bytes as they are.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn publish_bytes(&self, bytes: &[u8]) -> Result<(), PublishError> {
        self.publish(self.of_bytes(bytes)?).await
    }

    /// As [`publish_bytes`](Self::publish_bytes), if that needs no waiting.
    ///
    /// # Errors
    ///
    /// As there, and [`PublishError::Full`].
    pub fn try_publish_bytes(&self, bytes: &[u8]) -> Result<(), PublishError> {
        self.try_publish(self.of_bytes(bytes)?)
    }

    fn get<R>(
        &self,
        show: impl FnOnce(&AbiMessage) -> Result<R, String>,
    ) -> Result<Option<R>, BusError> {
        let last = self.handle.get().into_option();
        last.map(|message| show(&message)).transpose().map_err(|reason| {
            BusError::Other(format!("the last value of topic `{}`: {reason}", self.name()))
        })
    }

    fn of_json(&self, text: &str) -> Result<AbiMessage, PublishError> {
        let made = AbiMessage::from_json(self.handle.kind(), text);
        made.map_err(|reason| self.unfit("JSON", &reason))
    }

    fn of_bytes(&self, bytes: &[u8]) -> Result<AbiMessage, PublishError> {
        let made = AbiMessage::from_bytes(self.handle.kind(), bytes);
        made.map_err(|reason| self.unfit("MessagePack", &reason))
    }

    fn unfit(&self, what: &str, reason: &str) -> PublishError {
        let (name, kind) = (self.name(), self.type_name());
        let detail =
            format!("the {what} is no value of topic `{name}`, whose type is {kind}: {reason}");
        PublishError::Decode { detail }
    }

    async fn publish(&self, message: AbiMessage) -> Result<(), PublishError> {
        let (handle, mut message) = (&self.handle, Some(message));
        poll_fn(|context| poll_publish(handle, context, || attempt_message(handle, &mut message)))
            .await
    }

    fn try_publish(&self, message: AbiMessage) -> Result<(), PublishError> {
        match attempt_message(&self.handle, &mut Some(message))? {
            Attempt::Published => Ok(()),
            Attempt::Full => Err(full(&self.handle)),
        }
    }
}

impl fmt::Debug for AnyTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("AnyTopic");
        debug.field("name", &self.name()).field("type", &self.type_name()).finish()
    }
}
