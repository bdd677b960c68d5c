//! The facts embedded in a library, so that they can be read without loading it.
//!
//! In a section of its own ([`SECTION`]) stand, little-endian: [`MAGIC`] (8 bytes), the format's
//! version (`u32`), the length of the text in bytes (`u32`), and the text: JSON, one [`Descriptor`].
//! `export!` writes it as a constant; the host reads it from the file, and after loading compares it
//! with what the library itself says.

use serde::{Deserialize, Serialize};

/// The first bytes of every descriptor.
pub const MAGIC: [u8; 8] = *b"LIFESPAN";

/// The version of the frame around the JSON text.
pub const FORMAT: u32 = 1;

/// Bytes before the JSON text: magic, version, length.
pub const PREAMBLE: usize = 16;

/// The most bytes that a descriptor's text may have; a larger claim is refused unread.
pub const MAX_TEXT: usize = 1 << 20;

/// The names of the section: ELF, Mach-O (in segment `__DATA`), PE.
pub const SECTION: [&str; 3] = [".lifespan", "__lifespan", ".lspan"];

/// What a library holds and how it was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Descriptor {
    /// The version of `lifespan-abi` it was built against.
    pub abi: String,
    /// The version of `lifespan-plugin-api` it was built with.
    pub sdk: String,
    /// The compiler, as `rustc --version` names it.
    pub rustc: String,
    /// The target triple it was built for.
    pub target: String,
    /// What a panic does in it.
    pub panic: PanicStrategy,
    /// Whether it was built with debug assertions.
    pub debug_assertions: bool,
    /// The plugins in it.
    pub plugins: Vec<PluginFacts>,
}

/// The static facts of one plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct PluginFacts {
    /// The name by which it stands on the command line.
    pub name: String,
    /// Its package's version.
    pub version: String,
    /// One line about it.
    pub summary: String,
    /// The plugins that must be on the line too, and are set up before it.
    pub requires: Vec<String>,
    /// Its own deadline for set-up in milliseconds, in place of the host's.
    pub setup_timeout_ms: Option<u64>,
    /// Its own grace period in milliseconds, in place of the host's.
    pub grace_ms: Option<u64>,
    /// Its own deadline for tear-down in milliseconds, in place of the host's.
    pub teardown_timeout_ms: Option<u64>,
}

/// What a panic does in a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PanicStrategy {
    /// It unwinds, and can be caught.
    Unwind,
    /// It ends the process: such a library cannot be contained.
    Abort,
}

/// Why the bytes of a section are not a descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DescriptorFault {
    /// Fewer bytes than the preamble.
    TooShort,
    /// The first bytes are not [`MAGIC`].
    Magic,
    /// A format that this version does not know.
    Format(u32),
    /// The text is longer than what is there, or than [`MAX_TEXT`].
    Length(u32),
    /// The text is not a descriptor's JSON; the reason.
    Text(String),
}

impl std::fmt::Display for DescriptorFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DescriptorFault::TooShort => {
                write!(f, "it is shorter than its {PREAMBLE}-byte preamble")
            }
            DescriptorFault::Magic => write!(f, "it does not begin with `LIFESPAN`"),
            DescriptorFault::Format(found) => {
                write!(f, "it has format {found}, and only format {FORMAT} is known")
            }
            DescriptorFault::Length(claimed) => {
                write!(f, "it claims {claimed} bytes of text, which are not there")
            }
            DescriptorFault::Text(reason) => write!(f, "its text cannot be read: {reason}"),
        }
    }
}

impl std::error::Error for DescriptorFault {}

impl Descriptor {
    /// The descriptor in the bytes of a section. What follows the text (padding) is ignored.
    ///
    /// # Errors
    ///
    /// The bytes are not a descriptor; they may be anything at all.
    pub fn from_section(bytes: &[u8]) -> Result<Self, DescriptorFault> {
        Self::from_text(section_text(bytes)?)
    }

    /// The descriptor in its JSON text.
    ///
    /// # Errors
    ///
    /// The text is not a descriptor.
    pub fn from_text(text: &str) -> Result<Self, DescriptorFault> {
        serde_json::from_str(text).map_err(|error| DescriptorFault::Text(shown(&error.to_string())))
    }

    /// The facts of the plugin of that name.
    pub fn plugin(&self, name: &str) -> Option<&PluginFacts> {
        self.plugins.iter().find(|plugin| plugin.name == name)
    }
}

