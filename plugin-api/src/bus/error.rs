//! How the bus refuses.

use std::fmt;

use lifespan_abi::{BusFault, FaultCode};

use crate::message::EncodeError;

/// A topic, a claim or a subscription was refused. The message is the host's, and names both sides
/// where there are two.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum BusError {
    /// The text is no topic's name, or no pattern.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # use lifespan_plugin_api::bus::BusError;
    /// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
    /// let error = ctx.topic::<u32>("court/*").unwrap_err();
    /// assert!(matches!(error, BusError::Name(_)));
    /// assert!(error.to_string().starts_with("`court/*` is not a topic's name: "));
    /// # Ok(()) });
    /// ```
    Name(String),
    /// The topic has another type: both instances and both types are named.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # use lifespan_plugin_api::bus::BusError;
    /// # let names = ["umpire", "board"];
    /// # lifespan::example::run(names, Context::of_services, async |[umpire, board]| {
    /// let _score = umpire.topic::<u32>("score")?;
    /// let error = board.topic::<String>("score").unwrap_err();
    /// assert!(matches!(error, BusError::Type(_)));
    /// assert!(error.to_string().starts_with(
    ///     "topic `score` carries `u32` since `umpire` opened it, \
    ///      but `board` opens it with `String`: "
    /// ));
    /// # Ok(()) });
    /// ```
    Type(String),
    /// The type can be on no topic; the message says why.
    ///
    /// ```
    /// # use abi_stable::{StableAbi, std_types::ROption};
    /// # use lifespan_plugin_api::bus::BusError;
    /// # use lifespan_plugin_api::prelude::*;
    /// # use serde::{Deserialize, Serialize};
    /// #[repr(C)]
    /// #[derive(StableAbi)]
    /// #[sabi(kind(Prefix(prefix_ref = ToolsRef)))] // so that one side may know more of it
    /// pub struct Tools {
    ///     #[sabi(last_prefix_field)]
    ///     pub draw: extern "C" fn(),
    /// }
    ///
    /// #[repr(C)]
    /// #[derive(StableAbi, Serialize, Deserialize, Message)]
    /// pub struct Weather {
    ///     pub celsius: i32,
    ///     #[serde(skip)]
    ///     pub tools: ROption<ToolsRef>,
    /// }
    ///
    /// # lifespan::example::run(["station"], Context::of_services, async |[ctx]| {
    /// let error = ctx.topic::<Weather>("weather").unwrap_err();
    /// assert!(matches!(error, BusError::Unshareable(_)));
    /// let text = error.to_string();
    /// assert!(text.contains("of `station` cannot be sent over topic `weather`: "));
    /// assert!(text.contains("is a prefix type"));
    /// # Ok(()) });
    /// ```
    Unshareable(String),
    /// Another instance has claimed the topic: it is named.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # use lifespan_plugin_api::bus::BusError;
    /// # let names = ["umpire", "player"];
    /// # lifespan::example::run(names, Context::of_services, async |[umpire, player]| {
    /// let score = umpire.topic::<u32>("score")?;
    /// score.claim()?;
    /// let theirs = player.topic::<u32>("score")?;
    /// for error in [theirs.claim().unwrap_err(), theirs.close().unwrap_err()] {
    ///     assert!(matches!(error, BusError::Claimed(_)));
    ///     assert_eq!(error.to_string(), "topic `score` is claimed by `umpire`");
    /// }
    /// # Ok(()) });
    /// ```
    Claimed(String),
    /// The topic is closed, or the program shuts down.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # use lifespan_plugin_api::bus::BusError;
    /// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
    /// let score = ctx.topic::<u32>("score")?;
    /// score.close()?;
    /// let error = score.claim().unwrap_err();
    /// assert!(matches!(error, BusError::Closed(_)));
    /// assert_eq!(error.to_string(), "topic `score` is closed");
    /// # Ok(()) });
    /// ```
    Closed(String),
    /// There is no such topic.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # use lifespan_plugin_api::bus::BusError;
    /// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
    /// let error = ctx.any_topic("score").unwrap_err();
    /// assert!(matches!(error, BusError::Unknown(_)));
    /// assert_eq!(error.to_string(), "there is no topic `score` now");
    /// # Ok(()) });
    /// ```
    Unknown(String),
    /// Any other reason, such as a value that cannot be shown.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # use lifespan_plugin_api::bus::BusError;
    /// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
    /// let _bytes = ctx.topic::<Encoded<u32>>("bytes")?;
    /// let topic = ctx.any_topic("bytes")?;
    /// topic.publish_bytes(&[0xc1]).await?; // as they are, and no MessagePack
    /// let error = topic.get_json().unwrap_err();
    /// assert!(matches!(error, BusError::Other(_)));
    /// assert!(error.to_string().starts_with("the last value of topic `bytes`: "));
    /// # Ok(()) });
    /// ```
    Other(String),
}

