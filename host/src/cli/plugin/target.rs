//! Which library is meant by a word of a command: a plugin's name, or the path of a file.
//!
//! Looks in the catalog and at the file; changes nothing.

use std::error::Error;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use lifespan_abi::Descriptor;

use super::context::Context;
use crate::chain::alike;
use crate::discover::{Candidate, Lookup, Place, RefusalReason, Refused, libraries_of, read_open};
use crate::error::Failure;
use crate::exit::Exit;
use crate::files;
use crate::trust::{Distrust, Guard, Sealed, quoted, seal};

/// A library's bytes as they are now, with what they say of themselves.
pub(crate) struct Examined {
    /// The file.
    pub(crate) library: PathBuf,
    /// Its name in the folder, by which a lock file knows it.
    pub(crate) name: String,
    /// The copy that was looked at, which does not change.
    pub(crate) sealed: Sealed,
    /// How many bytes it has.
    pub(crate) size: u64,
    /// What it says of itself.
    pub(crate) descriptor: Descriptor,
}

/// Whether a word is a path: no plugin's name has a dot or a separator.
pub(crate) fn is_path(word: &OsStr) -> bool {
    word.to_string_lossy().contains(['.', '/', '\\'])
}

/// The library that a word means; of a path, whether or not there is such a file.
pub(crate) fn library(context: &Context<'_>, word: &OsStr) -> Result<PathBuf, Failure> {
    if is_path(word) {
        return Ok(std::path::absolute(word).unwrap_or_else(|_| PathBuf::from(word)));
    }
    let name = word.to_string_lossy();
    let catalog = context.host.catalog();
    let place = match catalog.get(&name) {
        Lookup::Found(candidate) => candidate.place(),
        Lookup::Refused(Refused { place, .. }) => place.clone(),
        Lookup::Ambiguous(several) => return Err(ambiguous(&name, several)),
        Lookup::Unknown => return Err(unknown(context, &name)),
    };
    match place {
        Place::File(path) => Ok(path),
        place => {
            let message =
                format!("the plugin `{name}` is not in a file of its own: it is in {place}");
            Err(Failure::new(Exit::Usage, message))
        }
    }
}

/// All libraries of plugins in the folders that are searched, whether they may be used or not.
pub(crate) fn all_libraries(context: &Context<'_>) -> Vec<PathBuf> {
    let entries = context.host.catalog().search_path().entries().iter();
    let folders = entries.map(|it| &it.dir).filter(|dir| dir.is_absolute());
    folders.flat_map(|dir| libraries_of(dir)).collect()
}

/// What a library says of itself now.
pub(crate) fn descriptor(library: &Path) -> Result<Descriptor, Failure> {
    let file = files::open(library).map_err(|error| unreadable(library, &error))?;
    read_open(file).map_err(|reason| refused(library, &reason))
}

/// Copies a library, and reads the copy. Runs none of its code.
pub(crate) fn examine(library: &Path) -> Result<Examined, Failure> {
    // What is no library of plugins may be of any size, and is not copied.
    descriptor(library)?;
    let sealed = seal(library, None).map_err(|error| unreadable(library, &error))?;
    let reader = sealed.reader().map_err(|error| unreadable(library, &error))?;
    let size = reader.metadata().map_err(|error| unreadable(library, &error))?.len();
    let descriptor = read_open(reader).map_err(|reason| refused(library, &reason))?;
    let Some(name) = library.file_name().and_then(OsStr::to_str).map(str::to_owned) else {
        let message = format!("the name of `{}` is not UTF-8", library.display());
        return Err(Failure::new(Exit::Config, message).hint("give the file another name"));
    };
    Ok(Examined { library: library.to_owned(), name, sealed, size, descriptor })
}

fn unusable(library: &Path, error: &(dyn Error + 'static)) -> Failure {
    Failure::from_error(Exit::Load, error)
        .context(format!("`{}` cannot be used", library.display()))
}

fn unreadable(library: &Path, error: &io::Error) -> Failure {
    unusable(library, error)
        .hint("see that it is there, that it is a file, and that you may read it")
}

fn refused(library: &Path, reason: &RefusalReason) -> Failure {
    let mut failure = unusable(library, reason);
    failure.hints.extend(reason.hint());
    failure
}

/// An error if a library, its folder, or the lock file there may be changed by others.
pub(crate) fn judge_place(guard: &Guard, library: &Path) -> Result<(), Failure> {
    let folder = library.parent().unwrap_or(library);
    guard.walk(library).and_then(|()| guard.lock_of(folder).map(|_| ())).map_err(|distrust| {
        distrusted(&distrust).context(format!("`{}` cannot be trusted", library.display()))
    })
}

/// A failure of that kind.
pub(crate) fn distrusted(distrust: &Distrust) -> Failure {
    let mut failure = Failure::from_error(Exit::Config, distrust).hint(distrust.hint());
    failure.causes.extend(distrust.digests());
    failure
}

/// The plugins of a library, for people: `echo 0.1.0, other 0.2.0`.
pub(crate) fn plugins<'p>(plugins: impl Iterator<Item = (&'p str, &'p str)>) -> String {
    let told: Vec<_> = plugins.map(|(name, version)| format!("{name} {version}")).collect();
    if told.is_empty() { "no plugins".to_owned() } else { told.join(", ") }
}

fn ambiguous(name: &str, several: &[Candidate]) -> Failure {
    let places: Vec<_> = several.iter().map(|it| it.place().to_string()).collect();
    let message = format!("{} libraries have a plugin `{name}`", several.len());
    Failure::new(Exit::Usage, message).hint(format!("name one by its path: {}", places.join(", ")))
}

/// A failure for a name that is no plugin's.
pub(crate) fn unknown(context: &Context<'_>, name: &str) -> Failure {
    let failure = Failure::new(Exit::Usage, format!("no plugin is called `{name}`"));
    let alike: Vec<_> =
        alike(name, &context.host.catalog().names()).iter().map(|it| format!("`{it}`")).collect();
    let file = std::path::absolute(name).ok().filter(|it| it.is_file());
    match (alike.is_empty(), file) {
        (false, _) => failure.hint(format!("did you mean {}?", alike.join(" or "))),
        (true, Some(file)) => {
            failure.hint(format!("a file is named by a path: {}", quoted(file.as_os_str())))
        }
        (true, None) => failure.hint(format!("`{} --help` lists the plugins", context.name())),
    }
}
