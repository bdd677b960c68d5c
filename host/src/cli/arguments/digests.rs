//! The digests of libraries, kept in files by the libraries' paths and stamps: reading a large library
//! anew takes longer than a shell may wait for an answer.
//!
//! For what is shown only. What is loaded is hashed where it is loaded, each time.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::MOST_LIBRARIES;
use crate::discover::{Stamp, keep, now};
use crate::files;
use crate::trust::Digest;

/// The most bytes of a record.
const MOST: u64 = 1 << 12;

/// The digest of a file as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Digested {
    pub(super) stamp: Stamp,
    pub(super) digest: Digest,
}

/// The digest of a file; kept, and taken from there, where there is a folder for it.
pub(super) fn digested(cache_dir: Option<&Path>, file: &Path) -> io::Result<Digested> {
    let kept = cache_dir.map(|dir| dir.join("digests").join(format!("{}.json", name(file))));
    let stamp = Stamp::of(&fs::metadata(file)?);
    let known = kept.as_ref().and_then(|kept| {
        let known: Digested = serde_json::from_slice(&files::read(kept, MOST).ok()?).ok()?;
        (known.stamp == stamp).then_some(known)
    });
    if let Some(known) = known {
        return Ok(known);
    }
    let started = now();
    let (digest, _) = Digest::of(files::open(file)?)?;
    let digested = Digested { stamp, digest };
    // One that may still change without a trace, or that has changed, is read again the next time.
    let holds = stamp.is_settled(started) && Stamp::of(&fs::metadata(file)?) == stamp;
    if let Some(kept) = kept.filter(|_| holds) {
        record(&kept, &digested);
    }
    Ok(digested)
}

/// What the record of a file is called.
fn name(file: &Path) -> String {
    let path = file.as_os_str().as_encoded_bytes();
    // Memory can always be read.
    Digest::of(path).map_or_else(|_| String::new(), |(digest, _)| digest.to_string())
}

fn record(kept: &Path, digested: &Digested) {
    keep(kept, MOST_LIBRARIES, serde_json::to_vec(digested).map_err(io::Error::from));
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_digest_holds_as_long_as_the_file_is_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("lib.so");
        let cache = dir.path().join("cache");
        fs::write(&file, "one").unwrap();
        let of = |text: &str| Digest::of(text.as_bytes()).unwrap().0;
        assert_eq!(digested(None, &file).unwrap().digest, of("one"));
        // Just written: another text of the same size would leave no trace.
        assert_eq!(digested(Some(&cache), &file).unwrap().digest, of("one"));
        assert!(!cache.exists());
        let as_if = |digest: Digest| {
            let digested = Digested { stamp: Stamp::of(&fs::metadata(&file).unwrap()), digest };
            record(&cache.join("digests").join(format!("{}.json", name(&file))), &digested);
        };
        as_if(of("known"));
        assert_eq!(digested(Some(&cache), &file).unwrap().digest, of("known"));
        fs::write(&file, "three").unwrap();
        assert_eq!(digested(Some(&cache), &file).unwrap().digest, of("three"));
        as_if(of("known"));
        let before = SystemTime::now() - Duration::from_secs(60);
        fs::File::options().write(true).open(&file).unwrap().set_modified(before).unwrap();
        assert_eq!(digested(Some(&cache), &file).unwrap().digest, of("three"));
        assert!(digested(Some(&cache), &dir.path().join("missing")).is_err());
    }
}
