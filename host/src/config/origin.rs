//! Where the value of each of a plugin's options comes from, to be shown.

use std::ffi::OsString;

use lifespan_abi::{ArgAction, CommandSpec};

use crate::config::place::Place;
use crate::config::words::{find, written};
use crate::config::{Scalar, Table, Value};

/// An option that has a value, though the line gives none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// As it is written: `--from`.
    pub(crate) option: String,
    /// Its values, as they would be given.
    pub(crate) values: Vec<String>,
    pub(crate) origin: Origin,
}

/// Who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A variable of the environment.
    Environment(String),
    /// A file of configuration.
    File(Place),
    /// The plugin itself.
    Default,
}

/// The options of a plugin that have values without a word on the line: the environment's, else a
/// file's, else the plugin's own.
pub(crate) fn resolved(
    spec: &CommandSpec,
    table: Option<&Table>,
    env: impl Fn(&str) -> Option<OsString>,
) -> Vec<Resolved> {
    let options = spec.args.iter().filter(|arg| !arg.is_positional());
    let options = options.filter(|arg| !matches!(arg.action, ArgAction::Help | ArgAction::Version));
    let resolved = options.filter_map(|arg| {
        let variable = arg.env.as_ref().and_then(|name| Some((name, env(name)?)));
        let settings = table.iter().flat_map(|table| &table.settings);
        let setting =
            settings.clone().find(|it| find(spec, &it.key).is_some_and(|it| it.id == arg.id));
        let (values, origin) = match (variable, setting) {
            (Some((name, value)), _) => {
                (vec![value.to_string_lossy().into_owned()], Origin::Environment(name.clone()))
            }
            (None, Some(setting)) => {
                (shown(&setting.value), Origin::File(setting.value_place.clone()))
            }
            // That a flag is not set goes without saying.
            (None, None) if arg.action.takes_values() && !arg.default_values.is_empty() => {
                (arg.default_values.clone(), Origin::Default)
            }
            (None, None) => return None,
        };
        Some(Resolved { option: written(arg), values, origin })
    });
    resolved.collect()
}

fn shown(value: &Value) -> Vec<String> {
    let scalars = match value {
        Value::One(scalar) => std::slice::from_ref(scalar),
        Value::Many(scalars) => scalars,
    };
    scalars.iter().map(|scalar| Scalar::word(scalar).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::{Arg, ArgAction, Command};
    use lifespan_plugin_api::__private::describe;

    use super::*;
    use crate::config::Config;

    #[test]
    fn each_option_is_the_environments_else_a_files_else_its_own() {
        let of = |id: &'static str| Arg::new(id).long(id);
        let command = Command::new("x")
            .arg(of("env").env("X_ENV").default_value("1"))
            .arg(of("file").env("X_FILE").default_value("1").action(ArgAction::Append))
            .arg(of("own").default_value("1"))
            .arg(of("none"))
            .arg(of("flag").action(ArgAction::SetTrue))
            .arg(Arg::new("positional").default_value("1"));
        let toml = "[plugin.x]\nenv = 2\nfile = [2, 3]\n";
        let config = Config::parse(toml, Path::new("a.toml")).unwrap();
        let env = |name: &str| (name == "X_ENV").then(|| "4".into());
        let found = resolved(&describe(&command).unwrap(), config.plugin("x"), env);
        let shown = found.iter().map(|it| {
            let origin = match &it.origin {
                Origin::Environment(name) => name.clone(),
                Origin::File(place) => place.to_string(),
                Origin::Default => "default".into(),
            };
            format!("{} {} {origin}", it.option, it.values.join(","))
        });
        let shown: Vec<_> = shown.collect();
        assert_eq!(shown, ["--env 4 X_ENV", "--file 2,3 a.toml:3:8", "--own 1 default"]);
    }
}
