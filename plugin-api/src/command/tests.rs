//! What the description of a command says, and which commands are refused.

use clap::{Args, Subcommand, value_parser};

use super::*;

fn arg<'s>(spec: &'s CommandSpec, id: &str) -> &'s ArgSpec {
    spec.args.iter().find(|arg| arg.id == id).expect("the argument is described")
}

fn subcommand<'s>(spec: &'s CommandSpec, name: &str) -> &'s CommandSpec {
    spec.subcommands.iter().find(|sub| sub.name == name).expect("the subcommand is described")
}

#[derive(Args)]
struct Countdown {
    /// Count down from this number
    ///
    /// More about it.
    #[arg(long, short, visible_alias = "start", alias = "begin", short_alias = 'F')]
    #[arg(default_value_t = 3, env = "COUNT_FROM", value_parser = value_parser!(u32).range(1..))]
    from: u32,
    /// Do it at once
    #[arg(long, hide = true)]
    immediately: bool,
    #[arg(short, action = clap::ArgAction::Count)]
    loud: u8,
    #[arg(long, num_args = 2..=4, value_names = ["X", "Y"], value_terminator = ";")]
    many: Vec<String>,
    #[arg(long, num_args = 0..=1, require_equals = true, value_delimiter = ',')]
    maybe: Option<String>,
    #[arg(long, value_parser = ["red", "green"], allow_hyphen_values = true)]
    color: Option<String>,
    #[arg(allow_negative_numbers = true, value_hint = clap::ValueHint::FilePath)]
    file: std::path::PathBuf,
    others: Vec<String>,
    #[arg(last = true)]
    after: Option<String>,
}

#[test]
fn arguments_are_described_in_full() {
    let spec =
        describe(&Countdown::augment_args(Command::new("countdown").about("Count"))).unwrap();
    assert_eq!((spec.name.as_str(), spec.about.as_deref()), ("countdown", Some("Count")));

    let from = arg(&spec, "from");
    assert_eq!((from.long.as_deref(), from.short), (Some("from"), Some('f')));
    assert_eq!(
        (&from.long_aliases[..], &from.short_aliases[..]),
        (&["start".into(), "begin".into()][..], &['F'][..])
    );
    assert_eq!((from.min_values, from.max_values, from.action), (1, Some(1), ArgAction::Set));
    assert_eq!(from.help.as_deref(), Some("Count down from this number"));
    assert!(!from.required && !from.is_positional());
    assert_eq!(
        (from.env.as_deref(), &from.default_values[..]),
        (Some("COUNT_FROM"), &["3".into()][..])
    );

    let immediately = arg(&spec, "immediately");
    assert_eq!((immediately.action, immediately.max_values), (ArgAction::SetTrue, Some(0)));
    assert!(immediately.hidden);
    assert_eq!(arg(&spec, "loud").action, ArgAction::Count);

    let many = arg(&spec, "many");
    assert_eq!((many.min_values, many.max_values, many.action), (2, Some(4), ArgAction::Append));
    assert_eq!(
        (many.value_names.join(" "), many.value_terminator.as_deref()),
        ("X Y".into(), Some(";"))
    );

    let maybe = arg(&spec, "maybe");
    assert_eq!((maybe.min_values, maybe.max_values), (0, Some(1)));
    assert_eq!((maybe.require_equals, maybe.value_delimiter), (true, Some(',')));
    assert!(arg(&spec, "color").allow_hyphen_values);
    assert_eq!(arg(&spec, "color").possible_values, ["red", "green"]);
    assert_eq!(arg(&spec, "help").action, ArgAction::Help);
}

#[test]
fn positionals_have_their_place() {
    let spec = describe(&Countdown::augment_args(Command::new("countdown"))).unwrap();
    let file = arg(&spec, "file");
    assert_eq!((file.index, file.required, file.value_hint), (Some(1), true, ValueHint::FilePath));
    assert!(file.allow_negative_numbers && file.is_positional());
    let others = arg(&spec, "others");
    assert_eq!(
        (others.index, others.required, others.min_values, others.max_values),
        (Some(2), false, 1, None)
    );
    assert_eq!(others.action, ArgAction::Append);
    assert!(arg(&spec, "after").last);
}

