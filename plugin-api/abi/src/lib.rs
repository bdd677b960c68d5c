//! Everything that crosses between a host and the plugins it loads, and nothing else.
//!
//! A plugin library and the host that loads it come from different compilations: another compiler,
//! another allocator, another copy of `std`. So nothing of Rust's own layout may pass between them.
//! Two rules hold here:
//!
//! * **What runs** (polling, publishing, receiving, logging) crosses as `#[repr(C)]` data and
//!   objects that derive [`StableAbi`](abi_stable::StableAbi), so that [`verdict`] can compare the
//!   two sides before the first call.
//! * **What describes** ([`Descriptor`], [`CommandSpec`], [`Report`], [`Callsite`], [`LogFilter`])
//!   crosses as JSON text, in which a later version adds optional fields without moving any byte of
//!   the first kind. The same text is what a cache, a tool or a plugin in another process reads.
//!
//! In the order in which a host meets them:
//!
//! 1. [`descriptor`]: the facts embedded in the file, readable without loading it;
//! 2. [`library`]: the root module behind the one exported symbol, and the verdict on it;
//! 3. [`log`]: the sink that the host hands over before any other code of the plugin runs;
//! 4. [`spec`]: a plugin's arguments as data;
//! 5. [`instance`]: a bound plugin, with the futures of its lifespan;
//! 6. [`services`]: what the host offers to an instance;
//! 7. [`bus`] and [`message`]: topics, subscriptions, and what passes over them;
//! 8. [`report`]: how a failure is told.
//!
//! The version of this package *is* the version of the ABI. `plugin-api/ABI.md` says what may change
//! in which version.

pub mod bus;
pub mod descriptor;
pub mod instance;
pub mod library;
pub mod log;
pub mod message;
pub mod os;
pub mod report;
pub mod services;
pub mod spec;

pub use abi_stable;
pub use async_ffi;

pub use crate::bus::{
    Batch, Bus, BusBox, BusFault, Delivery, FaultCode, Key, KeyBox, Mode, OwnedBatch, PollStatus,
    PublishReply, PublishStatus, Publisher, SubscribeOptions, Subscription, SubscriptionBox, Topic,
    TopicBox, TopicOptions, Values, ValuesReply,
};
pub use crate::descriptor::{Descriptor, PanicStrategy, PluginFacts};
pub use crate::instance::{
    BindReply, BindRequest, BindSettings, BindStatus, Ending, Instance, InstanceBox, Stance,
};
pub use crate::library::{Fit, LibraryRoot, LibraryRootRef, ROOT_SYMBOL, Refusal, verdict};
pub use crate::log::{
    Callsite, FieldKind, FieldValue, LogDirective, LogFilter, LogSink, LogSinkBox, Parent,
    ParentKind,
};
pub use crate::message::{Message, MessageHeader, MessageType, MessageTypeRef, Packet};
pub use crate::os::OsArg;
pub use crate::report::{Report, ReportKind, WireReport};
pub use crate::services::{Job, JobBox, Services, ServicesBox, StopNotice, Task, TaskBox};
pub use crate::spec::{ArgAction, ArgSpec, CommandSpec, ValueHint};

/// The version of the ABI that this package is, such as `0.1.0`.
pub const ABI_VERSION: &str = env!("CARGO_PKG_VERSION");
