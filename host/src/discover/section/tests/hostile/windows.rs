//! Libraries for Windows that lie about where their parts are and how large.

use super::*;

/// The offsets of what is lied about, from the beginning of the file.
struct Parts {
    bytes: Vec<u8>,
    host: Platform,
    /// The signature, before the headers.
    headers: usize,
    /// The section headers, and which of them is the descriptor's.
    sections: usize,
    own: usize,
}

/// The fields of a section header, each of four bytes.
const VIRTUAL_SIZE: usize = 8;
const RAW_SIZE: usize = 16;
const RAW_OFFSET: usize = 20;

fn libraries() -> [Parts; 2] {
    let x64 = (pe::IMAGE_FILE_MACHINE_AMD64, true, "x86_64");
    [x64, (pe::IMAGE_FILE_MACHINE_I386, false, "x86")].map(|(machine, is_64, arch)| {
        let bytes = pe_library(machine, is_64);
        let headers = word(&bytes, 0x3c) as usize;
        let optional = usize::from(bytes[headers + 20]) | usize::from(bytes[headers + 21]) << 8;
        let sections = headers + 24 + optional;
        let own = bytes.windows(8).position(|it| it == b".lspan\0\0").unwrap();
        assert!(own >= sections && (own - sections).is_multiple_of(40));
        let host = Platform { arch: arch.into(), format: Format::Pe };
        Parts { bytes, host, headers, sections, own }
    })
}

