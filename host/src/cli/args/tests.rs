//! The host's options as users type them.

use std::time::Duration;

use super::*;

impl Default for Brand {
    fn default() -> Self {
        Brand {
            name: "lifespan".into(),
            version: "0.1.0".into(),
            about: "Run asynchronous plugins together".into(),
            limits: Limits::default(),
            stall_warning: Duration::from_secs(2),
        }
    }
}

fn parse(line: &str) -> Result<HostArgs, String> {
    let command = command(&Brand::default());
    HostArgs::parse_from_words(command, line.split_whitespace(), &Settings::default())
        .map_err(|error| error.to_string())
}

#[test]
fn the_command_is_well_formed() {
    command(&Brand::default()).debug_assert();
}

#[test]
fn without_options_the_documented_defaults_hold() {
    let args = parse("").unwrap();
    let limits = args.limits(Limits::default());
    assert_eq!(limits, Limits::default());
    let Deadlines { setup, grace, teardown, shutdown } = limits.deadlines(&PluginFacts::default());
    assert_eq!([setup, grace, teardown, shutdown], [10, 5, 5, 30].map(Duration::from_secs));
    assert_eq!((args.log_filter(), args.stall_warning()), (None, None));
    assert!(args.bus_trace.is_empty());
    assert_eq!((args.color, args.log_format), (ColorWhen::Auto, LogFormat::Text));
    assert!(!args.dry_run && !args.allow_panic_abort && !args.help && !args.version);
}

#[test]
fn the_line_outdoes_the_plugin_and_the_plugin_the_default() {
    let own: PluginFacts = serde_json::from_str(r#"{"grace_ms":1,"setup_timeout_ms":2}"#).unwrap();
    let limits = parse("--grace 3").unwrap().limits(Limits::default());
    let Deadlines { setup, grace, teardown, .. } = limits.deadlines(&own);
    assert_eq!((setup, grace), (Duration::from_millis(2), Duration::from_secs(3)));
    assert_eq!(teardown, Duration::from_secs(5));
}

#[test]
fn a_branded_host_has_defaults_of_its_own() {
    let limits = Limits { grace: Some(Duration::from_millis(1500)), ..Limits::default() };
    let command = command(&Brand { limits, ..Brand::default() });
    let help = command.clone().term_width(0).render_help().to_string();
    assert!(help.contains("[default: 1s500ms]"), "{help}");
    let args = HostArgs::parse_from_words(command, [""; 0], &Settings::default()).unwrap();
    assert_eq!(args.limits(limits), limits);
}

#[test]
fn time_is_seconds_or_has_a_unit() {
    for (text, millis) in [("3", 3000), ("0.25", 250), ("0", 0), ("200ms", 200), ("1m30s", 90_000)]
    {
        let args = parse(&format!("--grace {text}")).unwrap();
        let limits = args.limits(Limits::default());
        assert_eq!(limits.grace, Some(Duration::from_millis(millis)), "{text}");
    }
    for text in ["-1", "inf", "nan", "1e300", "soon", ""] {
        let error = parse(&format!("--grace={text}")).unwrap_err();
        assert!(error.contains("--grace"), "{text}: {error}");
    }
}

#[test]
fn filters_add_to_verbosity() {
    for (line, filter) in [
        ("-v", "debug"),
        ("-vv", "trace"),
        ("-vvv", "trace"),
        ("-q", "warn"),
        ("--log warn,echo=trace", "warn,echo=trace"),
        ("-v --log echo=trace", "debug,echo=trace"),
        ("-q --log echo=info", "warn,echo=info"),
    ] {
        assert_eq!(parse(line).unwrap().log_filter().as_deref(), Some(filter), "{line}");
    }
}

#[test]
fn repeatable_options_are_all_kept_and_others_take_the_last() {
    let args = parse(
        "--plugin-dir a --until x --plugin-dir=b --until y --grace 1 --grace 2 \
         --bus-trace a/* --stall-warning 1s --bus-trace ** --stall-warning 0.5",
    );
    let args = args.unwrap();
    assert_eq!(args.bus_trace, ["a/*", "**"]);
    assert_eq!(args.stall_warning(), Some(Duration::from_millis(500)));
    assert_eq!(args.plugin_dir, [PathBuf::from("a"), PathBuf::from("b")]);
    assert_eq!(args.until, ["x", "y"]);
    assert_eq!(args.limits(Limits::default()).grace, Some(Duration::from_secs(2)));
}

#[test]
fn mistakes_are_told_with_a_suggestion() {
    assert!(parse("-v -q").unwrap_err().contains("cannot be used with"));
    assert!(parse("--dry-rum").unwrap_err().contains("--dry-run"));
    assert!(parse("--color purple").unwrap_err().contains("auto, always, never"));
}
