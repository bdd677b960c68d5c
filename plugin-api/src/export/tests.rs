//! A library as its host meets it: by its header, and then by its root.

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::abi_stable::std_types::RSlice;
use lifespan_abi::log::LogSink_TO;
use lifespan_abi::{BindStatus, Descriptor, FieldValue, LogSink, PanicStrategy, Parent};

use super::*;
use crate::panics::tests::hook;
use crate::prelude::*;

/// Swim "fast" \ far
#[plugin(requires(sea), setup_timeout = "10s", grace = "1.5")]
async fn swim(_ctx: Context) -> Result<()> {
    Ok(())
}

#[derive(Debug)]
struct Flyer;

/// Fly
#[plugin]
impl Lifespan for Flyer {
    type Args = ();

    async fn setup((): (), _: &Context) -> Result<Self> {
        bail!("no wings")
    }
}

#[derive(clap::Args)]
struct Broken {
    #[arg(long, default_value = "fish", value_parser = no_command())]
    value: String,
}

fn no_command() -> clap::builder::ValueParser {
    panic!("ouch")
}

/// Crawl
#[plugin(crate = crate)]
async fn crawler(_ctx: Context) -> Result<()> {
    Ok(())
}

/// Panic while the command is built
#[plugin]
async fn broken(_args: Broken, _ctx: Context) -> Result<()> {
    Ok(())
}

struct Sink;
impl LogSink for Sink {
    fn callsite(&self, _: RStr<'_>) -> u64 {
        1
    }
    fn event(&self, _: u64, _: Parent, _: RSlice<'_, FieldValue<'_>>) {}
    fn new_span(&self, _: u64, _: Parent, _: RSlice<'_, FieldValue<'_>>) -> u64 {
        1
    }
    fn record(&self, _: u64, _: RSlice<'_, FieldValue<'_>>) {}
    fn follows_from(&self, _: u64, _: u64) {}
    fn enter(&self, _: u64) {}
    fn exit(&self, _: u64) {}
    fn close_span(&self, _: u64) {}
}

fn request(plugin: &str) -> BindRequest {
    BindRequest { plugin: plugin.into(), args: Vec::new().into(), settings: "{}".into() }
}

#[test]
fn the_descriptor_says_what_there_is() {
    let text = crate::builtins![swim, Flyer].descriptor()();
    let descriptor = Descriptor::from_text(text.as_str()).unwrap();
    assert_eq!(descriptor.abi, lifespan_abi::ABI_VERSION);
    assert_eq!(descriptor.panic, PanicStrategy::Unwind);
    assert_eq!(descriptor.debug_assertions, cfg!(debug_assertions));
    assert!(descriptor.rustc.starts_with("rustc "), "{}", descriptor.rustc);
    assert!(descriptor.target.contains('-'), "{}", descriptor.target);
    let swim = descriptor.plugin("swim").unwrap();
    assert_eq!(swim.summary, "Swim \"fast\" \\ far");
    assert_eq!(swim.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(swim.requires, ["sea"]);
    assert_eq!((swim.setup_timeout_ms, swim.grace_ms), (Some(10_000), Some(1500)));
    assert_eq!(swim.teardown_timeout_ms, None);
    assert_eq!(descriptor.plugin("flyer").unwrap().summary, "Fly");
}

#[test]
fn a_built_in_takes_no_log() {
    let root = crate::builtins![swim];
    assert!(root.init()(LogSink_TO::from_value(Sink, TD_Opaque), "no filter".into()).is_ok());
    root.set_log_filter()("no filter either".into());
}

#[test]
fn plugins_are_found_by_name() {
    hook();
    let root = crate::builtins![swim, Flyer];
    assert_eq!(root.bind()(request("flyer")).status, BindStatus::BOUND);
    let renamed = crate::builtins![crawler];
    assert_eq!(renamed.bind()(request("crawler")).status, BindStatus::BOUND);
    assert!(root.command_spec()("swim".into()).unwrap().contains("\"help\""));
    let unknown = root.bind()(request("crawl"));
    assert_eq!(unknown.status, BindStatus::FAILED);
    let report = Report::from(unknown.report.unwrap());
    assert_eq!(report.message, "this library has no plugin `crawl`");
    assert!(root.command_spec()("crawl".into()).is_err());
}

#[test]
fn a_panic_while_a_command_is_built_is_told() {
    hook();
    let root = crate::builtins![broken];
    let report = Report::from(root.command_spec()("broken".into()).unwrap_err());
    assert_eq!(report.message, "ouch");
    assert_eq!(root.bind()(request("broken")).status, BindStatus::FAILED);
}

#[test]
#[should_panic(expected = "same name")]
fn two_plugins_of_one_name_are_refused() {
    // At compile time, through `export!`, this is an error.
    distinct(&[Entry::of::<swim>(), Entry::of::<Flyer>(), Entry::of::<swim>()]);
}
