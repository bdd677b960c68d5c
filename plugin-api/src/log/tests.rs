//! The plugin's side against a sink that keeps what crosses.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use tracing::subscriber::with_default;
use tracing::{Span, debug, debug_span, error, error_span, info, info_span, trace, warn};
use tracing_core::{Subscriber, callsite};

use super::forward::Forward;
use super::testing::{Kept, at, log_record, tail, without_names};
use super::values::PANICKED;
use super::{explain, install, set_filter};
use crate::abi::LogFilter;
use crate::abi::log::{Level, LogDirective};

#[test]
fn values_arrive_by_kind() {
    let kept = Kept::default();
    with_default(kept.forward(at(Level::Info)), || {
        info!(a = -1_i64, b = u64::MAX, c = -(1_i128 << 70), d = u128::MAX, e = 1.5, f = true);
        info!(text = "a b", debug = ?"a b", display = %"a b", "hello {}", 3);
        let root = std::io::Error::other("root");
        let error: &(dyn std::error::Error + 'static) = &fmt_chain(root);
        info!(error);
    });
    assert_eq!(
        kept.told().iter().map(|told| tail(told)).collect::<Vec<_>>(),
        [
            format!("a=-1 b={} c={}w d={}w e=1.5 f=true", u64::MAX, -(1_i128 << 70), u128::MAX)
                .as_str(),
            r#"message=hello 3 text=`a b` debug="a b" display=a b"#,
            "error=top: root",
        ]
    );
}

#[test]
fn a_site_is_told_once_with_all_that_is_known_of_it() {
    let kept = Kept::default();
    with_default(kept.forward(at(Level::Info)), || {
        for _ in 0..3 {
            warn!(name: "named", target: "my::target", n = 1, "text");
        }
    });
    let sites = kept.sites();
    let [site] = sites.as_slice() else { panic!("one site, not {sites:?}") };
    assert_eq!(
        (site.name.as_str(), site.target.as_str(), site.level, site.is_span),
        ("named", "my::target", Level::Warn, false)
    );
    assert_eq!(site.fields, ["message", "n"]);
    assert_eq!(site.module_path.as_deref(), Some(module_path!()));
    assert!(site.file.as_deref().is_some_and(|file| file.ends_with("tests.rs")));
    assert!(site.line.is_some());
    assert_eq!(kept.calls(), 4, "one for the site, one for each event");
}

#[test]
fn what_is_filtered_out_does_not_cross() {
    let kept = Kept::default();
    let mut filter = LogFilter::at(Some(Level::Info));
    filter.directives.push(LogDirective::new("quiet", None));
    let formatted = AtomicUsize::new(0);
    with_default(kept.forward(filter), || {
        for _ in 0..1000 {
            debug!(n = ?Counting(&formatted), "not shown");
            error!(target: "quiet::inner", n = ?Counting(&formatted), "not shown");
            let span = debug_span!("not shown", n = ?Counting(&formatted));
            let _entered = span.enter();
        }
        assert_eq!((kept.calls(), formatted.load(Ordering::Relaxed)), (0, 0));
        info!(n = ?Counting(&formatted), "shown");
    });
    assert_eq!((kept.calls(), formatted.load(Ordering::Relaxed)), (2, 1));
}

#[test]
fn interest_is_judged_here_for_good() {
    let kept = Kept::default();
    let forward = kept.forward(at(Level::Warn));
    let site = |level| with_default(at_trace(), || site_at(level));
    let interest = |level| forward.register_callsite(site(level));
    assert!(interest(Level::Warn).is_always());
    assert!(interest(Level::Info).is_never());
    assert_eq!(forward.max_level_hint(), Some(tracing_core::LevelFilter::WARN));
    forward.set_filter(LogFilter::default());
    assert!(interest(Level::Warn).is_never());
    assert_eq!(forward.max_level_hint(), Some(tracing_core::LevelFilter::OFF));
    assert_eq!(kept.calls(), 0);
}

#[test]
fn spans_arrive_and_references_are_counted_here() {
    let kept = Kept::default();
    with_default(kept.forward(at(Level::Info)), || {
        let outer = info_span!("outer", id = 3, later = tracing::field::Empty);
        outer.record("later", "now");
        let guard = outer.enter();
        info!("inside");
        let inner = info_span!("inner");
        inner.in_scope(|| assert_eq!(Span::current().id(), inner.id()));
        assert_eq!(Span::current().id(), outer.id());
        info!(parent: &inner, "elsewhere");
        info!(parent: None, "nowhere");
        inner.follows_from(&outer);
        let copies = [inner.clone(), inner.clone()];
        drop(inner);
        drop(copies);
        drop(guard);
        assert!(Span::current().is_none());
        drop(outer);
    });
    assert_eq!(
        without_names(&kept.told()),
        [
            "1 is Info outer id=3",
            "1 has [\"now\"]",
            "> 1",
            "Info event message=inside",
            "2 is Info inner",
            "> 2",
            "< 2",
            "Info event under a span message=elsewhere",
            "Info event at root message=nowhere",
            "2 follows 1",
            "2 closed",
            "< 1",
            "1 closed",
        ]
    );
}

#[test]
fn a_span_entered_twice_stays_the_current_one() {
    let kept = Kept::default();
    with_default(kept.forward(at(Level::Info)), || {
        let (a, b) = (info_span!("a"), info_span!("b"));
        let first = a.enter();
        let second = b.enter();
        let again = a.enter();
        assert_eq!(Span::current().id(), b.id(), "`a` was entered before `b`");
        drop(first);
        assert_eq!(Span::current().id(), b.id());
        drop(second);
        drop(again);
        assert!(Span::current().is_none());
    });
}

#[test]
fn a_value_that_panics_is_named_and_nothing_else_is_lost() {
    struct Bomb;
    impl fmt::Debug for Bomb {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half")?;
            panic!("bomb");
        }
    }
    let kept = Kept::default();
    let forward = kept.forward(at(Level::Info));
    with_default(forward.clone(), || {
        info!(a = 1, bomb = ?Bomb, b = "2", "text");
        let _span = info_span!("span", bomb = ?Bomb);
        info!("{Bomb:?}");
    });
    log_record(&forward, format_args!("{Bomb:?}"));
    let told = kept.told();
    assert_eq!(tail(&told[0]), format!("message=text a=1 bomb={PANICKED} b=`2`"));
    assert_eq!(told[1], format!("1 is Info span bomb={PANICKED}"));
    assert_eq!(tail(&told[2]), format!("message={PANICKED}"));
    assert_eq!(told.last().unwrap(), &format!("Info log record message={PANICKED}"));
}

