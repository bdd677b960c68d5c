//! One topic's messages: a ring that all its subscriptions share, and a cursor for each.
//!
//! This is the part of the bus whose orderings matter, by itself so that loom and Miri can judge it:
//! it knows nothing of names, types, instances and wakers. In the order in which a message passes:
//!
//! 1. Whoever publishes has the [`Producer`], which the bus keeps under the topic's lock. It
//!    [makes room](Producer::has_room), [pushes](Producer::push), and then, when the lock is free,
//!    lets the ring [wake](Ring::wake) those who wait.
//! 2. Each subscription has a [`Consumer`], which takes no lock. A poll *snapshots* the pointers of the
//!    next messages and lends them: no count is touched a message. What it lends stays, until the
//!    next poll releases it.
//! 3. How a subscription treats what it cannot keep up with is its [`Mode`]. A lossless one *gates*:
//!    its slots are not overwritten. The others *pin* what they lend: it may be overwritten in the ring,
//!    and waits in *limbo* until nobody has it pinned.
//! 4. A message that nobody holds any more can be [written anew](Producer::place) where it lies.
//!
//! **Invariant**: nothing foreign runs in here. What is to be dropped goes into the caller's
//! [`Garbage`], who is to be woken is the [`Reader`]'s business, outside every lock.
//!
//! The four handshakes, each with the fence on both sides that loom finds missing:
//!
//! | One side | The other |
//! |---|---|
//! | publish: `head`, fence, look at `parked` | park: `parked`, fence, look at `head` |
//! | wait for room: `want`, fence, look at the floors | release: own floor, fence, look at `want` |
//! | overwrite: `first`, slot; fence, look at the pins | read: own pin, fence, slots, look at `first` |
//! | close: `closed`, fence, look at `parked` | park: `parked`, fence, look at `closed` |

mod consumer;
mod cursor;
mod garbage;
#[cfg(all(test, loom))]
mod models;
mod pointer;
mod producer;
mod ring;
mod slots;
mod survey;
mod sync;
#[cfg(all(test, not(loom)))]
mod tests;

pub use crate::consumer::{Consumer, Polled};
pub use crate::cursor::{Mode, Reader};
pub use crate::garbage::Garbage;
pub use crate::pointer::Pointer;
pub use crate::producer::Producer;
pub use crate::ring::Ring;
pub use crate::slots::Origin;

/// The most that one poll lends, and so the most that one subscription keeps from being freed. Loom
/// would try for ever until something is beyond a pin of hundreds.
pub const BATCH: u64 = if cfg!(loom) { 2 } else { 512 };
