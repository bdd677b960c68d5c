//! Any serde type as bytes: MessagePack with named fields, so that both sides may have their own
//! type, and a tool can show it without either.

use std::fmt;

use lifespan_abi::abi_stable::std_types::RVec;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::message::{EncodeError, Kept, Lent, Message, json};

/// A value of any serde type, on its way as bytes.
///
/// Use it where publisher and subscriber share no crate, or a type that is not `StableAbi`. All
/// encoded types meet on a topic; a subscriber whose type does not fit what was published learns so
/// from [`decode`](Lent::decode).
///
/// ```
/// # use lifespan_plugin_api::prelude::*;
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Score {
///     court: String,
///     points: Vec<u32>,
/// }
///
/// # lifespan::example::run(["umpire"], Context::of_services, async |[ctx]| {
/// let topic = ctx.topic::<Encoded<Score>>("scores")?;
/// let mut scores = topic.messages();
/// topic.publish(Encoded(Score { court: "one".into(), points: vec![15, 40] })).await?;
/// let score: Score = scores.recv().await.context("it has ended")?.decode()?;
/// assert_eq!((&*score.court, &*score.points), ("one", &[15, 40][..]));
/// # Ok(()) });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded<T>(pub T);

/// Bytes or text are not a value of the type that was asked for.
#[derive(Debug)]
pub struct DecodeError {
    reason: String,
}

impl DecodeError {
    pub(crate) fn new(reason: impl fmt::Display) -> DecodeError {
        DecodeError { reason: reason.to_string() }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "decode the message: {}", self.reason)
    }
}

impl std::error::Error for DecodeError {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Message for Encoded<T> {
    type Wire = RVec<u8>;
    type View = [u8];
    const NAME: &'static str = "Encoded (MessagePack)";
    const ENCODING: &'static str = "msgpack";

    fn into_wire(self) -> Result<RVec<u8>, EncodeError> {
        let bytes = rmp_serde::to_vec_named(&self.0).map_err(EncodeError::new)?;
        Ok(bytes.into())
    }
    fn view(wire: &RVec<u8>) -> &[u8] {
        wire
    }
    fn to_json(wire: &RVec<u8>) -> Result<String, EncodeError> {
        json::of_msgpack(wire)
    }
    fn from_json(text: &str) -> Result<Self, DecodeError> {
        serde_json::from_str(text).map(Encoded).map_err(DecodeError::new)
    }
    fn to_bytes(wire: &RVec<u8>) -> Result<Vec<u8>, EncodeError> {
        Ok(wire.to_vec())
    }
    fn from_bytes(bytes: &[u8]) -> Result<RVec<u8>, DecodeError> {
        // As they are: what this side's type does not know is not for it to drop.
        Ok(bytes.into())
    }
    fn size(wire: &RVec<u8>) -> usize {
        size_of::<RVec<u8>>() + wire.capacity()
    }
}

impl<T: DeserializeOwned> Encoded<T> {
    /// The value that the bytes of a received message are, such as the key of
    /// [`updates_by`](crate::bus::Topic::updates_by) sees them.
    ///
    /// # Errors
    ///
    /// What was published is not a `T`.
    pub fn decode(bytes: &[u8]) -> Result<T, DecodeError> {
        rmp_serde::from_slice(bytes).map_err(DecodeError::new)
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Lent<'_, Encoded<T>> {
    /// The value.
    ///
    /// # Errors
    ///
    /// What was published is not a `T`.
    pub fn decode(&self) -> Result<T, DecodeError> {
        Encoded::decode(self)
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Kept<Encoded<T>> {
    /// The value.
    ///
    /// # Errors
    ///
    /// What was published is not a `T`.
    pub fn decode(&self) -> Result<T, DecodeError> {
        Encoded::decode(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::message::kind;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Old {
        name: String,
    }
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct New {
        name: String,
        #[serde(default)]
        size: u32,
    }

    fn kept<T, U>(value: T) -> Kept<Encoded<U>>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
        U: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        Kept::new(kind::message(Encoded(value)).unwrap(), None, 0)
    }

    #[test]
    fn two_versions_of_a_type_meet() {
        let old = Old { name: "a".into() };
        assert_eq!(kept::<_, New>(old).decode().unwrap(), New { name: "a".into(), size: 0 });
        let new = New { name: "b".into(), size: 3 };
        assert_eq!(kept::<_, Old>(new).decode().unwrap(), Old { name: "b".into() });
    }

    #[test]
    fn another_type_is_an_error() {
        assert!(kept::<_, Old>(7_u32).decode().is_err());
    }

    #[test]
    fn json_needs_no_type() {
        let map = BTreeMap::from([(1_u8, (vec![1.5_f64], None::<()>, true, "x".to_owned(), -3))]);
        let message = kind::message(Encoded(map)).unwrap();
        assert_eq!(message.to_json().unwrap(), r#"{"1":[[1.5],null,true,"x",-3]}"#);
    }
}
