//! Finds the descriptor's section in a library's file: ELF, Mach-O (one architecture or several), PE.
//!
//! The file may be anything: cut off, corrupt, made to do harm. So nothing is read or allocated
//! because the file claims a size: every read is within the file, below [`MAX_READ`], and all of them
//! together below [`MAX_TOTAL`]. Whom the library is made for is judged before its sections are looked
//! at, so that a foreign library is called foreign and not damaged.

mod run_path;

use std::cell::Cell;
use std::io::{Read, Seek};
use std::ops::Range;

use lifespan_abi::descriptor::{MAX_TEXT, PREAMBLE, SECTION};
use object::endian::{Endianness, LittleEndian};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::read::macho::{FatArch, MachHeader, MachOFatFile, Section, Segment};
use object::read::pe::{ImageNtHeaders, optional_header_magic};
use object::read::{ReadCache, ReadRef};
use object::{elf, macho, pe};

#[cfg(feature = "cli")]
pub(crate) use self::run_path::{LooksIn, looks_in};
pub(crate) use self::run_path::{leads_astray, run_path};
use crate::discover::platform::{Format, Platform};
use crate::discover::refusal::RefusalReason;

/// The most bytes of one read: the largest section that a descriptor may have.
pub(super) const MAX_READ: u64 = (PREAMBLE + MAX_TEXT) as u64;

/// The most bytes of all reads of one file.
pub(super) const MAX_TOTAL: u64 = 4 * MAX_READ;

/// The bytes of the descriptor's section in a library for `host`.
pub(super) fn read<R: Read + Seek>(file: R, host: &Platform) -> Result<Vec<u8>, RefusalReason> {
    let cache = ReadCache::new(file);
    let left = Cell::new(MAX_TOTAL);
    let len = (&cache).len().map_err(|()| RefusalReason::Damaged("its size is unknown".into()))?;
    let file = Window { cache: &cache, start: 0, len, left: &left };
    find(file, host).map(<[u8]>::to_vec).map_err(|Fault(reason)| reason)
}

/// A part of a file, read within bounds.
struct Window<'a, R: Read + Seek> {
    cache: &'a ReadCache<R>,
    start: u64,
    len: u64,
    left: &'a Cell<u64>,
}

impl<R: Read + Seek> Clone for Window<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: Read + Seek> Copy for Window<'_, R> {}

impl<'a, R: Read + Seek> Window<'a, R> {
    fn part(self, offset: u64, size: u64) -> Option<Self> {
        let start = self.start.checked_add(offset)?;
        self.holds(offset, size).then_some(Window { start, len: size, ..self })
    }

    fn holds(self, offset: u64, size: u64) -> bool {
        offset.checked_add(size).is_some_and(|end| end <= self.len)
    }

    /// An error unless the file holds what it says it maps into memory: a library that was cut off
    /// would otherwise end the process when it is opened.
    fn demand(self, offset: u64, size: u64) -> Result<(), Fault> {
        if self.holds(offset, size) { Ok(()) } else { Err(damaged("it is cut off")) }
    }

    /// The section's bytes, as many as a descriptor can have.
    fn section(self, offset: u64, size: u64) -> Result<&'a [u8], Fault> {
        self.demand(offset, size)?;
        self.read_bytes_at(offset, size.min(MAX_READ))
            .map_err(|()| damaged("its descriptor cannot be read"))
    }

    /// Takes a read from what is left, if it is within bounds.
    fn charge(self, offset: u64, size: u64) -> Result<u64, ()> {
        if !self.holds(offset, size) || size > MAX_READ {
            return Err(());
        }
        self.left.set(self.left.get().checked_sub(size).ok_or(())?);
        self.start.checked_add(offset).ok_or(())
    }
}

impl<'a, R: Read + Seek> ReadRef<'a> for Window<'a, R> {
    fn len(self) -> Result<u64, ()> {
        Ok(self.len)
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'a [u8], ()> {
        let at = self.charge(offset, size)?;
        self.cache.read_bytes_at(at, size)
    }

    fn read_bytes_at_until(self, range: Range<u64>, delimiter: u8) -> Result<&'a [u8], ()> {
        let size = range.end.checked_sub(range.start).ok_or(())?.min(MAX_READ);
        let at = self.charge(range.start, size)?;
        self.cache.read_bytes_at_until(at..at + size, delimiter)
    }
}

