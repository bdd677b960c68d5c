//! The latest value for each key.

use std::future::poll_fn;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::abi_stable::std_types::{ROption, RVec};
use lifespan_abi::{Key, KeyBox, Message as AbiMessage, Mode};
use serde::Serialize;

use crate::bus::Topic;
use crate::bus::giving::Giving;
use crate::bus::owned::{Owned, Source};
use crate::message::{Kept, Message, kind};

/// The latest value for each key, in the order in which the keys came; it starts with the topic's
/// last value. See [`Topic::updates_by`].
pub struct UpdatesBy<T: Message> {
    giving: Giving,
    kind: PhantomData<fn() -> T>,
}

impl<T: Message> UpdatesBy<T> {
    pub(super) fn new<K, F>(topic: &Topic<T>, key: F) -> Self
    where
        K: Serialize + 'static,
        F: Fn(&T::View) -> K + Send + Sync + 'static,
    {
        let key: KeyOf<T, K, F> = KeyOf { key, kind: PhantomData };
        let key = KeyBox::from_value(key, TD_Opaque);
        let giving = Giving::new(topic.subscribe(Mode::KEYED, true, Some(key)));
        UpdatesBy { giving, kind: PhantomData }
    }

    /// The next update, kept; `None` at the end. [`Kept::skipped`] is how many of its key were
    /// published before it and not seen.
    ///
    /// Dropped before it is ready, it has taken nothing.
    pub async fn recv(&mut self) -> Option<Kept<T>> {
        poll_fn(|context| self.poll_source(context)).await
    }

    /// The subscription as a stream.
    pub fn owned(self) -> Owned<Self> {
        Owned::new(self)
    }
}

impl<T: Message> Source for UpdatesBy<T> {
    type Item = Kept<T>;

    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Option<Kept<T>>> {
        self.giving.poll(context).map(|delivery| {
            let delivery = delivery?;
            Some(Kept::new(delivery.message, Some(delivery.sequence), delivery.skipped))
        })
    }
}

struct KeyOf<T, K, F> {
    key: F,
    kind: PhantomData<fn(&T) -> K>,
}

impl<T, K, F> Key for KeyOf<T, K, F>
where
    T: Message,
    K: Serialize,
    F: Fn(&T::View) -> K + Send + Sync,
{
    fn of(&self, message: &AbiMessage) -> ROption<RVec<u8>> {
        let bytes = catch_unwind(AssertUnwindSafe(|| {
            rmp_serde::to_vec(&(self.key)(kind::view::<T>(message))).ok()
        }));
        match bytes {
            Ok(bytes) => bytes.map(RVec::from).into(),
            Err(panic) => {
                // Dropping what was thrown may throw again; leaking it cannot.
                std::mem::forget(panic);
                ROption::RNone
            }
        }
    }
}
