//! For which machine and system a library is made, and for which this host is.
//!
//! Names what the file's header says ([`section`](super::section)) and what the descriptor's target says;
//! reads nothing itself.

use std::borrow::Cow;
use std::fmt;

use object::endian::Endianness;
use object::{elf, macho, pe};

/// A machine with the format of its libraries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Platform {
    pub(crate) arch: Cow<'static, str>,
    pub(crate) format: Format,
}

/// A format of libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Elf,
    MachO,
    Pe,
}

impl Platform {
    /// The one that this host was built for.
    pub(crate) fn host() -> Platform {
        let format = if cfg!(target_vendor = "apple") {
            Format::MachO
        } else if cfg!(windows) {
            Format::Pe
        } else {
            Format::Elf
        };
        let bits = if cfg!(target_pointer_width = "64") { 64 } else { 32 };
        let order = if cfg!(target_endian = "big") { Endianness::Big } else { Endianness::Little };
        Platform { arch: variant(std::env::consts::ARCH, bits, order), format }
    }

    pub(crate) fn elf(machine: elf::Machine, bits: u8, order: Endianness) -> Platform {
        let arch = match (machine, bits) {
            (elf::EM_X86_64, _) => variant("x86_64", bits, order),
            (elf::EM_AARCH64, _) => variant("aarch64", bits, order),
            (elf::EM_386, _) => "x86".into(),
            (elf::EM_ARM, _) => variant("arm", bits, order),
            (elf::EM_RISCV, 64) => "riscv64".into(),
            (elf::EM_RISCV, _) => "riscv32".into(),
            (elf::EM_PPC64, _) => variant("powerpc64", bits, order),
            (elf::EM_PPC, _) => "powerpc".into(),
            (elf::EM_S390, _) => "s390x".into(),
            (elf::EM_LOONGARCH, 64) => "loongarch64".into(),
            (elf::EM_LOONGARCH, _) => "loongarch32".into(),
            (elf::EM_MIPS, 64) => variant("mips64", bits, order),
            (elf::EM_MIPS, _) => variant("mips", bits, order),
            (elf::EM_SPARCV9, _) => "sparc64".into(),
            (other, _) => unknown(u32::from(other.0)),
        };
        Platform { arch, format: Format::Elf }
    }

    pub(crate) fn macho(cpu: macho::CpuType) -> Platform {
        let arch = match cpu {
            macho::CPU_TYPE_X86_64 => "x86_64".into(),
            macho::CPU_TYPE_ARM64 => "aarch64".into(),
            macho::CPU_TYPE_X86 => "x86".into(),
            macho::CPU_TYPE_ARM => "arm".into(),
            macho::CPU_TYPE_ARM64_32 => "aarch64_ilp32".into(),
            macho::CPU_TYPE_POWERPC => "powerpc".into(),
            macho::CPU_TYPE_POWERPC64 => "powerpc64".into(),
            other => unknown(other.0),
        };
        Platform { arch, format: Format::MachO }
    }

    pub(crate) fn pe(machine: pe::Machine) -> Platform {
        let arch = match machine {
            pe::IMAGE_FILE_MACHINE_AMD64 => "x86_64".into(),
            pe::IMAGE_FILE_MACHINE_ARM64 => "aarch64".into(),
            pe::IMAGE_FILE_MACHINE_I386 => "x86".into(),
            pe::IMAGE_FILE_MACHINE_ARMNT => "arm".into(),
            other => unknown(u32::from(other.0)),
        };
        Platform { arch, format: Format::Pe }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match self.format {
            Format::Elf => "ELF",
            Format::MachO => "Mach-O",
            Format::Pe => "Windows",
        };
        write!(f, "{} {format}", self.arch)
    }
}

/// Whether a target triple names another system than this host's, or another C library: what the
/// headers of files of one format do not tell. A triple of which nothing is known is not foreign.
pub(crate) fn is_foreign(triple: &str) -> bool {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let libc = [(cfg!(target_env = "gnu"), "gnu"), (cfg!(target_env = "musl"), "musl")]
        .into_iter()
        .find_map(|(is_it, name)| is_it.then_some(name));
    differs(triple, os, libc)
}

/// The host's target as far as [`is_foreign`] looks at it.
pub(crate) fn host_system() -> String {
    let env = if cfg!(target_env = "musl") {
        "-musl"
    } else if cfg!(target_env = "gnu") {
        "-gnu"
    } else {
        ""
    };
    format!("{}-{}{env}", std::env::consts::ARCH, std::env::consts::OS)
}

fn differs(triple: &str, os: &str, libc: Option<&str>) -> bool {
    const SYSTEMS: [&str; 10] = [
        // Android's triples name Linux too: it comes first.
        "android",
        "linux",
        "darwin",
        "windows",
        "freebsd",
        "netbsd",
        "openbsd",
        "dragonfly",
        "illumos",
        "solaris",
    ];
    let built_os = SYSTEMS.into_iter().find(|it| triple.contains(it));
    if built_os.is_some_and(|it| it != os) {
        return true;
    }
    let last = triple.rsplit('-').next().unwrap_or_default();
    let built_libc = ["gnu", "musl"].into_iter().find(|it| last.starts_with(it));
    // Windows' two toolchains share one C ABI.
    os != "windows" && matches!((built_libc, libc), (Some(theirs), Some(ours)) if theirs != ours)
}

/// The name of an architecture in a variant that only word size or byte order tells.
fn variant(arch: &'static str, bits: u8, order: Endianness) -> Cow<'static, str> {
    match (arch, bits, order) {
        ("x86_64", 32, _) => "x86_64_x32".into(),
        ("aarch64", 32, _) => "aarch64_ilp32".into(),
        ("aarch64", _, Endianness::Big) => "aarch64_be".into(),
        ("arm", _, Endianness::Big) => "armeb".into(),
        ("powerpc64", _, Endianness::Little) => "powerpc64le".into(),
        ("mips", _, Endianness::Little) => "mipsel".into(),
        ("mips64", _, Endianness::Little) => "mips64el".into(),
        _ => arch.into(),
    }
}

fn unknown(machine: u32) -> Cow<'static, str> {
    format!("an unknown machine ({machine:#x})").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_size_and_byte_order_tell_variants() {
        let little = |machine, bits| Platform::elf(machine, bits, Endianness::Little).to_string();
        let big = |machine, bits| Platform::elf(machine, bits, Endianness::Big).to_string();
        assert_eq!(little(elf::EM_X86_64, 64), "x86_64 ELF");
        assert_eq!(little(elf::EM_X86_64, 32), "x86_64_x32 ELF");
        assert_eq!(little(elf::EM_PPC64, 64), "powerpc64le ELF");
        assert_eq!(big(elf::EM_PPC64, 64), "powerpc64 ELF");
        assert_eq!(little(elf::Machine(0xbeef), 64), "an unknown machine (0xbeef) ELF");
    }

    #[test]
    fn another_system_or_c_library_is_foreign() {
        let linux = |triple| differs(triple, "linux", Some("gnu"));
        for same in ["x86_64-unknown-linux-gnu", "armv7-unknown-linux-gnueabihf", "odd", ""] {
            assert!(!linux(same), "{same}");
        }
        for other in [
            "x86_64-unknown-linux-musl",
            "aarch64-linux-android",
            "x86_64-unknown-freebsd",
            "aarch64-apple-darwin",
            "x86_64-pc-windows-gnu",
        ] {
            assert!(linux(other), "{other}");
        }
        assert!(!differs("x86_64-pc-windows-gnu", "windows", None));
        assert!(!differs("x86_64-alpine-linux-musl", "linux", Some("musl")));
    }
}
