//! Why something that was found is not used, and what to do about it.
//!
//! Words only: the judging is done where the facts are.

use std::fmt;
use std::io;
use std::path::PathBuf;

use lifespan_abi::descriptor::DescriptorFault;
use thiserror::Error;

use crate::discover::abi::is_newer;
use crate::exit::Exit;
use crate::trust::Distrust;

/// Something on the search path that is not used.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refused {
    /// What is refused.
    pub place: Place,
    /// The plugins that are refused with it, as far as they are known.
    pub plugins: Vec<String>,
    /// Why.
    pub reason: RefusalReason,
}

/// Where plugins are from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A folder of the search path.
    Folder(PathBuf),
    /// The file of a library.
    File(PathBuf),
    /// The host's own program.
    Builtin,
}

/// Why something on the search path is not used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RefusalReason {
    /// A folder that someone named is not there.
    #[error("the folder does not exist")]
    FolderMissing,
    /// A folder was not named by its full path where it must be.
    #[error("the folder is named by a relative path")]
    FolderRelative,
    /// A folder cannot be listed.
    #[error("the folder cannot be read")]
    FolderUnreadable(#[source] io::Error),
    /// A library cannot be read.
    #[error("the file cannot be read")]
    Unreadable(#[source] io::Error),
    /// It is a folder, a pipe or the like.
    #[error("it is not a regular file")]
    NotAFile,
    /// It is a file of another kind, whatever its name.
    #[error("it is not a library")]
    NotALibrary,
    /// It is a program or an object file.
    #[error("it is not a shared library")]
    NotShared,
    /// It is cut off or corrupt; what is wrong.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// It is made for another machine or system.
    #[error("it is built for {built_for}; this host is {host}")]
    WrongPlatform {
        /// What it is made for.
        built_for: String,
        /// What this host is.
        host: String,
    },
    /// It is a library, but not one of plugins.
    #[error("it has no descriptor: it is not a library of plugins")]
    NoDescriptor,
    /// Its descriptor is not one.
    #[error("its descriptor is malformed")]
    Descriptor(#[source] DescriptorFault),
    /// It was built against an ABI that this host does not cover.
    #[error("it was built against ABI {library}, which this host (ABI {host}) cannot serve")]
    Abi {
        /// The library's ABI.
        library: String,
        /// This host's ABI.
        host: String,
    },
    /// It was built against an ABI that another host than this one would not cover.
    #[error("it was built against ABI {library}, which a host of ABI {host} cannot serve")]
    AbiElsewhere {
        /// The library's ABI.
        library: String,
        /// The other host's ABI.
        host: String,
    },
    /// A panic in it would end the whole program.
    #[error("it is built with `panic = \"abort\"`: a panic in it would end the whole program")]
    PanicAbort,
    /// A plugin of it has a name that the host keeps for itself.
    #[error("its plugin `{0}` has a name that is reserved")]
    ReservedName(String),
    /// A plugin of it has a name that cannot be one.
    #[error("its plugin `{}` has a name that is not valid", .0.escape_debug())]
    InvalidName(String),
    /// Two plugins of it have one name.
    #[error("it has two plugins named `{0}`")]
    RepeatedName(String),
    /// A plugin's facts hold control characters, which would reach a terminal.
    #[error("the summary or version of its plugin `{0}` holds control characters")]
    ControlCharacters(String),
    /// It is not trusted.
    #[error(transparent)]
    Distrusted(#[from] Distrust),
    /// The user has disabled the plugin.
    #[error("the plugin `{plugin}` is disabled in `{}`", .file.display())]
    Disabled {
        /// Its name.
        plugin: String,
        /// The list of what is disabled.
        file: PathBuf,
        /// The command that enables it.
        enable: String,
    },
    /// The host was told to do without the plugin.
    #[error("the plugin `{0}` is left out by `--without`")]
    LeftOut(String),
    /// Other libraries have a plugin of that name too.
    #[error("its plugin `{name}` is also in {}", listed(.others))]
    Claimed {
        /// The name.
        name: String,
        /// Where else a plugin of that name is.
        others: Vec<Place>,
    },
}

impl Refused {
    /// Whether it is worth a word only to those who look for it: a library that has nothing to do with
    /// plugins and may lie where it is, or a plugin that somebody does not want.
    pub fn is_bystander(&self) -> bool {
        matches!(self.reason, RefusalReason::NoDescriptor) || self.reason.is_wish()
    }

    /// Whether it is a folder: what lies in it is unknown.
    pub fn is_folder(&self) -> bool {
        matches!(self.place, Place::Folder(_))
    }

    /// What to do next, where something can be done.
    pub fn hint(&self) -> Option<String> {
        self.reason.hint()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

impl Place {
    /// The file or folder; the host's own program has none.
    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            Place::Folder(path) | Place::File(path) => Some(path),
            Place::Builtin => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Folder(path) | Place::File(path) => write!(f, "`{}`", path.display()),
            Place::Builtin => write!(f, "the host itself"),
        }
    }
}

impl RefusalReason {
    /// A name for programs, which stays the same whatever the words are.
    pub fn name(&self) -> &'static str {
        match self {
            RefusalReason::FolderMissing => "folder-missing",
            RefusalReason::FolderRelative => "folder-relative",
            RefusalReason::FolderUnreadable(_) => "folder-unreadable",
            RefusalReason::Unreadable(_) => "unreadable",
            RefusalReason::NotAFile => "not-a-file",
            RefusalReason::NotALibrary => "not-a-library",
            RefusalReason::NotShared => "not-shared",
            RefusalReason::Damaged(_) => "damaged",
            RefusalReason::WrongPlatform { .. } => "wrong-platform",
            RefusalReason::NoDescriptor => "no-descriptor",
            RefusalReason::Descriptor(_) => "malformed-descriptor",
            RefusalReason::Abi { .. } | RefusalReason::AbiElsewhere { .. } => "abi",
            RefusalReason::PanicAbort => "panic-abort",
            RefusalReason::ReservedName(_) => "reserved-name",
            RefusalReason::InvalidName(_) => "invalid-name",
            RefusalReason::RepeatedName(_) => "repeated-name",
            RefusalReason::ControlCharacters(_) => "control-characters",
            RefusalReason::Claimed { .. } => "claimed",
            RefusalReason::Disabled { .. } => "disabled",
            RefusalReason::LeftOut(_) => "left-out",
            RefusalReason::Distrusted(distrust) => distrust.name(),
        }
    }

    /// How a program ends that needed what is refused.
    pub fn exit(&self) -> Exit {
        match self {
            RefusalReason::LeftOut(_) => Exit::Usage,
            RefusalReason::Distrusted(_)
            | RefusalReason::Disabled { .. }
            | RefusalReason::FolderMissing
            | RefusalReason::FolderRelative
            | RefusalReason::FolderUnreadable(_) => Exit::Config,
            _ => Exit::Load,
        }
    }

    /// Whether nothing is wrong with it but that somebody does not want it.
    pub(crate) fn is_wish(&self) -> bool {
        matches!(self, RefusalReason::Disabled { .. } | RefusalReason::LeftOut(_))
    }

    /// What a message is too short for, a line each: the digests of a library that is not approved.
    pub(crate) fn details(&self) -> Vec<String> {
        match self {
            RefusalReason::Distrusted(distrust) => distrust.digests(),
            _ => Vec::new(),
        }
    }

    /// What to do next, where something can be done.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            RefusalReason::FolderMissing => "make the folder, or name another".into(),
            RefusalReason::FolderRelative => "name the folder by its full path".into(),
            RefusalReason::FolderUnreadable(_) | RefusalReason::Unreadable(_) => {
                "see that it is there, and that you may read it".into()
            }
            RefusalReason::NotAFile | RefusalReason::NotALibrary | RefusalReason::NotShared => {
                "a library of plugins is built by a crate of type `cdylib`; whatever is none does not \
                 belong in a plugins folder"
                    .into()
            }
            RefusalReason::Damaged(_) => "build or copy the library again".into(),
            RefusalReason::WrongPlatform { host, .. } => format!("get the library for {host}"),
            RefusalReason::NoDescriptor => {
                "a library of plugins ends with `lifespan_plugin_api::export![…]`".into()
            }
            RefusalReason::Descriptor(_) => {
                "build the library again with a released `lifespan-plugin-api`".into()
            }
            RefusalReason::Abi { library, host }
            | RefusalReason::AbiElsewhere { library, host } => abi_hint(library, host),
            RefusalReason::PanicAbort => {
                "build it with `panic = \"unwind\"`, which is the default".into()
            }
            RefusalReason::ReservedName(_) => "give the plugin another name".into(),
            RefusalReason::InvalidName(_) => {
                "a name is made of `a`-`z`, `0`-`9` and `-`, and begins with a letter".into()
            }
            RefusalReason::RepeatedName(_) => "give one of them another name".into(),
            RefusalReason::ControlCharacters(_) => {
                "take the control characters out and build it again".into()
            }
            RefusalReason::Distrusted(distrust) => distrust.hint(),
            RefusalReason::Disabled { enable, .. } => format!("`{enable}` enables it"),
            RefusalReason::LeftOut(_) => "take it off the line, or the option".into(),
            RefusalReason::Claimed { .. } => CLAIMED_HINT.into(),
        };
        Some(hint)
    }
}

/// What to do about a name that several libraries claim.
pub(crate) const CLAIMED_HINT: &str =
    "keep one of them in the plugins folders, or give one another name";

/// What to do about a library of one ABI and a host of another.
pub(crate) fn abi_hint(library: &str, host: &str) -> String {
    if library == host {
        // One version with two layouts: the surface was changed and its version was not.
        "build the host and the library from the same sources".to_owned()
    } else if is_newer(library, host) {
        format!("use a host whose ABI is {library} or a later compatible one")
    } else {
        format!("build the library again with a `lifespan-plugin-api` of ABI {host}")
    }
}

fn listed(places: &[Place]) -> String {
    places.iter().map(Place::to_string).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests;
