//! What a plugin logs, on its way to the host.
//!
//! [`install`] makes the library's `tracing` and `log` end in the host's sink. The host's filter is
//! judged on this side, so that what is filtered out costs `tracing`'s own cached check and no call.
//! `tracing` holds locks of its own while call sites register: nothing that runs then calls the
//! host, or waits for a lock that is held during a call to it. What the author's code does while it
//! is formatted (it may panic, or log) stays on this side.

mod forward;
mod records;
mod sites;
mod spans;
mod values;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_core::{Dispatch, callsite, dispatcher};

use self::forward::Forward;
use crate::abi::log::Level;
use crate::abi::{LogFilter, LogSinkBox, Report};

/// What this library has installed, for good.
static INSTALLED: OnceLock<Forward> = OnceLock::new();

/// Held while the installation or its filter changes, so that `tracing` and `log` end with the same
/// filter. Nothing that `tracing` calls back takes it.
static CHANGE: Mutex<()> = Mutex::new(());

/// Sends all that this library logs to `sink`, as far as the filter (JSON text) lets it pass.
///
/// A second call keeps the first sink and takes the new filter.
///
/// # Errors
///
/// The filter cannot be read, or code that ran before the host's call (a constructor of the
/// library) has installed a subscriber or logger of its own.
pub(crate) fn install(sink: LogSinkBox, filter_json: &str) -> Result<(), Report> {
    let filter = LogFilter::from_json(filter_json).map_err(|error| {
        let mut report = Report::error("the host's log filter cannot be read");
        report.causes.push(error.to_string());
        report
    })?;
    let _change = CHANGE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(forward) = INSTALLED.get() {
        apply(forward, filter);
        return Ok(());
    }
    let forward = Forward::new(sink, filter.clone());
    dispatcher::set_global_default(Dispatch::new(forward.clone()))
        .map_err(|_| occupied("`tracing` subscriber"))?;
    let forward = INSTALLED.get_or_init(|| forward);
    log::set_logger(forward).map_err(|_| occupied("`log` logger"))?;
    apply(forward, filter);
    Ok(())
}

/// Replaces the filter, at any time and from any thread. A text that is no filter changes nothing.
pub(crate) fn set_filter(text: &str) {
    let Some(forward) = INSTALLED.get() else { return };
    match LogFilter::from_json(text) {
        Ok(filter) => {
            let _change = CHANGE.lock().unwrap_or_else(PoisonError::into_inner);
            apply(forward, filter);
        }
        Err(error) => tracing::error!(%error, "the host's new log filter cannot be read"),
    }
}

/// What to tell an author whose code failed with `message` because it did itself what a plugin leaves
/// to its host: it installed logging, or used a runtime that is not there.
pub(crate) fn explain(message: &str) -> Option<&'static str> {
    const LOGGING: [&str; 4] = [
        "global default trace dispatcher",
        "global default subscriber",
        "logging system was already initialized",
        "SetLoggerError",
    ];
    const RUNTIME: [&str; 2] = ["there is no reactor running", "no Tokio runtime"];
    let is_of = |signs: &[&str]| signs.iter().any(|sign| message.contains(sign));
    if is_of(&LOGGING) {
        Some(
            "the host collects the logs of its plugins: remove the subscriber or logger that this \
             plugin installs, and choose what is shown by the host's `--log`",
        )
    } else if is_of(&RUNTIME) {
        Some(
            "a plugin has no tokio runtime unless it asks for one: use the host's, by `ctx.sleep`, \
             `ctx.interval`, `ctx.timeout`, `ctx.spawn` and `ctx.spawn_blocking`, or let its \
             instances have their own, by `#[plugin(tokio)]` and the SDK's feature `tokio`",
        )
    } else {
        None
    }
}

fn apply(forward: &Forward, filter: LogFilter) {
    log::set_max_level(match filter.max_level() {
        None => log::LevelFilter::Off,
        Some(Level::Error) => log::LevelFilter::Error,
        Some(Level::Warn) => log::LevelFilter::Warn,
        Some(Level::Info) => log::LevelFilter::Info,
        Some(Level::Debug) => log::LevelFilter::Debug,
        Some(Level::Trace) => log::LevelFilter::Trace,
    });
    forward.set_filter(filter);
    callsite::rebuild_interest_cache();
}

fn occupied(what: &str) -> Report {
    Report::error(format!("the library has installed a {what} of its own before the host could"))
        .hint("remove it: the host collects the logs of its plugins")
}
