//! For the fuzzer and the tests of the descriptor reader only, and no part of the interface: what
//! discovery makes of one file, on whatever system, and a file that lies about nothing and has no end.
//!
//! Discovery itself asks for its own system only, and turns most formats away by their first bytes.

use std::borrow::Cow;
use std::cell::Cell;
use std::error::Error;
use std::io::{self, Read, Seek, SeekFrom};

use crate::discover::Terms;
use crate::discover::descriptor;
use crate::discover::platform::{Format, Platform};
use crate::discover::refusal::RefusalReason;
use crate::discover::section::{self, MAX_READ, MAX_TOTAL};

/// How many systems [`judge`] knows: each format, in 32 and 64 bits, and in both byte orders.
pub const SYSTEMS: usize = HOSTS.len();

const HOSTS: [(&str, Format); 8] = [
    ("x86_64", Format::Elf),
    ("arm", Format::Elf),
    ("s390x", Format::Elf),
    ("x86_64", Format::MachO),
    ("aarch64", Format::MachO),
    ("x86", Format::MachO),
    ("x86_64", Format::Pe),
    ("x86", Format::Pe),
];

/// A sparse file of 16 GiB: bytes, then nothing but zeros, so that claims of sizes come true. Counts what
/// is asked of it.
#[derive(Debug)]
pub struct Vast<'a> {
    bytes: &'a [u8],
    at: Cell<u64>,
    largest: Cell<u64>,
    total: Cell<u64>,
}

impl<'a> Vast<'a> {
    /// A file that begins with these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Vast { bytes, at: Cell::new(0), largest: Cell::new(0), total: Cell::new(0) }
    }

    /// Whether no more was read than a descriptor may need.
    pub fn is_bounded(&self) -> bool {
        self.largest.get() <= MAX_READ && self.total.get() <= MAX_TOTAL
    }
}

impl Read for &Vast<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let asked = into.len() as u64;
        self.largest.set(self.largest.get().max(asked));
        self.total.set(self.total.get() + asked);
        let at = usize::try_from(self.at.get()).unwrap_or(usize::MAX);
        let there = self.bytes.get(at..).unwrap_or_default();
        let len = there.len().min(into.len());
        into.fill(0);
        into[..len].copy_from_slice(&there[..len]);
        self.at.set(self.at.get() + asked);
        Ok(into.len())
    }
}

impl Seek for &Vast<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at.set(match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(_) => 16 << 30,
            SeekFrom::Current(_) => self.at.get(),
        });
        Ok(self.at.get())
    }
}

/// Reads the descriptor of a file and judges all of it, as one of the [`SYSTEMS`] would.
///
/// # Errors
///
/// There is no descriptor to judge.
///
/// # Panics
///
/// There is no system of that number; or what people are told of the file could write on their terminal,
/// which is a fault of the reader.
pub fn judge(file: impl Read + Seek, system: usize) -> Result<(), RefusalReason> {
    let (arch, format) = HOSTS[system];
    let host = Platform { arch: Cow::Borrowed(arch), format };
    let section = section::read(file, &host).inspect_err(plain)?;
    let text = descriptor::text(&section).inspect_err(plain)?;
    let descriptor = descriptor::parse_text(&text).inspect_err(plain)?;
    if let Err(reason) = descriptor::judge_library(&descriptor, Terms::of_this_host(false)) {
        plain(&reason);
    }
    for (_, reason) in descriptor::judge_plugins(&descriptor) {
        plain(&reason);
    }
    Ok(())
}

/// Reads the run path of a file.
pub fn run_path(file: impl Read + Seek) {
    section::run_path(file);
}

fn plain(reason: &RefusalReason) {
    let causes = std::iter::successors(Some(reason as &dyn Error), |&it| it.source());
    for text in causes.map(ToString::to_string) {
        assert!(!text.contains(char::is_control), "control characters in {text:?}");
        assert!(text.len() < 2000, "{} bytes are shown to people", text.len());
    }
}
