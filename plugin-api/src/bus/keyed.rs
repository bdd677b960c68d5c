//! The latest value for each key.

use std::future::poll_fn;
use std::marker::PhantomData;
use std::task::{Context, Poll};

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::abi_stable::std_types::{ROption, RVec};
use lifespan_abi::{Key, KeyBox, Message as AbiMessage, Mode};
use serde::Serialize;

use crate::bus::Topic;
use crate::bus::giving::Giving;
use crate::bus::owned::{Owned, Source};
use crate::message::{Kept, Message, kind};
use crate::panics::{self, catch, guarded_drop};

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
        let key: KeyOf<T, K, F> = KeyOf { key: Some(key), kind: PhantomData };
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

    /// How many keys have an update that was not received.
    pub fn backlog(&self) -> u64 {
        self.giving.backlog()
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

/// The author's function on its way to the host, which calls and drops it on any thread.
struct KeyOf<T, K, F> {
    /// `None` once it is being dropped.
    key: Option<F>,
    kind: PhantomData<fn(&T) -> K>,
}

impl<T, K, F> Key for KeyOf<T, K, F>
where
    T: Message,
    K: Serialize,
    F: Fn(&T::View) -> K + Send + Sync,
{
    fn of(&self, message: &AbiMessage) -> ROption<RVec<u8>> {
        let bytes = catch(|| {
            let key = self.key.as_ref()?(kind::view::<T>(message));
            rmp_serde::to_vec(&key).ok()
        });
        match bytes {
            Ok(bytes) => bytes.map(RVec::from).into(),
            Err(panic) => {
                panics::log(&panic, "a key of `updates_by` panicked: the message has none");
                ROption::RNone
            }
        }
    }
}

impl<T, K, F> Drop for KeyOf<T, K, F> {
    fn drop(&mut self) {
        let key = self.key.take();
        guarded_drop(key, |panic| panics::log(&panic, "dropping a key of `updates_by` panicked"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panics::tests::{hook, logged};

    fn key<K, F>(key: F) -> KeyBox
    where
        K: Serialize + 'static,
        F: Fn(&u32) -> K + Send + Sync + 'static,
    {
        hook();
        let key: KeyOf<u32, K, F> = KeyOf { key: Some(key), kind: PhantomData };
        KeyBox::from_value(key, TD_Opaque)
    }

    #[test]
    fn a_key_whose_drop_panics_is_told_and_survived() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("bomb in a key");
            }
        }
        let bomb = Bomb;
        let key = key(move |_| {
            let _ = &bomb;
        });
        let text = logged(|| drop(key));
        assert!(text.contains("bomb in a key") && text.contains("keyed.rs:"), "{text}");
    }

    #[test]
    fn a_key_that_panics_is_told_with_its_place() {
        let key = key(|n| assert_eq!(*n, 1, "no key"));
        let message = kind::message(2_u32).unwrap();
        let text = logged(|| assert!(key.of(&message).is_none()));
        assert!(text.contains("no key") && text.contains("keyed.rs:"), "{text}");
        assert!(key.of(&kind::message(1_u32).unwrap()).is_some());
    }
}
