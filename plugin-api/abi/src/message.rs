//! What passes over the bus: a frozen header with a reference count, and a payload behind it.
//!
//! A message is made by a publisher, travels as one pointer, and is read by subscribers of other
//! libraries without a copy. Whoever made it frees it: through the header's own function.
#![expect(unsafe_code, reason = "reference counting over the boundary; see the SAFETY comments")]

use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RResult, RSlice, RStr, RString, RVec};
use abi_stable::type_layout::TypeLayout;

/// What is known of a message's type, on behalf of one library.
///
/// Lives as long as the process; any thread. Fields are only appended, as
/// `#[sabi(missing_field(option))]`. Every function catches its own panics, and is told of which kind:
/// the same functions serve many kinds where these are made while the program runs, as a bridge makes
/// them.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = MessageTypeRef)))]
#[sabi(missing_field(panic))]
pub struct MessageType {
    /// How errors and tools name the type, with its package and version where it has one.
    pub name: RStr<'static>,
    /// The layout of the payload, of a type that is shared as it lies in memory.
    pub layout: extern "C" fn(MessageTypeRef) -> ROption<&'static TypeLayout>,
    /// How the payload is encoded where it is bytes of a serde type, such as `msgpack`; empty where
    /// `layout` answers. Two types of one encoding meet, whatever their names.
    pub encoding: RStr<'static>,
    /// The payload's size in bytes, without what it owns.
    pub size: usize,
    /// The payload's alignment in bytes.
    pub align: usize,
    /// Whether the payload owns nothing, so that another may be written over it byte for byte.
    pub plain: bool,
    /// The payload as JSON text, or why it has none.
    pub to_json: unsafe extern "C" fn(&Message) -> RResult<RString, RString>,
    /// A message of that kind from JSON text, or why that is none. The kind is the one that the function
    /// stands in.
    pub from_json: unsafe extern "C" fn(MessageTypeRef, RStr<'_>) -> RResult<Message, RString>,
    /// The payload as MessagePack with named fields (bytes as `bin`), or why it has none; where there
    /// is an `encoding`, in that. Unlike JSON this loses nothing: what
    /// [`from_bytes`](Self::from_bytes) makes of it is the same value.
    pub to_bytes: unsafe extern "C" fn(&Message) -> RResult<RVec<u8>, RString>,
    /// A message of that kind from such bytes, or why they are none. A payload that is encoded takes
    /// them as they are. The kind is the one that the function stands in.
    #[sabi(last_prefix_field)]
    pub from_bytes:
        unsafe extern "C" fn(MessageTypeRef, RSlice<'_, u8>) -> RResult<Message, RString>,
}

/// The beginning of every message. Frozen: no field is ever added.
#[repr(C)]
#[derive(StableAbi)]
pub struct MessageHeader {
    /// How many [`Message`]s point here. Only the methods of [`Message`] touch it.
    references: AtomicUsize,
    /// Frees the whole [`Packet`], on behalf of the library that made it. Called once, by whoever
    /// drops the last reference, on its thread.
    release: unsafe extern "C" fn(NonNull<MessageHeader>),
    /// The payload's type as its maker knows it.
    kind: MessageTypeRef,
    /// The payload's size in bytes, with what it owns as far as its maker counts it; for accounting.
    size: usize,
}

/// A message as it lies in memory: the header, then the payload at its own alignment.
#[repr(C)]
pub struct Packet<T> {
    header: MessageHeader,
    payload: T,
}

/// A counted reference to a message.
///
/// Owned by its holder; `Send` and `Sync`, since only payloads that are both can be put into one.
#[repr(transparent)]
#[derive(StableAbi)]
pub struct Message {
    header: NonNull<MessageHeader>,
}

// SAFETY: `Message::new` demands `T: Send + Sync`, and the count is atomic.
unsafe impl Send for Message {}
// SAFETY: as above; a shared reference gives nothing but shared access to the payload.
unsafe impl Sync for Message {}

impl Message {
    /// A message with that payload, freed by this library whoever drops it last.
    ///
    /// `size` is the payload's in bytes, with what it owns.
    ///
    /// # Safety
    ///
    /// `kind` is that of `T`, or of a type of the same layout: its functions, and the readers on
    /// topics of that type, take the payload as such.
    pub unsafe fn new<T: Send + Sync + 'static>(
        kind: MessageTypeRef,
        payload: T,
        size: usize,
    ) -> Message {
        unsafe extern "C" fn release<T>(header: NonNull<MessageHeader>) {
            // SAFETY: the header begins a `Packet<T>` that `new` leaked, and this is called once.
            let packet = unsafe { Box::from_raw(header.cast::<Packet<T>>().as_ptr()) };
            // A payload whose drop panics must not unwind into the dropper's library.
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(packet)));
            // Dropping what was thrown may throw again; leaking that cannot.
            let thrown = dropped.map_or_else(|it| catch_unwind(AssertUnwindSafe(|| drop(it))), Ok);
            thrown.unwrap_or_else(mem::forget);
        }
        let packet = Box::new(Packet {
            header: MessageHeader {
                references: AtomicUsize::new(1),
                release: release::<T>,
                kind,
                size,
            },
            payload,
        });
        // `leak` keeps the provenance of the whole packet in the pointer to its header.
        Message { header: NonNull::from(Box::leak(packet)).cast() }
    }

    /// The payload.
    ///
    /// # Safety
    ///
    /// The message was made by [`Message::new`] with a `T` of the same layout: the topic it came
    /// from was opened with that type, and the host has compared the two.
    pub unsafe fn payload<T>(&self) -> &T {
        // SAFETY: by this function's contract a `Packet<T>` begins at the header.
        let packet = unsafe { self.header.cast::<Packet<T>>().as_ref() };
        &packet.payload
    }

    /// Writes another payload over this one, if this is the only reference and the payload is a plain
    /// one of that very kind (not one that is merely alike). Says whether it did.
    ///
    /// # Safety
    ///
    /// `payload` points to a valid value of the kind's type, which is only read; and nobody else reads
    /// this message's payload, borrowed from whatever reference, during the call.
    pub unsafe fn overwrite(&mut self, kind: MessageTypeRef, payload: *const ()) -> bool {
        let header = self.header();
        let same = std::ptr::eq(self.kind().0.to_raw_ptr(), kind.0.to_raw_ptr());
        // Acquire pairs with the other holders' releases: what they read is before what is written.
        if !same || !kind.plain() || header.references.load(Ordering::Acquire) != 1 {
            return false;
        }
        let offset = size_of::<MessageHeader>().next_multiple_of(kind.align());
        // SAFETY: a `Packet` of that kind's type lies here: in `repr(C)` its payload is at the first
        // multiple of its alignment behind the header.
        let place = unsafe { self.header.cast::<u8>().add(offset) };
        // SAFETY: both are of the kind's size; the caller promises the one, and the only reference and
        // the caller's second promise give the other. The payload owns nothing that would be lost.
        unsafe { copy(payload.cast(), place.as_ptr(), kind.size()) };
        true
    }

    /// The reference as a pointer, which [`from_raw`](Self::from_raw) takes back.
    pub fn into_raw(self) -> NonNull<MessageHeader> {
        std::mem::ManuallyDrop::new(self).header
    }

    /// Takes back a reference.
    ///
    /// # Safety
    ///
    /// `raw` is from [`into_raw`](Self::into_raw), and is taken back once.
    pub unsafe fn from_raw(raw: NonNull<MessageHeader>) -> Message {
        Message { header: raw }
    }

    /// The payload's type as its maker knows it.
    pub fn kind(&self) -> MessageTypeRef {
        self.header().kind
    }

    /// The payload's size in bytes, with what it owns as far as its maker counts it.
    pub fn size(&self) -> usize {
        self.header().size
    }

    /// The payload as JSON text, made by the library that made the message.
    ///
    /// # Errors
    ///
    /// The payload cannot be shown; the reason.
    pub fn to_json(&self) -> Result<String, String> {
        let show = self.kind().to_json();
        // SAFETY: the function stands in the type with which this very message was made.
        let shown = unsafe { show(self) };
        shown.into_result().map(RString::into_string).map_err(RString::into_string)
    }

    /// The payload as MessagePack, or as it is encoded, made by the library that made the message;
    /// nothing is lost.
    ///
    /// # Errors
    ///
    /// The payload cannot be encoded; the reason.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let encode = self.kind().to_bytes();
        // SAFETY: the function stands in the type with which this very message was made.
        let bytes = unsafe { encode(self) };
        bytes.into_result().map(RVec::into_vec).map_err(RString::into_string)
    }

    /// A message of a kind from JSON text, made by the library that the kind is of.
    ///
    /// # Errors
    ///
    /// The text is no value of the type; the reason.
    pub fn from_json(kind: MessageTypeRef, text: &str) -> Result<Message, String> {
        let make = kind.from_json();
        // SAFETY: the function stands in this very kind.
        let made = unsafe { make(kind, text.into()) };
        made.into_result().map_err(RString::into_string)
    }

    /// A message of a kind from bytes such as [`to_bytes`](Self::to_bytes) gives, made by the library
    /// that the kind is of.
    ///
    /// # Errors
    ///
    /// The bytes are no value of the type; the reason.
    pub fn from_bytes(kind: MessageTypeRef, bytes: &[u8]) -> Result<Message, String> {
        let make = kind.from_bytes();
        // SAFETY: the function stands in this very kind.
        let made = unsafe { make(kind, bytes.into()) };
        made.into_result().map_err(RString::into_string)
    }

    fn header(&self) -> &MessageHeader {
        // SAFETY: a `Message` holds a reference, so its header is alive.
        unsafe { self.header.as_ref() }
    }
}

