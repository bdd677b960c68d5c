//! A sink that keeps what crosses, for the tests of this module.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::forward::Forward;
use crate::abi::abi_stable::sabi_trait::TD_Opaque;
use crate::abi::abi_stable::std_types::{RSlice, RStr};
use crate::abi::log::Level;
use crate::abi::{
    Callsite, FieldKind, FieldValue, LogFilter, LogSink, LogSinkBox, Parent, ParentKind,
};

/// Keeps what crosses, in words, and counts the calls.
#[derive(Clone, Default)]
pub(super) struct Kept(Arc<KeptState>);

#[derive(Default)]
pub(super) struct KeptState {
    calls: AtomicUsize,
    sites: Mutex<Vec<Callsite>>,
    numbers: Mutex<HashMap<String, u64>>,
    told: Mutex<Vec<String>>,
    spans: AtomicUsize,
    /// Answers every call site with 0, as a host does that cannot take it.
    refuses: bool,
}

impl Kept {
    /// A sink that takes no call site.
    pub(super) fn refusing() -> Self {
        Kept(Arc::new(KeptState { refuses: true, ..KeptState::default() }))
    }

    pub(super) fn boxed(&self) -> LogSinkBox {
        LogSinkBox::from_value(self.clone(), TD_Opaque)
    }

    pub(super) fn forward(&self, filter: LogFilter) -> Forward {
        Forward::new(self.boxed(), filter)
    }

    pub(super) fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    pub(super) fn told(&self) -> Vec<String> {
        self.0.told.lock().unwrap().clone()
    }

    /// What was told since the last call.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.told.lock().unwrap())
    }

    pub(super) fn sites(&self) -> Vec<Callsite> {
        self.0.sites.lock().unwrap().clone()
    }

    fn tell(&self, what: String) {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        self.0.told.lock().unwrap().push(what);
    }

    fn words(&self, site: u64, parent: Parent, values: RSlice<'_, FieldValue<'_>>) -> String {
        let site = self.0.sites.lock().unwrap()[site as usize - 1].clone();
        let parent = match parent.kind {
            ParentKind::CURRENT => "",
            ParentKind::ROOT => " at root",
            _ => " under a span",
        };
        format!("{:?} {}{parent}{}", site.level, site.name, fields(&site, values))
    }
}

pub(super) fn fields(site: &Callsite, values: RSlice<'_, FieldValue<'_>>) -> String {
    let shown = values.iter().map(|value| {
        let wide = u128::from(value.high) << 64 | u128::from(value.low);
        let shown = match value.kind {
            FieldKind::I64 => (value.low as i64).to_string(),
            FieldKind::U64 => value.low.to_string(),
            FieldKind::I128 => format!("{}w", wide as i128),
            FieldKind::U128 => format!("{wide}w"),
            FieldKind::F64 => format!("{:?}", f64::from_bits(value.low)),
            FieldKind::BOOL => (value.low == 1).to_string(),
            FieldKind::STR => format!("`{}`", value.text),
            _ => value.text.to_string(),
        };
        format!(" {}={shown}", site.fields[value.field as usize])
    });
    shown.collect()
}

impl LogSink for Kept {
    fn callsite(&self, callsite: RStr<'_>) -> u64 {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        if self.0.refuses {
            return 0;
        }
        let mut numbers = self.0.numbers.lock().unwrap();
        *numbers.entry(callsite.to_string()).or_insert_with(|| {
            let mut sites = self.0.sites.lock().unwrap();
            sites.push(Callsite::from_json(callsite.as_str()).unwrap());
            sites.len() as u64
        })
    }
    fn event(&self, callsite: u64, parent: Parent, values: RSlice<'_, FieldValue<'_>>) {
        self.tell(self.words(callsite, parent, values));
    }
    fn new_span(&self, callsite: u64, parent: Parent, values: RSlice<'_, FieldValue<'_>>) -> u64 {
        let span = self.0.spans.fetch_add(1, Ordering::SeqCst) as u64 + 1;
        self.tell(format!("{span} is {}", self.words(callsite, parent, values)));
        span
    }
    fn record(&self, span: u64, values: RSlice<'_, FieldValue<'_>>) {
        let texts: Vec<_> = values.iter().map(|value| value.text.as_str()).collect();
        self.tell(format!("{span} has {texts:?}"));
    }
    fn follows_from(&self, span: u64, cause: u64) {
        self.tell(format!("{span} follows {cause}"));
    }
    fn enter(&self, span: u64) {
        self.tell(format!("> {span}"));
    }
    fn exit(&self, span: u64) {
        self.tell(format!("< {span}"));
    }
    fn close_span(&self, span: u64) {
        self.tell(format!("{span} closed"));
    }
}

pub(super) fn at(level: Level) -> LogFilter {
    LogFilter::at(Some(level))
}

/// Logs a record of the `log` crate.
pub(super) fn log_record(forward: &Forward, args: fmt::Arguments<'_>) {
    let mut record = log::Record::builder();
    log::Log::log(forward, &record.level(log::Level::Info).args(args).build());
}

/// What is told of an event behind its level and name, which says its line.
pub(super) fn tail(told: &str) -> &str {
    told.split_once("tests.rs:")
        .map_or(told, |(_, rest)| rest.split_once(' ').map_or("", |it| it.1))
}

/// Events without the line in their name.
pub(super) fn without_names(told: &[String]) -> Vec<String> {
    let without = |told: &String| match told.split_once(" event ") {
        Some((level, _)) => format!("{level} event {}", tail(told)),
        None => told.clone(),
    };
    told.iter().map(without).collect()
}
