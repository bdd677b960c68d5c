//! Time as an instance knows it: the host's clock, and durations as people write them.
//!
//! Everything here waits by the host's services, so that a plugin needs no runtime of its own and a
//! test may bring its own clock. Nothing here reads the system's time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use lifespan_abi::ServicesBox;
use lifespan_abi::async_ffi::FfiFuture;

use crate::task::crossing;

/// A duration as an argument: a bare number is seconds (`1`, `0.5`), else units say (`200ms`,
/// `1m 30s`).
///
/// ```
/// use std::time::Duration;
/// use lifespan_plugin_api::Seconds;
///
/// let seconds: Seconds = "1.5".parse().unwrap();
/// assert_eq!(Duration::from(seconds), Duration::from_millis(1500));
/// assert_eq!("200ms".parse::<Seconds>().unwrap().to_string(), "200ms");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(Duration);

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SecondsError {
    /// It is negative.
    Negative,
    /// It is a number, but too large for a duration.
    TooLarge,
    /// It is no number, and no number with a unit.
    Syntax(humantime::DurationError),
}

/// A fixed beat on the host's clock; see [`Context::interval`](crate::Context::interval).
#[derive(Debug)]
pub struct Interval {
    clock: Clock,
    period: u64,
    next: u64,
    sleep: Option<Sleep>,
}

/// The time given to [`Context::timeout`](crate::Context::timeout) has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed(pub(crate) Duration);

/// A wait on the host's clock; see [`Context::sleep`](crate::Context::sleep).
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct Sleep {
    /// `None` once it is over: the host's future must not be polled again then.
    waiting: Option<FfiFuture<()>>,
}

/// The host's clock. Nanoseconds, from a beginning that only the host knows.
#[derive(Clone)]
pub(crate) struct Clock(Arc<ServicesBox>);

impl Seconds {
    /// The duration.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Duration {
        seconds.0
    }
}

impl From<Duration> for Seconds {
    fn from(duration: Duration) -> Seconds {
        Seconds(duration)
    }
}

impl FromStr for Seconds {
    type Err = SecondsError;

    fn from_str(text: &str) -> Result<Self, SecondsError> {
        let text = text.trim();
        let Some(number) = bare_number(text) else {
            return humantime::parse_duration(text).map(Seconds).map_err(SecondsError::Syntax);
        };
        if number < 0.0 {
            return Err(SecondsError::Negative);
        }
        Duration::try_from_secs_f64(number).map(Seconds).map_err(|_| SecondsError::TooLarge)
    }
}

impl fmt::Display for Seconds {
    /// In units, the form that every reader understands.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl fmt::Display for SecondsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecondsError::Negative => write!(f, "a duration cannot be negative"),
            SecondsError::TooLarge => write!(f, "too many seconds for a duration"),
            SecondsError::Syntax(_) => {
                write!(f, "not a number of seconds, nor one with a unit such as `200ms`")
            }
        }
    }
}

impl std::error::Error for SecondsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SecondsError::Syntax(error) => Some(error),
            SecondsError::Negative | SecondsError::TooLarge => None,
        }
    }
}

impl Interval {
    pub(crate) fn new(clock: Clock, period: Duration) -> Self {
        let next = clock.now();
        Interval { clock, period: nanos(period).max(1), next, sleep: None }
    }

    /// Waits for the next beat; the first is at once.
    ///
    /// Beats are measured from the first one, whatever happens between them. A beat that was missed
    /// is late, not lost; where several were missed, they are one. Cancelling loses no beat.
    pub async fn tick(&mut self) {
        if self.next > self.clock.now() {
            self.sleep.get_or_insert_with(|| self.clock.sleep_until(self.next)).await;
        }
        self.sleep = None;
        let late = self.clock.now().saturating_sub(self.next);
        let beats = (late / self.period).saturating_add(1);
        self.next = self.next.saturating_add(self.period.saturating_mul(beats));
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not done within {}", Seconds(self.0))
    }
}

impl std::error::Error for Elapsed {}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if let Some(waiting) = &mut self.waiting {
            ready!(crossing(context, |context, _| Pin::new(waiting).poll(context)));
            self.waiting = None;
        }
        Poll::Ready(())
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("over", &self.waiting.is_none()).finish()
    }
}

impl Clock {
    pub(crate) fn new(services: Arc<ServicesBox>) -> Self {
        Clock(services)
    }

    /// Nanoseconds since the clock's beginning.
    pub(crate) fn now(&self) -> u64 {
        self.0.now()
    }

    /// Waits until [`now`](Self::now) has reached `deadline`.
    pub(crate) fn sleep_until(&self, deadline: u64) -> Sleep {
        Sleep { waiting: Some(self.0.sleep_until(deadline)) }
    }

    /// Waits from now on.
    pub(crate) fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.now().saturating_add(nanos(duration)))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// A duration in the clock's unit; what is longer than 584 years is for ever.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A decimal number without unit or exponent, where the text is one.
fn bare_number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<u128, SecondsError> {
        text.parse::<Seconds>().map(|seconds| seconds.duration().as_millis())
    }

    #[test]
    fn a_bare_number_is_seconds() {
        for (text, millis) in [("1", 1000), ("0", 0), ("0.5", 500), (".25", 250), (" 2 ", 2000)] {
            assert_eq!(parsed(text), Ok(millis), "{text}");
        }
    }

    #[test]
    fn units_say_what_they_mean() {
        for (text, millis) in [("200ms", 200), ("1m 30s", 90_000), ("2h", 7_200_000)] {
            assert_eq!(parsed(text), Ok(millis), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        assert_eq!(parsed("-1"), Err(SecondsError::Negative));
        assert_eq!(parsed("1".repeat(40).as_str()), Err(SecondsError::TooLarge));
        for text in ["", ".", "inf", "nan", "1e3", "1.2.3", "five", "5 fish"] {
            assert!(matches!(parsed(text), Err(SecondsError::Syntax(_))), "{text}");
        }
    }

    #[test]
    fn what_is_shown_can_be_read() {
        for millis in [0, 1, 999, 1000, 1500, 61_001, 86_400_000] {
            let seconds = Seconds::from(Duration::from_millis(millis));
            assert_eq!(seconds.to_string().parse(), Ok(seconds));
        }
    }
}
