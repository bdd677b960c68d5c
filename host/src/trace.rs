//! What passes over the bus, shown to somebody outside of it: an operator, or an embedder.
//!
//! A [`BusTrace`] is what the host is told; each run then has a `tracer` for it, a thread that looks
//! on. It takes no part: no publisher waits for it, and to plugins it is not there.

mod tracer;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use thiserror::Error;

use crate::bus::{NameError, Pattern};

pub(crate) use self::tracer::Tracer;

/// Who is told of each message, on the tracer's thread.
type Sink = dyn Fn(&TracedMessage) + Send + Sync;

/// A wish to see what is published; clones are the same wish.
///
/// # Examples
///
/// ```
/// use lifespan::{BusTrace, Host};
///
/// let trace = BusTrace::new(["courts/*", "alarm"], |message| {
///     let value = message.value.as_deref().unwrap_or("?");
///     println!("{} says on {}: {value}", message.publisher, message.topic);
/// })?;
/// let host = Host::builder("acme").bus_trace(trace).build();
/// # Ok::<(), lifespan::PatternError>(())
/// ```
#[derive(Clone)]
pub struct BusTrace {
    pattern: Pattern,
    sink: Arc<Sink>,
}

/// A message that was published.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TracedMessage {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The name of the instance that has published it.
    pub publisher: Arc<str>,
    /// Its number on the topic, counted from 0.
    pub sequence: u64,
    /// How many messages of the topic were skipped just before it, since the trace did not keep up.
    pub skipped: u64,
    /// When it was published; `None` where the bus has not looked at the time.
    pub published: Option<SystemTime>,
    /// The name of its type, as its publisher calls it.
    pub type_name: &'static str,
    /// What it says, as JSON text on one line; or why that cannot be shown.
    pub value: Result<String, String>,
}

/// Why a text is no pattern over the names of topics.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{pattern}` is not a pattern of topics: {reason}")]
#[non_exhaustive]
pub struct PatternError {
    /// The text.
    pub pattern: String,
    /// The bytes of the segment that is wrong; of an empty segment only its place.
    pub segment: Range<usize>,
    reason: NameError,
}

impl BusTrace {
    /// Has `sink` told of every message on the topics that match one of the patterns, from the first
    /// publish of a run to its last. In a pattern `*` is one segment of a name, and `**` at the end is
    /// the rest.
    ///
    /// The sink runs on a thread of its own and may take its time. What it does not keep up with is
    /// skipped, and counted in the next message of that topic. Of one topic messages come in their
    /// order; of several, in that of their times as far as they are known together. A run ends when
    /// the sink has had them all, but waits for a sink that does not return no longer than 2 s.
    ///
    /// # Errors
    ///
    /// The first of the texts that is no pattern.
    pub fn new<P: AsRef<str>>(
        patterns: impl IntoIterator<Item = P>,
        sink: impl Fn(&TracedMessage) + Send + Sync + 'static,
    ) -> Result<Self, PatternError> {
        let patterns = patterns.into_iter().map(|text| parse_pattern(text.as_ref()));
        let patterns = patterns.collect::<Result<Vec<_>, _>>()?;
        Ok(BusTrace { pattern: Pattern::any(patterns), sink: Arc::new(sink) })
    }
}

impl fmt::Debug for BusTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusTrace").field("pattern", &self.pattern).finish_non_exhaustive()
    }
}

/// Reads one pattern.
pub(crate) fn parse_pattern(text: &str) -> Result<Pattern, PatternError> {
    Pattern::parse_placed(text).map_err(|(segment, reason)| PatternError {
        pattern: text.to_owned(),
        segment,
        reason,
    })
}
