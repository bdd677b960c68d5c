//! What the host offers to one instance.
//!
//! Every method may be called from any thread, of the host's runtime or not. A future that is
//! returned may be polled on any executor: it enters the host's runtime by itself.
#![expect(
    unsafe_code,
    non_local_definitions,
    reason = "the expansion of `sabi_trait`; nothing here is written by hand"
)]

use abi_stable::sabi_trait;
use abi_stable::std_types::{RBox, RStr, RString};
use async_ffi::FfiFuture;
use serde::{Deserialize, Serialize};

use crate::bus::BusBox;
use crate::report::{WireReport, json_text};

/// The host's services for one instance, implemented by the host. No method panics or blocks.
///
/// Methods are only appended, with default bodies.
#[sabi_trait]
pub trait Services: Send + Sync {
    /// The instance's name: the plugin's, or `plugin@name`.
    fn instance(&self) -> RStr<'_>;

    /// Which life of the instance this is, from 1; a restart or reload counts up.
    fn generation(&self) -> u32;

    /// Nanoseconds on the host's monotonic clock.
    fn now(&self) -> u64;

    /// Ready once [`now`](Self::now) has reached `deadline`.
    fn sleep_until(&self, deadline: u64) -> FfiFuture<()>;

    /// Runs a future on the host's runtime as a part of the instance: it is dropped at the latest
    /// after the instance's tear-down. `name` is for logs.
    fn spawn(&self, name: RStr<'_>, future: FfiFuture<()>) -> TaskBox;

    /// Runs a job on a thread where it may block. The host waits for it at tear-down, not for ever.
    fn spawn_blocking(&self, name: RStr<'_>, job: JobBox) -> TaskBox;

    /// Ends the program for all: a shutdown begins.
    fn request_shutdown(&self, why: RStr<'_>);

    /// Ready with the JSON text of a [`StopNotice`] when the instance is to end, as in a shutdown. With
    /// `ends_itself` the instance is from this call on one that ends by itself: it is given the grace
    /// period before it is cancelled.
    fn shutdown(&self, ends_itself: bool) -> FfiFuture<RString>;

    /// Tells the host of a failure that no future returns: a panic in a spawned task, in a thread of
    /// the plugin's own, or while something was dropped. `place` names where.
    fn report(&self, place: RStr<'_>, report: WireReport);

    /// The bus, on behalf of this instance.
    #[sabi(last_prefix_field)]
    fn bus(&self) -> BusBox;
}

/// Owned [`Services`].
pub type ServicesBox = Services_TO<'static, RBox<()>>;

/// What an instance is told when it is to end. Crosses as JSON text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StopNotice {
    /// Why, for people.
    pub why: String,
}

impl StopNotice {
    /// For that reason.
    pub fn new(why: impl Into<String>) -> Self {
        StopNotice { why: why.into() }
    }

    /// The text in which a notice crosses.
    pub fn to_json(&self) -> RString {
        json_text(self)
    }

    /// Reads a notice that crossed.
    ///
    /// # Errors
    ///
    /// The text is none.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// A spawned future or job, implemented by the host. Dropping the handle does not end it.
#[sabi_trait]
pub trait Task: Send + Sync {
    /// Asks for the future to be dropped at its next wake-up. A job that has begun goes on.
    #[sabi(last_prefix_field)]
    fn abort(&self);
}

/// An owned [`Task`].
pub type TaskBox = Task_TO<'static, RBox<()>>;

/// A job for a blocking thread, implemented by the plugin's side.
#[sabi_trait]
pub trait Job: Send {
    /// Does the job. Called once, or never if the host ends first. It catches its own panics.
    #[sabi(last_prefix_field)]
    fn run(&mut self);
}

/// An owned [`Job`].
pub type JobBox = Job_TO<'static, RBox<()>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_of_another_version_is_read() {
        let notice = StopNotice::new("enough");
        assert_eq!(StopNotice::from_json(&notice.to_json()).unwrap(), notice);
        let newer = r#"{"why":"enough","grace_ms":500}"#;
        assert_eq!(StopNotice::from_json(newer).unwrap(), notice);
        assert_eq!(StopNotice::from_json("{}").unwrap(), StopNotice::default());
    }
}
