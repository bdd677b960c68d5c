//! What publishers and subscribers of the bus do in its benchmark.
//!
//! The two plugin libraries and the program that measures depend on this: the roles are the same code
//! whether they run in a library of their own or are linked into the program. The program's peers (other
//! channels) share the messages and the tally, so that every side does the same work with a message.
//!
//! * [`payload`]: the messages, made anew for each publish and checked by each who receives one;
//! * [`tally`]: what a subscriber has counted;
//! * [`calls`]: every call of the SDK's bus that is measured, and the only place to change when the
//!   SDK gets a faster one;
//! * [`figures`]: what a role tells of its run, over a topic;
//! * the roles: [`spread`], [`pingpong`], [`parked`], [`latest`], [`quiet`].

pub mod payload;
pub mod tally;
pub mod calls;
pub mod figures;
pub mod spread;
pub mod pingpong;
pub mod parked;
pub mod latest;
pub mod quiet;

/// How many messages each side holds for a subscriber.
pub const CAPACITY: u32 = 1024;
