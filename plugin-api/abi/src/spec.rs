//! A plugin's arguments as data: all that splitting a chain and completing a line need to know.
//!
//! The SDK builds it from the author's own `clap::Command` after `build()`, so what clap derives
//! (help flags, global arguments, actions' value counts) is in it. Values are never judged from it:
//! the author's clap parses its own stage.

use abi_stable::std_types::RString;
use serde::{Deserialize, Serialize};

use crate::report::json_text;

/// A command or subcommand: its arguments, and the subcommands below it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct CommandSpec {
    /// The command's name.
    pub name: String,
    /// Other names by which a subcommand is known.
    pub aliases: Vec<String>,
    /// One line about it.
    pub about: Option<String>,
    /// All arguments: options first or not, positionals in the order of their index.
    pub args: Vec<ArgSpec>,
    /// The subcommands.
    pub subcommands: Vec<CommandSpec>,
    /// Whether a subcommand must be given.
    pub subcommand_required: bool,
    /// Whether a subcommand's name ends a positional or option that takes many values.
    pub subcommand_precedence_over_arg: bool,
    /// Whether arguments of this command exclude a subcommand.
    pub args_conflicts_with_subcommands: bool,
    /// Whether an earlier positional may be missing when a later one is given.
    pub allow_missing_positional: bool,
    /// Whether an unambiguous beginning of a long option's name is taken for the whole.
    pub infer_long_args: bool,
}

/// One argument: an option where it has a `long` or a `short`, else a positional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct ArgSpec {
    /// The argument's id within its command.
    pub id: String,
    /// `--long`, without the dashes.
    pub long: Option<String>,
    /// Further long names.
    pub long_aliases: Vec<String>,
    /// `-s`, without the dash.
    pub short: Option<char>,
    /// Further short names.
    pub short_aliases: Vec<char>,
    /// Position among the positionals, from 1.
    pub index: Option<usize>,
    /// What an occurrence does.
    pub action: ArgAction,
    /// The fewest values of one occurrence.
    pub min_values: usize,
    /// The most values of one occurrence; `None` is without limit.
    pub max_values: Option<usize>,
    /// Whether it must be given.
    pub required: bool,
    /// Whether it excludes all others, so that none of these must be given beside it.
    pub exclusive: bool,
    /// The ids of the arguments that it excludes, which need not be given beside it.
    pub conflicts_with: Vec<String>,
    /// Whether it is valid in every subcommand too.
    pub global: bool,
    /// Whether a value must be joined by `=`.
    pub require_equals: bool,
    /// Whether values may begin with a dash.
    pub allow_hyphen_values: bool,
    /// Whether values may be negative numbers.
    pub allow_negative_numbers: bool,
    /// A positional that is only reached after `--`.
    pub last: bool,
    /// A positional after whose first value everything is its own.
    pub trailing_var_arg: bool,
    /// A word that ends its values.
    pub value_terminator: Option<String>,
    /// What separates values within one word.
    pub value_delimiter: Option<char>,
    /// The names of its values in help.
    pub value_names: Vec<String>,
    /// The values it may take, where they are a fixed set.
    pub possible_values: Vec<String>,
    /// What kind of thing a value is, for completion.
    pub value_hint: ValueHint,
    /// One line about it.
    pub help: Option<String>,
    /// Whether it is left out of help and completion.
    pub hidden: bool,
    /// The variable of the environment that it is taken from where it is not given.
    pub env: Option<String>,
    /// The values that it has where nobody gives any, as they would be given.
    pub default_values: Vec<String>,
}

/// What an occurrence of an argument does, as in clap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArgAction {
    /// Stores its value.
    #[default]
    Set,
    /// Adds its values.
    Append,
    /// Stores `true`.
    SetTrue,
    /// Stores `false`.
    SetFalse,
    /// Counts.
    Count,
    /// Shows help.
    Help,
    /// Shows the version.
    Version,
}

impl ArgAction {
    /// Whether an occurrence takes values at all.
    pub fn takes_values(self) -> bool {
        matches!(self, ArgAction::Set | ArgAction::Append)
    }
}

/// What kind of thing a value is, as in clap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueHint {
    /// Nothing is known.
    #[default]
    Unknown,
    /// Anything else: no path.
    Other,
    /// A path of any kind.
    AnyPath,
    /// A path of a file.
    FilePath,
    /// A path of a folder.
    DirPath,
    /// A path of a program.
    ExecutablePath,
    /// The name of a program.
    CommandName,
    /// A user's name.
    Username,
    /// A host's name.
    Hostname,
    /// A URL.
    Url,
    /// An e-mail address.
    EmailAddress,
}

impl ArgSpec {
    /// Whether this argument is a positional.
    pub fn is_positional(&self) -> bool {
        self.long.is_none() && self.short.is_none()
    }
}

impl CommandSpec {
    /// The text in which a spec crosses.
    pub fn to_json(&self) -> RString {
        json_text(self)
    }

    /// Reads a spec that crossed.
    ///
    /// # Errors
    ///
    /// The text is not a spec.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_survives_the_round_trip() {
        let spec = CommandSpec {
            name: "db".into(),
            args: vec![ArgSpec { id: "to".into(), short: Some('t'), ..ArgSpec::default() }],
            subcommands: vec![CommandSpec { name: "migrate".into(), ..CommandSpec::default() }],
            ..CommandSpec::default()
        };
        assert_eq!(CommandSpec::from_json(&spec.to_json()).unwrap(), spec);
    }

    #[test]
    fn missing_fields_have_defaults() {
        let spec =
            CommandSpec::from_json(r#"{"name":"x","args":[{"id":"a","long":"a"}]}"#).unwrap();
        assert!(!spec.args[0].is_positional());
        assert_eq!(spec.args[0].action, ArgAction::Set);
    }
}
