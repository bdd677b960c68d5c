//! What the options of a plugin are where the line does not say it, and who says so.

use std::env;

use lifespan_abi::CommandSpec;
use serde::Serialize;

use crate::cli::lines::plain;
use crate::cli::plugin::format::{indented, table};
use crate::config::{Resolved, SettingOrigin, resolved};
use crate::host::Host;

/// An option that has a value though the line gives none.
#[derive(Debug, Serialize)]
pub(super) struct SettingResult {
    /// The option as it is written, such as `--from`.
    option: String,
    /// Its values, as they would be given; a flag has `true` or `false`.
    values: Vec<String>,
    /// Who says so: `environment`, `config` (a file), or `default` (the plugin).
    origin: &'static str,
    /// The variable, or the place in the file as `FILE:LINE:COLUMN`; `null` for a default.
    place: Option<String>,
}

/// The values that the options of a plugin have on a line that gives none.
pub(super) fn settings(host: &Host, plugin: &str, spec: &CommandSpec) -> Vec<SettingResult> {
    let resolved = resolved(spec, host.config().plugin(plugin), |name| env::var_os(name));
    resolved.into_iter().map(SettingResult::of).collect()
}

/// A line for each.
pub(super) fn text(settings: &[SettingResult], columns: u16) -> String {
    if settings.is_empty() {
        return String::new();
    }
    let row = |setting: &SettingResult| {
        let origin = match (&setting.place, setting.origin) {
            (Some(place), "environment") => format!("from the environment: {place}"),
            (Some(place), _) => format!("from {place}"),
            (None, _) => "its default".to_owned(),
        };
        let values = plain(&setting.values.join(", ")).into_owned();
        vec![plain(&setting.option).into_owned(), values, plain(&origin).into_owned()]
    };
    let rows: Vec<_> = settings.iter().map(row).collect();
    indented("where the line does not say it:", 2, columns) + &table(&rows, 4, columns)
}

impl SettingResult {
    fn of(resolved: Resolved) -> Self {
        let Resolved { option, values, origin } = resolved;
        let (origin, place) = match origin {
            SettingOrigin::Environment(variable) => ("environment", Some(variable)),
            SettingOrigin::File(place) => ("config", Some(place.to_string())),
            SettingOrigin::Default => ("default", None),
        };
        SettingResult { option, values, origin, place }
    }
}
