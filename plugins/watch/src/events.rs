//! What the system says has happened, collected until it is quiet.
//!
//! The crate `notify` calls from a thread of its own, which does nothing here but write down paths.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lifespan_plugin_api::prelude::*;
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::sight::{FileId, file_id};
use crate::target::Scope;

/// More paths than these are not written down: then everything is looked at.
const MANY: usize = 10_000;

/// Where changes do not end, they are taken together for so many times the debounce.
const AT_MOST: u32 = 10;

/// How often it is looked for a folder that is not there any more.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What to do where the system refuses.
const LIMITS: &str =
    "the system may have no watches left; on Linux `sysctl fs.inotify` shows how many it has";

/// Follows folders.
pub(crate) struct Watcher {
    system: RecommendedWatcher,
    news: Arc<News>,
    followed: BTreeMap<(PathBuf, bool), FileId>,
    missing: BTreeSet<PathBuf>,
}

/// What is to be looked at.
#[derive(Default)]
pub(crate) struct Touched {
    /// All there is, since it is not known what has happened.
    pub(crate) everything: bool,
    /// Real paths, and whether they were surely written to.
    pub(crate) paths: BTreeMap<PathBuf, bool>,
}

#[derive(Default)]
struct News {
    state: Mutex<State>,
    told: Notify,
}

#[derive(Default)]
struct State {
    scope: Scope,
    touched: Touched,
    failure: Option<notify::Error>,
}

impl Watcher {
    /// # Errors
    ///
    /// The system has no more of them.
    pub(crate) fn new() -> Result<Watcher> {
        let news = Arc::<News>::default();
        let told = news.clone();
        let system = notify::recommended_watcher(move |event| told.take(event));
        let system = system.context("cannot watch files").hint(LIMITS)?;
        Ok(Watcher { system, news, followed: BTreeMap::new(), missing: BTreeSet::new() })
    }

    /// Follows the folders of `scope`, and no others. Says whether one is another than before, so that
    /// it is not known what has happened in it.
    ///
    /// # Errors
    ///
    /// One cannot be watched.
    pub(crate) fn follow(&mut self, scope: Scope) -> Result<bool> {
        let id = |path: &Path| fs::metadata(path).ok().map(|metadata| file_id(&metadata));
        let (wanted, missing) = (scope.folders.clone(), scope.missing.clone());
        for folder in missing.difference(&self.missing) {
            warn!("the folder `{}` is gone: it is watched again once it is back", folder.display());
        }
        self.missing = missing;
        self.news.lock().scope = scope;
        let (system, before) = (&mut self.system, self.followed.len());
        self.followed.retain(|key, file| {
            let same = wanted.contains(key) && id(&key.0) == Some(*file);
            if !same {
                // It fails where the folder is gone, and its watch with it.
                let _ = system.unwatch(&key.0);
            }
            same
        });
        let mut changed = self.followed.len() < before;
        for key in wanted {
            if self.followed.contains_key(&key) {
                continue;
            }
            // One that goes just now is missing at the next look.
            let Some(file) = id(&key.0) else { continue };
            let mode = if key.1 { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            let watched = self.system.watch(&key.0, mode);
            watched.with_context(|| format!("cannot watch `{}`", key.0.display())).hint(LIMITS)?;
            self.followed.insert(key, file);
            changed = true;
        }
        Ok(changed)
    }

    /// As [`follow`](Self::follow), later than in set-up: what fails then is told, and tried again.
    pub(crate) fn goes_on_following(&mut self, scope: Result<Scope>) -> bool {
        scope.and_then(|scope| self.follow(scope)).unwrap_or_else(|error| {
            warn!("{error:#}");
            true
        })
    }

    /// What was touched, once nothing more has been for the time of `debounce`.
    pub(crate) async fn settled(&self, ctx: &Context, debounce: Duration) -> Touched {
        let told = &self.news.told;
        if self.missing.is_empty() {
            told.notified().await;
        } else if ctx.timeout(LOOK_AGAIN, told.notified()).await.is_err() {
            return Touched::default();
        }
        let quiet = async { while ctx.timeout(debounce, told.notified()).await.is_ok() {} };
        // Not to be quiet is no failure.
        let _ = ctx.timeout(debounce * AT_MOST, quiet).await;
        let mut state = self.news.lock();
        if let Some(failure) = state.failure.take() {
            warn!("something may have been missed, and is looked for: {failure}");
        }
        mem::take(&mut state.touched)
    }
}

impl Touched {
    pub(crate) fn everything() -> Touched {
        Touched { everything: true, paths: BTreeMap::new() }
    }

    /// Whether the file at that path, links or not, was surely written to.
    pub(crate) fn is_written(&self, path: &Path) -> bool {
        let written = |path| self.paths.get(&path).copied();
        !self.paths.is_empty() && fs::canonicalize(path).ok().and_then(written).unwrap_or_default()
    }
}

impl News {
    /// Writes down what has happened. On the thread of `notify`.
    fn take(&self, event: notify::Result<Event>) {
        let mut state = self.lock();
        match event {
            Ok(event) if event.need_rescan() => state.touched.everything = true,
            Ok(event) => {
                let written = match event.kind {
                    // To read a file is no change; to close one that was written may show it.
                    EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
                    EventKind::Access(_) => return,
                    EventKind::Modify(kind) => matches!(kind, ModifyKind::Data(_)),
                    _ => false,
                };
                let State { scope, touched, .. } = &mut *state;
                let mut concerned = false;
                for path in event.paths.into_iter().filter(|path| scope.concerns(path)) {
                    concerned = true;
                    if touched.paths.len() < MANY {
                        *touched.paths.entry(path).or_default() |= written;
                    } else {
                        touched.everything = true;
                    }
                }
                if !concerned {
                    return;
                }
            }
            Err(error) => {
                state.touched.everything = true;
                state.failure = Some(error);
            }
        }
        drop(state);
        self.told.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in here leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
