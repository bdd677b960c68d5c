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
    Name(String),
    /// The topic has another type: both instances and both types are named.
    Type(String),
    /// The type can be on no topic; the message says why.
    Unshareable(String),
    /// Another instance has claimed the topic.
    Claimed(String),
    /// The topic is closed, or the program shuts down.
    Closed(String),
    /// There is no such topic.
    Unknown(String),
    /// Any other reason.
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
    Closed {
        /// Which of the two.
        detail: String,
    },
    /// A lossless subscription is behind, and waiting could not help: in set-up, where nobody
    /// receives yet; in tear-down; or because only this instance's own subscriptions are in the way.
    Stuck {
        /// The topic, and which of these.
        detail: String,
    },
    /// Another instance has claimed the topic.
    Claimed {
        /// The topic, and which instance.
        detail: String,
    },
    /// A lossless subscription is behind. Only of [`try_publish`](crate::bus::Topic::try_publish) and
    /// its like.
    Full {
        /// The topic.
        topic: String,
    },
    /// The value cannot be encoded.
    Encode(EncodeError),
    /// The text or bytes are no value of the topic's type. Only of
    /// [`AnyTopic`](crate::bus::AnyTopic), which publishes without knowing that.
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