impl BusError {
    fn message(&self) -> &str {
        match self {
            BusError::Name(message)
            | BusError::Type(message)
            | BusError::Unshareable(message)
            | BusError::Claimed(message)
            | BusError::Closed(message)
            | BusError::Unknown(message)
            | BusError::Other(message) => message,
        }
    }
}

impl From<BusFault> for BusError {
    fn from(fault: BusFault) -> Self {
        let reason = fault.reason.into_string();
        match fault.code {
            FaultCode::NAME => BusError::Name(reason),
            FaultCode::TYPE => BusError::Type(reason),
            FaultCode::UNSHAREABLE => BusError::Unshareable(reason),
            FaultCode::CLAIMED => BusError::Claimed(reason),
            FaultCode::CLOSED => BusError::Closed(reason),
            FaultCode::UNKNOWN => BusError::Unknown(reason),
            FaultCode::OPTIONS | FaultCode::FAILED => BusError::Other(reason),
            FaultCode(unknown) => BusError::Other(format!("{reason} (fault {unknown})")),
        }
    }
}

impl fmt::Display for BusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for BusError {}

/// A value was not published.
#[derive(Debug)]
#[non_exhaustive]
pub enum PublishError {
    /// Publishing has ended: the program shuts down, or the topic is closed.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
    /// let score = ctx.topic::<u32>("score")?;
    /// score.close()?;
    /// let error = score.publish(15).await.unwrap_err();
    /// assert!(matches!(error, PublishError::Closed { .. }) && error.is_closed());
    /// assert_eq!(error.to_string(), "topic `score` is closed");
    /// # Ok(()) });
    /// ```
    Closed {
        /// Which of the two.
        detail: String,
    },
    /// A lossless subscription is behind, and waiting could not help: in set-up, where nobody
    /// receives yet; in tear-down; or because only this instance's own subscriptions are in the way.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
    /// let echo = ctx.topic_with_capacity::<u32>("echo", 1)?;
    /// let _mine = echo.messages();
    /// echo.publish(1).await?;
    /// let error = echo.publish(2).await.unwrap_err();
    /// assert!(matches!(error, PublishError::Stuck { .. }));
    /// assert_eq!(
    ///     error.to_string(),
    ///     "topic `echo` is full, and only subscriptions of this very instance are in the way",
    /// );
    /// # Ok(()) });
    /// ```
    Stuck {
        /// The topic, and which of these.
        detail: String,
    },
    /// Another instance has claimed the topic.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # let names = ["umpire", "player"];
    /// # lifespan::example::run(names, Context::of_services, async |[umpire, player]| {
    /// let score = umpire.topic::<u32>("score")?;
    /// score.claim()?;
    /// let error = player.topic::<u32>("score")?.publish(40).await.unwrap_err();
    /// assert!(matches!(error, PublishError::Claimed { .. }));
    /// assert_eq!(error.to_string(), "topic `score` is claimed by `umpire`");
    /// # Ok(()) });
    /// ```
    Claimed {
        /// The topic, and which instance.
        detail: String,
    },
    /// A lossless subscription is behind. Only of [`try_publish`](crate::bus::Topic::try_publish) and
    /// its like.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # let names = ["sensor", "siren"];
    /// # lifespan::example::run(names, Context::of_services, async |[sensor, siren]| {
    /// let alarms = sensor.topic_with_capacity::<u32>("alarms", 1)?;
    /// let _behind = siren.topic::<u32>("alarms")?.messages();
    /// alarms.try_publish(1)?;
    /// let error = alarms.try_publish(2).unwrap_err();
    /// assert!(matches!(&error, PublishError::Full { topic } if topic == "alarms"));
    /// assert_eq!(error.to_string(), "topic `alarms` is full");
    /// # Ok(()) });
    /// ```
    Full {
        /// The topic.
        topic: String,
    },
    /// The value cannot be encoded. The source says why.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # use std::time::SystemTime;
    /// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
    /// let dates = ctx.topic::<Encoded<SystemTime>>("dates")?;
    /// let before_all = SystemTime::UNIX_EPOCH - Duration::from_secs(1); // too early
    /// let error = dates.publish(Encoded(before_all)).await.unwrap_err();
    /// assert!(matches!(error, PublishError::Encode(_)));
    /// let text = format!("{:#}", Error::from(error));
    /// assert!(text.starts_with("the value cannot be published: encode the message: "));
    /// assert!(!dates.has_value());
    /// # Ok(()) });
    /// ```
    Encode(EncodeError),
    /// The text or bytes are no value of the topic's type. Only of
    /// [`AnyTopic`](crate::bus::AnyTopic), which publishes without knowing that.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # lifespan::example::run(["umpire", "tool"], Context::of_services, async |[umpire, tool]| {
    /// let _score = umpire.topic::<u32>("score")?;
    /// let error = tool.any_topic("score")?.publish_json("fifteen").await.unwrap_err();
    /// assert!(matches!(error, PublishError::Decode { .. }));
    /// assert!(error.to_string().starts_with(
    ///     "the JSON is no value of topic `score`, whose type is u32: "
    /// ));
    /// # Ok(()) });
    /// ```
    Decode {
        /// The topic, its type, and what is wrong.
        detail: String,
    },
    /// Any other reason: the host failed, or is one that this SDK does not know well.
    Other {
        /// What is known of it.
        detail: String,
    },
}

