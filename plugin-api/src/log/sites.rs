//! The host's numbers of this library's call sites.
//!
//! A site is told to the host when it first logs, not when `tracing` registers it, since `tracing`
//! holds locks then. No lock is held during that call: two threads may tell of one site at once,
//! and the host answers both with one number.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{PoisonError, RwLock};

use tracing_core::Metadata;
use tracing_core::callsite::Identifier;

use crate::abi::abi_stable::std_types::RStr;
use crate::abi::log::Level;
use crate::abi::{Callsite, LogSinkBox};

/// How many sites of `log` records are told apart. A target made at run time makes a site of its
/// own, and the host keeps sites for good.
const MOST_RECORD_SITES: usize = 4096;

/// The place of the text of a `log` record among its site's fields.
pub(super) const MESSAGE: u32 = 0;
/// The place of the target of a `log` record that is not told apart.
pub(super) const TARGET: u32 = 1;

/// The sites that the host has numbered.
#[derive(Default)]
pub(super) struct Sites {
    tracing: RwLock<HashMap<Identifier, u64>>,
    records: RwLock<Records>,
}

/// The sites of `log` records, by the hash of what they consist of, so that looking one up
/// allocates nothing.
#[derive(Default)]
struct Records {
    hasher: RandomState,
    sites: HashMap<u64, Vec<(Callsite, u64)>>,
    count: usize,
}

/// The number of the site of a `log` record.
pub(super) struct RecordSite {
    /// The host's number.
    pub(super) number: u64,
    /// Whether it is the site of its target, else one for all, which has a field for the target.
    pub(super) exact: bool,
}

impl Sites {
    /// The number of a call site of `tracing`, unless the host has none for it.
    pub(super) fn number(
        &self,
        metadata: &'static Metadata<'static>,
        sink: &LogSinkBox,
    ) -> Option<u64> {
        let site = metadata.callsite();
        let known = self.tracing.read().unwrap_or_else(PoisonError::into_inner).get(&site).copied();
        if known.is_some() {
            return known;
        }
        let number = tell(sink, &describe(metadata))?;
        self.tracing.write().unwrap_or_else(PoisonError::into_inner).insert(site, number);
        Some(number)
    }

    /// The number of the site of a `log` record, unless the host has none for it.
    pub(super) fn record(&self, record: &log::Record<'_>, sink: &LogSinkBox) -> Option<RecordSite> {
        let (hash, full) = {
            let records = self.records.read().unwrap_or_else(PoisonError::into_inner);
            let hash = records.hash(record);
            if let Some(number) = records.find(hash, record) {
                return Some(RecordSite { number, exact: true });
            }
            (hash, records.count >= MOST_RECORD_SITES)
        };
        if full {
            // The host knows these few by their content; they are told each time.
            let number = tell(sink, &shared_site(record.level()))?;
            return Some(RecordSite { number, exact: false });
        }
        let site = record_site(record);
        let number = tell(sink, &site)?;
        let mut records = self.records.write().unwrap_or_else(PoisonError::into_inner);
        if records.find(hash, record).is_none() {
            records.sites.entry(hash).or_default().push((site, number));
            records.count += 1;
        }
        Some(RecordSite { number, exact: true })
    }
}

impl Records {
    fn hash(&self, record: &log::Record<'_>) -> u64 {
        self.hasher.hash_one((
            record.level(),
            record.target(),
            record.module_path(),
            record.file(),
            record.line(),
        ))
    }

    fn find(&self, hash: u64, record: &log::Record<'_>) -> Option<u64> {
        let same = |site: &Callsite| {
            site.level == record_level(record.level())
                && site.target == record.target()
                && site.module_path.as_deref() == record.module_path()
                && site.file.as_deref() == record.file()
                && site.line == record.line()
        };
        self.sites.get(&hash)?.iter().find(|(site, _)| same(site)).map(|(_, number)| *number)
    }
}

/// The level of a call site of `tracing`.
pub(super) fn level(level: tracing_core::Level) -> Level {
    match level {
        tracing_core::Level::ERROR => Level::Error,
        tracing_core::Level::WARN => Level::Warn,
        tracing_core::Level::INFO => Level::Info,
        tracing_core::Level::DEBUG => Level::Debug,
        tracing_core::Level::TRACE => Level::Trace,
    }
}

/// The level of a `log` record.
pub(super) fn record_level(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::Error,
        log::Level::Warn => Level::Warn,
        log::Level::Info => Level::Info,
        log::Level::Debug => Level::Debug,
        log::Level::Trace => Level::Trace,
    }
}

/// The host's answer to a site; 0 is none.
fn tell(sink: &LogSinkBox, site: &Callsite) -> Option<u64> {
    let number = sink.callsite(RStr::from_str(&site.to_json()));
    (number != 0).then_some(number)
}

fn describe(metadata: &Metadata<'_>) -> Callsite {
    let level = level(*metadata.level());
    let mut site = Callsite::new(metadata.name(), metadata.target(), level, metadata.is_span());
    site.module_path = metadata.module_path().map(str::to_owned);
    site.file = metadata.file().map(str::to_owned);
    site.line = metadata.line();
    site.fields = metadata.fields().iter().map(|field| field.name().to_owned()).collect();
    site
}

fn record_site(record: &log::Record<'_>) -> Callsite {
    let level = record_level(record.level());
    let mut site = Callsite::new("log record", record.target(), level, false);
    site.module_path = record.module_path().map(str::to_owned);
    site.file = record.file().map(str::to_owned);
    site.line = record.line();
    site.fields = vec!["message".to_owned()];
    site
}

fn shared_site(level: log::Level) -> Callsite {
    let mut site = Callsite::new("log record", "log", record_level(level), false);
    site.fields = vec!["message".to_owned(), "log.target".to_owned()];
    site
}
