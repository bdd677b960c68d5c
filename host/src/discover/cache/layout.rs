//! The bytes of a cache's file: a head that is read at once, and the descriptors behind it.
//!
//! The head holds the libraries in the order of their files' names, and the plugins' names in theirs,
//! so that a name is found without looking at every library, and one descriptor is read for it. Numbers are
//! little-endian, places are counted from the beginning of the file. Every place is checked, the head
//! has a checksum and each descriptor its own: a file may be cut off, or be anything at all.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
#[cfg(not(unix))]
use std::io::{Seek as _, SeekFrom};
use std::ops::Range;
#[cfg(unix)]
use std::os::unix::fs::FileExt;

use lifespan_abi::Descriptor;

use super::{bytes, name};
use crate::discover::stamp::Stamp;

/// The first bytes, and the version of what follows.
const MAGIC: [u8; 12] = *b"LIFEINDX\x01\0\0\0";

/// The head up to the key.
const FIXED: usize = 92;

/// One library in the head.
const FILE: usize = 64;

/// One plugin's name in the head.
const NAME: usize = 12;

/// The kinds of what is known of a library.
const UNKNOWN: u32 = 0;
const NONE: u32 = 1;
const TEXT: u32 = 2;
const PACKED: u32 = 3;

/// A longer descriptor is read each time.
const MOST_RECORD: usize = 64 << 10;

/// A larger file is none of ours.
const MOST_BYTES: u64 = 256 << 20;

/// What is to be written.
pub(super) struct Written<'a> {
    pub(super) key: &'a str,
    pub(super) folder: &'a [u8],
    pub(super) stamp: Stamp,
    pub(super) started: i64,
    pub(super) entries: &'a [Entry<'a>],
}

/// One library, to be written.
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    pub(super) stamp: Stamp,
    pub(super) content: Content,
}

/// What is known of a library's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::discover) enum Content {
    /// Nothing: it has to be read.
    Unknown,
    /// It has no descriptor.
    NoDescriptor,
    /// It has one that cannot be parsed, of this text.
    Text(String),
    /// It has this one.
    Descriptor(Descriptor),
}

/// What is remembered of a folder.
#[derive(Debug)]
pub(in crate::discover) struct Remembered {
    /// The head, or the whole file.
    bytes: Vec<u8>,
    /// For descriptors that are not in `bytes`.
    file: File,
    /// How long the file is.
    len: usize,
    files: usize,
    names: usize,
    /// Where the table of libraries begins; that of names follows it.
    tables: usize,
    /// The folder's stamp.
    stamp: Stamp,
    /// From before the folder was looked at.
    started: i64,
}

