//! Makes bad libraries: changes good ones byte by byte, or builds the least that is wrong.
//!
//! What is changed keeps its length, so that nothing else in the file moves. Talks to `rustc` where
//! there is no good library that could be bent.

use std::env;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use lifespan::abi::Descriptor;
use lifespan::abi::descriptor::{MAGIC, PREAMBLE, SECTION, section_text};
use minisign::KeyPair;
use object::{Object, ObjectSection};
use serde_json::Value;

use crate::artifacts::{bundled, library};

/// The bytes of a good library, to be spoilt.
pub(crate) struct Forge {
    pub(crate) bytes: Vec<u8>,
}

impl Forge {
    /// The bundled `echo`.
    pub(crate) fn echo() -> Self {
        Self::of(&library(&bundled(), "echo"))
    }

    /// Any library.
    pub(crate) fn of(file: &Path) -> Self {
        Forge { bytes: fs::read(file).expect("a good library can be read") }
    }

    /// The descriptor in the file.
    pub(crate) fn read_descriptor(&self) -> Descriptor {
        Descriptor::from_section(&self.bytes[self.section()]).expect("a good descriptor")
    }

    /// Changes the descriptor in the file.
    pub(crate) fn descriptor(mut self, change: impl FnOnce(&mut Value)) -> Self {
        let section = self.section();
        let text = section_text(&self.bytes[section.clone()]).expect("a good descriptor");
        let room = text.len();
        let mut value: Value = serde_json::from_str(text).expect("a good descriptor");
        change(&mut value);
        // JSON takes blanks at its end; so every text that is no longer than the old one fits.
        let text = format!("{:room$}", value.to_string());
        assert_eq!(text.len(), room, "the changed descriptor is too long: {text}");
        self.bytes[section][PREAMBLE..][..room].copy_from_slice(text.as_bytes());
        self
    }

    /// Gives the only plugin another name, in the file.
    pub(crate) fn renamed(self, name: &str) -> Self {
        self.descriptor(|it| {
            it["plugins"][0]["summary"] = "".into();
            it["plugins"][0]["name"] = name.into();
        })
    }

    /// Has the file show the descriptor of `other`, while what is loaded stays as it is: the section
    /// table, which only tools read, leads to a copy at the file's end.
    #[cfg(target_os = "linux")]
    pub(crate) fn showing(mut self, other: &Forge) -> Self {
        const OFFSET: usize = 24;
        const SIZE: usize = 32;
        let shown = &other.bytes[other.section()];
        let table = u64::from_le_bytes(*self.bytes[40..].first_chunk().expect("an ELF header"));
        let entry = usize::from(u16::from_le_bytes([self.bytes[58], self.bytes[59]]));
        let file = object::File::parse(&*self.bytes).expect("a good library");
        let index = file.section_by_name(SECTION[0]).expect("a descriptor").index().0;
        let header = usize::try_from(table).expect("a file that fits into memory") + index * entry;
        let end = self.bytes.len() as u64;
        self.bytes[header + OFFSET..][..8].copy_from_slice(&end.to_le_bytes());
        self.bytes[header + SIZE..][..8].copy_from_slice(&(shown.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(shown);
        self
    }

    /// The descriptor no longer begins as one does.
    pub(crate) fn without_magic(mut self) -> Self {
        let start = self.section().start;
        self.bytes[start..start + MAGIC.len()].fill(b'?');
        self
    }

    /// Says that it is made for another machine.
    pub(crate) fn other_machine(mut self) -> Self {
        let arm = cfg!(target_arch = "aarch64");
        let (at, machine): (usize, &[u8]) = match self.bytes[..4] {
            [0x7f, b'E', b'L', b'F'] => (18, if arm { &[62, 0] } else { &[183, 0] }),
            [0xcf, 0xfa, 0xed, 0xfe] => (4, if arm { &[7, 0, 0, 1] } else { &[12, 0, 0, 1] }),
            [b'M', b'Z', ..] => {
                let pe = self.bytes[0x3c..].first_chunk().expect("a PE file has a header");
                let pe = u32::from_le_bytes(*pe) as usize;
                (pe + 4, if arm { &[0x64, 0x86] } else { &[0x64, 0xaa] })
            }
            _ => panic!("a library of an unknown format"),
        };
        self.bytes[at..at + machine.len()].copy_from_slice(machine);
        self
    }

    /// Cuts it off.
    pub(crate) fn cut(mut self, len: usize) -> Self {
        assert!(len < self.bytes.len(), "nothing would be cut off");
        self.bytes.truncate(len);
        self
    }

    /// Writes it into a folder, named as libraries are.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> PathBuf {
        let file = library(folder, name);
        fs::write(&file, &self.bytes).expect("a file in a temporary folder");
        file
    }

    /// Where the descriptor's section is.
    fn section(&self) -> Range<usize> {
        let file = object::File::parse(&*self.bytes).expect("a good library");
        let section = SECTION.iter().find_map(|name| file.section_by_name(name));
        let range = section.and_then(|it| it.file_range()).expect("a library with a descriptor");
        let start = usize::try_from(range.0).expect("a file that fits into memory");
        start..start + usize::try_from(range.1).expect("a file that fits into memory")
    }
}

/// Builds a library from one file without dependencies.
pub(crate) fn compile(folder: &Path, name: &str, source: &str) -> PathBuf {
    compile_with(folder, name, source, &[])
}

/// As [`compile`], with options of the compiler.
pub(crate) fn compile_with(folder: &Path, name: &str, source: &str, options: &[&str]) -> PathBuf {
    let from = folder.join(format!("{name}.rs"));
    fs::write(&from, source).expect("a file in a temporary folder");
    let to = library(folder, name);
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "--crate-type=cdylib", "-Cpanic=abort", "--crate-name", name]);
    rustc.args(options);
    let built = rustc.arg("-o").arg(&to).arg(&from).output().expect("rustc can be run");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    to
}

/// The Rust source of a library that has the descriptor of the bundled `echo`, with the plugin called
/// `name`, and `rest` in place of all else.
pub(crate) fn with_descriptor(name: &str, rest: &str) -> String {
    let forge = Forge::echo().renamed(name);
    let bytes = &forge.bytes[forge.section()];
    let place = match std::env::consts::OS {
        "macos" => "__DATA,__lifespan",
        "windows" => SECTION[2],
        _ => SECTION[0],
    };
    format!(
        "#[used]\n#[unsafe(link_section = \"{place}\")]\n\
         static DESCRIPTOR: [u8; {}] = {bytes:?};\n{rest}\n",
        bytes.len(),
    )
}

/// Signs a file by a key, beside it.
pub(crate) fn sign(keys: &KeyPair, file: &Path) {
    let bytes = fs::read(file).expect("it is there");
    let signature = minisign::sign(Some(&keys.pk), &keys.sk, &bytes[..], None, None);
    let mut name = file.as_os_str().to_owned();
    name.push(".minisig");
    fs::write(name, signature.expect("it can be signed").into_string()).expect("a new file");
}
