//! What a word's dashes say, as clap reads them. Knows no command.

use std::ffi::OsStr;

/// A word, by its dashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dash<'w> {
    /// None, or a lone `-`: a plain word.
    No,
    /// `--`
    Escape,
    /// `--name` or `--name=value`; the name, where it is text.
    Long { name: Option<&'w str>, attached: bool },
    /// `-abc`
    Short(Cluster<'w>),
}

/// What follows a single dash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cluster<'w> {
    /// The text up to what is no text.
    flags: &'w str,
    /// Whether something follows that is no text.
    broken: bool,
}

impl<'w> Dash<'w> {
    pub(super) fn of(word: &'w OsStr) -> Self {
        let (text, broken) = text_of(word.as_encoded_bytes());
        let Some(flags) = text.strip_prefix('-').filter(|flags| !flags.is_empty() || broken) else {
            return Dash::No;
        };
        match flags.strip_prefix('-') {
            None => Dash::Short(Cluster { flags, broken }),
            Some("") if !broken => Dash::Escape,
            Some(long) => match long.split_once('=') {
                Some((name, _)) => Dash::Long { name: Some(name), attached: true },
                None => Dash::Long { name: (!broken).then_some(long), attached: false },
            },
        }
    }
}

impl<'w> Cluster<'w> {
    /// Whether it looks like a negative number: `-3`, `-0.5`, `-1e9`.
    pub(super) fn is_number(self) -> bool {
        !self.broken && is_number(self.flags)
    }

    /// The flags, each with what follows it in the word.
    pub(super) fn flags(self) -> impl Iterator<Item = (char, Attached)> + use<'w> {
        self.flags.char_indices().map(move |(at, flag)| {
            let rest = &self.flags[at + flag.len_utf8()..];
            let attached = match rest.chars().next() {
                Some('=') => Attached::ByEquals,
                None if !self.broken => Attached::Nothing,
                _ => Attached::Directly,
            };
            (flag, attached)
        })
    }

    /// Whether something follows the flags that can be none.
    pub(super) fn is_broken(self) -> bool {
        self.broken
    }
}

/// What follows a flag within its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attached {
    Nothing,
    Directly,
    ByEquals,
}

/// The text that a word begins with, and whether there is more.
fn text_of(word: &[u8]) -> (&str, bool) {
    match str::from_utf8(word) {
        Ok(text) => (text, false),
        Err(error) => {
            let text = &word[..error.valid_up_to()];
            (str::from_utf8(text).unwrap_or_default(), true)
        }
    }
}

/// Digits with at most one dot, not first, and at most one exponent, not last. Like clap's.
fn is_number(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) if !mantissa.is_empty() => (mantissa, Some(exponent)),
        Some(_) => return false,
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let whole = match mantissa.split_once('.') {
        Some((before, after)) => !before.is_empty() && digits(before) && digits(after),
        None => digits(mantissa),
    };
    whole && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn of(word: &str) -> Dash<'_> {
        Dash::of(OsStr::new(word))
    }

    #[test]
    fn dashes_are_read_as_clap_reads_them() {
        for plain in ["", "-", "a", "a-b", "=", "–x"] {
            assert_eq!(of(plain), Dash::No, "{plain}");
        }
        assert_eq!(of("--"), Dash::Escape);
        assert_eq!(of("--from"), Dash::Long { name: Some("from"), attached: false });
        assert_eq!(of("--from="), Dash::Long { name: Some("from"), attached: true });
        assert_eq!(of("--=x=y"), Dash::Long { name: Some(""), attached: true });
        assert_eq!(of("---"), Dash::Long { name: Some("-"), attached: false });
        assert_eq!(of("-abc"), Dash::Short(Cluster { flags: "abc", broken: false }));
    }

    #[test]
    fn flags_know_what_follows_them() {
        let Dash::Short(cluster) = of("-aß=") else { panic!("a cluster") };
        let flags: Vec<_> = cluster.flags().collect();
        assert_eq!(
            flags,
            [('a', Attached::Directly), ('ß', Attached::ByEquals), ('=', Attached::Nothing)]
        );
    }

    #[test]
    fn numbers_are_those_of_clap() {
        for number in ["-3", "-0.5", "-1.", "-1e9", "-1.5E10"] {
            assert!(matches!(of(number), Dash::Short(cluster) if cluster.is_number()), "{number}");
        }
        for other in ["-.5", "-1e", "-e1", "-1.2.3", "-1e2.5", "-x", "-1e2e3"] {
            assert!(!matches!(of(other), Dash::Short(cluster) if cluster.is_number()), "{other}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_text_is_a_value_or_no_option() {
        let of = |bytes| Dash::of(OsStr::from_bytes(bytes));
        assert_eq!(of(b"--l\xff"), Dash::Long { name: None, attached: false });
        assert_eq!(of(b"--l=\xff"), Dash::Long { name: Some("l"), attached: true });
        let Dash::Short(cluster) = of(b"-l\xff") else { panic!("a cluster") };
        assert_eq!(cluster.flags().next(), Some(('l', Attached::Directly)));
        assert_eq!(of(b"-\xff"), Dash::Short(Cluster { flags: "", broken: true }));
        assert_eq!(of(b"\xff-"), Dash::No);
    }
}