/// Why there is no section to hand out; what `object` finds wrong with a file is damage.
struct Fault(RefusalReason);

impl From<RefusalReason> for Fault {
    fn from(reason: RefusalReason) -> Self {
        Fault(reason)
    }
}

impl From<object::read::Error> for Fault {
    fn from(error: object::read::Error) -> Self {
        damaged(error)
    }
}

fn damaged(what: impl ToString) -> Fault {
    Fault(RefusalReason::Damaged(what.to_string()))
}

fn find<'a, R: Read + Seek>(file: Window<'a, R>, host: &Platform) -> Result<&'a [u8], Fault> {
    let magic = file.read_bytes_at(0, file.len.min(5)).map_err(|()| damaged("it is unreadable"))?;
    match magic {
        [0x7f, b'E', b'L', b'F', 1] => in_elf::<elf::FileHeader32<Endianness>, R>(file, host),
        [0x7f, b'E', b'L', b'F', 2] => in_elf::<elf::FileHeader64<Endianness>, R>(file, host),
        [0xfe, 0xed, 0xfa, 0xce, _] | [0xce, 0xfa, 0xed, 0xfe, _] => {
            in_macho::<macho::MachHeader32<Endianness>, R>(file, host)
        }
        [0xfe, 0xed, 0xfa, 0xcf, _] | [0xcf, 0xfa, 0xed, 0xfe, _] => {
            in_macho::<macho::MachHeader64<Endianness>, R>(file, host)
        }
        [0xca, 0xfe, 0xba, 0xbe, _] => in_fat::<macho::FatArch32, R>(file, host),
        [0xca, 0xfe, 0xba, 0xbf, _] => in_fat::<macho::FatArch64, R>(file, host),
        [b'M', b'Z', ..] => match optional_header_magic(file)? {
            pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC => in_pe::<pe::ImageNtHeaders64, R>(file, host),
            _ => in_pe::<pe::ImageNtHeaders32, R>(file, host),
        },
        [] => Err(damaged("it is empty")),
        _ => Err(RefusalReason::NotALibrary.into()),
    }
}

fn in_elf<'a, H, R>(file: Window<'a, R>, host: &Platform) -> Result<&'a [u8], Fault>
where
    H: FileHeader<Endian = Endianness>,
    R: Read + Seek,
{
    let header = H::parse(file)?;
    let order = header.endian()?;
    let bits = if header.is_class_64() { 64 } else { 32 };
    made_for(Platform::elf(header.e_machine(order), bits, order), host)?;
    shared(header.e_type(order) == elf::ET_DYN)?;
    for segment in header.program_headers(order, file)? {
        if segment.p_type(order) == elf::PT_LOAD {
            file.demand(segment.p_offset(order).into(), segment.p_filesz(order).into())?;
        }
    }
    let sections = header.section_headers(order, file)?;
    if sections.is_empty() {
        return Err(RefusalReason::NoDescriptor.into());
    }
    // The names are read at once: one read instead of one a section.
    let names = usize::try_from(header.shstrndx(order, file)?)
        .ok()
        .and_then(|index| sections.get(index))
        .ok_or_else(|| damaged("its sections have no names"))?
        .data(order, file)?;
    let section = sections
        .iter()
        .find(|section| is_named(names, section.sh_name(order), SECTION[0]))
        .ok_or(RefusalReason::NoDescriptor)?;
    // A section without bytes in the file is a descriptor that is too short.
    let (offset, size) = section.file_range(order).unwrap_or_default();
    file.section(offset, size)
}

