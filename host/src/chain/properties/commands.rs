//! Random commands that clap finds sound, and lines made of what they know.

use clap::builder::ValueRange;
use clap::{Arg, ArgAction, Command};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;

const OPTIONS: [(&str, char); 4] = [("alpha", 'a'), ("beta", 'b'), ("gamma", 'g'), ("delta", 'd')];
const TERMINATOR: &str = ";";

/// What a command is made of.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    options: Vec<Opt>,
    positionals: Positionals,
    dashes: Dashes,
    subcommand: Option<Box<Plan>>,
    settings: [bool; 4],
}

#[derive(Clone, Debug)]
struct Opt {
    kind: Kind,
    dashes: Dashes,
    /// With a short name, an alias, a default, appending, a delimiter, a terminator.
    has: [bool; 6],
    reach: Reach,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Flag,
    Count,
    Values(usize, usize),
    Unlimited(usize),
    Joined(usize),
}

/// What else an option stands for, or against.
#[derive(Clone, Copy, Debug)]
enum Reach {
    Plain,
    Global,
    Exclusive,
    ExcludesFirst,
}

#[derive(Clone, Copy, Debug)]
enum Dashes {
    No,
    Any,
    Numbers,
}

#[derive(Clone, Copy, Debug)]
enum Positionals {
    None,
    One(bool),
    RequiredThenOptional,
    Many(bool),
    RequiredThenMany,
    Pair(bool),
    OneToThree(bool),
    OneAppended,
    /// `cp SOURCE... TARGET`
    ManyThenRequired,
    TwoToThreeThenRequired,
    /// `[FIRST] SECOND`, where the first may be missing.
    MissingThenRequired,
    MissingManyThenRequired,
    MissingThenMany,
    MissingThenOptional,
    OptionalThenLast,
    ManyThenLast,
    Terminated,
    Trailing,
    RequiredThenTrailing,
}

impl Plan {
    pub(crate) fn command(&self) -> Command {
        self.named("x")
    }

    /// Whether words after some positional are all its own.
    pub(super) fn has_trailing(&self) -> bool {
        matches!(self.positionals, Positionals::Trailing | Positionals::RequiredThenTrailing)
            || self.subcommand.as_ref().is_some_and(|sub| sub.has_trailing())
    }

    fn option(&self, option: &Opt, names: (&'static str, char)) -> Arg {
        let arg = option.arg(names);
        match option.reach {
            Reach::Plain => arg,
            Reach::Global => arg.global(true),
            Reach::Exclusive => arg.exclusive(true),
            Reach::ExcludesFirst if matches!(self.positionals, Positionals::None) => arg,
            Reach::ExcludesFirst => arg.conflicts_with("first"),
        }
    }

    fn named(&self, name: &'static str) -> Command {
        let [precedence, conflicts, required, infer] = self.settings;
        let command = Command::new(name)
            .disable_help_flag(true)
            .infer_long_args(infer)
            .allow_missing_positional(self.positionals.may_miss())
            .args(
                self.options.iter().zip(OPTIONS).map(|(option, names)| self.option(option, names)),
            )
            .args(self.positionals.args().into_iter().map(|arg| self.dashes.set(arg)));
        let Some(subcommand) = &self.subcommand else { return command };
        command
            .subcommand(subcommand.named("sub").alias("sub-too"))
            .subcommand_precedence_over_arg(precedence)
            .args_conflicts_with_subcommands(conflicts)
            .subcommand_required(required)
            .subcommand_negates_reqs(true)
    }
}

impl Opt {
    fn arg(&self, (long, short): (&'static str, char)) -> Arg {
        let [has_short, has_alias, has_default, appends, delimits, terminates] = self.has;
        let mut arg = Arg::new(long).long(long);
        if has_short {
            arg = arg.short(short).short_alias(short.to_ascii_uppercase());
        }
        if has_alias {
            arg = arg.alias(format!("{long}-too"));
        }
        arg = match self.kind {
            Kind::Flag => return arg.action(ArgAction::SetTrue),
            Kind::Count => return arg.action(ArgAction::Count),
            Kind::Values(least, most) => arg.num_args(least..=most),
            Kind::Unlimited(least) => arg.num_args(least..),
            Kind::Joined(least) => arg.num_args(least..=1).require_equals(true),
        };
        let single = matches!(self.kind, Kind::Values(_, 1) | Kind::Joined(_));
        if has_default && single {
            arg = arg.default_value("default").default_missing_value("missing");
        }
        if appends {
            arg = arg.action(ArgAction::Append);
        }
        if delimits {
            arg = arg.value_delimiter(',');
        }
        if terminates && !single {
            arg = arg.value_terminator(TERMINATOR);
        }
        self.dashes.set(arg)
    }
}

impl Dashes {
    fn set(self, arg: Arg) -> Arg {
        match self {
            Dashes::No => arg,
            Dashes::Any => arg.allow_hyphen_values(true),
            Dashes::Numbers => arg.allow_negative_numbers(true),
        }
    }
}

impl Positionals {
    fn may_miss(self) -> bool {
        matches!(
            self,
            Positionals::MissingThenRequired
                | Positionals::MissingManyThenRequired
                | Positionals::MissingThenMany
                | Positionals::MissingThenOptional
        )
    }

