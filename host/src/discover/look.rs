//! Looks at the files of libraries: who each is, and what its bytes say.
//!
//! Opens files and reads them; loads none. What was found is judged elsewhere.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

use lifespan_abi::Descriptor;

use crate::discover::cache::{Content, Reading};
use crate::discover::refusal::RefusalReason;
use crate::discover::stamp::{Folder, Seen, Stamp};
use crate::discover::{Identity, descriptor, platform, section};
use crate::files;
use crate::trust::{Approval, Distrust, Ownership};

/// What a look at a file showed.
pub(super) struct Look {
    /// Which file it is.
    pub(super) identity: Identity,
    /// What its bytes say: its descriptor, not judged.
    pub(super) descriptor: Result<Descriptor, RefusalReason>,
    /// What there is to be remembered of that.
    pub(super) reading: Reading,
    /// Whether it is trusted, and by what.
    pub(super) approval: Result<Option<Approval>, Distrust>,
}

/// A file that may be opened.
pub(crate) struct Identified {
    /// Which file it is.
    pub(super) identity: Identity,
    /// By what it is known to be as it was.
    pub(super) stamp: Stamp,
    /// Whose what stands in the folder is, which may be a link.
    pub(crate) ownership: Ownership,
}

/// Looks at a file by its folder and name, which make its path. Something may be `known` of it if it
/// has still that stamp. Whoever says whether it is `trusted` is asked.
pub(super) fn look(
    folder: &Folder<'_>,
    name: &OsStr,
    path: &Path,
    known: impl FnOnce(&Stamp) -> Content,
    trusted: impl FnOnce(&Identified) -> Result<Option<Approval>, Distrust>,
) -> Result<Look, RefusalReason> {
    let identified = identify_in(folder, name, path)?;
    let approval = trusted(&identified);
    let Identified { identity, stamp, .. } = identified;
    let (descriptor, reading) = match known(&stamp) {
        Content::Descriptor(descriptor) => (Ok(descriptor), Reading::AsBefore),
        Content::Text(text) => (descriptor::parse_text(&text), Reading::AsBefore),
        Content::NoDescriptor => (Err(RefusalReason::NoDescriptor), Reading::AsBefore),
        Content::Unknown => match read(path) {
            Ok((stamp, text)) => {
                let descriptor = descriptor::parse_text(&text);
                // Why it cannot be parsed may depend on more than the text, and is found each time.
                let content = match &descriptor {
                    Ok(descriptor) => Content::Descriptor(descriptor.clone()),
                    Err(_) => Content::Text(text),
                };
                (descriptor, Reading::New(Box::new((stamp, content))))
            }
            // The stamp is from before the file was read here too.
            Err(reason @ RefusalReason::NoDescriptor) => {
                (Err(reason), Reading::New(Box::new((stamp, Content::NoDescriptor))))
            }
            Err(reason) => (Err(reason), Reading::Nothing),
        },
    };
    Ok(Look { identity, descriptor, reading, approval })
}

/// Which file this is, if it is one that may be opened: opening a pipe would wait for its writer.
pub(super) fn identify_in(
    folder: &Folder<'_>,
    name: &OsStr,
    path: &Path,
) -> Result<Identified, RefusalReason> {
    let Seen { stamp, is_file, ownership } =
        folder.look_at(name).map_err(RefusalReason::Unreadable)?;
    if !is_file {
        return Err(RefusalReason::NotAFile);
    }
    let identity = Identity::of(path, &stamp).map_err(RefusalReason::Unreadable)?;
    Ok(Identified { identity, stamp, ownership })
}

/// As [`identify_in`], of one file.
#[cfg(feature = "cli")]
pub(crate) fn identify(path: &Path) -> Result<Identified, RefusalReason> {
    let folder = Folder::new(path.parent().unwrap_or(path));
    identify_in(&folder, path.file_name().unwrap_or_default(), path)
}

/// The descriptor in an open file.
pub(crate) fn read_open(file: File) -> Result<Descriptor, RefusalReason> {
    let section = section::read(file, &platform::Platform::host())?;
    descriptor::parse_text(&descriptor::text(&section)?)
}

impl Identified {
    /// How many bytes the file has.
    pub(crate) fn size(&self) -> u64 {
        self.stamp.size
    }
}

/// The text of the descriptor in a file, and the file's stamp from before it was read.
fn read(file: &Path) -> Result<(Stamp, String), RefusalReason> {
    let file = files::open(file).map_err(RefusalReason::Unreadable)?;
    let stamp = Stamp::of(&file.metadata().map_err(RefusalReason::Unreadable)?);
    let section = section::read(file, &platform::Platform::host())?;
    Ok((stamp, descriptor::text(&section)?))
}
