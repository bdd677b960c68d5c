//! A received message in an author's hands: lent until the next receive, or kept.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use lifespan_abi::Message as AbiMessage;

use crate::message::{Message, kind};

/// A message that is lent until the next one is received; it dereferences to the value.
pub struct Lent<'a, T: Message> {
    message: &'a AbiMessage,
    sequence: u64,
    skipped: u64,
    kind: PhantomData<fn() -> T>,
}

/// A message that is kept: a counted reference, which dereferences to the value. Cloning it copies
/// the reference, not the value.
pub struct Kept<T: Message> {
    message: AbiMessage,
    sequence: Option<u64>,
    skipped: u64,
    kind: PhantomData<fn() -> T>,
}

impl<'a, T: Message> Lent<'a, T> {
    /// Of a message that came from a topic of `T`.
    pub(crate) fn new(message: &'a AbiMessage, sequence: u64, skipped: u64) -> Self {
        Lent { message, sequence, skipped, kind: PhantomData }
    }

    /// Its number on the topic, counted from 0.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// How many messages this subscription has skipped just before it: those that became one in an
    /// update, or that a lossy subscription was too slow for.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Takes a reference to it, for as long as wanted.
    pub fn keep(&self) -> Kept<T> {
        Kept::new(self.message.clone(), Some(self.sequence), self.skipped)
    }
}

impl<T: Message> Kept<T> {
    /// Of a message that came from a topic of `T`.
    pub(crate) fn new(message: AbiMessage, sequence: Option<u64>, skipped: u64) -> Self {
        Kept { message, sequence, skipped, kind: PhantomData }
    }

    /// Lends it out, as a receive does.
    pub(crate) fn lend(&self) -> Lent<'_, T> {
        Lent::new(&self.message, self.sequence.unwrap_or_default(), self.skipped)
    }

    /// Its number on the topic, counted from 0, if it was received; what
    /// [`Topic::get`](crate::bus::Topic::get) gives does not know it.
    pub fn sequence(&self) -> Option<u64> {
        self.sequence
    }

    /// As [`Lent::skipped`].
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

impl<T: Message> Deref for Lent<'_, T> {
    type Target = T::View;

    fn deref(&self) -> &T::View {
        kind::view::<T>(self.message)
    }
}

impl<T: Message> Deref for Kept<T> {
    type Target = T::View;

    fn deref(&self) -> &T::View {
        kind::view::<T>(&self.message)
    }
}

impl<T: Message> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Kept::new(self.message.clone(), self.sequence, self.skipped)
    }
}

impl<T: Message<View: fmt::Debug>> fmt::Debug for Lent<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Message<View: fmt::Debug>> fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Message<View: fmt::Display>> fmt::Display for Lent<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Message<View: fmt::Display>> fmt::Display for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
