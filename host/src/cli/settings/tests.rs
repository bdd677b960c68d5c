//! The host's own keys: what they become, and what is wrong with them.

use std::time::Duration;

use super::*;
use crate::cli::args::{self, Brand, HostArgs};
use crate::limits::Limits;

fn settings(toml: &str) -> Result<Settings, String> {
    let config = Config::parse(toml, Path::new("/etc/a.toml")).unwrap();
    let (settings, mistakes) = judge(&config.host, &args::command(&Brand::default()));
    let told = mistakes.iter().map(|it| {
        let cause = it.mistake.source().map(ToString::to_string);
        let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{} {}{cause} {}", it.place, it.mistake, it.hints.join(", ")).trim_end().to_owned()
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() { Ok(settings) } else { Err(told.join("\n")) }
}

fn args(toml: &str, line: &str) -> HostArgs {
    let command = args::command(&Brand::default());
    HostArgs::parse_from_words(command, line.split_whitespace(), &settings(toml).unwrap()).unwrap()
}

#[test]
fn a_key_is_a_default_and_the_line_counts() {
    let grace = |toml: &str, line: &str| args(toml, line).limits(Limits::default()).grace;
    assert_eq!(grace("grace = 3", ""), Some(Duration::from_secs(3)));
    assert_eq!(grace("grace = '500ms'", ""), Some(Duration::from_millis(500)));
    assert_eq!(grace("grace = 0.5", "--grace 2"), Some(Duration::from_secs(2)));
    assert_eq!(grace("", ""), None);
    assert!(args("allow-panic-abort = true", "").allow_panic_abort);
    assert!(!args("allow-panic-abort = false", "").allow_panic_abort);
}

#[test]
fn more_or_less_talk_on_the_line_counts_more_than_a_files_filter() {
    let filter = |line: &str| args("log = 'error'", line).log_filter();
    assert_eq!(filter("").as_deref(), Some("error"));
    assert_eq!(filter("-v").as_deref(), Some("debug"));
    assert_eq!(filter("-q").as_deref(), Some("warn"));
    assert_eq!(filter("--log info").as_deref(), Some("info"));
}

#[test]
fn what_must_be_known_early_is_told_apart() {
    let settings = settings("color = 'never'\nlog-format = 'json'").unwrap();
    assert_eq!(settings.color, Some(ColorWhen::Never));
    assert_eq!(settings.format, Some(LogFormat::Json));
}

#[cfg(unix)]
#[test]
fn folders_are_meant_from_the_files_own() {
    let settings = settings("plugin-dir = ['/a', 'b/c', '../d']").unwrap();
    let dirs: Vec<_> = settings.plugin_dirs.iter().map(|dir| dir.to_str().unwrap()).collect();
    assert_eq!(dirs, ["/a", "/etc/b/c", "/etc/../d"]);
    assert!(settings.words.is_empty());
}

#[test]
fn keys_that_must_have_signed_are_read_and_what_is_none_is_told() {
    let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    assert_eq!(settings(&format!("signed-by = '{key}'")).unwrap().signed_by.len(), 1);
    assert_eq!(settings(&format!("signed-by = ['{key}', '{key}']")).unwrap().signed_by.len(), 2);
    let wrong = settings("signed-by = ['x']\n").unwrap_err();
    assert!(
        wrong.starts_with("/etc/a.toml:1:13 `x` is no value of `signed-by`: it is not"),
        "{wrong}"
    );
    let none = settings("signed-by = []").unwrap_err();
    assert_eq!(none, "/etc/a.toml:1:13 `signed-by` takes at least one key");
}

#[test]
fn all_mistakes_are_told_with_place_and_suggestion() {
    let wrong = settings(
        "garce = 3\nverbose = true\nlog-format = 'jsn'\ngrace = 'x'\ncolor = ['auto']\n\
         allow-panic-abort = 'yes'\n",
    );
    assert_eq!(
        wrong.unwrap_err(),
        "/etc/a.toml:1:1 there is no option `garce` did you mean `grace`?\n\
         /etc/a.toml:2:1 `verbose` can only be given on the command line\n\
         /etc/a.toml:3:14 `jsn` is no value of `log-format` its values are: text, json\n\
         /etc/a.toml:4:9 `x` is no value of `grace`: expected number at 0 (seconds, or with a unit \
         such as `500ms`)\n\
         /etc/a.toml:5:9 `color` takes one value\n\
         /etc/a.toml:6:21 `allow-panic-abort` takes `true` or `false`"
    );
    let filter = settings("log = 'warn,x=loud'").unwrap_err();
    assert!(filter.starts_with("/etc/a.toml:1:7 `warn,x=loud` is no value of `log`: "), "{filter}");
    let unlike = settings("zzzz = 1").unwrap_err();
    assert!(unlike.contains("allow-panic-abort, log, log-format,"), "{unlike}");
}