/// The JSON text within the bytes of a section.
///
/// # Errors
///
/// The preamble is not that of a descriptor, or the text is cut off or not UTF-8.
pub fn section_text(bytes: &[u8]) -> Result<&str, DescriptorFault> {
    let preamble: &[u8; PREAMBLE] = bytes.first_chunk().ok_or(DescriptorFault::TooShort)?;
    if preamble[..8] != MAGIC {
        return Err(DescriptorFault::Magic);
    }
    let format = little(preamble, 8);
    if format != FORMAT {
        return Err(DescriptorFault::Format(format));
    }
    let claimed = little(preamble, 12);
    let text = usize::try_from(claimed)
        .ok()
        .filter(|&len| len <= MAX_TEXT)
        .and_then(|len| bytes[PREAMBLE..].get(..len))
        .ok_or(DescriptorFault::Length(claimed))?;
    std::str::from_utf8(text).map_err(|error| DescriptorFault::Text(error.to_string()))
}

/// A message that quotes a text of whatever kind and length: on one line, and no longer than people
/// read.
fn shown(message: &str) -> String {
    const MOST: usize = 200;
    let mut shown: String = message.chars().take(MOST).flat_map(escaped).collect();
    if message.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

fn escaped(c: char) -> impl Iterator<Item = char> {
    let control = c.is_control().then(|| c.escape_default());
    let plain = (!c.is_control()).then_some(c);
    control.into_iter().flatten().chain(plain)
}

fn little(preamble: &[u8; PREAMBLE], at: usize) -> u32 {
    u32::from_le_bytes([preamble[at], preamble[at + 1], preamble[at + 2], preamble[at + 3]])
}

/// The length of the parts together, in bytes. Used by `export!` at compile time.
pub const fn total_len(parts: &[&str]) -> usize {
    let mut total = 0;
    let mut part = 0;
    while part < parts.len() {
        total += parts[part].len();
        part += 1;
    }
    total
}

/// A section's bytes: the preamble, then the parts one after the other. Used by `export!` at compile
/// time; `N` is [`PREAMBLE`] + [`total_len`].
///
/// # Panics
///
/// `N` is another number, or the text is longer than [`MAX_TEXT`]; at compile time both are errors.
pub const fn section<const N: usize>(parts: &[&str]) -> [u8; N] {
    let total = total_len(parts);
    assert!(N == PREAMBLE + total, "the section's length is the preamble's and the text's");
    assert!(total <= MAX_TEXT, "the descriptor's text is too long");
    let mut bytes = [0; N];
    let mut at = put(&mut bytes, 0, &MAGIC);
    at = put(&mut bytes, at, &FORMAT.to_le_bytes());
    at = put(&mut bytes, at, &(total as u32).to_le_bytes());
    let mut part = 0;
    while part < parts.len() {
        at = put(&mut bytes, at, parts[part].as_bytes());
        part += 1;
    }
    bytes
}

const fn put<const N: usize>(bytes: &mut [u8; N], at: usize, from: &[u8]) -> usize {
    let mut i = 0;
    while i < from.len() {
        bytes[at + i] = from[i];
        i += 1;
    }
    at + from.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: &[&str] = &[
        r#"{"abi":"0.1.0","sdk":"0.1.0","rustc":"rustc 1.85.0","target":"t","panic":"unwind","#,
        r#""debug_assertions":true,"plugins":[{"name":"a","version":"1.2.3","summary":"Do a"}]}"#,
    ];
    const SECTION_BYTES: [u8; PREAMBLE + total_len(PARTS)] = section(PARTS);

    #[test]
    fn what_the_constant_writes_can_be_read() {
        let mut padded = SECTION_BYTES.to_vec();
        padded.extend([0; 7]);
        let descriptor = Descriptor::from_section(&padded).unwrap();
        assert_eq!(descriptor.plugin("a").unwrap().summary, "Do a");
        assert_eq!(descriptor.panic, PanicStrategy::Unwind);
    }

    #[test]
    fn each_fault_is_named() {
        let good = SECTION_BYTES.to_vec();
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            Descriptor::from_section(&bytes).unwrap_err()
        };
        assert_eq!(Descriptor::from_section(&good[..9]), Err(DescriptorFault::TooShort));
        assert_eq!(with(0, b'X'), DescriptorFault::Magic);
        assert_eq!(with(8, 9), DescriptorFault::Format(9));
        assert!(matches!(with(15, 0xff), DescriptorFault::Length(_)));
        assert!(matches!(with(PREAMBLE, b'!'), DescriptorFault::Text(_)));
        assert!(matches!(with(PREAMBLE + 3, 0xff), DescriptorFault::Text(_)));
        let cut = &good[..good.len() - 1];
        assert!(matches!(Descriptor::from_section(cut), Err(DescriptorFault::Length(_))));
    }
}