impl Written<'_> {
    /// The file's bytes; none where there are too many.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let mut names: Vec<(&str, usize)> = Vec::new();
        let mut records = Vec::with_capacity(self.entries.len());
        for (at, entry) in self.entries.iter().enumerate() {
            let record = record(&entry.content);
            if let (Content::Descriptor(descriptor), true) = (&entry.content, record.0 == PACKED) {
                names.extend(descriptor.plugins.iter().map(|plugin| (plugin.name.as_str(), at)));
            }
            records.push(record);
        }
        names.sort_unstable();
        names.dedup();
        let tables = FIXED + self.key.len() + self.folder.len();
        let mut strings = tables + self.entries.len() * FILE + names.len() * NAME;
        let head = strings
            + self.entries.iter().map(|entry| entry.name.len()).sum::<usize>()
            + names.iter().map(|(name, _)| name.len()).sum::<usize>();
        let mut text_at = head;
        let place = |len: usize, at: &mut usize| -> Option<[u32; 2]> {
            let place = [u32::try_from(*at).ok()?, u32::try_from(len).ok()?];
            *at += len;
            Some(place)
        };

        let mut out = MAGIC.to_vec();
        out.extend(u32::try_from(head).ok()?.to_le_bytes());
        out.extend([0; 12]); // the whole length and the checksum, once they are known
        for count in [self.entries.len(), names.len(), self.key.len(), self.folder.len()] {
            out.extend(u32::try_from(count).ok()?.to_le_bytes());
        }
        out.extend(self.started.to_le_bytes());
        push_stamp(&mut out, &self.stamp);
        out.extend(self.key.as_bytes());
        out.extend(self.folder);
        for (entry, (kind, record)) in self.entries.iter().zip(&records) {
            push_stamp(&mut out, &entry.stamp);
            push_all(&mut out, &place(entry.name.len(), &mut strings)?);
            push_all(&mut out, &place(record.len(), &mut text_at)?);
            push_all(&mut out, &[crc32fast::hash(record), *kind]);
        }
        for (name, file) in &names {
            push_all(&mut out, &place(name.len(), &mut strings)?);
            out.extend(u32::try_from(*file).ok()?.to_le_bytes());
        }
        out.extend(self.entries.iter().flat_map(|entry| entry.name));
        out.extend(names.iter().flat_map(|(name, _)| name.as_bytes()));
        debug_assert_eq!(out.len(), head);
        out[16..24].copy_from_slice(&(text_at as u64).to_le_bytes());
        let checksum = crc32fast::hash(&out[28..]);
        out[24..28].copy_from_slice(&checksum.to_le_bytes());
        out.extend(records.iter().flat_map(|(_, record)| record));
        (out.len() as u64 <= MOST_BYTES).then_some(out)
    }
}

impl Remembered {
    /// Reads a file that was written for this key and folder: with `all` the whole of it, else its
    /// head.
    ///
    /// # Errors
    ///
    /// It cannot be read, is damaged, or is not for them.
    pub(super) fn read(mut file: File, key: &str, folder: &OsStr, all: bool) -> io::Result<Self> {
        let len = file.metadata()?.len();
        let mut bytes = vec![0; FIXED];
        file.read_exact(&mut bytes)?;
        let fixed = Fields(&bytes);
        if bytes[..MAGIC.len()] != MAGIC {
            return Err(damaged("it is of another format"));
        }
        if fixed.u64(16) != Some(len) || len > MOST_BYTES {
            return Err(damaged("it is cut off"));
        }
        let (end, checksum) = (fixed.count(12), fixed.u32(24));
        let len = len as usize;
        let end = end.filter(|end| (FIXED..=len).contains(end));
        let end = end.ok_or_else(|| damaged("its head is out of place"))?;
        let wanted = if all { len } else { end };
        bytes.reserve_exact(wanted - FIXED);
        file.by_ref().take((wanted - FIXED) as u64).read_to_end(&mut bytes)?;
        if bytes.len() != wanted {
            return Err(damaged("it is cut off"));
        }
        if Some(crc32fast::hash(&bytes[28..end])) != checksum {
            return Err(damaged("its checksum is another"));
        }
        let tables = Tables::read(&bytes[..end], key, folder)?;
        let Tables { files, names, at, stamp, started } = tables;
        Ok(Remembered { bytes, file, len, files, names, tables: at, stamp, started })
    }

    /// Whether the folder, with that stamp now, still holds what is listed here.
    pub(in crate::discover) fn lists(&self, stamp: &Stamp) -> bool {
        self.stamp == *stamp && stamp.is_settled(self.started)
    }

    /// The names of the libraries' files, in their order; none for one that is damaged.
    pub(in crate::discover) fn libraries(&self) -> impl Iterator<Item = Option<&OsStr>> {
        (0..self.files).map(|at| self.file(at))
    }

    /// The name of the file of a library.
    pub(in crate::discover) fn file(&self, library: usize) -> Option<&OsStr> {
        name(self.file_bytes(library)?)
    }

    /// The stamp that a library had.
    pub(in crate::discover) fn stamp_of(&self, library: usize) -> Option<Stamp> {
        Fields(&self.bytes).stamp(self.entry(library)?)
    }

