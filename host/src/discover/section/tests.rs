//! Small libraries of each format, whole, cut off, corrupt and lying about sizes.

use std::io::Cursor;

use lifespan_abi::descriptor::{MAGIC, section};
use object::write::pe::{NtHeaders, Writer};
use object::write::{Object, StandardSegment};
use object::{Architecture, BinaryFormat, Endianness, SectionKind};
use proptest::prelude::*;

use super::*;
use crate::discover::fuzz::Vast;

mod hostile;

const TEXT: &str = r#"{"abi":"0.1.0"}"#;
const DESCRIPTOR: [u8; PREAMBLE + TEXT.len()] = section(&[TEXT]);

/// A library of each format with a descriptor, and the host that it is made for.
fn libraries() -> Vec<(&'static str, Vec<u8>, Platform)> {
    let on = |arch: &'static str, format| Platform { arch: arch.into(), format };
    let x86_64 = Architecture::X86_64;
    let aarch64 = Architecture::Aarch64;
    let fat = fat_library();
    vec![
        ("elf64", elf_library(x86_64, Endianness::Little), on("x86_64", Format::Elf)),
        ("elf32", elf_library(Architecture::Arm, Endianness::Little), on("arm", Format::Elf)),
        ("elf64 big", elf_library(Architecture::S390x, Endianness::Big), on("s390x", Format::Elf)),
        ("macho", macho_library(aarch64), on("aarch64", Format::MachO)),
        ("fat first", fat.clone(), on("x86_64", Format::MachO)),
        ("fat second", fat, on("aarch64", Format::MachO)),
        ("pe64", pe_library(pe::IMAGE_FILE_MACHINE_AMD64, true), on("x86_64", Format::Pe)),
        ("pe32", pe_library(pe::IMAGE_FILE_MACHINE_I386, false), on("x86", Format::Pe)),
    ]
}

#[test]
fn the_descriptor_is_found_in_each_format() {
    for (name, bytes, host) in libraries() {
        let found = read(Cursor::new(bytes), &host).unwrap_or_else(|it| panic!("{name}: {it}"));
        assert!(found.starts_with(&DESCRIPTOR), "{name}");
    }
}

#[test]
fn another_platform_is_named_before_anything_else() {
    let host = Platform { arch: "riscv64".into(), format: Format::Elf };
    let expect = [
        "x86_64 ELF",
        "arm ELF",
        "s390x ELF",
        "aarch64 Mach-O",
        "x86_64 and aarch64 Mach-O",
        "x86_64 and aarch64 Mach-O",
        "x86_64 Windows",
        "x86 Windows",
    ];
    for ((name, mut bytes, _), built_for) in libraries().into_iter().zip(expect) {
        // Only the headers are there: what follows them does not matter.
        bytes.truncate(400);
        let reason = read(Cursor::new(bytes), &host).unwrap_err();
        let text = format!("it is built for {built_for}; this host is riscv64 ELF");
        assert_eq!(reason.to_string(), text, "{name}");
    }
}

#[test]
fn a_library_without_a_descriptor_is_told_from_a_damaged_one() {
    for (name, bytes, host) in libraries() {
        let renamed = replace(&bytes, b"lifespan\0", b"nothings\0");
        let renamed = replace(&renamed, b".lspan", b".other");
        let reason = read(Cursor::new(renamed), &host).unwrap_err();
        assert!(matches!(reason, RefusalReason::NoDescriptor), "{name}: {reason}");
    }
}

#[test]
fn what_is_no_library_is_called_so() {
    let host = Platform::host();
    let reason = |bytes: &[u8]| read(Cursor::new(bytes), &host).unwrap_err().to_string();
    assert_eq!(reason(b""), "it is damaged: it is empty");
    for text in ["M", "hello, I am text", "\u{7f}ELF", "#!/bin/sh\n"] {
        assert_eq!(reason(text.as_bytes()), "it is not a library", "{text}");
    }
}

#[test]
fn programs_and_objects_are_not_libraries() {
    let host = Platform { arch: "x86_64".into(), format: Format::Elf };
    let mut bytes = elf_library(Architecture::X86_64, Endianness::Little);
    bytes[16] = 2;
    let reason = read(Cursor::new(bytes), &host).unwrap_err();
    assert!(matches!(reason, RefusalReason::NotShared), "{reason}");
}

#[test]
fn a_file_cut_off_anywhere_is_refused_or_read_in_full() {
    for (name, bytes, host) in libraries() {
        let mut refused = 0;
        for len in 0..bytes.len() {
            match read(Cursor::new(&bytes[..len]), &host) {
                Ok(found) => assert!(found.starts_with(&DESCRIPTOR), "{name} at {len}"),
                Err(_) => refused += 1,
            }
        }
        let needed = bytes.windows(8).position(|it| it == MAGIC).unwrap() + DESCRIPTOR.len();
        assert!(refused >= needed, "{name}: {refused} of {needed}");
    }
}

