//! For the fuzzer of the descriptor reader only, and no part of the interface: what discovery makes of
//! one file, on whatever system.
//!
//! Discovery itself asks for its own system only, and turns most formats away by their first bytes.

use std::borrow::Cow;
use std::error::Error;
use std::io::{Read, Seek};

use crate::discover::platform::{Format, Platform};
use crate::discover::refusal::RefusalReason;
use crate::discover::{descriptor, section};

/// The most bytes that are asked of a file at once.
pub const MAX_READ: u64 = section::MAX_READ;

/// The most bytes that are asked of a file in all.
pub const MAX_TOTAL: u64 = section::MAX_TOTAL;

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
    if let Err(reason) = descriptor::judge_library(&descriptor, false) {
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
