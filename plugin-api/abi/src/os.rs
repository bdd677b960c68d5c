//! Arguments of the operating system, which need not be UTF-8.
//!
//! The in-memory form of [`OsStr`] is private to each copy of `std`, so what crosses
//! is what the system itself uses: bytes on Unix, 16-bit units (little-endian) on Windows.

use std::ffi::{OsStr, OsString};
#[cfg(unix)]
use std::os::unix::ffi::OsStrExt;
#[cfg(windows)]
use std::os::windows::ffi::{OsStrExt, OsStringExt};

use abi_stable::StableAbi;
use abi_stable::std_types::RVec;

/// One argument, in the system's own encoding.
///
/// Owned by whoever holds it; any thread.
#[repr(C)]
#[derive(StableAbi, Clone, Debug, PartialEq, Eq)]
pub struct OsArg {
    units: RVec<u8>,
}

impl From<&OsStr> for OsArg {
    #[cfg(unix)]
    fn from(arg: &OsStr) -> Self {
        OsArg { units: arg.as_bytes().into() }
    }

    #[cfg(windows)]
    fn from(arg: &OsStr) -> Self {
        OsArg { units: arg.encode_wide().flat_map(u16::to_le_bytes).collect() }
    }
}

impl From<&OsArg> for OsString {
    #[cfg(unix)]
    fn from(arg: &OsArg) -> Self {
        OsStr::from_bytes(&arg.units).to_owned()
    }

    #[cfg(windows)]
    fn from(arg: &OsArg) -> Self {
        let wide: Vec<u16> =
            arg.units.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        OsString::from_wide(&wide)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_the_round_trip() {
        for text in ["", "--from", "größer", "a b\nc"] {
            let arg = OsArg::from(OsStr::new(text));
            assert_eq!(OsString::from(&arg), OsString::from(text));
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_utf8_survives_too() {
        let raw = OsStr::from_bytes(&[b'a', 0xff, b'z']);
        assert_eq!(OsString::from(&OsArg::from(raw)), raw);
    }
}
