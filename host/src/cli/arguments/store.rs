//! The arguments of libraries as they were told, kept in files between runs.
//!
//! A file a library, by the digest of its bytes and the ABI. One that is damaged, or that another
//! version of the host wrote, is as none.

use std::io;
use std::path::{Path, PathBuf};

use lifespan_abi::ABI_VERSION;
use serde::{Deserialize, Serialize};

use super::{MOST_LIBRARIES, Told};
use crate::discover::keep;
use crate::files;
use crate::trust::Digest;

/// The most bytes of a file: more than a child is heard to tell.
const MOST: u64 = 32 << 20;

/// The files in which arguments are kept.
pub(super) struct Store {
    dir: PathBuf,
}

/// What is in a file.
#[derive(Deserialize, Serialize)]
struct Kept<T> {
    /// The version of the host that wrote it.
    host: String,
    told: T,
}

impl Store {
    /// A store below a folder, which need not be there.
    pub(super) fn new(cache_dir: &Path) -> Self {
        Store { dir: cache_dir.join("arguments") }
    }

    /// What the library of that digest told.
    pub(super) fn get(&self, digest: &Digest) -> Option<Told> {
        let kept: Kept<Told> =
            serde_json::from_slice(&files::read(&self.file(digest), MOST).ok()?).ok()?;
        (kept.host == env!("CARGO_PKG_VERSION")).then_some(kept.told)
    }

    /// Whether anything is kept of the library of that digest.
    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.file(digest).exists()
    }

    /// Keeps what the library of that digest told.
    pub(super) fn put(&self, digest: &Digest, told: &Told) {
        let kept = Kept { host: env!("CARGO_PKG_VERSION").to_owned(), told };
        let kept = serde_json::to_vec(&kept).map_err(io::Error::from);
        keep(&self.file(digest), MOST_LIBRARIES, kept);
    }

    fn file(&self, digest: &Digest) -> PathBuf {
        self.dir.join(format!("{digest}-{ABI_VERSION}.json"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::Answer;
    use super::*;

    #[test]
    fn what_was_told_is_known_by_its_digest_and_no_damage_is_taken_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let digest = |text: &str| Digest::of(text.as_bytes()).unwrap().0;
        let mut told = Told::default();
        told.plugins.insert("a".into(), Answer::Arguments(lifespan_abi::CommandSpec::default()));
        store.put(&digest("one"), &told);
        assert_eq!(store.get(&digest("one")), Some(told));
        assert_eq!(store.get(&digest("two")), None);
        let file = store.file(&digest("one"));
        let good = fs::read_to_string(&file).unwrap();
        for bad in ["", "{", &good[..good.len() / 2], &good.replace("\"host\":\"", "\"host\":\"9")]
        {
            fs::write(&file, bad).unwrap();
            assert_eq!(store.get(&digest("one")), None, "{bad}");
        }
    }
}
