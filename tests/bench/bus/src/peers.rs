//! The peers, a file each: which of its calls are used, and why that is its best.

mod broadcast;
mod mpsc;
mod crossfire;
mod kanal;
mod postage;
mod async_broadcast;
mod watch;

pub(crate) use self::async_broadcast::AsyncBroadcast;
pub(crate) use self::broadcast::{Broadcast, parked};
pub(crate) use self::crossfire::{Crossfire, CrossfireMany};
pub(crate) use self::kanal::Kanal;
pub(crate) use self::mpsc::Mpsc;
pub(crate) use self::postage::Postage;
pub(crate) use self::watch::{Watch, latest, quiet};
