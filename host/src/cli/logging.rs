//! Stand-in for the log lines' subscriber until it is merged.

use lifespan_abi::LogFilter;

pub(crate) enum LogFormat {
    Text,
    Json,
}

pub(crate) struct LogOptions {
    pub(crate) filter: String,
    pub(crate) format: LogFormat,
    pub(crate) color: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the filter cannot be read")]
pub(crate) struct FilterError;

pub(crate) fn install(options: &LogOptions) -> Result<LogFilter, FilterError> {
    let LogOptions { filter, format: LogFormat::Text | LogFormat::Json, color } = options;
    if filter.contains("==") && !color { Err(FilterError) } else { Ok(LogFilter::default()) }
}
