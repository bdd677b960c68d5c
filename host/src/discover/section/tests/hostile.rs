//! Files that were made to do harm, one kind a test, where random changes would rarely hit: each word
//! of each header in turn, sections that overlap, byte orders that contradict, and files in files.

use super::*;
use crate::discover::fuzz;

mod fat;
mod windows;

/// What a claim of a size or an offset may be made to be.
const EXTREMES: [u64; 5] = [u64::MAX, u64::MAX - 0xfff, 1 << 63, 4 << 30, 0xffff_fff0];

#[test]
fn no_word_of_a_file_is_believed_whatever_it_says() {
    for (name, bytes, host) in libraries() {
        for at in (0..bytes.len() - 8).step_by(4) {
            for (claim, extreme) in EXTREMES.iter().enumerate() {
                for width in [4, 8] {
                    let mut lying = bytes.clone();
                    // Little-endian and big-endian alike: the files are of both.
                    let word = if claim % 2 == at / 4 % 2 {
                        extreme.to_le_bytes()
                    } else {
                        extreme.rotate_left(32).to_be_bytes()
                    };
                    lying[at..at + width].copy_from_slice(&word[..width]);
                    let vast = Vast::new(&lying);
                    let _ = read(&vast, &host);
                    assert!(vast.is_bounded(), "{name}: word at {at}");
                    let vast = Vast::new(&lying);
                    run_path(&vast);
                    assert!(vast.is_bounded(), "{name}: word at {at}");
                }
            }
        }
    }
}

#[test]
fn sections_may_lie_over_each_other_and_over_headers() {
    let host = Platform { arch: "x86_64".into(), format: Format::Elf };
    let bytes = elf_library(Architecture::X86_64, Endianness::Little);
    let headers = elf_sections(&bytes);
    let len = bytes.len() as u64;
    // Each section is the whole file, those with names and descriptor too.
    let mut whole = bytes.clone();
    for at in headers.clone() {
        put(&mut whole, at + 24, 0);
        put(&mut whole, at + 32, len);
    }
    assert!(read(Cursor::new(whole), &host).is_err(), "an ELF header is no table of names");
    // The descriptor's section is the file's headers: it is found, and has no magic.
    let magic = bytes.windows(8).position(|it| it == MAGIC).unwrap() as u64;
    let own = headers.clone().find(|at| bytes[at + 24..at + 32] == magic.to_le_bytes()).unwrap();
    let mut over = bytes.clone();
    put(&mut over, own + 24, 0);
    put(&mut over, own + 32, 64);
    let found = read(Cursor::new(over), &host).unwrap();
    assert!(found.starts_with(b"\x7fELF"));
    // All other sections lie over it: it stays what it is.
    let mut under = bytes.clone();
    for at in headers.filter(|at| *at != own && bytes[at + 4] == 1 && bytes[*at] != 0) {
        if bytes[at + 8..at + 16] != [0; 8] {
            put(&mut under, at + 24, magic);
        }
    }
    assert!(read(Cursor::new(under), &host).unwrap().starts_with(&DESCRIPTOR));
}

#[test]
fn a_byte_order_that_contradicts_the_file_is_survived() {
    for (name, bytes, host) in libraries() {
        let mut swapped = bytes.clone();
        match name {
            "elf64" | "elf32" => swapped[5] = 2,
            "elf64 big" => swapped[5] = 1,
            // The magic is the order: that of a Mach-O file, or of the file around several.
            "macho" | "fat first" | "fat second" => swapped[..4].reverse(),
            _ => swapped[60..64].reverse(),
        }
        let vast = Vast::new(&swapped);
        let reason = read(&vast, &host).unwrap_err();
        assert!(vast.is_bounded(), "{name}");
        assert!(
            matches!(
                reason,
                RefusalReason::WrongPlatform { .. }
                    | RefusalReason::NotALibrary
                    | RefusalReason::Damaged(_)
            ),
            "{name}: {reason}"
        );
    }
}

#[test]
fn a_file_for_several_machines_may_hold_itself() {
    let host = Platform { arch: "aarch64".into(), format: Format::MachO };
    let fat = fat_library();
    // The slice is the file around it: no library, however often one looks.
    let mut own = fat.clone();
    own[36..40].copy_from_slice(&0_u32.to_be_bytes());
    own[40..44].copy_from_slice(&(fat.len() as u32).to_be_bytes());
    let reason = read(Cursor::new(own), &host).unwrap_err();
    assert!(matches!(reason, RefusalReason::Damaged(_)), "{reason}");
    // Slices over each other are two names for one library.
    let mut over = fat.clone();
    let second = over[28..48].to_vec();
    over[16..24].copy_from_slice(&second[8..16]);
    assert!(read(Cursor::new(over), &host).unwrap().starts_with(&DESCRIPTOR));
    // As many as a number can count, in a file in which nothing follows.
    for magic in [0xcafe_babe_u32, 0xcafe_babf] {
        let bytes = [magic, u32::MAX].map(u32::to_be_bytes).concat();
        let vast = Vast::new(&bytes);
        assert!(read(&vast, &host).is_err());
        assert!(vast.is_bounded());
    }
}

/// What the fuzzer has found, and what it begins with.
#[test]
fn the_corpus_is_judged() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/descriptor");
    let mut fine = 0;
    let mut files = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        files += 1;
        for system in 0..fuzz::SYSTEMS {
            fine += usize::from(fuzz::judge(Cursor::new(&bytes), system).is_ok());
            let vast = Vast::new(&bytes);
            let _ = fuzz::judge(&vast, system);
            assert!(vast.is_bounded());
        }
        let vast = Vast::new(&bytes);
        fuzz::run_path(&vast);
        assert!(vast.is_bounded());
    }
    assert!(files > 20, "{files}");
    assert!(fine >= 7, "{fine}: a whole library of each format is among them");
}

/// Where the section headers of a 64-bit little-endian ELF file are.
fn elf_sections(bytes: &[u8]) -> impl Iterator<Item = usize> + Clone + use<> {
    let start = u64::from_le_bytes(bytes[40..48].try_into().unwrap()) as usize;
    let count = usize::from(u16::from_le_bytes(bytes[60..62].try_into().unwrap()));
    (0..count).map(move |nth| start + nth * 64)
}

fn put(bytes: &mut [u8], at: usize, word: u64) {
    bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
}
