//! Call sites of plugins as call sites of the host's `tracing`.
//!
//! `tracing` wants them to live for good, so each is leaked, once: libraries, and generations of one
//! library, that describe the same site share it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Once, OnceLock, PoisonError, RwLock};

use tracing_core::callsite::{self, Callsite, Identifier};
use tracing_core::field::FieldSet;
use tracing_core::metadata::Kind;
use tracing_core::subscriber::Interest;
use tracing_core::{Dispatch, Level, Metadata};

use lifespan_abi as abi;

/// A leaked call site.
pub(super) struct Site {
    /// Set as soon as the site is made: what it holds refers to the site.
    metadata: OnceLock<Metadata<'static>>,
    /// Whether each subscriber wants all of it, so that none needs to be asked again.
    always: AtomicBool,
    /// Registering calls subscribers, so it happens outside the lock of the table.
    registered: Once,
}

/// All sites of all libraries. A site is found by the text in which it crossed, or by its number:
/// its place, counted from 1.
#[derive(Default)]
struct Table {
    numbers: HashMap<String, u64>,
    sites: Vec<&'static Site>,
}

static TABLE: LazyLock<RwLock<Table>> = LazyLock::new(RwLock::default);

/// The number of the site that this text describes.
pub(super) fn intern(text: &str) -> Result<u64, serde_json::Error> {
    let number = known(text).map_or_else(|| add(text), Ok)?;
    if let Some(site) = get(number) {
        // A subscriber that panicked when it was told of the site is not told again.
        site.registered.call_once_force(|state| {
            if !state.is_poisoned() {
                callsite::register(site);
            }
        });
    }
    Ok(number)
}

/// The site of that number.
pub(super) fn get(number: u64) -> Option<&'static Site> {
    let place = usize::try_from(number).ok()?.checked_sub(1)?;
    TABLE.read().unwrap_or_else(PoisonError::into_inner).sites.get(place).copied()
}

impl Site {
    /// The site's metadata if `dispatch` wants what is logged there now.
    ///
    /// That nobody wants it is asked each time: a site may have been registered on a thread that had
    /// no subscriber, and what comes here has passed the plugin's filter already.
    pub(super) fn enabled(
        &'static self,
        dispatch: &Dispatch,
    ) -> Option<&'static Metadata<'static>> {
        let metadata = self.metadata.get()?;
        let enabled = self.always.load(Ordering::Relaxed) || dispatch.enabled(metadata);
        enabled.then_some(metadata)
    }
}

impl Callsite for Site {
    fn set_interest(&self, interest: Interest) {
        self.always.store(interest.is_always(), Ordering::Relaxed);
    }

    fn metadata(&self) -> &Metadata<'_> {
        self.metadata.get().expect("a site is only handed out with its metadata")
    }
}

fn known(text: &str) -> Option<u64> {
    TABLE.read().unwrap_or_else(PoisonError::into_inner).numbers.get(text).copied()
}

fn add(text: &str) -> Result<u64, serde_json::Error> {
    let described = abi::Callsite::from_json(text)?;
    let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    let Table { numbers, sites } = &mut *table;
    match numbers.entry(text.to_owned()) {
        Entry::Occupied(other) => Ok(*other.get()),
        Entry::Vacant(vacant) => {
            sites.push(leak(described));
            Ok(*vacant.insert(sites.len() as u64))
        }
    }
}

fn leak(described: abi::Callsite) -> &'static Site {
    let site: &'static Site = Box::leak(Box::new(Site {
        metadata: OnceLock::new(),
        always: AtomicBool::new(false),
        registered: Once::new(),
    }));
    let text = |text: String| -> &'static str { text.leak() };
    let fields: Vec<&'static str> = described.fields.into_iter().map(text).collect();
    let metadata = Metadata::new(
        text(described.name),
        text(described.target),
        level(described.level),
        described.file.map(text),
        described.line,
        described.module_path.map(text),
        FieldSet::new(fields.leak(), Identifier(site)),
        if described.is_span { Kind::SPAN } else { Kind::EVENT },
    );
    site.metadata.get_or_init(|| metadata);
    site
}

fn level(level: abi::log::Level) -> Level {
    match level {
        abi::log::Level::Error => Level::ERROR,
        abi::log::Level::Warn => Level::WARN,
        abi::log::Level::Info => Level::INFO,
        abi::log::Level::Debug => Level::DEBUG,
        abi::log::Level::Trace => Level::TRACE,
    }
}
