//! The arguments of a plugin as text. A plugin's own help says more; this is what is known without it.

use lifespan_abi::CommandSpec;
use lifespan_abi::spec::{ArgAction, ArgSpec};

use crate::cli::lines::plain;
use crate::cli::plugin::format::table;

/// A table for the command, and one for each subcommand.
pub(super) fn text(spec: &CommandSpec, columns: u16) -> String {
    let mut text = String::new();
    command(&mut text, "", spec, columns);
    text
}

fn command(text: &mut String, path: &str, spec: &CommandSpec, columns: u16) {
    let shown = |arg: &&ArgSpec| !arg.hidden;
    let rows: Vec<_> = spec.args.iter().filter(shown).map(row).collect();
    *text += &table(&rows, 2, columns);
    for sub in &spec.subcommands {
        let path = format!("{path} {}", plain(&sub.name));
        let about = sub.about.as_deref().map(|it| format!(": {}", plain(it))).unwrap_or_default();
        *text += &format!(" {path}{about}\n");
        command(text, &path, sub, columns);
    }
}

fn row(arg: &ArgSpec) -> Vec<String> {
    let mut told = arg.help.as_deref().map(|it| plain(it).into_owned()).unwrap_or_default();
    if !arg.possible_values.is_empty() {
        told += &format!(" [possible values: {}]", arg.possible_values.join(", "));
    }
    vec![plain(&name(arg)).into_owned(), plain(told.trim()).into_owned()]
}

fn name(arg: &ArgSpec) -> String {
    let short = arg.short.map(|it| format!("-{it}"));
    let long = arg.long.as_ref().map(|it| format!("--{it}"));
    let option: Vec<_> = short.into_iter().chain(long).collect();
    let is_option = !option.is_empty();
    let takes_values = matches!(arg.action, ArgAction::Set | ArgAction::Append);
    let values: Vec<_> = match arg.value_names.as_slice() {
        _ if is_option && !takes_values => Vec::new(),
        [] => vec![format!("<{}>", arg.id.to_uppercase())],
        names => names.iter().map(|it| format!("<{it}>")).collect(),
    };
    let many = if arg.max_values.is_none_or(|most| most > 1) && takes_values { "..." } else { "" };
    let values = values.join(" ") + many;
    match (is_option, arg.required) {
        (true, _) => format!("{} {values}", option.join(", ")).trim_end().to_owned(),
        (false, true) => values,
        (false, false) => format!("[{}]{many}", arg.value_names.join(" ").trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_positionals_and_subcommands_are_told_apart() {
        let spec = CommandSpec::from_json(
            r#"{"name": "db", "args": [
                {"id": "from", "long": "from", "short": "f", "value_names": ["FROM"],
                 "max_values": 1, "help": "Count down from this number"},
                {"id": "loud", "long": "loud", "action": "set-true"},
                {"id": "secret", "long": "secret", "hidden": true},
                {"id": "file", "index": 1, "required": true, "max_values": 1},
                {"id": "rest", "index": 2, "value_names": ["REST"], "possible_values": ["a", "b"]}
            ], "subcommands": [{"name": "migrate", "about": "Move on", "args": [
                {"id": "to", "long": "to", "max_values": 1}]}]}"#,
        );
        assert_eq!(
            text(&spec.unwrap(), 80),
            "  -f, --from <FROM>  Count down from this number\n\
             \x20 --loud\n\
             \x20 <FILE>\n\
             \x20 [REST]...          [possible values: a, b]\n\
             \x20 migrate: Move on\n\
             \x20 --to <TO>\n"
        );
    }
}
