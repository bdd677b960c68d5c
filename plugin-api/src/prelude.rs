//! What a plugin's author names all the time: `use lifespan_plugin_api::prelude::*;`.

pub use std::time::Duration;

pub use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};
pub use tracing::{debug, error, info, trace, warn};

pub use crate::bus::{Encoded, Kept, Lent, LentBatch, Merge, Message, PublishError, Topic, Update};
pub use crate::context::Context;
pub use crate::failure::Hint;
pub use crate::gate::TaskEnd;
pub use crate::lifespan::{Lifespan, Stance};
pub use crate::time::Seconds;
pub use lifespan_plugin_macros::plugin;
