//! Where plugins are looked for, and who said so.
//!
//! Made by the command line or an embedder, walked by [`discover`](super::discover()). It only holds
//! what was said: whether a folder is there, and may be used, is judged when it is walked.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::trust::is_elevated;

/// The folders in which libraries are looked for, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPath {
    entries: Vec<SearchEntry>,
}

/// One folder of a [`SearchPath`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchEntry {
    /// The folder.
    pub dir: PathBuf,
    /// Who named it.
    pub origin: Origin,
}

/// Who named a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// The command line: `--plugin-dir`.
    Option,
    /// The environment: `LIFESPAN_PLUGIN_PATH` for a host named `lifespan`.
    Environment,
    /// A file of configuration.
    Config,
    /// The embedder.
    Builder,
    /// Nobody: it is the platform's folder for such data, such as
    /// `~/.local/share/lifespan/plugins`.
    Default,
}

impl SearchPath {
    /// The search path of a host of that name: the folders of the command line, then those of the
    /// environment, then the embedder's. Where none of them names any, it is the platform's folder.
    ///
    /// Reads the environment and, for relative folders of the command line, the current directory. A
    /// program that runs with more rights than whoever started it (set-uid) does not obey the
    /// environment, from which the default is too.
    pub fn of_host(
        host: &str,
        options: impl IntoIterator<Item = PathBuf>,
        builder: impl IntoIterator<Item = PathBuf>,
    ) -> Self {
        Self::configured(host, options, [], builder)
    }

    /// The same, with the folders that files of configuration name before the embedder's.
    pub(crate) fn configured(
        host: &str,
        options: impl IntoIterator<Item = PathBuf>,
        files: impl IntoIterator<Item = PathBuf>,
        builder: impl IntoIterator<Item = PathBuf>,
    ) -> Self {
        let listed = std::env::var_os(variable(host)).filter(|_| !is_elevated());
        let user = SearchPath::default().options(options).environment(listed.as_deref());
        let user = files.into_iter().fold(user, |path, dir| path.with(dir, Origin::Config));
        let path = builder.into_iter().fold(user, SearchPath::folder);
        match default_folder(host) {
            Some(dir) if path.entries.is_empty() => path.with(dir, Origin::Default),
            _ => path,
        }
    }

    /// Adds a folder on behalf of an embedder. A relative one is refused when the path is walked.
    #[must_use]
    pub fn folder(self, dir: impl Into<PathBuf>) -> Self {
        self.with(dir.into(), Origin::Builder)
    }

    /// The folders, in the order in which they are searched.
    pub fn entries(&self) -> &[SearchEntry] {
        &self.entries
    }

    /// Adds folders of the command line. Relative ones are meant from here on from the directory
    /// that is the current one now.
    #[must_use]
    pub(crate) fn options(self, dirs: impl IntoIterator<Item = PathBuf>) -> Self {
        dirs.into_iter().fold(self, |path, dir| {
            // What cannot be made absolute (an empty path) stays as it is, and is refused later.
            let dir = std::path::absolute(&dir).unwrap_or(dir);
            path.with(dir, Origin::Option)
        })
    }

    /// Adds the folders of a list as it stands in the environment. Empty ones are no folders: a
    /// separator too many must not mean the current directory.
    #[must_use]
    pub(crate) fn environment(self, list: Option<&OsStr>) -> Self {
        std::env::split_paths(list.unwrap_or_default())
            .filter(|dir| !dir.as_os_str().is_empty())
            .fold(self, |path, dir| path.with(dir, Origin::Environment))
    }

    pub(crate) fn with(mut self, dir: PathBuf, origin: Origin) -> Self {
        self.entries.push(SearchEntry { dir, origin });
        self
    }
}

impl SearchEntry {
    /// Whether someone named this very folder, so that it must be there.
    pub fn is_explicit(&self) -> bool {
        self.origin != Origin::Default
    }
}

impl fmt::Display for SearchEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", self.dir.display(), self.origin)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Option => "from `--plugin-dir`",
            Origin::Environment => "from the environment",
            Origin::Config => "from the configuration",
            Origin::Builder => "built in",
            Origin::Default => "the default",
        })
    }
}

/// The environment variable that lists plugin folders for a host of that name:
/// `LIFESPAN_PLUGIN_PATH` for `lifespan`.
pub(crate) fn variable(host: &str) -> String {
    let upper: String = host
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    format!("{upper}_PLUGIN_PATH")
}

/// The platform's folder for the plugins of a host of that name, such as
/// `~/.local/share/lifespan/plugins`; none where there is no home.
pub(crate) fn default_folder(host: &str) -> Option<PathBuf> {
    Some(strategy()?.data_dir().join(host).join("plugins"))
}