/// As [`std::ptr::copy_nonoverlapping`]; what is usual is copied without a call.
///
/// # Safety
///
/// As there.
#[inline]
unsafe fn copy(from: *const u8, to: *mut u8, size: usize) {
    match size {
        // SAFETY: this function's contract, in each of the cases.
        4 => unsafe { from.copy_to_nonoverlapping(to, 4) },
        // SAFETY: as above.
        8 => unsafe { from.copy_to_nonoverlapping(to, 8) },
        // SAFETY: as above.
        16 => unsafe { from.copy_to_nonoverlapping(to, 16) },
        // SAFETY: as above.
        32 => unsafe { from.copy_to_nonoverlapping(to, 32) },
        // SAFETY: as above.
        size => unsafe { from.copy_to_nonoverlapping(to, size) },
    }
}

impl Clone for Message {
    fn clone(&self) -> Self {
        // Relaxed, as in `Arc`: a new reference is made from one that is alive.
        let before = self.header().references.fetch_add(1, Ordering::Relaxed);
        if before > isize::MAX as usize {
            // Only leaking references in a loop comes here; going on would free what is in use.
            std::process::abort();
        }
        Message { header: self.header }
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        if self.header().references.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // Pairs with the other holders' releases: all they did with the payload is before this.
        fence(Ordering::Acquire);
        let release = self.header().release;
        // SAFETY: this was the last reference, and `release` belongs to this very packet.
        unsafe { release(self.header) };
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("type", &self.kind().name())
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
