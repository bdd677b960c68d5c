//! The child's side: does one check, and tells what it found.
//!
//! Began by [`run`](super::run), with the host's own options, so that nothing is loaded here that the
//! host would refuse. What else stands on its stdout is the library's.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::cli::asking::end_children;
use crate::discover::judge_file;
use crate::exit::Exit;
use crate::host::Host;
use crate::validate::census::Threads;
use crate::validate::{Check, Finding, Subject};

/// The word that begins the line of a child. It is nobody's name: those have no underscores.
pub(crate) const WORD: &str = "__validate";

/// Stands before what is told.
pub(super) const MARK: &str = "\u{1e}finding ";

/// The words after [`WORD`].
pub(super) struct Order<'o> {
    pub(super) check: &'o Check,
    pub(super) file: &'o Path,
    /// The plugin's name.
    pub(super) plugin: &'o str,
    pub(super) seed: u64,
    pub(super) limit: Duration,
    pub(super) args: &'o [OsString],
}

impl<'o> Order<'o> {
    pub(super) fn words(&self) -> Vec<OsString> {
        let Order { check, file, plugin, seed, limit, args } = self;
        let limit = limit.as_millis().to_string();
        let mut words: Vec<OsString> = vec![WORD.into(), check.name.into(), (*file).into()];
        words.extend([(*plugin).into(), seed.to_string().into(), limit.into()]);
        words.extend(args.iter().cloned());
        words
    }

    fn read(words: &'o [OsString]) -> Option<Self> {
        let [check, file, plugin, seed, limit, args @ ..] = words else { return None };
        Some(Order {
            check: Check::named(check.to_str()?)?,
            file: Path::new(file),
            plugin: plugin.to_str()?,
            seed: seed.to_str()?.parse().ok()?,
            limit: Duration::from_millis(limit.to_str()?.parse().ok()?),
            args,
        })
    }

    /// Does it, in this process.
    pub(super) fn obey(&self, host: &Host) -> Finding {
        let finds = judge_file(self.file, host.allows_panic_abort(), host.policy());
        match finds.candidates.iter().find(|it| it.name() == self.plugin) {
            Some(plugin) => self.check.of(&Subject {
                host,
                plugin,
                args: self.args,
                seed: self.seed,
                begun: Instant::now(),
                limit: self.limit,
                threads: Threads::now(),
            }),
            None => Finding::skipped("the library has changed, and has no such plugin any more"),
        }
    }
}

/// Does what the words after [`WORD`] say, and tells.
pub(crate) fn tell(host: &Host, words: &[OsString]) -> Exit {
    let Some(order) = Order::read(words) else { return Exit::Usage };
    let finding = serde_json::to_string(&order.obey(host)).unwrap_or_default();
    // What the plugin has started and left would outlive this process, and nobody would know it.
    end_children(std::process::id());
    let mut out = io::stdout().lock();
    let written = out.write_all(format!("\n{MARK}{finding}\n").as_bytes());
    if written.and_then(|()| out.flush()).is_ok() { Exit::Success } else { Exit::Host }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_as_it_is_given() {
        let args = ["--from".into(), "a b".into()];
        let order = Order {
            check: Check::named("cancel").unwrap(),
            file: Path::new("/tmp/lib a.so"),
            plugin: "countdown",
            seed: u64::MAX,
            limit: Duration::from_millis(1500),
            args: &args,
        };
        let words = order.words();
        let read = Order::read(&words[1..]).unwrap();
        assert_eq!(read.words(), words);
        assert!(Order::read(&words[..4]).is_none());
    }
}
