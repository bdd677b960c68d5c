//! Signatures of libraries, as `minisign` makes them: `libecho.so.minisig` beside `libecho.so`.
//!
//! A signature says who made a library, not that it is wanted here: that says the lock file. Only
//! signatures of the library's hash are taken, which `minisign` makes since 0.10 or with `-H`.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use minisign_verify::{Error as MinisignError, Signature};
use thiserror::Error;

use crate::files;
use crate::trust::distrust::Distrust;
use crate::trust::seal::Sealed;

/// The largest file of a signature or key, in bytes.
pub(crate) const MAX_SIZE: u64 = 1 << 16;

/// A public key that signs libraries: the text of a `minisign.pub`, or its second line alone.
#[derive(Clone)]
pub struct PublicKey(minisign_verify::PublicKey);

/// A text that is no public key.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("it is not a public key of minisign")]
pub struct KeyError;

/// Judges the signature beside `library` over its sealed bytes; what the signer says in it.
pub(crate) fn verify(
    library: &Path,
    sealed: &Sealed,
    keys: &[PublicKey],
) -> Result<String, Distrust> {
    let path = signature_of(library);
    let text = match files::read(&path, MAX_SIZE).and_then(files::text) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Distrust::Unsigned { signature: path });
        }
        Err(error) => return Err(Distrust::Unreadable { path, error: error.to_string() }),
    };
    let bad = |problem: &str| Distrust::BadSignature {
        signature: path.clone(),
        problem: problem.to_owned(),
    };
    let signature = Signature::decode(&text).map_err(|error| bad(told(&error)))?;
    let mut problem = MinisignError::UnexpectedKeyId;
    for key in keys {
        let judged = key.0.verify_stream(&signature).and_then(|mut verifier| {
            let mut reader = sealed.reader()?;
            let mut chunk = vec![0; 1 << 16];
            loop {
                match reader.read(&mut chunk)? {
                    0 => return verifier.finalize(),
                    count => verifier.update(&chunk[..count]),
                }
            }
        });
        match judged {
            Ok(()) => return Ok(signature.trusted_comment().to_owned()),
            // Another key's: what another one has to say of it is worth more.
            Err(MinisignError::UnexpectedKeyId) => {}
            Err(error) => problem = error,
        }
    }
    Err(bad(told(&problem)))
}

/// An error if there is no signature beside a library. Whether it is one of it is seen when its bytes are.
pub(crate) fn is_there(library: &Path) -> Result<(), Distrust> {
    let signature = signature_of(library);
    match signature.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Distrust::Unsigned { signature })
        }
        _ => Ok(()),
    }
}

/// Where the signature of a library is looked for.
pub(crate) fn signature_of(library: &Path) -> PathBuf {
    let mut name = library.file_name().unwrap_or_default().to_owned();
    name.push(".minisig");
    library.with_file_name(name)
}

fn told(error: &MinisignError) -> &'static str {
    match error {
        MinisignError::InvalidSignature => "it was not made for these bytes",
        MinisignError::UnexpectedKeyId => "it was made with another key",
        MinisignError::UnsupportedLegacyMode => {
            "it is of the old kind; sign with `minisign -H`, or a newer minisign"
        }
        MinisignError::IoError(_) => "the library cannot be read",
        _ => "it is not a signature of minisign",
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let key = match text.lines().nth(1) {
            Some(_) => minisign_verify::PublicKey::decode(text),
            None => minisign_verify::PublicKey::from_base64(text),
        };
        key.map(PublicKey).map_err(|_| KeyError)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").finish_non_exhaustive()
    }
}
