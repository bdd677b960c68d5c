//! Mach-O files, and files of several of them, that lie about where their parts are and how large.

use super::*;

/// Where the first library begins in a file of several.
const FIRST: u64 = 128;

fn host(arch: &'static str) -> Platform {
    Platform { arch: arch.into(), format: Format::MachO }
}

/// The two slices of a file for several machines: cpu, offset, size, bytes.
fn slices() -> [(u32, u64, u64, Vec<u8>); 2] {
    let x86_64 = macho_library(Architecture::X86_64);
    let aarch64 = macho_library(Architecture::Aarch64);
    let second = FIRST + (x86_64.len() as u64).next_multiple_of(16);
    [
        (macho::CPU_TYPE_X86_64.0, FIRST, x86_64.len() as u64, x86_64),
        (macho::CPU_TYPE_ARM64.0, second, aarch64.len() as u64, aarch64),
    ]
}

/// A file of several, whose header has numbers of 64 bits or 32. The header says what it is told to of the
/// slices, wherever they are.
fn fat(wide: bool, told: [(u32, u64, u64); 2]) -> Vec<u8> {
    let mut bytes = if wide { 0xcafe_babf_u32 } else { 0xcafe_babe }.to_be_bytes().to_vec();
    bytes.extend(2_u32.to_be_bytes());
    for (cpu, offset, size) in told {
        bytes.extend([cpu, 0].map(u32::to_be_bytes).concat());
        for number in [offset, size] {
            let narrow = u32::try_from(number).unwrap_or(u32::MAX);
            match wide {
                true => bytes.extend(number.to_be_bytes()),
                false => bytes.extend(narrow.to_be_bytes()),
            }
        }
        bytes.extend(4_u32.to_be_bytes());
        bytes.extend(wide.then_some([0; 4]).into_iter().flatten());
    }
    for (_, offset, _, slice) in slices() {
        bytes.resize(offset as usize, 0);
        bytes.extend(slice);
    }
    bytes
}

/// What the header says where it is right.
fn right() -> [(u32, u64, u64); 2] {
    slices().map(|(cpu, offset, size, _)| (cpu, offset, size))
}

/// What is read of the second slice, in the file by itself and as the beginning of a vast one.
fn read_both(bytes: &[u8]) -> [Result<Vec<u8>, RefusalReason>; 2] {
    let vast = Vast::new(bytes);
    let both = [read(Cursor::new(bytes), &host("aarch64")), read(&vast, &host("aarch64"))];
    assert!(vast.is_bounded());
    both
}

#[track_caller]
fn assert_damaged(read: &Result<Vec<u8>, RefusalReason>) {
    assert!(matches!(read, Err(RefusalReason::Damaged(_))), "{read:?}");
}

#[test]
fn both_kinds_of_header_are_read() {
    for wide in [false, true] {
        let bytes = fat(wide, right());
        for arch in ["x86_64", "aarch64"] {
            assert!(read(Cursor::new(&bytes), &host(arch)).unwrap().starts_with(&DESCRIPTOR));
        }
    }
}

#[test]
fn slices_beyond_the_file_are_damage() {
    for wide in [false, true] {
        let [first, (cpu, offset, size)] = right();
        let all = fat(wide, right()).len() as u64;
        for claim in [u64::MAX, u64::MAX - offset + 1, 1 << 63, 4 << 30, u64::from(u32::MAX)] {
            for told in [(cpu, claim, size), (cpu, offset, claim), (cpu, claim, claim)] {
                let [small, vast] = read_both(&fat(wide, [first, told]));
                assert_damaged(&small);
                // In a file that is so large the slice is what is there: the library, or zeros.
                let is_there = told.1 == offset && (claim <= 4 << 30 || !wide);
                match vast {
                    Ok(found) => assert!(is_there && found.starts_with(&DESCRIPTOR)),
                    damaged => assert_damaged(&damaged),
                }
            }
        }
        for told in
            [(cpu, offset, all - offset + 1), (cpu, all, 1), (cpu, offset, 0), (cpu, offset, 16)]
        {
            assert_damaged(&read_both(&fat(wide, [first, told]))[0]);
        }
    }
}

