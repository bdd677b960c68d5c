//! Records of the `log` crate, and logging from within logging.

use std::fmt;

use tracing::info;
use tracing::subscriber::with_default;

use crate::abi::log::Level;
use crate::log::forward::Forward;
use crate::log::testing::{Kept, at, log_record, without_names};

#[test]
fn records_of_log_become_events_of_interned_sites() {
    let kept = Kept::default();
    let forward = kept.forward(at(Level::Info));
    let log = |level, target: &str, line, text: &str| {
        let args = format_args!("{text}");
        let mut record = log::Record::builder();
        record.level(level).target(target).line(Some(line)).file(Some("a.rs"));
        record.module_path(Some("a"));
        log::Log::log(&forward, &record.args(args).build());
    };
    log(log::Level::Info, "a", 1, "one");
    log(log::Level::Info, "a", 1, "two");
    log(log::Level::Debug, "a", 1, "not shown");
    log(log::Level::Error, "a", 2, "three");
    assert_eq!(
        kept.told(),
        [
            "Info log record message=one",
            "Info log record message=two",
            "Error log record message=three",
        ]
    );
    let sites = kept.sites();
    assert_eq!(sites.len(), 2);
    assert_eq!((sites[0].target.as_str(), sites[0].line), ("a", Some(1)));
    assert_eq!(
        (sites[0].file.as_deref(), sites[0].module_path.as_deref()),
        (Some("a.rs"), Some("a"))
    );
    assert_eq!(kept.calls(), 5, "two sites and three events");
}

#[test]
fn targets_made_at_run_time_do_not_make_sites_without_end() {
    let kept = Kept::default();
    let forward = kept.forward(at(Level::Info));
    for n in 0..5000 {
        let target = format!("connection-{n}");
        let record = log::Record::builder()
            .level(log::Level::Info)
            .target(&target)
            .args(format_args!("up"))
            .build();
        log::Log::log(&forward, &record);
    }
    assert!(kept.sites().len() < 4200);
    let told = kept.told();
    assert_eq!(told.len(), 5000);
    assert_eq!(told[4999], "Info log record message=up log.target=`connection-4999`");
}

// A subscriber that is the default of a thread only gets nothing that is logged from within it; the
// process's default, as which this one is installed, does. So what follows logs without macros.

#[test]
fn a_value_that_logs_while_it_is_formatted_logs_first() {
    struct Chatty<'a>(&'a Forward);
    impl fmt::Debug for Chatty<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            log_record(self.0, format_args!("from within"));
            f.write_str("chatty")
        }
    }
    let kept = Kept::default();
    let forward = kept.forward(at(Level::Info));
    with_default(forward.clone(), || info!(value = ?Chatty(&forward), "outside"));
    assert_eq!(
        without_names(&kept.told()),
        ["Info log record message=from within", "Info event message=outside value=chatty"]
    );
}

#[test]
fn a_value_that_logs_itself_comes_to_an_end() {
    struct Endless<'a>(&'a Forward);
    impl fmt::Debug for Endless<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            log_record(self.0, format_args!("{:?}", Endless(self.0)));
            f.write_str("endless")
        }
    }
    let kept = Kept::default();
    let forward = kept.forward(at(Level::Info));
    for _ in 0..2 {
        log_record(&forward, format_args!("{:?}", Endless(&forward)));
    }
    assert_eq!(kept.told(), ["Info log record message=endless"; 8], "four deep, twice");
}
