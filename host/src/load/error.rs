//! Why a library could not be loaded, and what to do about it. Words only.

use std::io;
use std::path::PathBuf;

use lifespan_abi::{ABI_VERSION, ROOT_SYMBOL, Refusal, Report};
use thiserror::Error;

use crate::discover::refusal::{RefusalReason, abi_hint};
use crate::exit::Exit;
use crate::trust::Distrust;

/// Why a library could not be loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum LoadError {
    /// The system would not open it: it is damaged, or what it needs is missing.
    #[error("the library `{}` cannot be opened", .path.display())]
    Open {
        /// The library's file.
        path: PathBuf,
        /// Whether it is opened as a copy and wants something from beside itself.
        alone: bool,
        /// What the system says.
        source: LoaderError,
    },
    /// It has a descriptor, but no root module.
    #[error("the library `{}` does not export `{ROOT_SYMBOL}`", .path.display())]
    NoRoot {
        /// The library's file.
        path: PathBuf,
        /// What the system says.
        source: LoaderError,
    },
    /// Its root module is of another make: its layout cannot even be compared.
    #[error("the library `{}` describes its ABI in a way that this host does not know", .path.display())]
    Header {
        /// The library's file.
        path: PathBuf,
        /// What differs.
        details: String,
    },
    /// Its ABI is not one that this host serves.
    #[error("the library `{}` does not fit this host", .path.display())]
    Abi {
        /// The library's file.
        path: PathBuf,
        /// The verdict.
        source: Refusal,
    },
    /// What it says of itself is not what its file said.
    #[error("the library `{}` contradicts its own descriptor", .path.display())]
    Contradiction {
        /// The library's file.
        path: PathBuf,
        /// The descriptor in the file.
        in_file: String,
        /// The descriptor once it was loaded.
        when_loaded: String,
    },
    /// A panic in it would end the whole program.
    #[error("the library `{}` is built with `panic = \"abort\"`", .path.display())]
    PanicAbort {
        /// The library's file.
        path: PathBuf,
    },
    /// It is not what was approved, or nobody who may has signed it.
    #[error("the library `{}` is not trusted", .path.display())]
    Distrusted {
        /// The library's file.
        path: PathBuf,
        /// Why.
        source: Distrust,
    },
    /// It could not be copied to where nobody can change it, to be judged and opened there.
    #[error("the library `{}` cannot be copied to be judged", .path.display())]
    Seal {
        /// The library's file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Its file was replaced or written to since the host read its descriptor.
    #[error("the library `{}` was changed while the host started", .path.display())]
    Swapped {
        /// The library's file.
        path: PathBuf,
    },
    /// It failed while it was prepared: no plugin of it had a part in that.
    #[error("the library `{}` failed to initialise: {report}", .path.display())]
    Init {
        /// The library's file.
        path: PathBuf,
        /// What it says.
        report: Box<Report>,
    },
}

/// What the system's loader says of a library or symbol.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct LoaderError(String);

impl LoadError {
    /// What the process should answer with because of it.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            LoadError::Distrusted { .. } => Exit::Config,
            _ => Exit::Load,
        }
    }

    /// What belongs to the causes and has no error of its own: the digests that were compared.
    pub(crate) fn digests(&self) -> Vec<String> {
        match self {
            LoadError::Distrusted { source, .. } => source.digests(),
            _ => Vec::new(),
        }
    }

    /// What to do next, where something can be done.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            LoadError::Open { alone: true, .. } => Some(
                "what is locked or must be signed is opened as a copy, beside which nothing lies: \
                 link what it needs statically, or install it where the system looks"
                    .into(),
            ),
            LoadError::Open { path, .. } if cfg!(target_os = "linux") => Some(format!(
                "see that what it needs is installed: `ldd -r {}` lists it",
                path.display()
            )),
            LoadError::Open { .. } => Some("see that what it needs is installed".into()),
            LoadError::NoRoot { .. } | LoadError::Header { .. } => {
                Some("build the library again with a released `lifespan-plugin-api`".into())
            }
            LoadError::Abi { source: Refusal::Layout { version, .. }, .. } => {
                Some(abi_hint(version, ABI_VERSION))
            }
            LoadError::Abi { .. } => None,
            LoadError::Contradiction { .. } => {
                Some("its file was changed after it was linked: build or copy it again".into())
            }
            LoadError::PanicAbort { .. } => RefusalReason::PanicAbort.hint(),
            LoadError::Distrusted { source, .. } => Some(source.hint()),
            LoadError::Seal { .. } => {
                Some("see that you may read it, and that there is memory for a copy of it".into())
            }
            LoadError::Swapped { .. } => Some("start again, once it is complete".into()),
            LoadError::Init { report, .. } => report.hints.first().cloned(),
        }
    }

    /// What is too long for a message: how the two sides differ, in full.
    pub(crate) fn details(&self) -> Option<String> {
        match self {
            LoadError::Header { details, .. } => Some(details.clone()),
            LoadError::Abi { source: Refusal::Layout { differences, .. }, .. } => {
                Some(differences.clone())
            }
            LoadError::Contradiction { in_file, when_loaded, .. } => {
                Some(format!("in the file: {in_file}\nwhen loaded: {when_loaded}"))
            }
            _ => None,
        }
    }
}

impl From<libloading::Error> for LoaderError {
    /// The system's own words, without the name of the call that failed.
    fn from(error: libloading::Error) -> Self {
        let inner = std::error::Error::source(&error).map(ToString::to_string);
        LoaderError(inner.unwrap_or_else(|| error.to_string()))
    }
}