#[test]
fn slices_over_each_other_and_over_the_header_are_survived() {
    for wide in [false, true] {
        let [(x86_64, there, length), (cpu, offset, size)] = right();
        // The whole file, header and all: a file of several within itself, which is no library.
        let all = fat(wide, right()).len() as u64;
        assert_damaged(&read_both(&fat(wide, [(x86_64, 0, all), (cpu, 0, all)]))[0]);
        // The other machine's library by this one's name.
        let [small, _] = read_both(&fat(wide, [(x86_64, there, length), (cpu, there, length)]));
        assert!(matches!(small, Err(RefusalReason::WrongPlatform { .. })), "{small:?}");
        // One within the other, and two for one machine, of which the first counts.
        let [small, _] = read_both(&fat(wide, [(x86_64, 0, all), (cpu, offset, size)]));
        assert!(small.unwrap().starts_with(&DESCRIPTOR));
        let [small, _] = read_both(&fat(wide, [(cpu, offset, size), (cpu, 0, all)]));
        assert!(small.unwrap().starts_with(&DESCRIPTOR));
    }
}

#[test]
fn the_other_byte_order_is_no_library_or_damage() {
    for wide in [false, true] {
        let bytes = fat(wide, right());
        let mut swapped = bytes.clone();
        swapped[..4].reverse();
        assert!(matches!(read_both(&swapped)[0], Err(RefusalReason::NotALibrary)));
        // How many there are; which machine; where and how large.
        let mut swapped = bytes.clone();
        swapped[4..8].reverse();
        assert_damaged(&read_both(&swapped)[0]);
        let entry = if wide { 32 } else { 20 };
        let mut swapped = bytes.clone();
        for at in [8, 8 + entry] {
            swapped[at..at + 4].reverse();
        }
        assert!(matches!(read_both(&swapped)[0], Err(RefusalReason::WrongPlatform { .. })));
        let width = if wide { 8 } else { 4 };
        for field in [0, width] {
            let mut swapped = bytes.clone();
            swapped[8 + entry + 8 + field..][..width].reverse();
            assert_damaged(&read_both(&swapped)[0]);
        }
    }
}

#[test]
fn a_file_cut_off_anywhere_is_damaged_until_the_slice_is_whole() {
    for wide in [false, true] {
        let bytes = fat(wide, right());
        let [_, (_, offset, size)] = right();
        for end in (5..bytes.len()).filter(|end| end % 7 == 0) {
            let read = read(Cursor::new(&bytes[..end]), &host("aarch64"));
            if (end as u64) < offset + size {
                assert_damaged(&read);
            }
        }
    }
}

#[test]
fn commands_of_a_library_are_not_believed() {
    let bytes = macho_library(Architecture::Aarch64);
    let (count, length, first) = (16, 20, 32);
    let segment = bytes[first..].windows(4).position(|it| it == 25_u32.to_le_bytes());
    let segment = first + segment.unwrap();
    let put = |edits: &[(usize, &[u8])]| {
        let mut lying = bytes.clone();
        for (at, value) in edits {
            lying[*at..*at + value.len()].copy_from_slice(value);
        }
        read_both(&lying)
    };
    const MOST: [u8; 4] = u32::MAX.to_le_bytes();
    for damaged in [
        // As many commands as can be counted, in as many bytes; and such that lead nowhere, for ever.
        put(&[(count, &MOST)]),
        put(&[(length, &MOST)]),
        put(&[(count, &MOST), (length, &MOST)]),
        put(&[(count, &MOST), (segment + 4, &[0; 4])]),
        put(&[(segment + 4, &[0; 4])]),
        put(&[(segment + 4, &MOST)]),
        // A segment's place in the file and its size.
        put(&[(segment + 40, &[0xff; 8])]),
        put(&[(segment + 48, &[0xff; 8])]),
        put(&[(segment + 48, &(4_u64 << 30).to_le_bytes())]),
        // How many sections it has.
        put(&[(segment + 64, &MOST)]),
    ] {
        assert_damaged(&damaged[0]);
    }
}
