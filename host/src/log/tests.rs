//! The sink with hand-made call sites and values, before a subscriber that keeps what it sees.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::subscriber::with_default;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Registry};

use lifespan_abi::log::Level;
use lifespan_abi::{Callsite, FieldKind};

use super::*;

/// Keeps what it sees, in words: `level target[spans] fields`.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn subscriber(&self) -> impl Subscriber + Send + Sync {
        Registry::default().with(self.clone())
    }
}

#[derive(Default)]
struct Words(String);
impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
    fn record_u128(&mut self, field: &Field, value: u128) {
        write!(self.0, " {field}={value}w").unwrap();
    }
    fn record_i128(&mut self, field: &Field, value: i128) {
        write!(self.0, " {field}={value}w").unwrap();
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut words = Words::default();
        attributes.record(&mut words);
        context.span(id).unwrap().extensions_mut().insert(words);
    }
    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let mut extensions = span.extensions_mut();
        values.record(extensions.get_mut::<Words>().unwrap());
    }
    fn on_follows_from(&self, span: &Id, follows: &Id, context: Context<'_, S>) {
        let name = |id| context.span(id).unwrap().name();
        self.0.lock().unwrap().push(format!("{} follows {}", name(span), name(follows)));
    }
    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.0.lock().unwrap().push(format!("{} closed", context.span(&id).unwrap().name()));
    }
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut words = Words::default();
        event.record(&mut words);
        let spans: Vec<_> = context.event_scope(event).map_or(vec![], |scope| {
            let name = |span: tracing_subscriber::registry::SpanRef<'_, S>| {
                format!("{}{}", span.name(), span.extensions().get::<Words>().unwrap().0)
            };
            scope.from_root().map(name).collect()
        });
        let metadata = event.metadata();
        let seen =
            format!("{} {}[{}]{}", metadata.level(), metadata.target(), spans.join(":"), words.0);
        self.0.lock().unwrap().push(seen);
    }
}

fn described(name: &str, level: Level, is_span: bool, fields: &[&str]) -> Callsite {
    let mut site = Callsite::new(name, "plugin::part", level, is_span);
    site.module_path = Some("plugin::part".to_owned());
    site.file = Some("part.rs".to_owned());
    site.line = Some(7);
    site.fields = fields.iter().map(|&field| field.to_owned()).collect();
    site
}

fn register(sink: &LogSinkBox, site: &Callsite) -> u64 {
    sink.callsite(RStr::from_str(&site.to_json()))
}

/// An event of that level with one field `message`.
fn event_site(sink: &LogSinkBox, level: Level) -> u64 {
    register(sink, &described("event", level, false, &["message"]))
}

fn span_site(sink: &LogSinkBox, name: &str) -> u64 {
    register(sink, &described(name, Level::Info, true, &["id"]))
}

fn value(field: u32, kind: FieldKind, low: u64, text: &str) -> FieldValue<'_> {
    FieldValue { field, kind, low, high: 0, text: RStr::from_str(text) }
}

fn say(sink: &LogSinkBox, site: u64, parent: Parent, text: &str) {
    let values = [value(0, FieldKind::DEBUG, 0, text)];
    sink.event(site, parent, RSlice::from_slice(&values));
}

fn open(sink: &LogSinkBox, site: u64, parent: Parent, id: u64) -> u64 {
    let span = sink.new_span(site, parent, RSlice::from_slice(&[value(0, FieldKind::U64, id, "")]));
    assert_ne!(span, 0);
    span
}

#[test]
fn values_keep_their_kind() {
    let seen = Seen::default();
    with_default(seen.subscriber(), || {
        let sink = sink("lib");
        let names = ["message", "a", "b", "c", "d", "e", "f", "g", "missing"];
        let site = register(&sink, &described("event", Level::Warn, false, &names));
        let half = |field, kind, value: u128| FieldValue {
            field,
            kind,
            low: value as u64,
            high: (value >> 64) as u64,
            text: RStr::from_str(""),
        };
        let values = [
            value(1, FieldKind::I64, (-1_i64).cast_unsigned(), ""),
            value(2, FieldKind::U64, u64::MAX, ""),
            half(3, FieldKind::I128, (-2_i128).cast_unsigned()),
            half(4, FieldKind::U128, 1 << 70),
            value(5, FieldKind::F64, 1.5_f64.to_bits(), ""),
            value(6, FieldKind::BOOL, 1, ""),
            value(7, FieldKind::STR, 0, "a b"),
            value(0, FieldKind::DEBUG, 0, "a message"),
            value(9, FieldKind::STR, 0, "of no field"),
        ];
        sink.event(site, Parent::CURRENT, RSlice::from_slice(&values));
    });
    assert_eq!(
        seen.take(),
        [format!(
            "WARN plugin::part[] message=a message a=-1 b={} c=-2w d={}w e=1.5 f=true g=\"a b\"",
            u64::MAX,
            1_u128 << 70
        )]
    );
}

