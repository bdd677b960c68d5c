//! Stages as users write them, against what the author's clap says of them.

use clap::{Args, Subcommand};
use lifespan_abi::OsArg;

use super::*;
use crate::context::Context;
use crate::panics::tests::hook;
use crate::prelude::*;
use crate::test_host::{Host, ready};

#[derive(Args)]
struct Fish {
    /// How many
    #[arg(long, short, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// How long to wait
    #[arg(long, default_value = "1")]
    sleep: Seconds,
    /// Makes the plugin panic while it is bound
    #[arg(long, value_parser = parse_or_panic)]
    panic: Option<String>,
}

fn parse_or_panic(text: &str) -> Result<String> {
    assert!(text != "now", "ouch");
    Ok(text.to_owned())
}

/// Catch fish
///
/// In a net.
#[plugin]
async fn fish(_args: Fish, _ctx: Context) -> Result<()> {
    Ok(())
}

#[derive(Args)]
struct Sea {
    /// The version of the sea
    #[arg(long)]
    version: Option<u32>,
    #[command(subcommand)]
    deed: Deed,
}

#[derive(Subcommand)]
enum Deed {
    /// Go to sea
    Sail {
        /// Where to
        to: String,
    },
}

/// Be at sea
#[plugin(name = "sea-side")]
async fn sea(args: Sea, _ctx: Context) -> Result<()> {
    let Deed::Sail { to } = args.deed;
    bail!("lost on the way to {to} of {:?}", args.version)
}

fn bound<P: Plugin>(line: &str, color: bool) -> BindReply {
    hook();
    let mut settings = BindSettings::default();
    settings.display_name = format!("lifespan {}", P::NAME);
    settings.width = 80;
    settings.color = color;
    bind::<P>(request::<P>(line, &settings.to_json()))
}

fn request<P: Plugin>(line: &str, settings: &str) -> BindRequest {
    let args = line.split_whitespace().map(|word| OsArg::from(word.as_ref())).collect();
    BindRequest { plugin: P::NAME.into(), args, settings: settings.into() }
}

#[test]
fn settings_have_defaults_and_may_have_more() {
    hook();
    let reply = bind::<fish>(request::<fish>("--help", "{\"later\":1}"));
    assert_eq!(reply.status, BindStatus::ANSWER);
    assert!(reply.text.contains("Usage: fish "), "{}", reply.text);
    assert_eq!(bind::<fish>(request::<fish>("", "no JSON")).status, BindStatus::FAILED);
}

fn told<P: Plugin>(line: &str, status: BindStatus) -> String {
    let reply = bound::<P>(line, false);
    assert_eq!(reply.status, status, "{}", reply.text);
    reply.text.into_string()
}

#[test]
fn what_is_right_is_bound() {
    let reply = bound::<fish>("--count 5 --sleep 200ms", false);
    assert_eq!(reply.status, BindStatus::BOUND);
    assert!(reply.instance.is_some());
}

#[test]
fn a_mistake_is_told_as_clap_tells_it() {
    let text = told::<fish>("--count 0", BindStatus::USAGE);
    assert_eq!(
        text,
        "error: invalid value '0' for '--count <COUNT>': 0 is not in 1..=4294967295\n\n\
         For more information, try '--help'.\n"
    );
    let text = told::<fish>("--cuont 3", BindStatus::USAGE);
    assert!(text.contains("a similar argument exists: '--count'"), "{text}");
    assert!(text.contains("Usage: lifespan fish "), "{text}");
}

#[test]
fn help_is_an_answer() {
    let text = told::<fish>("--help", BindStatus::ANSWER);
    assert!(text.starts_with("Catch fish\n\nUsage: lifespan fish [OPTIONS]\n"), "{text}");
    assert!(!text.contains('\x1b') && text.ends_with('\n'), "{text}");
    let text = told::<fish>("--version", BindStatus::ANSWER);
    assert_eq!(text, concat!("lifespan fish ", env!("CARGO_PKG_VERSION"), "\n"));
    assert!(bound::<fish>("--help", true).text.contains('\x1b'));
}

#[test]
fn a_panic_while_binding_is_a_failure() {
    let reply = bound::<fish>("--panic now", false);
    assert_eq!(reply.status, BindStatus::FAILED);
    assert!(Report::from(reply.report.unwrap()).message.ends_with("ouch"));
}

#[test]
fn subcommands_are_the_authors_too() {
    let reply = bound::<sea>("--version 3 sail ithaca", false);
    assert_eq!(reply.status, BindStatus::BOUND, "{}", reply.text);
    let instance = reply.instance.unwrap();
    let setup = ready(instance.setup(Host::default().services()));
    let report = Report::from(setup.into_result().unwrap_err());
    assert_eq!(report.message, "lost on the way to ithaca of Some(3)");
    assert!(told::<sea>("", BindStatus::USAGE).contains("Usage: lifespan sea-side"));
    let text = told::<sea>("sail --help", BindStatus::ANSWER);
    assert!(text.contains("Usage: lifespan sea-side sail <TO>"), "{text}");
}

#[test]
fn the_spec_is_that_of_the_same_command() {
    let ids = |spec: CommandSpec| spec.args.into_iter().map(|arg| arg.id).collect::<Vec<_>>();
    assert_eq!(ids(spec::<fish>().unwrap()), ["count", "sleep", "panic", "help", "version"]);
    assert_eq!(ids(spec::<sea>().unwrap()), ["version", "help"]);
}

#[test]
fn the_macro_tells_what_the_plugin_is() {
    assert_eq!((fish::NAME, fish::SUMMARY), ("fish", "Catch fish"));
    let args = Fish { count: 1, sleep: Seconds::default(), panic: None };
    assert!(ready(fish::start(args, Host::default().context())).is_ok());
}
