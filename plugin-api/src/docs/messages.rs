//! Messages, and how they change over the years.
//!
//! A topic has one type, which whoever opens it first gives it. Who opens it later with another is told so,
//! with both names, and not by messages that mean something else. What counts as the same depends on how the
//! type travels.
//!
//! | | Same are | It can grow | Reading it |
//! |---|---|---|---|
//! | numbers, `bool`, `()`, `String`, `Vec<u8>` | the same type | no | costs nothing |
//! | [`#[derive(Message)]`](derive@crate::message::Message) | one type of one crate, in versions that are compatible | no | costs nothing |
//! | [`Encoded<T>`](crate::bus::Encoded) | all encoded types, whatever their names | yes | decodes |
//!
//! # As it lies in memory
//!
//! A derived type stands in a crate of its own, on which publisher and subscriber depend; `lifespan plugin
//! new --message TYPE` makes one. Written a second time it is another type, however alike:
//!
//! ```
//! # use lifespan_plugin_api::prelude::*;
//! mod theirs {
//!     # use lifespan_plugin_api::message::Message;
//!     #[repr(C)]
//!     #[derive(abi_stable::StableAbi, serde::Serialize, serde::Deserialize, Message)]
//!     pub struct Wind {
//!         pub speed: f64,
//!     }
//! }
//! mod ours {
//!     # use lifespan_plugin_api::message::Message;
//!     #[repr(C)]
//!     #[derive(abi_stable::StableAbi, serde::Serialize, serde::Deserialize, Message)]
//!     pub struct Wind {
//!         pub speed: f64,
//!         pub from: f64, // what the newer version has gained
//!     }
//! }
//!
//! # let names = ["station", "vane"];
//! # lifespan::example::run(names, Context::of_services, async |[station, vane]| {
//! let _wind = station.topic::<theirs::Wind>("wind")?;
//! let refused = vane.topic::<ours::Wind>("wind").unwrap_err().to_string();
//! assert!(refused.contains("theirs::Wind"), "both are named");
//! assert!(refused.contains("since `station` opened it, but `vane` opens it with"));
//! # Ok(()) });
//! ```
//!
//! So such a type does not grow. A field more is a breaking change of its crate; plugins that are to talk are
//! built against versions that are compatible by their numbers (`1.2` and `1.4`; `0.3.1` and `0.3.2`). For as
//! long as both are in use, the new type gets a new topic, `wind/2`, and a publisher may serve both.
//!
//! It is the way for what is frequent or large, between plugins that are built together.
//!
//! # As bytes
//!
//! An encoded value is MessagePack with named fields. Both sides have a type of their own, and agree on the
//! names as two programs do that exchange JSON:
//!
//! ```
//! # use lifespan_plugin_api::prelude::*;
//! # use serde::{Deserialize, Serialize};
//! #[derive(Serialize, Deserialize)]
//! struct Wind {
//!     speed: f64,
//! }
//!
//! #[derive(Serialize, Deserialize)]
//! struct WindOfLater {
//!     speed: f64,
//!     #[serde(default)] // what an older publisher does not say
//!     from: Option<f64>,
//! }
//!
//! # let names = ["station", "vane"];
//! # lifespan::example::run(names, Context::of_services, async |[station, vane]| {
//! let old = station.topic::<Encoded<Wind>>("wind")?;
//! let new = vane.topic::<Encoded<WindOfLater>>("wind")?;
//! let (mut by_old, mut by_new) = (old.messages(), new.messages());
//! old.publish(Encoded(Wind { speed: 3.0 })).await?;
//! new.publish(Encoded(WindOfLater { speed: 4.0, from: Some(270.0) })).await?;
//!
//! let first = by_new.recv().await.context("it has ended")?.decode()?;
//! assert_eq!((first.speed, first.from), (3.0, None));
//! by_old.recv().await;
//! let second = by_old.recv().await.context("it has ended")?.decode()?;
//! assert_eq!(second.speed, 4.0); // what it does not know it passes over
//! # Ok(()) });
//! ```
//!
//! What keeps both sides reading:
//!
//! * A new field has a default, `#[serde(default)]`. One without makes every older message an error of
//!   [`decode`](crate::bus::Lent::decode), to which the subscriber has to have an answer in any case.
//! * A field is not renamed, and not given another meaning or unit. It may go where all readers have a
//!   default for it.
//! * An enum that may gain variants is a tagged one (`#[serde(tag = "kind")]`) with a variant that older
//!   readers fall back to, `#[serde(other)]`.
//! * Where that is not enough, the topic gets a new name.
//!
//! It is the way for what is rare or small, and between plugins of different people.
//!
//! # Without the type
//!
//! Every message can be shown and made as JSON text, and without a loss as bytes, by the library that opened
//! the topic: so `--bus-trace` shows it, and a tool reads and writes it by
//! [`any_topic`](crate::Context::any_topic). So a derived type implements serde's two traits as well, and the
//! names of its fields are seen by people and programs outside.
