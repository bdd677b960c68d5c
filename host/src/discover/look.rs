//! Looks at the files of libraries: who each is, and what its bytes say.
//!
//! Opens files and reads them; loads none. What was found is judged elsewhere.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

use lifespan_abi::Descriptor;

use crate::discover::cache::{Content, Reading};
use crate::discover::refusal::RefusalReason;
use crate::discover::stamp::{Folder, Stamp};
use crate::discover::{Identity, descriptor, platform, section};

/// What a look at a file showed.
pub(super) struct Look {
    /// Which file it is.
    pub(super) identity: Identity,
    /// What its bytes say.
    pub(super) contents: Result<Contents, RefusalReason>,
    /// What there is to be remembered of that.
    pub(super) reading: Reading,
}

/// The descriptor of a library, not judged.
pub(super) struct Contents {
    pub(super) text: String,
    pub(super) descriptor: Descriptor,
}

/// Looks at a file by its folder and name, which make its path. Something may be `known` of it if it
/// has still that stamp.
pub(super) fn look(
    folder: &Folder<'_>,
    name: &OsStr,
    path: &Path,
    known: impl FnOnce(&Stamp) -> Content,
) -> Result<Look, RefusalReason> {
    let (identity, stamp) = identify(folder, name, path)?;
    let (text, reading) = match known(&stamp) {
        Content::Descriptor(text) => (Ok(text), Reading::AsBefore),
        Content::NoDescriptor => (Err(RefusalReason::NoDescriptor), Reading::AsBefore),
        Content::Unknown => match read(path) {
            Ok((stamp, text)) => {
                let content = Content::Descriptor(text.clone());
                (Ok(text), Reading::New(Box::new((stamp, content))))
            }
            // The stamp is from before the file was read here too.
            Err(reason @ RefusalReason::NoDescriptor) => {
                (Err(reason), Reading::New(Box::new((stamp, Content::NoDescriptor))))
            }
            Err(reason) => (Err(reason), Reading::Nothing),
        },
    };
    Ok(Look { identity, contents: text.and_then(Contents::of), reading })
}

/// Which file this is, if it is one that may be opened: opening a pipe would wait for its writer.
pub(super) fn identify(
    folder: &Folder<'_>,
    name: &OsStr,
    path: &Path,
) -> Result<(Identity, Stamp), RefusalReason> {
    let (stamp, is_file) = folder.look_at(name).map_err(RefusalReason::Unreadable)?;
    if !is_file {
        return Err(RefusalReason::NotAFile);
    }
    Ok((Identity::of(path, &stamp).map_err(RefusalReason::Unreadable)?, stamp))
}

impl Contents {
    /// The descriptor of that text.
    pub(super) fn of(text: String) -> Result<Self, RefusalReason> {
        descriptor::parse_text(&text).map(|descriptor| Contents { text, descriptor })
    }
}

/// The text of the descriptor in a file, and the file's stamp from before it was read.
fn read(file: &Path) -> Result<(Stamp, String), RefusalReason> {
    let file = File::open(file).map_err(RefusalReason::Unreadable)?;
    let stamp = Stamp::of(&file.metadata().map_err(RefusalReason::Unreadable)?);
    let section = section::read(file, &platform::Platform::host())?;
    Ok((stamp, descriptor::text(&section)?))
}