/// A real library whose last pages are missing would end the process once it is mapped.
#[cfg(target_os = "linux")]
#[test]
fn a_real_file_that_is_cut_off_is_damaged() {
    let program = std::env::current_exe().unwrap();
    let mut file = std::fs::File::open(program).unwrap();
    let mut bytes = vec![0; 64 * 1024];
    file.read_exact(&mut bytes).unwrap();
    let reason = read(Cursor::new(bytes), &Platform::host()).unwrap_err();
    assert_eq!(reason.to_string(), "it is damaged: it is cut off");
}

#[test]
fn claims_of_sizes_are_not_believed() {
    let host = Platform { arch: "x86_64".into(), format: Format::Elf };
    let bytes = elf_library(Architecture::X86_64, Endianness::Little);
    let headers = u64::from_le_bytes(bytes[40..48].try_into().unwrap()) as usize;
    let sections = usize::from(u16::from_le_bytes(bytes[60..62].try_into().unwrap()));
    for claim in [u64::MAX, u64::MAX / 2, 1 << 32, 1 << 31, 1 << 21] {
        let mut lying = bytes.clone();
        for section in 0..sections {
            // `sh_size` of each section, and so the number of sections and of their names.
            let at = headers + section * 64 + 32;
            lying[at..at + 8].copy_from_slice(&claim.to_le_bytes());
        }
        // The number of sections stands in the first one's size, if it stands nowhere else.
        let mut many = lying.clone();
        many[60..62].fill(0);
        for bytes in [lying, many] {
            let vast = Vast::new(&bytes);
            assert!(read(&vast, &host).is_err(), "{claim:#x}");
            assert!(vast.is_bounded(), "{claim:#x}: {vast:?}");
        }
    }
}

#[test]
fn a_large_section_is_read_only_as_far_as_a_descriptor_goes() {
    let host = Platform { arch: "x86_64".into(), format: Format::Elf };
    let mut bytes = elf_library(Architecture::X86_64, Endianness::Little);
    let headers = u64::from_le_bytes(bytes[40..48].try_into().unwrap()) as usize;
    let offset = bytes.windows(8).position(|it| it == MAGIC).unwrap() as u64;
    let sections = bytes[headers..].chunks_exact(64);
    let nth = sections.into_iter().position(|it| it[24..32] == offset.to_le_bytes()).unwrap();
    let at = headers + nth * 64 + 32;
    bytes[at..at + 8].copy_from_slice(&(4_u64 << 30).to_le_bytes());
    let vast = Vast::new(&bytes);
    let found = read(&vast, &host).unwrap();
    assert!(found.starts_with(&DESCRIPTOR));
    assert_eq!(found.len() as u64, MAX_READ);
    assert!(vast.is_bounded());
}