#[test]
fn any_number_of_fields_arrives() {
    let seen = Seen::default();
    with_default(seen.subscriber(), || {
        let sink = sink("lib");
        let names: Vec<String> = (0..100).map(|n| format!("f{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let site = register(&sink, &described("event", Level::Info, false, &names));
        let values: Vec<_> = (0..100).map(|n| value(n, FieldKind::U64, n.into(), "")).collect();
        sink.event(site, Parent::CURRENT, RSlice::from_slice(&values));
    });
    let told = seen.take().remove(0);
    assert!((0..100).all(|n| told.contains(&format!(" f{n}={n}"))), "{told}");
}

#[test]
fn one_site_has_one_number_in_every_library() {
    let (one, other) = (sink("one"), sink("other"));
    let number = event_site(&one, Level::Info);
    assert_ne!(number, 0);
    assert_eq!(event_site(&other, Level::Info), number);
    assert_ne!(event_site(&one, Level::Warn), number);
    assert_eq!(one.callsite(RStr::from_str("no site")), 0);

    let metadata: &Metadata<'_> =
        sites::get(number).unwrap().enabled(&Dispatch::new(Registry::default())).unwrap();
    assert_eq!((metadata.file(), metadata.line()), (Some("part.rs"), Some(7)));
    assert_eq!((metadata.name(), metadata.module_path()), ("event", Some("plugin::part")));
    assert!(metadata.is_event());
}

#[test]
fn what_a_plugin_logs_stands_under_its_instance() {
    let seen = Seen::default();
    with_default(seen.subscriber(), || {
        let sink = sink("lib");
        let (event, site) = (event_site(&sink, Level::Info), span_site(&sink, "request"));
        let instance = instance_span("echo@fast").entered();
        say(&sink, event, Parent::CURRENT, "in the instance");
        let span = open(&sink, site, Parent::CURRENT, 3);
        sink.enter(span);
        say(&sink, event, Parent::CURRENT, "in the span");
        say(&sink, event, Parent::ROOT, "nowhere");
        sink.exit(span);
        say(&sink, event, Parent::CURRENT, "behind the span");
        drop(instance);
        say(&sink, event, Parent::span(span), "of the span");
        sink.close_span(span);
    });
    assert_eq!(
        seen.take(),
        [
            "INFO plugin::part[instance name=\"echo@fast\"] message=in the instance",
            "INFO plugin::part[instance name=\"echo@fast\":request id=3] message=in the span",
            "INFO plugin::part[] message=nowhere",
            "INFO plugin::part[instance name=\"echo@fast\"] message=behind the span",
            "INFO plugin::part[instance name=\"echo@fast\":request id=3] message=of the span",
            "request closed",
            "instance closed",
        ]
    );
}

#[test]
fn spans_are_recorded_and_linked() {
    let seen = Seen::default();
    with_default(seen.subscriber(), || {
        let sink = sink("lib");
        let event = event_site(&sink, Level::Info);
        let outer = open(&sink, span_site(&sink, "outer"), Parent::ROOT, 1);
        let inner = open(&sink, span_site(&sink, "inner"), Parent::span(outer), 2);
        sink.record(inner, RSlice::from_slice(&[value(0, FieldKind::STR, 0, "new")]));
        sink.follows_from(inner, outer);
        say(&sink, event, Parent::span(inner), "text");
        assert_eq!(seen.take().len(), 2, "not closed yet");
        sink.close_span(inner);
        sink.close_span(outer);
        assert_eq!(seen.take(), ["inner closed", "outer closed"]);
        say(&sink, event, Parent::span(inner), "its span is closed");
        sink.enter(inner);
        sink.close_span(inner);
    });
    assert_eq!(seen.take(), ["INFO plugin::part[] message=its span is closed"]);
}

#[test]
fn the_hosts_own_filter_is_obeyed() {
    let seen = Seen::default();
    let filtered = seen.subscriber().with(EnvFilter::new("off,plugin[request{id=3}]=debug"));
    with_default(filtered, || {
        let sink = sink("lib");
        let event = event_site(&sink, Level::Debug);
        let site = span_site(&sink, "request");
        say(&sink, event, Parent::CURRENT, "not shown");
        for id in [2, 3] {
            let span = open(&sink, site, Parent::CURRENT, id);
            sink.enter(span);
            say(&sink, event, Parent::CURRENT, "in a span");
            sink.exit(span);
            sink.close_span(span);
        }
    });
    let events: Vec<_> = seen.take().into_iter().filter(|told| told.contains("message")).collect();
    assert_eq!(events, ["DEBUG plugin::part[request id=3] message=in a span"]);
}

#[test]
fn a_span_that_the_host_drops_is_as_if_absent() {
    let seen = Seen::default();
    with_default(seen.subscriber().with(LevelFilter::WARN), || {
        let sink = sink("lib");
        let event = event_site(&sink, Level::Warn);
        let instance = instance_span("echo").entered();
        let span = open(&sink, span_site(&sink, "request"), Parent::CURRENT, 1);
        sink.enter(span);
        say(&sink, event, Parent::CURRENT, "current");
        say(&sink, event, Parent::span(span), "explicit");
        sink.exit(span);
        sink.close_span(span);
        drop(instance);
    });
    assert_eq!(
        seen.take()[..2],
        [
            "WARN plugin::part[instance name=\"echo\"] message=current",
            "WARN plugin::part[instance name=\"echo\"] message=explicit",
        ]
    );
}

#[test]
fn a_span_stays_where_it_was_made_when_the_dispatcher_changes() {
    let (first, second) = (Seen::default(), Seen::default());
    let sink = sink("lib");
    let (event, site) = (event_site(&sink, Level::Info), span_site(&sink, "request"));
    let span = with_default(first.subscriber(), || open(&sink, site, Parent::CURRENT, 1));
    with_default(second.subscriber(), || {
        let other = open(&sink, site, Parent::CURRENT, 2);
        sink.enter(span);
        sink.record(span, RSlice::from_slice(&[value(0, FieldKind::U64, 9, "")]));
        say(&sink, event, Parent::CURRENT, "current");
        say(&sink, event, Parent::span(span), "explicit");
        let child = open(&sink, site, Parent::span(span), 3);
        sink.follows_from(other, other);
        sink.exit(span);
        sink.close_span(child);
        sink.close_span(span);
        sink.close_span(other);
    });
    assert_eq!(
        first.take(),
        [
            "INFO plugin::part[request id=1 id=9] message=explicit",
            "request closed",
            "request closed"
        ]
    );
    assert_eq!(
        second.take(),
        ["INFO plugin::part[] message=current", "request follows request", "request closed"]
    );
}

#[test]
fn a_subscriber_that_panics_does_not_panic_into_the_plugin() {
    struct Bomb;
    impl<S: Subscriber> Layer<S> for Bomb {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            assert_ne!(event.metadata().target(), "plugin::part", "no plugins here");
        }
        fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
            panic!("no spans here");
        }
    }
    let seen = Seen::default();
    with_default(seen.subscriber().with(Bomb), || {
        let sink = sink("lib");
        let event = event_site(&sink, Level::Info);
        say(&sink, event, Parent::CURRENT, "text");
        let site = span_site(&sink, "request");
        assert_eq!(sink.new_span(site, Parent::ROOT, RSlice::from_slice(&[])), 0);
        sink.event(u64::MAX, Parent::CURRENT, RSlice::from_slice(&[]));
        sink.event(0, Parent::CURRENT, RSlice::from_slice(&[]));
    });
    let told = seen.take().join("\n");
    assert!(told.contains("what=\"log event\"") && told.contains("no plugins here"), "{told}");
    assert!(told.contains("what=\"log span\"") && told.contains("no spans here"), "{told}");
    assert!(told.contains("unknown call site"), "{told}");
}