#[test]
fn the_filter_changes_while_running() {
    let kept = Kept::default();
    let forward = kept.forward(at(Level::Info));
    with_default(forward.clone(), || {
        let log = || {
            debug!("debug");
            info!("info");
        };
        let change = |filter| {
            forward.set_filter(filter);
            callsite::rebuild_interest_cache();
            log();
            kept.take().len()
        };
        log();
        assert_eq!(kept.take().len(), 1);
        assert_eq!(change(at(Level::Debug)), 2);
        assert_eq!(change(LogFilter::default()), 0);
        assert_eq!(change(at(Level::Info)), 1);
    });
}

#[test]
fn a_host_that_takes_no_site_loses_the_logs_only() {
    let kept = Kept::refusing();
    with_default(kept.forward(at(Level::Info)), || {
        let span = info_span!("span", a = tracing::field::Empty);
        let copy = span.clone();
        span.in_scope(|| info!(parent: &copy, "text"));
        span.record("a", 1);
        span.follows_from(&copy);
    });
    assert!(kept.told().is_empty());
}

/// Sites register (under locks of `tracing`) while the filter changes and dispatchers come and go.
#[test]
fn threads_that_register_sites_do_not_block_a_change_of_the_filter() {
    let (done, finished) = mpsc::channel();
    std::thread::spawn(move || {
        let kept = Kept::default();
        let forward = kept.forward(at(Level::Trace));
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let forward = forward.clone();
                scope.spawn(move || {
                    for _ in 0..50 {
                        with_default(forward.clone(), || many_sites(thread));
                    }
                });
            }
            for round in 0..200 {
                forward.set_filter(at(if round % 2 == 0 { Level::Error } else { Level::Trace }));
                callsite::rebuild_interest_cache();
            }
        });
        assert!(kept.calls() > 0);
        done.send(()).unwrap();
    });
    finished.recv_timeout(Duration::from_secs(60)).expect("a deadlock, or a thread that panicked");
}

/// The one test that installs for the whole process.
#[test]
fn the_host_installs_once_and_may_call_again() {
    let kept = Kept::default();
    let broken = install(kept.boxed(), "no filter").unwrap_err();
    assert!(broken.message.contains("log filter") && !broken.causes.is_empty(), "{broken:?}");

    install(kept.boxed(), &at(Level::Info).to_json()).unwrap();
    let logged = || {
        log::debug!(target: "installed", "a debug record");
        log::info!(target: "installed", "an info record");
        let told = kept.take();
        told.iter().filter(|told| told.contains("log record")).count()
    };
    assert_eq!(logged(), 1);
    assert_eq!(log::max_level(), log::LevelFilter::Info);

    let second = Kept::default();
    install(second.boxed(), &at(Level::Debug).to_json()).unwrap();
    assert_eq!(logged(), 2);
    assert_eq!(second.calls(), 0, "the first sink stays");

    set_filter(&LogFilter::default().to_json());
    assert_eq!(logged(), 0);
    set_filter("no filter");
    assert_eq!(logged(), 0);
    set_filter(&at(Level::Info).to_json());
    assert_eq!(logged(), 1);

    let own = tracing::subscriber::set_global_default(at_trace()).unwrap_err();
    assert!(explain(&format!("failed to set global default subscriber: {own:?}")).is_some());
    assert!(explain(&own.to_string()).is_some());
    let own = log::set_logger(&Silent).unwrap_err();
    assert!(explain(&own.to_string()).is_some());
    assert!(explain("index out of bounds").is_none());
}

struct Silent;
impl log::Log for Silent {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        false
    }
    fn log(&self, _: &log::Record<'_>) {}
    fn flush(&self) {}
}

/// Counts how often it is formatted.
struct Counting<'a>(&'a AtomicUsize);
impl fmt::Debug for Counting<'_> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fn at_trace() -> Forward {
    Kept::default().forward(at(Level::Trace))
}

fn site_at(level: Level) -> &'static tracing_core::Metadata<'static> {
    let span = if level == Level::Warn { tracing::warn_span!("site") } else { info_span!("site") };
    span.metadata().expect("enabled at trace")
}

fn fmt_chain(source: std::io::Error) -> impl std::error::Error + 'static {
    #[derive(Debug)]
    struct Top(std::io::Error);
    impl fmt::Display for Top {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("top")
        }
    }
    impl std::error::Error for Top {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    Top(source)
}

/// A few sites for each thread, and some that all share.
fn many_sites(thread: usize) {
    macro_rules! sites {
        ($($n:literal)*) => {
            match thread {
                $($n => {
                    trace!(n = $n);
                    debug!(n = $n);
                    let span = debug_span!("span", n = $n);
                    span.in_scope(|| error!(n = $n));
                })*
                _ => {}
            }
        };
    }
    sites!(0 1 2 3);
    trace!("shared");
    error_span!("shared").in_scope(|| warn!("shared"));
}