    /// What is known of the library in a file of that name, which has that stamp now. It is likely the
    /// `nth`.
    pub(in crate::discover) fn content(&self, file: &OsStr, nth: usize, stamp: &Stamp) -> Content {
        let library = self.library(file, nth);
        library.map_or(Content::Unknown, |library| self.content_of(library, stamp))
    }

    /// The stamp of the library in a file of that name, and what is known of it.
    pub(super) fn kept(&self, file: &OsStr) -> Option<(Stamp, Content)> {
        let library = self.library(file, 0)?;
        let stamp = self.stamp_of(library)?;
        Some((stamp, self.content_of(library, &stamp)))
    }

    fn library(&self, file: &OsStr, likely: usize) -> Option<usize> {
        let file = bytes(file)?;
        if self.file_bytes(likely) == Some(file) {
            return Some(likely);
        }
        let at = lower_bound(self.files, |at| self.file_bytes(at).is_some_and(|it| it < file));
        (self.file_bytes(at)? == file).then_some(at)
    }

    /// Whether what is known of a library holds, which has that stamp now.
    pub(in crate::discover) fn knows(&self, library: usize, stamp: &Stamp) -> bool {
        let is_known = || Some(Fields(&self.bytes).u32(self.entry(library)? + 60)? != UNKNOWN);
        stamp.is_settled(self.started)
            && self.stamp_of(library) == Some(*stamp)
            && is_known() == Some(true)
    }

    /// What is known of a library, which has that stamp now.
    pub(in crate::discover) fn content_of(&self, library: usize, stamp: &Stamp) -> Content {
        let read = || {
            let fields = Fields(&self.bytes);
            let entry = self.entry(library)?;
            self.knows(library, stamp).then_some(())?;
            let kind = fields.u32(entry + 60)?;
            let place = fields.place(entry + 48)?;
            let record = match fields.bytes(place.clone()) {
                Some(record) => Cow::Borrowed(record),
                None if place.end <= self.len => read_at(&self.file, place).ok()?.into(),
                None => return None,
            };
            (Some(crc32fast::hash(&record)) == fields.u32(entry + 56)).then_some(())?;
            match kind {
                NONE => Some(Content::NoDescriptor),
                TEXT => Some(Content::Text(String::from_utf8(record.into_owned()).ok()?)),
                PACKED => Some(Content::Descriptor(rmp_serde::from_slice(&record).ok()?)),
                _ => None,
            }
        };
        read().unwrap_or(Content::Unknown)
    }

    /// How many names of plugins there are; one that two libraries have counts twice.
    pub(in crate::discover) fn names(&self) -> usize {
        self.names
    }

    /// Where a plugin's name stands among the names, and the number of its library; for each library
    /// that has it.
    pub(in crate::discover) fn claims<'a>(
        &'a self,
        plugin: &'a str,
    ) -> impl Iterator<Item = (usize, usize)> + 'a {
        let called = |at| self.plugin(at).map(|(name, _)| name);
        let wanted = plugin.as_bytes();
        let first = lower_bound(self.names, |at| called(at).is_some_and(|it| it < wanted));
        (first..self.names).map_while(move |at| {
            let (name, library) = self.plugin(at)?;
            (name == wanted).then_some((at, library))
        })
    }

    /// A plugin's name by its place, and its library.
    fn plugin(&self, at: usize) -> Option<(&[u8], usize)> {
        (at < self.names).then_some(())?;
        let fields = Fields(&self.bytes);
        let entry = self.tables + self.files * FILE + at * NAME;
        Some((fields.bytes(fields.place(entry)?)?, fields.count(entry + 8)?))
    }

    fn file_bytes(&self, library: usize) -> Option<&[u8]> {
        let fields = Fields(&self.bytes);
        fields.bytes(fields.place(self.entry(library)? + 40)?)
    }

    fn entry(&self, library: usize) -> Option<usize> {
        (library < self.files).then_some(self.tables + library * FILE)
    }
}

/// What the fixed part of a head says, checked.
struct Tables {
    files: usize,
    names: usize,
    at: usize,
    stamp: Stamp,
    started: i64,
}

