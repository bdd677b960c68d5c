//! How long things may take: what the line says, else what a plugin says of itself, else the default.

use std::time::Duration;

use lifespan_abi::PluginFacts;

/// How long each part of a lifespan may take. Where it says nothing, a plugin's own limit holds, and
/// where that says nothing either, the default.
///
/// Exhaustive on purpose: it is written out, with `..Limits::default()` for the rest, and whoever
/// takes it apart should hear of a further limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// One set-up; 10 s by default.
    pub setup: Option<Duration>,
    /// From the begin of a shutdown until a task that may end by itself is cancelled; 5 s by default.
    /// Of [`shutdown`](Self::shutdown), time for one tear-down is kept back from it, at most half.
    pub grace: Option<Duration>,
    /// One tear-down, and the end of a task that has been cancelled; 5 s by default.
    pub teardown: Option<Duration>,
    /// The whole shutdown; 30 s by default. Plugins have none of their own.
    pub shutdown: Option<Duration>,
}

/// The limits that hold for one plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadlines {
    pub(crate) setup: Duration,
    pub(crate) grace: Duration,
    pub(crate) teardown: Duration,
    pub(crate) shutdown: Duration,
}

impl Limits {
    /// What holds for a plugin with those facts.
    pub(crate) fn deadlines(&self, facts: &PluginFacts) -> Deadlines {
        let pick = |said: Option<Duration>, own: Option<u64>, default| {
            said.or(own.map(Duration::from_millis)).unwrap_or(Duration::from_secs(default))
        };
        Deadlines {
            setup: pick(self.setup, facts.setup_timeout_ms, 10),
            grace: pick(self.grace, facts.grace_ms, 5),
            teardown: pick(self.teardown, facts.teardown_timeout_ms, 5),
            shutdown: pick(self.shutdown, None, 30),
        }
    }
}