fn in_macho<'a, H, R>(file: Window<'a, R>, host: &Platform) -> Result<&'a [u8], Fault>
where
    H: MachHeader<Endian = Endianness>,
    R: Read + Seek,
{
    let header = H::parse(file, 0)?;
    let order = header.endian()?;
    made_for(Platform::macho(header.cputype(order)), host)?;
    shared(matches!(header.filetype(order), macho::MH_DYLIB | macho::MH_BUNDLE))?;
    let mut commands = header.load_commands(order, file, 0)?;
    let mut found = None;
    while let Some(command) = commands.next()? {
        let Some((segment, sections)) = H::Segment::from_command(command)? else { continue };
        let (offset, size) = segment.file_range(order);
        file.demand(offset, size)?;
        let sections = segment.sections(order, sections)?;
        let section = sections.iter().find(|section| section.name() == SECTION[1].as_bytes());
        found = found.or(section);
    }
    let section = found.ok_or(RefusalReason::NoDescriptor)?;
    let offset = u64::from(section.offset(order));
    let (offset, size) = section.file_range(order, offset).unwrap_or_default();
    file.section(offset, size)
}

/// The slice for this host's machine in a file for several.
fn in_fat<'a, A, R>(file: Window<'a, R>, host: &Platform) -> Result<&'a [u8], Fault>
where
    A: FatArch,
    R: Read + Seek,
{
    let fat = MachOFatFile::<A>::parse(file)?;
    let fits = |slice: &&A| Platform::macho(slice.cputype()) == *host;
    let Some(slice) = fat.arches().iter().find(fits) else {
        // Real files have two or three; a hostile one may have as many as fit into it.
        let machines = fat.arches().iter().take(4).map(|it| Platform::macho(it.cputype()).arch);
        let arch = machines.collect::<Vec<_>>().join(" and ").into();
        return made_for(Platform { arch, format: Format::MachO }, host).map(|()| &[][..]);
    };
    let (offset, size) = slice.file_range();
    let slice = file.part(offset, size).ok_or_else(|| damaged("it is cut off"))?;
    match slice.read_bytes_at(0, 4) {
        Ok([0xfe, 0xed, 0xfa, 0xce] | [0xce, 0xfa, 0xed, 0xfe]) => {
            in_macho::<macho::MachHeader32<Endianness>, R>(slice, host)
        }
        _ => in_macho::<macho::MachHeader64<Endianness>, R>(slice, host),
    }
}

fn in_pe<'a, H, R>(file: Window<'a, R>, host: &Platform) -> Result<&'a [u8], Fault>
where
    H: ImageNtHeaders,
    R: Read + Seek,
{
    let mut at = pe::ImageDosHeader::parse(file)?.nt_headers_offset().into();
    let (headers, _) = H::parse(file, &mut at)?;
    let header = headers.file_header();
    made_for(Platform::pe(header.machine.get(LittleEndian)), host)?;
    shared(header.characteristics.get(LittleEndian).contains(pe::IMAGE_FILE_DLL))?;
    let sections = headers.sections(file, at)?;
    for section in sections.iter() {
        let (offset, size) = section.pe_file_range();
        file.demand(offset.into(), size.into())?;
    }
    let (offset, size) = sections
        .iter()
        .find(|section| section.raw_name() == SECTION[2].as_bytes())
        .ok_or(RefusalReason::NoDescriptor)?
        .pe_file_range();
    file.section(offset.into(), size.into())
}

fn made_for(built_for: Platform, host: &Platform) -> Result<(), Fault> {
    if built_for == *host {
        return Ok(());
    }
    let (built_for, host) = (built_for.to_string(), host.to_string());
    Err(RefusalReason::WrongPlatform { built_for, host }.into())
}

fn shared(is_shared: bool) -> Result<(), Fault> {
    if is_shared { Ok(()) } else { Err(RefusalReason::NotShared.into()) }
}

/// Whether the name at `offset` in a table of names is `name`.
fn is_named(names: &[u8], offset: u32, name: &str) -> bool {
    usize::try_from(offset)
        .ok()
        .and_then(|offset| names.get(offset..))
        .and_then(|rest| rest.strip_prefix(name.as_bytes()))
        .is_some_and(|rest| rest.first() == Some(&0))
}

#[cfg(test)]
pub(crate) mod tests;