impl PublishError {
    /// Whether publishing has ended, so that a publisher may simply stop.
    pub fn is_closed(&self) -> bool {
        matches!(self, PublishError::Closed { .. })
    }
}

impl From<EncodeError> for PublishError {
    fn from(error: EncodeError) -> Self {
        PublishError::Encode(error)
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PublishError::Closed { detail }
            | PublishError::Stuck { detail }
            | PublishError::Claimed { detail }
            | PublishError::Decode { detail }
            | PublishError::Other { detail } => f.write_str(detail),
            PublishError::Full { topic } => write!(f, "topic `{topic}` is full"),
            PublishError::Encode(_) => f.write_str("the value cannot be published"),
        }
    }
}

impl std::error::Error for PublishError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PublishError::Encode(error) => Some(error),
            PublishError::Closed { .. }
            | PublishError::Stuck { .. }
            | PublishError::Claimed { .. }
            | PublishError::Full { .. }
            | PublishError::Decode { .. }
            | PublishError::Other { .. } => None,
        }
    }
}

/// A burst was not published in full: its first values are, the others are not.
///
/// ```
/// # use lifespan_plugin_api::prelude::*;
/// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
/// let rows = ctx.topic_with_capacity::<u32>("rows", 2)?;
/// let mut mine = rows.messages();
/// let error = rows.publish_all(0..5).await.unwrap_err();
/// assert_eq!(error.to_string(), "a burst ended after 2 messages");
/// assert!(matches!(error.error(), PublishError::Stuck { .. }) && !error.is_closed());
/// for n in 0..error.published() {
///     assert_eq!(mine.recv().await.map(|row| u64::from(*row)), Some(n));
/// }
/// assert_eq!(mine.backlog(), 0);
/// # Ok(()) });
/// ```
#[derive(Debug)]
pub struct BurstError {
    published: u64,
    error: PublishError,
}

impl BurstError {
    pub(super) fn new(published: u64, error: PublishError) -> Self {
        BurstError { published, error }
    }

    /// How many values are published: the first ones.
    pub fn published(&self) -> u64 {
        self.published
    }

    /// Why the one after those is not.
    pub fn error(&self) -> &PublishError {
        &self.error
    }

    /// Whether publishing has ended, so that a publisher may simply stop.
    pub fn is_closed(&self) -> bool {
        self.error.is_closed()
    }
}

/// For who does not care how many are published.
impl From<BurstError> for PublishError {
    fn from(burst: BurstError) -> Self {
        burst.error
    }
}

impl fmt::Display for BurstError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a burst ended after {} messages", self.published)
    }
}

impl std::error::Error for BurstError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
