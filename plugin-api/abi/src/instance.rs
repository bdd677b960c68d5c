//! A bound plugin: its stage has been parsed, and its lifespan can begin.
//!
//! The host calls [`setup`](Instance::setup), [`run`](Instance::run) and
//! [`teardown`](Instance::teardown) in that order, each once, and polls one future at a time. It polls each
//! in one task, so that the waker of the first poll is good until the last.
#![expect(
    unsafe_code,
    non_local_definitions,
    reason = "the expansion of `sabi_trait`; nothing here is written by hand"
)]

use abi_stable::std_types::{RBox, RResult, RString, RVec};
use abi_stable::{StableAbi, sabi_trait};
use async_ffi::FfiFuture;
use serde::{Deserialize, Serialize};

use crate::os::OsArg;
use crate::report::{WireReport, json_text};
use crate::services::ServicesBox;

/// What the host asks when a stage is bound.
///
/// Owned by the callee from the call on.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct BindRequest {
    /// The plugin's name, as in the descriptor.
    pub plugin: RString,
    /// The stage's words after the plugin's name.
    pub args: RVec<OsArg>,
    /// The JSON text of the [`BindSettings`].
    pub settings: RString,
}

/// What a plugin may want to know when a stage is bound. Crosses as JSON text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BindSettings {
    /// What the user calls the plugin in help and errors, such as `lifespan countdown`; empty is the
    /// plugin's name.
    pub display_name: String,
    /// The name that the instance will have.
    pub instance: String,
    /// Columns that help and errors may use; 0 is without limit.
    pub width: u32,
    /// Whether help and errors may carry ANSI colours.
    pub color: bool,
}

impl BindSettings {
    /// The text in which settings cross.
    pub fn to_json(&self) -> RString {
        json_text(self)
    }

    /// Reads settings that crossed.
    ///
    /// # Errors
    ///
    /// The text is none.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// How binding ended; a number that later versions may add to.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindStatus(pub u32);

impl BindStatus {
    /// The stage is bound; `instance` is there.
    pub const BOUND: BindStatus = BindStatus(0);
    /// The arguments are wrong; `text` is the rendered error.
    pub const USAGE: BindStatus = BindStatus(1);
    /// Help or the version was asked for; `text` is it.
    pub const ANSWER: BindStatus = BindStatus(2);
    /// The plugin failed or panicked; `report` is there.
    pub const FAILED: BindStatus = BindStatus(3);
}

/// The answer to a [`BindRequest`].
#[repr(C)]
#[derive(StableAbi)]
pub struct BindReply {
    /// Which of the following holds.
    pub status: BindStatus,
    /// With [`BindStatus::BOUND`].
    pub instance: abi_stable::std_types::ROption<InstanceBox>,
    /// With [`BindStatus::USAGE`] and [`BindStatus::ANSWER`]; ends with a line feed.
    pub text: RString,
    /// With [`BindStatus::FAILED`].
    pub report: abi_stable::std_types::ROption<WireReport>,
}

/// What an instance does after its set-up; a number that later versions may add to.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stance(pub u32);

impl Stance {
    /// It has no task and nothing to tear down: its lifespan is over.
    pub const DONE: Stance = Stance(0);
    /// It has a task, which keeps the program alive.
    pub const RUN: Stance = Stance(1);
    /// It has a task, which does not keep the program alive.
    pub const BACKGROUND: Stance = Stance(2);
    /// It waits for the end without a task, and keeps the program alive.
    pub const IDLE: Stance = Stance(3);
}

/// How a task ended that did not fail; a number that later versions may add to.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending(pub u32);

impl Ending {
    /// By itself.
    pub const FINISHED: Ending = Ending(0);
    /// By [`Instance::cancel`].
    pub const CANCELLED: Ending = Ending(1);
}

/// A bound plugin, implemented by the plugin's side. No method panics or blocks.
///
/// Methods are only appended, with default bodies.
#[sabi_trait]
pub trait Instance: Send + Sync {
    /// Sets the instance up; the services are its own from then on. Dropping the future before it
    /// is ready drops what was set up so far, and nothing else may be called then.
    fn setup(&self, services: ServicesBox) -> FfiFuture<RResult<Stance, WireReport>>;

    /// Runs the task; for an instance without a task, waits for [`cancel`](Self::cancel). The task is
    /// dropped before this is ready, whatever the end. Only called if set-up answered a stance other
    /// than [`Stance::DONE`].
    fn run(&self) -> FfiFuture<RResult<Ending, WireReport>>;

    /// Asks the task to end: the next poll of [`run`](Self::run), which this wakes, drops it and is
    /// ready. Any thread, any number of times.
    fn cancel(&self);

    /// Lets the lifespan go on to its end. Called whatever the end of the task was.
    #[sabi(last_prefix_field)]
    fn teardown(&self) -> FfiFuture<RResult<(), WireReport>>;
}

/// An owned [`Instance`]. Dropping it drops the lifespan in whatever state it is.
pub type InstanceBox = Instance_TO<'static, RBox<()>>;