    fn args(self) -> Vec<Arg> {
        let of = |name: &'static str, range: ValueRange| Arg::new(name).num_args(range);
        let first = |range: ValueRange| of("first", range);
        let second = |range: ValueRange| of("second", range);
        let (one, many): (ValueRange, ValueRange) = (1.into(), (1..).into());
        match self {
            Positionals::None => vec![],
            Positionals::One(required) => vec![first(one).required(required)],
            Positionals::RequiredThenOptional => vec![first(one).required(true), second(one)],
            Positionals::Many(required) => vec![first(many).required(required)],
            Positionals::RequiredThenMany => {
                vec![first(one).required(true), second((0..).into())]
            }
            Positionals::Pair(required) => vec![first(2.into()).required(required)],
            Positionals::OneToThree(required) => vec![first((1..=3).into()).required(required)],
            Positionals::OneAppended => vec![first(one).action(ArgAction::Append)],
            Positionals::ManyThenRequired => {
                vec![first(many).required(true), second(one).required(true)]
            }
            Positionals::TwoToThreeThenRequired => {
                vec![first((2..=3).into()).required(true), second(one).required(true)]
            }
            Positionals::MissingThenRequired => vec![first(one), second(one).required(true)],
            Positionals::MissingManyThenRequired => vec![first(many), second(one).required(true)],
            Positionals::MissingThenMany => vec![first(one), second(many).required(true)],
            Positionals::MissingThenOptional => vec![first(one), second(one)],
            Positionals::OptionalThenLast => vec![first(one), second(one).last(true)],
            Positionals::ManyThenLast => vec![first(many), second((0..).into()).last(true)],
            Positionals::Terminated => {
                vec![first(many).value_terminator(TERMINATOR), second(one)]
            }
            Positionals::Trailing => vec![first(many).trailing_var_arg(true)],
            Positionals::RequiredThenTrailing => {
                vec![first(one).required(true), second(many).trailing_var_arg(true)]
            }
        }
    }
}

pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    (level(), proptest::option::weighted(0.3, level())).prop_map(|(mut plan, subcommand)| {
        plan.subcommand = subcommand.map(Box::new);
        plan
    })
}

fn level() -> impl Strategy<Value = Plan> {
    let positionals = select(vec![
        Positionals::None,
        Positionals::One(false),
        Positionals::One(true),
        Positionals::RequiredThenOptional,
        Positionals::Many(false),
        Positionals::Many(true),
        Positionals::RequiredThenMany,
        Positionals::Pair(false),
        Positionals::Pair(true),
        Positionals::OneToThree(false),
        Positionals::OneToThree(true),
        Positionals::OneAppended,
        Positionals::ManyThenRequired,
        Positionals::TwoToThreeThenRequired,
        Positionals::MissingThenRequired,
        Positionals::MissingManyThenRequired,
        Positionals::MissingThenMany,
        Positionals::MissingThenOptional,
        Positionals::OptionalThenLast,
        Positionals::ManyThenLast,
        Positionals::Terminated,
        Positionals::Trailing,
        Positionals::RequiredThenTrailing,
    ]);
    let settings = any::<[bool; 4]>().prop_map(|[a, b, c, d]| [a, b, c && a, d]);
    (vec(option(), 0..=OPTIONS.len()), positionals, dashes(), settings).prop_map(
        |(options, positionals, dashes, settings)| Plan {
            options,
            positionals,
            dashes,
            subcommand: None,
            settings,
        },
    )
}

fn option() -> impl Strategy<Value = Opt> {
    let kind = prop_oneof![
        2 => Just(Kind::Flag),
        1 => Just(Kind::Count),
        2 => Just(Kind::Values(1, 1)),
        1 => Just(Kind::Values(0, 1)),
        2 => (0..=2_usize, 2..=3_usize).prop_map(|(least, most)| Kind::Values(least, most)),
        1 => (0..=2_usize).prop_map(Kind::Unlimited),
        1 => (0..=1_usize).prop_map(Kind::Joined),
    ];
    let reach = prop_oneof![
        3 => Just(Reach::Plain),
        3 => Just(Reach::Global),
        1 => Just(Reach::Exclusive),
        1 => Just(Reach::ExcludesFirst),
    ];
    (kind, dashes(), any::<[bool; 6]>(), reach).prop_map(|(kind, dashes, has, reach)| Opt {
        kind,
        dashes,
        has,
        reach,
    })
}

fn dashes() -> impl Strategy<Value = Dashes> {
    prop_oneof![4 => Just(Dashes::No), 1 => Just(Dashes::Any), 1 => Just(Dashes::Numbers)]
}

/// Lines of plain words and of options, mostly those that the command has.
pub(super) fn lines(plan: &Plan) -> impl Strategy<Value = Vec<String>> + use<> {
    let mut words = vec![(8, plain().boxed()), (1, odd().boxed())];
    let levels = [Some(plan), plan.subcommand.as_deref()];
    for level in levels.into_iter().flatten() {
        let weight = 2 * level.options.len().max(1) as u32;
        if !level.options.is_empty() {
            words.push((weight, named(level.options.len()).boxed()));
        }
    }
    if plan.subcommand.is_some() {
        words.push((3, select(vec!["sub", "sub-too"]).prop_map(Into::into).boxed()));
    }
    vec(Union::new_weighted(words), 0..7)
}

fn plain() -> impl Strategy<Value = String> {
    select(vec!["v", "w", "v,w", "u"]).prop_map(Into::into)
}

fn odd() -> impl Strategy<Value = String> {
    select(vec!["", "-", "-1", "-1e3", "-x", "--xi", "--", TERMINATOR, "=", "--="])
        .prop_map(Into::into)
}

/// An option among the first so many, in all ways to write it.
fn named(options: usize) -> impl Strategy<Value = String> {
    (0..options, 0..options, 0..12_u8).prop_map(|(one, other, form)| {
        let ((long, short), (_, next)) = (OPTIONS[one], OPTIONS[other]);
        match form {
            0..3 => format!("--{long}"),
            3 => format!("--{long}=v"),
            4 => format!("--{long}="),
            5 => format!("--{long}-too"),
            6 => format!("--{}", &long[..3]),
            7 => format!("-{short}"),
            8 => format!("-{short}v"),
            9 => format!("-{short}=v"),
            10 => format!("-{short}{next}"),
            _ => format!("-{}", short.to_ascii_uppercase()),
        }
    })
}
