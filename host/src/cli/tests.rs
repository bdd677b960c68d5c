//! What the options make of the builder's host, and how a mistake in them is shown.

use std::time::Duration;

use lifespan_abi::LogFilter;
use lifespan_abi::log::Level;

use super::*;
use crate::log::parse_filter;

fn args(line: &str) -> HostArgs {
    let command = args::command(&Brand::default());
    HostArgs::parse_from_words(command, line.split_whitespace(), &Settings::default()).unwrap()
}

fn built(builder: HostBuilder, line: &str) -> Host {
    let args = args(line);
    let filter = parse_filter(&log_filter(&builder, &args)).unwrap();
    configured(builder, &args, filter).build()
}

#[test]
fn what_the_line_says_nothing_of_stays_as_the_builder_has_it() {
    let filter = parse_filter("warn,a::b=off").unwrap();
    let builder = || {
        let builder = Host::builder("lifespan-test-of-cli").log_filter(filter.clone());
        builder.allow_panic_abort(true)
    };
    let host = built(builder(), "");
    assert_eq!(host.log_filter(), filter);
    assert!(host.allows_panic_abort());
    assert_eq!(built(builder(), "-v").log_filter(), LogFilter::at(Some(Level::Debug)));
    let plain = built(Host::builder("lifespan-test-of-cli"), "");
    assert_eq!(plain.log_filter(), LogFilter::at(Some(Level::Info)));
    assert!(!plain.allows_panic_abort());
    let patient = || Host::builder("lifespan-test-of-cli").stall_warning(Duration::from_secs(9));
    for (line, seconds) in [("", 9), ("--stall-warning 3", 3)] {
        let options = built(patient(), line).run_options();
        assert_eq!(options.stall_warning, Duration::from_secs(seconds), "{line}");
    }
    assert!(
        built(Host::builder("lifespan-test-of-cli"), "--allow-panic-abort").allows_panic_abort()
    );
}

#[test]
fn a_mistake_in_the_filter_is_pointed_at() {
    for (prefix, written) in [("", "info,ä=x,b=loud"), ("debug,", "ä=info,b=loud")] {
        let filter = format!("{prefix}{written}");
        let error = parse_filter(&filter).unwrap_err();
        let failure = bad_filter(&error, &filter, written);
        let pointer = failure.pointer.unwrap();
        let (line, mark) = pointer.trim_end().split_once('\n').unwrap();
        assert_eq!(line, format!("  --log {written}"));
        let from = mark.find('^').unwrap();
        let shown: String = line.chars().skip(from).take(mark.matches('^').count()).collect();
        assert_eq!(shown, error.directive);
        assert_eq!(failure.hints, [error.hint()]);
    }
}
