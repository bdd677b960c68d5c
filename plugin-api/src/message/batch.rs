//! Several messages in an author's hands at once, lent until the next receive.

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::slice;

use lifespan_abi::Message as AbiMessage;

use crate::message::lending::ArrivedAll;
use crate::message::{Lent, Message, kind};

/// Messages that follow each other without a gap, lent until the next receive. There is at least one.
///
/// It iterates over the values. However many of them are looked at, all count as received.
///
/// ```
/// # use lifespan_plugin_api::prelude::*;
/// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
/// let samples = ctx.topic::<f64>("samples")?;
/// let mut all = samples.messages();
/// samples.publish_all([0.5, 1.0, 2.5]).await?;
/// let batch = all.recv_batch().await.context("it has ended")?;
/// assert_eq!((batch.len(), batch.sequence()), (3, 0));
/// assert_eq!(batch.iter().sum::<f64>(), 4.0);
/// # Ok(()) });
/// ```
pub struct LentBatch<'a, T: Message> {
    messages: &'a [AbiMessage],
    sequence: u64,
    skipped: u64,
    kind: PhantomData<fn() -> T>,
}

/// The values of a [`LentBatch`], in order.
pub struct BatchIter<'a, T: Message> {
    messages: slice::Iter<'a, AbiMessage>,
    kind: PhantomData<fn() -> T>,
}

impl<'a, T: Message> LentBatch<'a, T> {
    /// Of messages that came from a topic of `T`.
    pub(crate) fn new(arrived: ArrivedAll<'a>) -> Self {
        let ArrivedAll { messages, sequence, skipped } = arrived;
        LentBatch { messages, sequence, skipped, kind: PhantomData }
    }

    /// How many messages it has.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// The first message's number on the topic, counted from 0; the others follow without a gap.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// How many messages this subscription has skipped just before the first: those that a lossy one
    /// was too slow for.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The values, in order.
    #[inline]
    pub fn iter(&self) -> BatchIter<'a, T> {
        BatchIter { messages: self.messages.iter(), kind: PhantomData }
    }

    /// The messages as a receive of one lends them: with their numbers, and to be
    /// [kept](Lent::keep).
    pub fn lent(&self) -> impl ExactSizeIterator<Item = Lent<'a, T>> + use<'a, T> {
        let (sequence, skipped) = (self.sequence, self.skipped);
        self.messages.iter().enumerate().map(move |(index, message)| {
            let skipped = if index == 0 { skipped } else { 0 };
            Lent::new(message, sequence + index as u64, skipped)
        })
    }
}

impl<'a, T: Message> IntoIterator for LentBatch<'a, T> {
    type Item = &'a T::View;
    type IntoIter = BatchIter<'a, T>;

    #[inline]
    fn into_iter(self) -> BatchIter<'a, T> {
        self.iter()
    }
}

impl<'a, T: Message> IntoIterator for &LentBatch<'a, T> {
    type Item = &'a T::View;
    type IntoIter = BatchIter<'a, T>;

    #[inline]
    fn into_iter(self) -> BatchIter<'a, T> {
        self.iter()
    }
}

impl<'a, T: Message> Iterator for BatchIter<'a, T> {
    type Item = &'a T::View;

    #[inline]
    fn next(&mut self) -> Option<&'a T::View> {
        self.messages.next().map(kind::view::<T>)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.messages.size_hint()
    }

    #[inline]
    fn fold<B, F: FnMut(B, Self::Item) -> B>(self, init: B, mut f: F) -> B {
        self.messages.fold(init, |folded, message| f(folded, kind::view::<T>(message)))
    }
}

impl<'a, T: Message> DoubleEndedIterator for BatchIter<'a, T> {
    #[inline]
    fn next_back(&mut self) -> Option<&'a T::View> {
        self.messages.next_back().map(kind::view::<T>)
    }
}

impl<T: Message> ExactSizeIterator for BatchIter<'_, T> {}
impl<T: Message> FusedIterator for BatchIter<'_, T> {}

impl<T: Message<View: fmt::Debug>> fmt::Debug for LentBatch<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