#[test]
fn exclusion_is_told_one_by_one() {
    let command = Command::new("x")
        .arg(Arg::new("all").long("all").exclusive(true))
        .arg(Arg::new("list").long("list").conflicts_with("names"))
        .arg(Arg::new("everywhere").long("everywhere").global(true).conflicts_with("names"))
        .args([Arg::new("a"), Arg::new("b")])
        .group(clap::ArgGroup::new("names").args(["a", "b"]).multiple(true));
    let spec = describe(&command).unwrap();
    assert!(arg(&spec, "all").exclusive && !arg(&spec, "list").exclusive);
    assert_eq!(arg(&spec, "list").conflicts_with, ["a", "b"]);
    assert!(arg(&spec, "a").conflicts_with.is_empty());
    assert!(arg(&spec, "everywhere").conflicts_with.is_empty());
}

#[test]
fn of_a_group_that_allows_one_each_excludes_the_others() {
    let command = Command::new("x")
        .args(["fast", "slow", "loud"].map(|id| Arg::new(id).long(id)))
        .group(clap::ArgGroup::new("speed").args(["fast", "slow"]));
    let spec = describe(&command).unwrap();
    assert_eq!(arg(&spec, "fast").conflicts_with, ["slow"]);
    assert_eq!(arg(&spec, "slow").conflicts_with, ["fast"]);
    assert!(arg(&spec, "loud").conflicts_with.is_empty());
}

#[derive(Subcommand)]
enum Db {
    /// Move to another version
    #[command(visible_alias = "mv", alias = "up")]
    Migrate {
        #[arg(long)]
        to: u32,
    },
    Drop,
}

#[test]
fn subcommands_have_what_is_global() {
    let command = Db::augment_subcommands(Command::new("db"))
        .arg(Arg::new("url").long("url").global(true))
        .subcommand_required(true)
        .subcommand_precedence_over_arg(true)
        .args_conflicts_with_subcommands(true);
    let spec = describe(&command).unwrap();
    assert!(spec.subcommand_precedence_over_arg && spec.args_conflicts_with_subcommands);
    assert!(spec.subcommand_required && !spec.infer_long_args);
    let migrate = subcommand(&spec, "migrate");
    assert_eq!(migrate.aliases, ["mv", "up"]);
    assert_eq!(migrate.about.as_deref(), Some("Move to another version"));
    assert!(arg(migrate, "to").required && arg(migrate, "url").global);
    assert!(subcommand(&spec, "help").args.iter().any(|arg| arg.max_values.is_none()));
}

#[test]
fn inferred_options_are_told_level_by_level() {
    let inner = Command::new("inner").infer_long_args(true).arg(Arg::new("long").long("long"));
    let positional = Arg::new("any").num_args(..).allow_hyphen_values(true);
    let spec = describe(&Command::new("outer").arg(positional).subcommand(inner)).unwrap();
    assert!(!spec.infer_long_args && subcommand(&spec, "inner").infer_long_args);
    let everywhere = Command::new("outer").infer_long_args(true).subcommand(Command::new("inner"));
    let spec = describe(&everywhere).unwrap();
    assert!(spec.infer_long_args && subcommand(&spec, "inner").infer_long_args);
}

#[test]
fn a_required_argument_does_not_hide_what_is_inferred() {
    let required = Arg::new("file").required(true);
    let command =
        Command::new("x").infer_long_args(true).arg_required_else_help(true).arg(required);
    assert!(describe(&command).unwrap().infer_long_args);
}

#[track_caller]
fn check_refused(command: Command, reason: &str) {
    assert_eq!(describe(&command).unwrap_err().to_string(), reason);
}

#[test]
fn what_cannot_be_followed_is_refused_with_the_reason() {
    let sub = || Command::new("sub");
    check_refused(
        Command::new("x").allow_external_subcommands(true),
        "`x` allows external subcommands, which could be any word",
    );
    check_refused(
        Command::new("x").multicall(true).subcommand(sub()),
        "`x` is a multicall command, which a stage cannot be",
    );
    let infers = "infers subcommands, so a new one changes what a chain means";
    check_refused(
        Command::new("x").infer_subcommands(true).subcommand(sub()),
        &format!("`x` {infers}"),
    );
    check_refused(
        Command::new("x").subcommand(sub().infer_subcommands(true).subcommand(Command::new("y"))),
        &format!("`x sub` {infers}"),
    );
    check_refused(
        Command::new("x").subcommand(sub().short_flag('S')),
        "`x sub` is a subcommand that goes by an option",
    );
}

#[test]
fn a_command_that_contains_itself_is_refused_and_does_not_overflow() {
    fn endless(command: Command) -> Command {
        command.subcommand(Command::new("again").defer(endless))
    }
    let error = describe(&endless(Command::new("x"))).unwrap_err();
    assert!(matches!(error, Undescribable::TooDeep(path) if path.starts_with("x again again")));
}
