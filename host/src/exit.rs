//! How a run ends, as the number that the process answers with.
#![deny(
    clippy::wildcard_enum_match_arm,
    reason = "exit codes are matched in full, so that a new one is not forgotten"
)]

use std::fmt;

/// The documented exit codes.
///
/// Where several hold, the more fundamental wins: see [`Exit::worst`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Exit {
    /// 0: all went well; a clean end by a signal too.
    #[default]
    Success,
    /// 1: a plugin failed, panicked, missed a deadline, or lost what was published.
    Plugin,
    /// 2: the command line is wrong.
    Usage,
    /// 3: a library could not be loaded, or a plugin could not be bound.
    Load,
    /// 4: the configuration is wrong, or something is not trusted.
    Config,
    /// 5: the host itself failed.
    Host,
    /// 128 + the signal's number: a second signal forced the end.
    Signal(u8),
}

impl Exit {
    /// The number that the process answers with.
    pub fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Plugin => 1,
            Exit::Usage => 2,
            Exit::Load => 3,
            Exit::Config => 4,
            Exit::Host => 5,
            Exit::Signal(number) => 128_u8.saturating_add(number),
        }
    }

    /// The one to answer with where both hold: the larger code, since a forced end outdoes a failure
    /// of the host, and that outdoes what follows from it.
    #[must_use]
    pub fn worst(self, other: Exit) -> Exit {
        if other.code() > self.code() { other } else { self }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {}", self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_fundamental_wins() {
        let all = [Exit::Plugin, Exit::Usage, Exit::Load, Exit::Config, Exit::Host];
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                assert_eq!(a.worst(*b), all[i.max(j)]);
            }
        }
        assert_eq!(Exit::Host.worst(Exit::Signal(15)).code(), 143);
    }
}
