//! Fuzzes what discovery makes of a file, and the reader of run paths: no panic, and no more is read than a descriptor may need,
//! whatever the file claims. `cargo xtask fuzz` runs it.
//!
//! The file is shown as the beginning of one of 16 GiB too, so that claims of sizes come true.

#![no_main]

use std::cell::Cell;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use libfuzzer_sys::fuzz_target;
use lifespan::fuzz::{MAX_READ, MAX_TOTAL, SYSTEMS, judge, run_path};

fuzz_target!(|bytes: &[u8]| {
    for system in 0..SYSTEMS {
        let _ = judge(Cursor::new(bytes), system);
        Vast::bounded(bytes, |vast| drop(judge(vast, system)));
    }
    run_path(Cursor::new(bytes));
    Vast::bounded(bytes, |vast| run_path(vast));
});

/// A file whose bytes are followed by zeros.
struct Vast<'a> {
    bytes: &'a [u8],
    at: Cell<u64>,
    total: Cell<u64>,
}

impl<'a> Vast<'a> {
    fn bounded(bytes: &'a [u8], read: impl FnOnce(&Vast<'a>)) {
        let vast = Vast { bytes, at: Cell::new(0), total: Cell::new(0) };
        read(&vast);
        assert!(vast.total.get() <= MAX_TOTAL, "{} bytes were read", vast.total.get());
    }
}

impl Read for &Vast<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = into.len() as u64;
        assert!(len <= MAX_READ, "{len} bytes at once");
        self.total.set(self.total.get() + len);
        let at = usize::try_from(self.at.get()).unwrap_or(usize::MAX);
        let there = self.bytes.get(at..).unwrap_or_default();
        let from_file = there.len().min(into.len());
        into.fill(0);
        into[..from_file].copy_from_slice(&there[..from_file]);
        self.at.set(self.at.get() + len);
        Ok(into.len())
    }
}

impl Seek for &Vast<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at.set(match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(_) => 16 << 30,
            SeekFrom::Current(_) => self.at.get(),
        });
        Ok(self.at.get())
    }
}
