//! Which versions of the ABI a host of another version covers, as `plugin-api/ABI.md` promises.
//!
//! The descriptor is judged by it before a library is opened. The layouts themselves are compared
//! after that, by `lifespan_abi::verdict`.

/// Whether a host of one version of the ABI can serve a library of another.
///
/// From 1.0 on: the same major version, and the library's minor version is the host's or older.
/// Before that: the same minor version, and the library's patch version is the host's or older.
/// What is no version is not covered; the host's is one.
pub(crate) fn abi_covers(host: &str, library: &str) -> bool {
    if host == library {
        return true;
    }
    match (version(host), version(library)) {
        (Some([0, minor, patch]), Some([0, theirs, their_patch])) => {
            theirs == minor && their_patch <= patch
        }
        (Some([major, minor, _]), Some([theirs, their_minor, _])) => {
            theirs == major && their_minor <= minor
        }
        _ => false,
    }
}

/// Whether a library's version is later than a host's.
pub(crate) fn is_newer(library: &str, host: &str) -> bool {
    version(library) > version(host)
}

/// Whether a text is a version of an ABI.
#[cfg(feature = "cli")]
pub(crate) fn is_version(text: &str) -> bool {
    version(text).is_some()
}

/// Major, minor and patch version; what stands behind them (`-beta.1`, `+build`) does not count.
fn version(text: &str) -> Option<[u64; 3]> {
    let plain = text.split(['-', '+']).next()?;
    let mut parts = plain.split('.').map(|part| part.parse().ok());
    let version = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_covers_what_is_not_newer_and_not_broken_with() {
        let cases = [
            ("0.1.0", "0.1.0", true),
            ("0.1.3", "0.1.2", true),
            ("0.1.2", "0.1.3", false),
            ("0.2.0", "0.1.9", false),
            ("0.1.9", "0.2.0", false),
            ("1.0.0", "0.1.0", false),
            ("0.1.0", "1.0.0", false),
            ("1.4.0", "1.4.7", true),
            ("1.4.7", "1.0.0", true),
            ("1.4.0", "1.5.0", false),
            ("2.0.0", "1.5.0", false),
            ("1.5.0", "2.0.0", false),
            ("0.1.0", "0.1.0-beta.1", true),
            ("0.1.0", "0.1", false),
            ("0.1.0", "0.1.0.0", false),
            ("0.1.0", "", false),
            ("0.1.0", "0.1.99999999999999999999", false),
        ];
        for (host, library, expect) in cases {
            assert_eq!(abi_covers(host, library), expect, "host {host}, library {library}");
        }
    }

    #[test]
    fn this_hosts_own_version_is_covered() {
        assert!(abi_covers(lifespan_abi::ABI_VERSION, lifespan_abi::ABI_VERSION));
    }

    #[test]
    fn newer_is_told_from_older() {
        assert!(is_newer("0.2.0", "0.1.9"));
        assert!(!is_newer("0.1.9", "0.2.0"));
        assert!(!is_newer("garbage", "0.1.0"));
    }
}