impl Parts {
    fn with(&self, edits: &[(usize, u32)]) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for (at, value) in edits {
            bytes[*at..*at + 4].copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    /// What is read of the file by itself, and as the beginning of a vast one.
    fn read(&self, bytes: &[u8]) -> [Result<Vec<u8>, RefusalReason>; 2] {
        let vast = Vast::new(bytes);
        let read = [read(Cursor::new(bytes), &self.host), read(&vast, &self.host)];
        assert!(vast.is_bounded());
        read
    }

    #[track_caller]
    fn assert_damaged(&self, edits: &[(usize, u32)]) {
        let [small, _] = self.read(&self.with(edits));
        let reason = small.unwrap_err();
        assert!(matches!(reason, RefusalReason::Damaged(_)), "{edits:?}: {reason}");
    }
}

#[test]
fn sizes_and_offsets_beyond_the_file_are_damage() {
    for pe in libraries() {
        for claim in [u32::MAX, u32::MAX - 0xfff, 1 << 31, pe.bytes.len() as u32 + 1] {
            let size = [(pe.own + RAW_SIZE, claim), (pe.own + VIRTUAL_SIZE, claim)];
            pe.assert_damaged(&size);
            pe.assert_damaged(&[(pe.own + RAW_OFFSET, claim)]);
            // Both together go beyond what an offset of 32 bits can tell.
            pe.assert_damaged(&[size[0], size[1], (pe.own + RAW_OFFSET, claim)]);
            // Another section's claim is as bad: it would be mapped.
            let other = pe.sections;
            assert_ne!(other, pe.own);
            pe.assert_damaged(&[(other + RAW_SIZE, claim), (other + VIRTUAL_SIZE, claim)]);
        }
        // In a file that is so large a descriptor is read only as far as one goes.
        let claims = [(pe.own + RAW_SIZE, u32::MAX), (pe.own + VIRTUAL_SIZE, u32::MAX)];
        let [_, vast] = pe.read(&pe.with(&claims));
        let found = vast.unwrap();
        assert!(found.starts_with(&DESCRIPTOR) && found.len() as u64 == MAX_READ);
        // A section without bytes in the file has no descriptor.
        let [small, vast] = pe.read(&pe.with(&[(pe.own + RAW_SIZE, 0)]));
        assert_eq!((small.unwrap(), vast.unwrap()), (Vec::new(), Vec::new()));
    }
}

#[test]
fn sections_over_each_other_and_over_the_headers_are_survived() {
    for pe in libraries() {
        // The descriptor's section is the headers: it is found, and is no descriptor.
        let [small, _] = pe.read(&pe.with(&[(pe.own + RAW_OFFSET, 0)]));
        assert!(small.unwrap().starts_with(b"MZ"));
        // The other one lies over it, or is the whole file: it stays what it is.
        let place = word(&pe.bytes, pe.own + RAW_OFFSET);
        let all = pe.bytes.len() as u32;
        for (offset, size) in [(place, 16), (0, all), (place - 8, 16)] {
            let [small, _] = pe.read(&pe.with(&[
                (pe.sections + RAW_OFFSET, offset),
                (pe.sections + RAW_SIZE, size),
                (pe.sections + VIRTUAL_SIZE, size),
            ]));
            assert!(small.unwrap().starts_with(&DESCRIPTOR));
        }
        // Two of that name: the first is taken.
        let mut twice = pe.bytes.clone();
        twice[pe.sections..][..8].copy_from_slice(b".lspan\0\0");
        let [small, _] = pe.read(&twice);
        assert!(!small.unwrap().starts_with(&DESCRIPTOR));
    }
}

#[test]
fn counts_and_places_of_headers_are_not_believed() {
    for pe in libraries() {
        // As many sections as can be counted. The field before is the machine.
        let machine = word(&pe.bytes, pe.headers + 4) & 0xffff;
        pe.assert_damaged(&[(pe.headers + 4, machine | 0xffff_0000)]);
        let [none, _] = pe.read(&pe.with(&[(pe.headers + 4, machine)]));
        assert!(matches!(none, Err(RefusalReason::NoDescriptor)));
        // The optional header is nothing, or all that can be said. The field behind is what it is.
        let kind = word(&pe.bytes, pe.headers + 20) & 0xffff_0000;
        for size in [0, 1, 0xfff0, 0xffff] {
            let [small, _] = pe.read(&pe.with(&[(pe.headers + 20, kind | size)]));
            assert!(small.is_err(), "{size:#x}");
        }
        // The headers are at the end of the file, behind it, or in the header that names them.
        let all = pe.bytes.len() as u32;
        for place in [0, 0x3c, all - 4, all - 1, all, u32::MAX - 3, u32::MAX] {
            let [small, vast] = pe.read(&pe.with(&[(0x3c, place)]));
            assert!(small.is_err() && vast.is_err(), "{place:#x}");
        }
    }
}

#[test]
fn the_other_byte_order_is_another_machine_or_no_library() {
    for pe in libraries() {
        let mut swapped = pe.bytes.clone();
        swapped[pe.headers + 4..][..2].reverse();
        let [small, _] = pe.read(&swapped);
        assert!(matches!(small, Err(RefusalReason::WrongPlatform { .. })));
        let mut swapped = pe.bytes.clone();
        swapped[..2].reverse();
        let [small, _] = pe.read(&swapped);
        assert!(matches!(small, Err(RefusalReason::NotALibrary)));
        pe.assert_damaged(&[(0x3c, word(&pe.bytes, 0x3c).swap_bytes())]);
        for field in [RAW_SIZE, RAW_OFFSET] {
            let at = pe.own + field;
            let virtual_too = (pe.own + VIRTUAL_SIZE, u32::MAX);
            pe.assert_damaged(&[(at, word(&pe.bytes, at).swap_bytes()), virtual_too]);
        }
    }
}

#[test]
fn a_file_cut_off_within_its_headers_is_damaged() {
    for pe in libraries() {
        for end in [0x3c, 0x40, pe.headers + 4, pe.headers + 24, pe.sections, pe.own, pe.own + 39] {
            let [small, _] = pe.read(&pe.bytes[..end]);
            let reason = small.unwrap_err();
            assert!(matches!(reason, RefusalReason::Damaged(_)), "{end}: {reason}");
        }
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}