impl Tables {
    fn read(head: &[u8], key: &str, folder: &OsStr) -> io::Result<Tables> {
        let fields = Fields(head);
        let read = || {
            let [files, names] = [fields.count(28)?, fields.count(32)?];
            let its_key = fields.bytes(FIXED..FIXED.checked_add(fields.count(36)?)?)?;
            let at = FIXED.checked_add(its_key.len())?.checked_add(fields.count(40)?)?;
            let its_folder = fields.bytes(FIXED + its_key.len()..at)?;
            let size = files.checked_mul(FILE)?.checked_add(names.checked_mul(NAME)?)?;
            (at.checked_add(size)? <= head.len()).then_some(())?;
            let (started, stamp) = (fields.i64(44)?, fields.stamp(52)?);
            Some((its_key, its_folder, Tables { files, names, at, stamp, started }))
        };
        let (its_key, its_folder, tables) =
            read().ok_or_else(|| damaged("its tables are out of place"))?;
        if its_key != key.as_bytes() {
            return Err(damaged("it is for another host"));
        }
        if Some(its_folder) != bytes(folder) {
            return Err(damaged("it is for another folder"));
        }
        Ok(tables)
    }
}

/// Numbers and bytes at places, where these are within.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&self, range: Range<usize>) -> Option<&'a [u8]> {
        self.0.get(range)
    }

    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..)?.first_chunk().copied()
    }

    fn u32(&self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn u64(&self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_le_bytes)
    }

    fn i64(&self, at: usize) -> Option<i64> {
        self.array(at).map(i64::from_le_bytes)
    }

    fn count(&self, at: usize) -> Option<usize> {
        self.u32(at)?.try_into().ok()
    }

    /// A place that is named by where it begins and how long it is.
    fn place(&self, at: usize) -> Option<Range<usize>> {
        let start = self.count(at)?;
        Some(start..start.checked_add(self.count(at + 4)?)?)
    }

    fn stamp(&self, at: usize) -> Option<Stamp> {
        Some(Stamp {
            device: self.u64(at)?,
            inode: self.u64(at + 8)?,
            size: self.u64(at + 16)?,
            modified: self.i64(at + 24)?,
            changed: self.i64(at + 32)?,
        })
    }
}

/// How many of the first `len` come before what is looked for.
fn lower_bound(len: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let mut range = 0..len;
    while !range.is_empty() {
        let middle = range.start + range.len() / 2;
        if is_before(middle) { range.start = middle + 1 } else { range.end = middle }
    }
    range.start
}

/// What is written of a library's content, and its kind.
fn record(content: &Content) -> (u32, Vec<u8>) {
    let record = match content {
        Content::Unknown => None,
        Content::NoDescriptor => Some((NONE, Vec::new())),
        Content::Text(text) => Some((TEXT, text.as_bytes().to_vec())),
        // It is faster to read than JSON, and this host wrote it for itself.
        Content::Descriptor(it) => rmp_serde::to_vec(it).ok().map(|packed| (PACKED, packed)),
    };
    record.filter(|(_, bytes)| bytes.len() <= MOST_RECORD).unwrap_or((UNKNOWN, Vec::new()))
}

fn push_stamp(out: &mut Vec<u8>, stamp: &Stamp) {
    for number in [stamp.device, stamp.inode, stamp.size] {
        out.extend(number.to_le_bytes());
    }
    out.extend(stamp.modified.to_le_bytes());
    out.extend(stamp.changed.to_le_bytes());
}

fn push_all(out: &mut Vec<u8>, numbers: &[u32]) {
    out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}

/// Bytes of a file, within its length.
fn read_at(file: &File, range: Range<usize>) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; range.len()];
    #[cfg(unix)]
    file.read_exact_at(&mut bytes, range.start as u64)?;
    #[cfg(not(unix))]
    {
        // Two threads may be in each other's way: the checksum tells then.
        let mut file = file;
        file.seek(SeekFrom::Start(range.start as u64))?;
        file.read_exact(&mut bytes)?;
    }
    Ok(bytes)
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