proptest! {
    #[test]
    fn corruption_never_panics(
        which in 0..8_usize,
        edits in prop::collection::vec((0..4096_usize, any::<u8>()), 1..12),
    ) {
        let (_, mut bytes, host) = libraries().swap_remove(which);
        let len = bytes.len();
        for (at, byte) in edits {
            bytes[at % len] = byte;
        }
        judge_bounded(bytes, &host);
    }

    /// Whole words of extremes, where bytes one by one rarely overflow anything.
    #[test]
    fn extreme_words_never_panic(
        which in 0..8_usize,
        edits in prop::collection::vec((0..512_usize, 0..4_usize, any::<bool>()), 1..6),
    ) {
        let (_, mut bytes, host) = libraries().swap_remove(which);
        for (at, kind, tail) in edits {
            let word = [u64::MAX, u64::MAX - 0xfff, 1 << 63, 0xffff_fff0][kind];
            let at = (at * 4) % (bytes.len() - 8);
            // Section headers of ELF stand at the end, those of the others at the beginning.
            let at = if tail { bytes.len() - 8 - at } else { at };
            bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        judge_bounded(bytes, &host);
    }

    #[test]
    fn garbage_after_any_magic_never_panics(
        magic in prop::sample::select(vec![
            &b"\x7fELF\x02\x01\x01"[..], b"\x7fELF\x01\x02\x01", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xce",
            b"\xca\xfe\xba\xbe\0\0\0\x02", b"\xca\xfe\xba\xbf\0\0\0\x02", b"MZ",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..2048),
    ) {
        let bytes = [magic, &rest].concat();
        for (_, _, host) in libraries() {
            judge_bounded(bytes.clone(), &host);
        }
    }
}

fn judge_bounded(bytes: Vec<u8>, host: &Platform) {
    let vast = Vast::new(&bytes);
    for found in [read(Cursor::new(&bytes), host), read(&vast, host)].into_iter().flatten() {
        assert!(found.len() as u64 <= MAX_READ);
    }
    assert!(vast.is_bounded());
}

/// A library of the host's own platform with a descriptor of that text.
pub(crate) fn native_library(text: &str) -> Vec<u8> {
    let host = Platform::host();
    let mut descriptor = MAGIC.to_vec();
    descriptor.extend(1_u32.to_le_bytes());
    descriptor.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
    descriptor.extend(text.as_bytes());
    let arch = match &*host.arch {
        "aarch64" => Architecture::Aarch64,
        _ => Architecture::X86_64,
    };
    match host.format {
        Format::Elf => elf_with(arch, Endianness::Little, &descriptor),
        Format::MachO => macho_with(arch, &descriptor),
        Format::Pe if arch == Architecture::Aarch64 => {
            pe_with(pe::IMAGE_FILE_MACHINE_ARM64, true, &descriptor)
        }
        Format::Pe => pe_with(pe::IMAGE_FILE_MACHINE_AMD64, true, &descriptor),
    }
}

fn elf_library(arch: Architecture, order: Endianness) -> Vec<u8> {
    elf_with(arch, order, &DESCRIPTOR)
}

fn macho_library(arch: Architecture) -> Vec<u8> {
    macho_with(arch, &DESCRIPTOR)
}

fn pe_library(machine: pe::Machine, is_64: bool) -> Vec<u8> {
    pe_with(machine, is_64, &DESCRIPTOR)
}

/// An object file with a descriptor, which its kind makes a library.
fn elf_with(arch: Architecture, order: Endianness, descriptor: &[u8]) -> Vec<u8> {
    let mut bytes = object_file(BinaryFormat::Elf, arch, order, (b"", SECTION[0]), descriptor);
    let kind = elf::ET_DYN.0;
    let kind = if order == Endianness::Big { kind.to_be_bytes() } else { kind.to_le_bytes() };
    bytes[16..18].copy_from_slice(&kind);
    bytes
}

fn macho_with(arch: Architecture, descriptor: &[u8]) -> Vec<u8> {
    let order = Endianness::Little;
    let name: (&[u8], &str) = (b"__DATA", SECTION[1]);
    let mut bytes = object_file(BinaryFormat::MachO, arch, order, name, descriptor);
    bytes[12..16].copy_from_slice(&macho::MH_DYLIB.0.to_le_bytes());
    bytes
}

fn object_file(
    format: BinaryFormat,
    arch: Architecture,
    order: Endianness,
    (segment, section): (&[u8], &str),
    descriptor: &[u8],
) -> Vec<u8> {
    let mut file = Object::new(format, arch, order);
    let text = file.add_section(
        file.segment_name(StandardSegment::Text).to_vec(),
        if format == BinaryFormat::Elf { b".text".to_vec() } else { b"__text".to_vec() },
        SectionKind::Text,
    );
    file.append_section_data(text, &[0x90; 32], 16);
    let id = file.add_section(segment.to_vec(), section.into(), SectionKind::ReadOnlyData);
    file.append_section_data(id, descriptor, 8);
    file.write().unwrap()
}

/// Two Mach-O libraries in one file.
fn fat_library() -> Vec<u8> {
    let slices = [
        (macho::CPU_TYPE_X86_64, macho_library(Architecture::X86_64)),
        (macho::CPU_TYPE_ARM64, macho_library(Architecture::Aarch64)),
    ];
    let mut bytes = [0xcafe_babe_u32, 2].map(u32::to_be_bytes).concat();
    let mut offset = 64;
    for (cpu, slice) in &slices {
        let len = u32::try_from(slice.len()).unwrap();
        bytes.extend([cpu.0, 0, offset, len, 4].map(u32::to_be_bytes).concat());
        offset += len.next_multiple_of(16);
    }
    bytes.resize(64, 0);
    for (_, slice) in slices {
        bytes.extend(&slice);
        bytes.resize(bytes.len().next_multiple_of(16), 0);
    }
    bytes
}

fn pe_with(machine: pe::Machine, is_64: bool, descriptor: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(is_64, 0x1000, 0x200, &mut bytes);
    writer.reserve_dos_header();
    writer.reserve_nt_headers(16);
    writer.reserve_section_headers(2);
    writer.reserve_text_section(32);
    let name = *b".lspan\0\0";
    let len = u32::try_from(descriptor.len()).unwrap();
    let flags = pe::IMAGE_SCN_CNT_INITIALIZED_DATA | pe::IMAGE_SCN_MEM_READ;
    let range = writer.reserve_section(name, flags, len, len);
    writer.write_empty_dos_header().unwrap();
    writer.write_nt_headers(NtHeaders {
        machine,
        time_date_stamp: 0,
        characteristics: pe::IMAGE_FILE_DLL,
        major_linker_version: 0,
        minor_linker_version: 0,
        address_of_entry_point: 0,
        image_base: 0x1000_0000,
        major_operating_system_version: 0,
        minor_operating_system_version: 0,
        major_image_version: 0,
        minor_image_version: 0,
        major_subsystem_version: 0,
        minor_subsystem_version: 0,
        subsystem: pe::IMAGE_SUBSYSTEM_WINDOWS_GUI,
        dll_characteristics: pe::DllFlags(0),
        size_of_stack_reserve: 0,
        size_of_stack_commit: 0,
        size_of_heap_reserve: 0,
        size_of_heap_commit: 0,
    });
    writer.write_section_headers();
    writer.write_section(range.file_offset, descriptor);
    bytes
}

/// Replaces every occurrence by one of the same length.
fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    while let Some(at) = bytes.windows(from.len()).position(|it| it == from) {
        bytes[at..at + from.len()].copy_from_slice(to);
    }
    bytes
}
