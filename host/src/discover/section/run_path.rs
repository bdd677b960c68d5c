//! Reads where a library tells the system's loader to look for what it needs: its run path.
//!
//! Within the same bounds as the descriptor is read. What cannot be read has none: whether the file is
//! sound is judged elsewhere.

use std::cell::Cell;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use object::endian::Endianness;
use object::read::elf::{Dyn, FileHeader, SectionHeader};
use object::read::macho::{LoadCommandVariant, MachHeader};
use object::read::{ReadCache, ReadRef};
use object::{elf, macho};

use super::{MAX_TOTAL, Window};

/// The longest run path that is read, in bytes.
const MAX_PATH: u64 = 4096;

/// Where a folder of a run path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LooksIn {
    /// It depends on where somebody stands.
    Anywhere,
    /// Out of the library's own folder, from there: what is found is not what lies beside the library.
    Outside,
    /// In this folder.
    Folder(PathBuf),
}

/// The folders of a library's run path, as they stand in the file.
pub(crate) fn run_path<R: Read + Seek>(file: R) -> Vec<String> {
    let cache = ReadCache::new(file);
    let left = Cell::new(MAX_TOTAL);
    let Ok(len) = (&cache).len() else { return Vec::new() };
    let file = Window { cache: &cache, start: 0, len, left: &left };
    let read = match file.read_bytes_at(0, len.min(5)).unwrap_or_default() {
        [0x7f, b'E', b'L', b'F', 1] => in_elf::<elf::FileHeader32<Endianness>, R>(file),
        [0x7f, b'E', b'L', b'F', 2] => in_elf::<elf::FileHeader64<Endianness>, R>(file),
        [0xfe, 0xed, 0xfa, 0xcf, _] | [0xcf, 0xfa, 0xed, 0xfe, _] => in_macho(file),
        _ => Ok(Vec::new()),
    };
    read.unwrap_or_default()
}

/// Whether a folder of a run path depends on where somebody stands, or leads out of the library's own
/// folder: what is found there is not what lies beside the library.
pub(crate) fn leads_astray(folder: &str) -> bool {
    !matches!(looks_in(folder, Path::new("/")), LooksIn::Folder(_))
}

/// Where a folder of a run path is, for a library that lies in the folder `own`.
pub(crate) fn looks_in(folder: &str, own: &Path) -> LooksIn {
    let origin = ["$ORIGIN", "${ORIGIN}", "@loader_path", "@executable_path"];
    let rest = origin.iter().find_map(|it| Some((*it, folder.strip_prefix(it)?)));
    match rest.filter(|(_, rest)| rest.is_empty() || rest.starts_with('/')) {
        Some((_, rest)) if rest.split('/').any(|part| part == "..") => LooksIn::Outside,
        Some(("@executable_path", _)) => LooksIn::Outside,
        Some((_, rest)) => LooksIn::Folder(own.join(rest.trim_start_matches('/'))),
        None if folder.starts_with('/') => LooksIn::Folder(folder.into()),
        None => LooksIn::Anywhere,
    }
}

fn in_elf<'a, H, R>(file: Window<'a, R>) -> object::read::Result<Vec<String>>
where
    H: FileHeader<Endian = Endianness>,
    R: Read + Seek + 'a,
{
    let header = H::parse(file)?;
    let order = header.endian()?;
    let sections = header.sections(order, file)?;
    let Some((entries, names)) = sections.dynamic(order, file)? else { return Ok(Vec::new()) };
    let names = sections.section(names)?;
    let (start, size) = names.file_range(order).unwrap_or_default();
    let mut folders = Vec::new();
    for entry in entries {
        let tag = entry.tag(order);
        if tag != elf::DT_RPATH && tag != elf::DT_RUNPATH {
            continue;
        }
        let offset = entry.val(order);
        let end = size.min(offset.saturating_add(MAX_PATH));
        let range = start.saturating_add(offset)..start.saturating_add(end);
        if let Ok(text) = file.read_bytes_at_until(range, 0) {
            // An empty one is the current directory, as a relative one would be.
            folders.extend(String::from_utf8_lossy(text).split(':').map(str::to_owned));
        }
    }
    Ok(folders)
}

fn in_macho<'a, R: Read + Seek + 'a>(file: Window<'a, R>) -> object::read::Result<Vec<String>> {
    let header = macho::MachHeader64::<Endianness>::parse(file, 0)?;
    let order = header.endian()?;
    let mut commands = header.load_commands(order, file, 0)?;
    let mut folders = Vec::new();
    while let Some(command) = commands.next()? {
        if let LoadCommandVariant::Rpath(rpath) = command.variant()? {
            let text = command.string(order, rpath.path)?;
            folders.push(String::from_utf8_lossy(text).into_owned());
        }
    }
    Ok(folders)
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn only_what_lies_below_the_library_or_has_a_full_path_is_a_folder_that_can_be_judged() {
        let own = Path::new("/own");
        for (text, folder) in [
            ("/usr/lib", "/usr/lib"),
            ("$ORIGIN", "/own"),
            ("${ORIGIN}/lib", "/own/lib"),
            ("@loader_path/x", "/own/x"),
            ("$ORIGIN/a..b", "/own/a..b"),
        ] {
            assert_eq!(looks_in(text, own), LooksIn::Folder(folder.into()), "{text}");
        }
        for anywhere in ["", ".", "lib", "../lib", "$ORIGINAL/x"] {
            assert_eq!(looks_in(anywhere, own), LooksIn::Anywhere, "{anywhere}");
        }
        for outside in ["$ORIGIN/..", "$ORIGIN/a/../../b", "@executable_path/lib"] {
            assert_eq!(looks_in(outside, own), LooksIn::Outside, "{outside}");
        }
    }

    #[test]
    fn what_is_no_library_has_none() {
        for bytes in [&b""[..], b"text", b"\x7fELF\x02", &[0xcf, 0xfa, 0xed, 0xfe, 0, 0]] {
            assert_eq!(run_path(Cursor::new(bytes.to_vec())), [""; 0]);
        }
    }
}
