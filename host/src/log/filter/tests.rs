//! The filter alone, and against `EnvFilter`, whose syntax it is.

use tracing_core::callsite::Callsite;
use tracing_core::subscriber::Interest;
use tracing_core::{Dispatch, Level as Traced, Metadata, Subscriber};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Registry};

use lifespan_abi as abi;
use lifespan_abi::log::Level::{self, Debug, Error, Info, Trace, Warn};

use super::*;
use crate::log::sites::{get, intern};

fn levels(text: &str) -> (Option<Level>, Vec<(String, Option<Level>)>) {
    let filter = parse_filter(text).unwrap();
    let directives = filter.directives.into_iter().map(|it| (it.target, it.level)).collect();
    (filter.default, directives)
}

fn of(target: &str, level: Level) -> (String, Option<Level>) {
    (target.to_owned(), Some(level))
}

#[test]
fn what_needs_no_span_crosses_as_it_is() {
    assert_eq!(levels("info"), (Some(Info), vec![]));
    assert_eq!(levels("OFF"), (None, vec![]));
    assert_eq!(levels("4"), (Some(Debug), vec![]));
    assert_eq!(levels(""), (Some(Error), vec![]));
    assert_eq!(levels(" , "), (Some(Error), vec![]));
    assert_eq!(levels("a::b=debug"), (None, vec![of("a::b", Debug)]));
    assert_eq!(levels(" warn , a=info,"), (Some(Warn), vec![of("a", Info)]));
    assert_eq!(levels("a"), (None, vec![of("a", Trace)]), "a target alone is everything of it");
    assert_eq!(levels("a="), (None, vec![of("a", Trace)]));
    assert_eq!(levels("info,a=off").1, [("a".to_owned(), None)]);
    assert_eq!(levels("info,a=warn,debug,a=info"), (Some(Debug), vec![of("a", Info)]), "the last");
}

#[test]
fn what_needs_a_span_raises_what_it_may_let_pass() {
    assert_eq!(levels("[request]=debug"), (Some(Debug), vec![]));
    assert_eq!(levels("info,a=off,[request]=debug"), (Some(Debug), vec![of("a", Debug)]));
    assert_eq!(
        levels("trace,a[request]=warn"),
        (Some(Trace), vec![of("a", Trace)]),
        "nothing is lowered"
    );
    assert_eq!(
        levels("warn,a::b=info,a[request{id=3,user=bob}]=warn"),
        (Some(Warn), vec![of("a::b", Trace), of("a", Trace)]),
        "spans of any level may have the value, and `EnvFilter` opens them all"
    );
    assert_eq!(levels("info,[{id}]=debug"), (Some(Debug), vec![]));
    assert_eq!(levels("info,[request{id=[0-9]}]").0, Some(Trace));
    assert_eq!(levels("info,[request]=off"), (Some(Info), vec![]));
}

#[test]
fn a_mistake_names_its_directive_and_place() {
    let check = |text: &str, at, directive: &str, message: &str| {
        let error = parse_filter(text).unwrap_err();
        assert_eq!((error.at, error.directive.as_str()), (at, directive), "{text}");
        assert!(error.to_string().contains(message), "{text}: {error}");
    };
    check("info, a=inof", 6, "a=inof", "`inof` is not a level: off, error, warn");
    check("ü=x", 0, "ü=x", "`x` is not a level");
    check("a=info=debug", 0, "a=info=debug", "`info=debug` is not a level");
    check("=info", 0, "=info", "cannot begin with `=`");
    check("info,{a}=info", 5, "{a}=info", "cannot begin with `{`");
    check("warn,[span=info,a=debug", 5, "[span=info,a=debug", "brackets do not match");
    check("[span{a=1]=info", 0, "[span{a=1]=info", "brackets do not match");
    check("[a]b]=info", 0, "[a]b]=info", "brackets do not match");
    check("[a{}]=info", 0, "[a{}]=info", "a field has no name");
    check("[a{b,}]=info", 0, "[a{b,}]=info", "a field has no name");
    check("[span]info", 0, "[span]info", "followed by `=level`");
    check("[span]=7", 0, "[span]=7", "`7` is not a level");
}

/// What `EnvFilter` takes, this takes, and the other way round.
#[test]
fn the_syntax_is_that_of_env_filter() {
    for text in TEXTS {
        let ours = directives(text).is_ok();
        let theirs = EnvFilter::builder().parse(text);
        assert_eq!(ours, theirs.is_ok(), "`{text}`: {:?} {theirs:?}", directives(text));
    }
}

/// Whatever `EnvFilter` might let pass in some span, the filter that crosses does not stop.
#[test]
fn nothing_is_stopped_that_env_filter_might_let_pass() {
    for text in TEXTS {
        let Ok(theirs) =
            EnvFilter::builder().with_default_directive(Traced::ERROR.into()).parse(text)
        else {
            continue;
        };
        let ours = parse_filter(text).unwrap();
        let subscriber = Registry::default().with(theirs);
        let hint = subscriber.max_level_hint().unwrap();
        let dispatch = Dispatch::new(subscriber);
        for metadata in sites() {
            let interest: Interest = dispatch.register_callsite(metadata);
            let theirs = interest.is_always() || dispatch.enabled(metadata);
            // `tracing`'s macros ask for the most detailed level before anything else.
            let theirs = theirs && *metadata.level() <= hint;
            let ours = ours.level(metadata.target()).is_some_and(|most| {
                let level = match *metadata.level() {
                    Traced::ERROR => Level::Error,
                    Traced::WARN => Level::Warn,
                    Traced::INFO => Level::Info,
                    Traced::DEBUG => Level::Debug,
                    Traced::TRACE => Level::Trace,
                };
                level <= most
            });
            assert!(ours || !theirs, "`{text}` stops {metadata:?}");
            let is_static = directives(text).unwrap().iter().all(|directive| !directive.dynamic);
            assert!(!is_static || ours == theirs, "`{text}` lets pass {metadata:?}");
        }
    }
}

const TEXTS: &[&str] = &[
    "",
    "info",
    "off",
    "TRACE",
    "3",
    "9",
    "a",
    "a=",
    "a=warn",
    "a=off,info",
    "debug,a=off,a::b=trace",
    "a::b=info,a=debug,warn",
    "a=nonsense",
    "=info",
    "[span]",
    "[span]=info",
    "off,[span]=trace",
    "a[span]=trace",
    "a[span]=info,z=warn",
    "error,z[span]=debug",
    "[span{field=1}]=info",
    "a[{field}]=debug",
    "[{field=x}]=trace,off",
    "[span{field=[0-9]+}]=trace",
    "[span",
    "[span{field]=info",
    "[span{}]=info",
    "[span]info",
    "a]=info",
    "-a=info",
    "{a}=info",
];

/// Call sites to ask about.
fn sites() -> Vec<&'static Metadata<'static>> {
    let site = |target: &str, level, is_span| {
        let mut site = abi::Callsite::new("span", target, level, is_span);
        site.fields = vec!["field".to_owned()];
        let number = intern(&site.to_json()).unwrap();
        get(number).unwrap().metadata()
    };
    vec![
        site("a", Level::Info, false),
        site("a::x", Level::Debug, false),
        site("a::b", Level::Info, false),
        site("z", Level::Trace, false),
        site("a", Level::Debug, true),
        site("z", Level::Trace, true),
    ]
}