/// The platform's folder for what a host of that name can make anew, such as `~/.cache/lifespan`; none
/// where there is no home.
#[cfg(feature = "cli")]
pub(crate) fn cache_folder(host: &str) -> Option<PathBuf> {
    Some(strategy()?.cache_dir().join(host))
}

/// The platform's folder for what the user of a host of that name has chosen, such as
/// `~/.config/lifespan`; none where there is no home.
#[cfg(feature = "cli")]
pub(crate) fn config_folder(host: &str) -> Option<PathBuf> {
    Some(strategy()?.config_dir().join(host))
}

/// Where this platform has such folders; nowhere where there is no home. That the environment says, so
/// there is none for a program that has more rights than whoever started it.
fn strategy() -> Option<impl BaseStrategy> {
    etcetera::base_strategy::choose_native_strategy().ok().filter(|_| !is_elevated())
}

/// Whether a file is named as libraries are here.
pub(crate) fn is_library_name(file: &Path) -> bool {
    file.extension().is_some_and(|it| it.eq_ignore_ascii_case(std::env::consts::DLL_EXTENSION))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &SearchPath) -> Vec<(String, Origin)> {
        path.entries().iter().map(|it| (it.dir.display().to_string(), it.origin)).collect()
    }

    #[test]
    fn each_folder_keeps_its_place_and_its_origin() {
        let dir = |name: &str| std::env::temp_dir().join(name);
        let list = std::env::join_paths([dir("e1"), dir("e2")]).unwrap();
        let path = SearchPath::default()
            .options([dir("o1"), dir("o2")])
            .environment(Some(&list))
            .folder(dir("b"))
            .with(dir("d"), Origin::Default);
        let expect = [
            ("o1", Origin::Option),
            ("o2", Origin::Option),
            ("e1", Origin::Environment),
            ("e2", Origin::Environment),
            ("b", Origin::Builder),
            ("d", Origin::Default),
        ];
        let expect = expect.map(|(name, origin)| (dir(name).display().to_string(), origin));
        assert_eq!(shown(&path), expect);
    }

    #[test]
    fn a_relative_folder_of_the_command_line_is_meant_from_here() {
        let path = SearchPath::default().options(["target/debug".into(), "".into()]);
        let here = std::env::current_dir().unwrap();
        assert_eq!(path.entries()[0].dir, here.join("target/debug"));
        assert_eq!(path.entries()[1].dir, PathBuf::new());
    }

    #[test]
    fn empty_parts_of_the_environment_are_no_folders() {
        let separators = std::env::join_paths(["", "", ""]).unwrap();
        for list in [None, Some(OsStr::new("")), Some(separators.as_os_str())] {
            assert_eq!(shown(&SearchPath::default().environment(list)), []);
        }
    }

    #[test]
    fn the_default_is_used_only_where_nobody_names_a_folder() {
        // A host whose variable nobody has set.
        let host = "lifespan-test-of-search";
        let origins = |options: &[PathBuf], builder: &[PathBuf]| -> Vec<Origin> {
            SearchPath::of_host(host, options.to_vec(), builder.to_vec())
                .entries()
                .iter()
                .map(|it| it.origin)
                .collect()
        };
        let (option, builder) = (["/o".into()], ["/b".into()]);
        assert_eq!(origins(&option, &builder), [Origin::Option, Origin::Builder]);
        assert_eq!(origins(&option, &[]), [Origin::Option]);
        assert_eq!(origins(&[], &builder), [Origin::Builder]);
        let expect: &[Origin] = match default_folder(host) {
            Some(_) => &[Origin::Default],
            None => &[],
        };
        assert_eq!(origins(&[], &[]), expect);
    }

    #[test]
    fn names_derive_from_the_host() {
        assert_eq!(variable("lifespan"), "LIFESPAN_PLUGIN_PATH");
        assert_eq!(variable("acme-ctl.2"), "ACME_CTL_2_PLUGIN_PATH");
        let default = default_folder("acme");
        assert!(default.is_none_or(|it| it.ends_with("acme/plugins") && it.is_absolute()));
    }

    #[test]
    fn only_the_platforms_own_libraries_count() {
        let suffix = std::env::consts::DLL_SUFFIX;
        assert!(is_library_name(Path::new(&format!("any{suffix}"))));
        for other in ["a.txt", "libx", "lib.so.1", ".so", "", "liba.rlib"] {
            assert!(!is_library_name(Path::new(other)), "{other}");
        }
    }
}
