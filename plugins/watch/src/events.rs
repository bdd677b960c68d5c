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
use notify::{Config, Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::sight::{FileId, file_id};
use crate::target::Scope;

/// More paths than these are not written down: then everything is looked at.
const MANY: usize = 10_000;

/// Where changes do not end, they are taken together for so many times the debounce.
const AT_MOST: u32 = 10;

/// How often it is looked for a folder that is not there any more, and how soon it is tried again to
/// watch what cannot be watched.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// It is tried less and less often, but so often at least.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What to do where the system refuses.
const LIMITS: &str =
    "the system may have no watches left; on Linux `sysctl fs.inotify` shows how many it has";

/// Follows folders.
pub(crate) struct Watcher {
    system: RecommendedWatcher,
    news: Arc<News>,
    followed: BTreeMap<(PathBuf, bool), Followed>,
    missing: BTreeSet<PathBuf>,
    trouble: Option<Trouble>,
}

/// A folder that is watched.
struct Followed {
    file: FileId,
    /// Whether the system could do all of that.
    whole: bool,
}

/// Something that cannot be watched now.
struct Trouble {
    /// What has been told of it.
    told: BTreeSet<String>,
    pause: Duration,
    /// When it is tried again.
    next: Instant,
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
    /// Followed folders that went: their watches went with them, whatever is in their place now. A new
    /// one may well be the same to the system as the old.
    gone: BTreeSet<PathBuf>,
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
        let (followed, missing) = (BTreeMap::new(), BTreeSet::new());
        Ok(Watcher { system, news, followed, missing, trouble: None })
    }

    /// Follows the folders of `scope`, and no others. Says whether one, or where a link leads, is another
    /// than before, so that it is not known what has happened in it.
    ///
    /// # Errors
    ///
    /// One cannot be watched; the others are.
    pub(crate) fn follow(&mut self, scope: Scope) -> Result<bool> {
        let id = |path: &Path| fs::metadata(path).ok().map(|metadata| file_id(&metadata));
        let (wanted, missing) = (scope.apart(), scope.missing.clone());
        for folder in missing.difference(&self.missing) {
            warn!("the folder `{}` is gone: it is watched again once it is back", folder.display());
        }
        self.missing = missing;
        let (led_elsewhere, gone) = {
            let mut state = self.news.lock();
            let ends = scope.ends.clone();
            let before = mem::replace(&mut state.scope, scope);
            (before.ends != ends, mem::take(&mut state.gone))
        };
        let (system, before) = (&mut self.system, self.followed.len());
        self.followed.retain(|key, followed| {
            let same = wanted.contains(key)
                && id(&key.0) == Some(followed.file)
                // With one that goes, the watches below it end, too.
                && !gone.iter().any(|gone| key.0.starts_with(gone));
            if !same {
                // It fails where the folder is gone, and its watch with it.
                let _ = system.unwatch(&key.0);
            }
            same
        });
        let mut changed = led_elsewhere || self.followed.len() < before;
        let mut failure = None;
        let is_due = self.trouble.as_ref().is_none_or(Trouble::is_due);
        for key in wanted {
            if self.followed.get(&key).is_some_and(|followed| followed.whole || !is_due) {
                continue;
            }
            // One that goes just now is missing at the next look.
            let Some(file) = id(&key.0) else { continue };
            let mode = if key.1 { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            let watched = self.system.watch(&key.0, mode).map_err(anonymous);
            let whole = watched.is_ok();
            let watched = watched.with_context(|| format!("cannot watch `{}`", key.0.display()));
            // Some of what is below it may be watched nevertheless.
            self.followed.insert(key, Followed { file, whole });
            failure = failure.or(watched.hint(LIMITS).err());
            changed = true;
        }
        failure.map_or(Ok(changed), Err)
    }

    /// As [`follow`](Self::follow), later than in set-up: what fails then is told, and tried again.
    pub(crate) fn goes_on_following(&mut self, scope: Result<Scope>) -> bool {
        match scope.and_then(|scope| self.follow(scope)) {
            Ok(changed) => {
                let whole = self.followed.values().all(|followed| followed.whole);
                if whole && self.trouble.take().is_some() {
                    info!("all is watched again");
                }
                changed
            }
            Err(error) => {
                self.trouble(format!("{error:#}"));
                true
            }
        }
    }

    /// What was touched, once nothing more has been for the time of `debounce`.
    pub(crate) async fn settled(&mut self, ctx: &Context, debounce: Duration) -> Touched {
        let told = &self.news.told;
        let absent = (!self.missing.is_empty()).then(|| Instant::now() + LOOK_AGAIN);
        let troubled = self.trouble.as_ref().map(|trouble| trouble.next);
        let again = absent.into_iter().chain(troubled).min();
        if let Some(again) = again {
            let limit = again.saturating_duration_since(Instant::now());
            if ctx.timeout(limit, told.notified()).await.is_err() {
                return Touched::default();
            }
        } else {
            told.notified().await;
        }
        let quiet = async { while ctx.timeout(debounce, told.notified()).await.is_ok() {} };
        // Not to be quiet is no failure.
        let _ = ctx.timeout(debounce.saturating_mul(AT_MOST), quiet).await;
        // It answers after it has begun to watch the new folders of which it has told: what comes into
        // them later than the look is told, too.
        let _ = self.system.configure(Config::default());
        let (touched, failure) = {
            let mut state = self.news.lock();
            (mem::take(&mut state.touched), state.failure.take())
        };
        if let Some(failure) = failure {
            let failure = anonymous(failure);
            self.trouble(format!("something may be missed, and is looked for: {failure}"));
            // A new folder below them may not be watched.
            self.followed.iter_mut().for_each(|(key, followed)| followed.whole &= !key.1);
        }
        touched
    }

    /// Says that there is something to look at.
    #[cfg(test)]
    pub(crate) fn tell(&self) {
        self.news.told.notify_one();
    }

    /// Notes that something cannot be watched, and says so once.
    fn trouble(&mut self, why: String) {
        let trouble = self.trouble.get_or_insert_with(|| Trouble {
            told: BTreeSet::new(),
            pause: Duration::ZERO,
            next: Instant::now(),
        });
        if trouble.is_due() {
            trouble.pause = (trouble.pause * 2).clamp(LOOK_AGAIN, LONGEST_PAUSE);
            trouble.next = Instant::now() + trouble.pause;
        }
        if !trouble.told.contains(&why) {
            warn!("{why}; it is tried again until it can be watched");
            trouble.told.insert(why);
        }
    }
}

impl Trouble {
    fn is_due(&self) -> bool {
        Instant::now() >= self.next
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
                let State { scope, touched, gone, .. } = &mut *state;
                if let EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) = event.kind {
                    gone.extend(event.paths.iter().filter(|path| scope.follows(path)).cloned());
                }
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

/// The failure without the paths, of which there are many for one cause.
fn anonymous(mut failure: notify::Error) -> notify::Error {
    failure.paths.clear();
    failure
}
