//! What crosses between plugin and host, and what that costs.
//!
//! A plugin is built elsewhere: by another compiler, with other versions of the same crates. So nothing
//! crosses whose layout is Rust's own. What *runs* crosses as objects and structs that both sides have
//! compared when the library was loaded, what *describes* as JSON text. An author meets none of it; but
//! what it costs shows in how often a call is made.
//!
//! | | What crosses | How often |
//! |---|---|---|
//! | descriptor, arguments | JSON text | once, when the library is read or loaded |
//! | a stage's words, the instance | the words; a future for each phase | once an instance |
//! | the lifespan | a poll of that future, by the host's worker | whenever something wakes it |
//! | [`sleep`](crate::Context::sleep), [`shutdown`](crate::Context::shutdown) | a future of the host's | a call, and each poll of it |
//! | [`spawn`](crate::Context::spawn) | a future without output: what it comes to stays in the plugin | a call, and each poll |
//! | [`publish`](crate::bus::Topic::publish) | a plain value is copied by the host; else a pointer to a message | a call a message, or [a call a burst](crate::bus::Topic::publish_all) |
//! | receiving | a batch that the host lends: pointers to messages | a call a batch, however many are in it |
//! | reading a message | nothing: it lies where its publisher has put it | never |
//! | a log line | its values; its call site once | what the host's filter lets pass: the rest is dropped within the plugin |
//! | a failure or panic | JSON text, made by the plugin's side | when it happens |
//!
//! # What it costs
//!
//! A call over the boundary is one through a pointer, with a guard on the far side that catches panics:
//! some nanoseconds. A *message* costs several times that, for what the bus does with it, where each is
//! published by a call of its own. The README of the repository has the figures, as `cargo xtask bench bus`
//! measures them; their gist is that a call for many beats many calls:
//!
//! ```
//! # use lifespan_plugin_api::prelude::*;
//! # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
//! let samples = ctx.topic::<f64>("samples")?;
//! let mut received = samples.messages();
//!
//! samples.publish_all((0..100).map(f64::from)).await?; // few calls, and no memory: `f64` is plain
//!
//! let mut sum = 0.0;
//! while sum < 4950.0 {
//!     let batch = received.recv_batch().await.context("it has ended")?; // a call
//!     sum += batch.iter().sum::<f64>(); // none
//! }
//! # Ok(()) });
//! ```
//!
//! * **A plain value needs no memory**: numbers, `bool`, and derived types that own nothing. The host writes
//!   it over a message that nobody holds any more. A `String` or a type that owns something is a message of
//!   its own, allocated by its publisher and freed by it, whoever drops it last.
//! * **What is kept cannot be written over.** `recv` lends until the next one; [`keep`](crate::bus::Lent::keep)
//!   takes a reference, and then the next value needs memory again.
//! * **A waker stays where it is.** A poll that waits for the host, such as in `recv`, is woken by the host's
//!   own waker of the task. Only below a combinator with wakers of its own (`FuturesUnordered`, say) does the
//!   author's cross, wrapped.
//! * **A poll has a budget.** What receives and publishes in a loop yields after some hundred messages, so
//!   that others on the same worker are polled. Whatever else takes long belongs into
//!   [`spawn_blocking`](crate::Context::spawn_blocking).
//! * **A tokio runtime of the plugin's own** ([`own_runtime`](super::own_runtime)) adds a change of threads to
//!   each wake: some microseconds.
//!
//! # What does not cross
//!
//! * **Types of Rust's own layout**: `String`, `Vec`, `Box<dyn …>`, references. A `String` on the bus is
//!   `RString` on its way, which copies no text.
//! * **Statics and thread-locals**, of whatever crate. Two libraries that link the same crate have two of each:
//!   there is no common tokio, no common `tracing` subscriber, no common random generator. The host's
//!   services stand in for the first two.
//! * **Panics.** Each side catches its own, and tells of them.
//! * **Memory.** Who has allocated frees, also where the two sides have different allocators.
//! * **`TypeId` and downcasts.** What a topic carries is compared by layout and name, when it is opened: see
//!   [`messages`](super::messages).
//!
//! A library is never unloaded: wakers, messages and thread-locals of it may outlive any instance.
