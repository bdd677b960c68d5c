//! Fuzzes what discovery makes of a file, and the reader of run paths: no panic, and no more is read than
//! a descriptor may need, whatever the file claims. `cargo xtask fuzz` runs it.
//!
//! The file is shown as the beginning of one of 16 GiB too, so that claims of sizes come true.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use lifespan::fuzz::{SYSTEMS, Vast, judge, run_path};

fuzz_target!(|bytes: &[u8]| {
    for system in 0..SYSTEMS {
        let _ = judge(Cursor::new(bytes), system);
        bounded(bytes, |vast| drop(judge(vast, system)));
    }
    run_path(Cursor::new(bytes));
    bounded(bytes, |vast| run_path(vast));
});

fn bounded(bytes: &[u8], read: impl FnOnce(&Vast<'_>)) {
    let vast = Vast::new(bytes);
    read(&vast);
    assert!(vast.is_bounded(), "more was read than may be");
}
