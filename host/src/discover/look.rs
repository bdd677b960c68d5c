//! Looks at the files of libraries: who each is, and what its bytes say.
//!
//! Opens files and reads them; loads none. What was found is judged elsewhere.

use std::fs::{self, File, Metadata};
use std::path::Path;

use lifespan_abi::Descriptor;

use crate::discover::cache::{Content, Reading};
use crate::discover::refusal::RefusalReason;
use crate::discover::stamp::Stamp;
use crate::discover::{Identity, descriptor, platform, section};
use crate::trust::{Approval, Distrust};

/// What a look at a file showed.
pub(super) struct Look {
    /// Which file it is.
    pub(super) identity: Identity,
    /// What its bytes say.
    pub(super) contents: Result<Contents, RefusalReason>,
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
    /// Of what stands in the folder, which may be a link.
    pub(crate) itself: Metadata,
    /// The bytes of the file.
    pub(crate) size: u64,
}

/// The descriptor of a library, not judged.
pub(super) struct Contents {
    pub(super) text: String,
    pub(super) descriptor: Descriptor,
}

/// Looks at a file, of which something may be `known` if it has still that stamp, and asks whether it is
/// `trusted`.
pub(super) fn look(
    path: &Path,
    known: impl FnOnce(&Stamp) -> Content,
    trusted: impl FnOnce(&Identified) -> Result<Option<Approval>, Distrust>,
) -> Result<Look, RefusalReason> {
    let identified = identify(path)?;
    let approval = trusted(&identified);
    let Identified { identity, stamp, .. } = identified;
    let (text, reading) = match known(&stamp) {
        Content::Descriptor(text) => (Ok(text), Reading::AsBefore(stamp)),
        Content::NoDescriptor => (Err(RefusalReason::NoDescriptor), Reading::AsBefore(stamp)),
        Content::Unknown => match read(path) {
            Ok((stamp, text)) => {
                let content = Content::Descriptor(text.clone());
                (Ok(text), Reading::New(stamp, content))
            }
            // The stamp is from before the file was read here too.
            Err(reason @ RefusalReason::NoDescriptor) => {
                (Err(reason), Reading::New(stamp, Content::NoDescriptor))
            }
            Err(reason) => (Err(reason), Reading::Nothing),
        },
    };
    Ok(Look { identity, contents: text.and_then(Contents::of), reading, approval })
}

/// Which file this is, if it is one that may be opened: opening a pipe would wait for its writer.
pub(crate) fn identify(file: &Path) -> Result<Identified, RefusalReason> {
    let itself = fs::symlink_metadata(file).map_err(RefusalReason::Unreadable)?;
    let target = match itself.is_symlink() {
        true => Some(fs::metadata(file).map_err(RefusalReason::Unreadable)?),
        false => None,
    };
    let metadata = target.as_ref().unwrap_or(&itself);
    if !metadata.is_file() {
        return Err(RefusalReason::NotAFile);
    }
    let (stamp, size) = (Stamp::of(metadata), metadata.len());
    #[cfg(unix)]
    let identity = (stamp.device, stamp.inode);
    #[cfg(not(unix))]
    let identity = file.canonicalize().map_err(RefusalReason::Unreadable)?;
    Ok(Identified { identity: Identity(identity), stamp, itself, size })
}

/// The descriptor in an open file, with its text.
pub(crate) fn read_open(file: File) -> Result<(Descriptor, String), RefusalReason> {
    let section = section::read(file, &platform::Platform::host())?;
    let text = descriptor::text(&section)?;
    Contents::of(text).map(|it| (it.descriptor, it.text))
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
