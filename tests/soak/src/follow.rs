//! What one subscription has seen of one life of a topic, and whether it may be so.

use std::collections::HashMap;

use crate::payload::Stamp;

/// What a subscription promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Every message.
    Every,
    /// Every message, or a count of those that are missing.
    Counted,
    /// The last one, perhaps more than once.
    Latest,
    /// The last one of each key; what is missing is counted by key, so the numbers have holes.
    ByKey,
}

/// A message as it was received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) sequence: u64,
    pub(crate) skipped: u64,
    /// `None` if it is damaged.
    pub(crate) stamp: Option<Stamp>,
}

/// What has been seen.
pub(crate) struct Follow {
    life: u64,
    promise: Promise,
    /// Publishers from this on began after the subscription did.
    born: u64,
    /// The number behind the last message.
    next: Option<u64>,
    /// What each publisher is to publish next.
    publishers: HashMap<u64, u64>,
    /// The number behind the last message of each key.
    keys: HashMap<u64, u64>,
    missed: bool,
}

/// How far a subscription came that was there at the end.
pub(crate) struct Reached {
    pub(crate) next: u64,
    /// What each publisher would have published next, if nothing was missed.
    pub(crate) publishers: Option<HashMap<u64, u64>>,
}

/// How many keys there are.
const KEYS: u64 = 5;

/// The key of a message, for subscriptions by key.
pub(crate) fn key_of(stamp: Option<Stamp>) -> u64 {
    stamp.map_or(KEYS, |stamp| (stamp.publisher + stamp.number) % KEYS)
}

impl Follow {
    pub(crate) fn new(life: u64, promise: Promise, born: u64) -> Follow {
        let (publishers, keys) = (HashMap::new(), HashMap::new());
        Follow { life, promise, born, next: None, publishers, keys, missed: false }
    }

    /// Takes note of a message. `released` says that nobody waits for the subscription any more: it may
    /// miss messages then, which are counted.
    pub(crate) fn see(&mut self, seen: Seen, released: impl Fn() -> bool) -> Result<(), String> {
        let Seen { sequence, skipped, stamp } = seen;
        let wrong = |what: &str| {
            let (promise, next) = (self.promise, self.next);
            Err(format!("{what}: {seen:?} of life {}, {promise:?}, next {next:?}", self.life))
        };
        let Some(stamp) = stamp else { return wrong("a damaged message") };
        if stamp.life != self.life {
            return wrong("a message of another life");
        }
        let again = self.promise == Promise::Latest && self.next == Some(sequence + 1);
        match (self.promise, self.next) {
            (Promise::ByKey, _)
                if self.keys.get(&key_of(Some(stamp))).is_some_and(|next| sequence < *next) =>
            {
                return wrong("a key that goes back");
            }
            (Promise::ByKey, _) => {}
            (_, Some(_)) if again => return Ok(()),
            (_, Some(next)) if next + skipped != sequence => return wrong("a gap"),
            _ => {}
        }
        if self.promise == Promise::Every && skipped > 0 && !released() {
            return wrong("a loss");
        }
        self.missed |= skipped > 0 || matches!(self.promise, Promise::Latest | Promise::ByKey);
        let expected = self.publishers.get(&stamp.publisher).copied();
        let fits = match expected {
            _ if self.promise == Promise::ByKey => true,
            Some(next) if self.missed => stamp.number >= next,
            Some(next) => stamp.number == next,
            None => self.missed || stamp.publisher < self.born || stamp.number == 0,
        };
        if !fits {
            return wrong(&format!("out of the publisher's order, not {expected:?}"));
        }
        self.publishers.insert(stamp.publisher, stamp.number + 1);
        self.keys.insert(key_of(Some(stamp)), sequence + 1);
        self.next = Some(self.next.unwrap_or_default().max(sequence + 1));
        Ok(())
    }

    /// Whether it has seen a message that whoever subscribed together with it must see too: its
    /// publisher began later.
    pub(crate) fn has_seen_later(&self) -> bool {
        self.publishers.keys().any(|publisher| *publisher >= self.born)
    }

    /// The number behind the last message, 0 before the first.
    pub(crate) fn next(&self) -> u64 {
        self.next.unwrap_or_default()
    }

    /// The stream has ended.
    pub(crate) fn reached(self) -> Option<Reached> {
        let publishers = (!self.missed).then_some(self.publishers);
        self.next.map(|next| Reached { next, publishers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Promise = Promise::Every;

    /// Sees messages of sequence, skipped, publisher and number; whether all are as they may be.
    fn all(promise: Promise, born: u64, seen: &[(u64, u64, u64, u64)]) -> bool {
        let mut follow = Follow::new(7, promise, born);
        seen.iter().all(|&(sequence, skipped, publisher, number)| {
            let stamp = Some(Stamp { life: 7, publisher, number });
            follow.see(Seen { sequence, skipped, stamp }, || false).is_ok()
        })
    }

    #[test]
    fn what_may_be_may_be() {
        assert!(all(EVERY, 1, &[(4, 0, 0, 9), (5, 0, 1, 0), (6, 0, 0, 10)]));
        assert!(all(Promise::Counted, 1, &[(4, 0, 0, 9), (8, 3, 0, 11)]));
        assert!(all(Promise::Latest, 1, &[(4, 0, 0, 9), (4, 0, 0, 9), (8, 3, 0, 11)]));
        assert!(all(Promise::ByKey, 1, &[(4, 0, 0, 9), (3, 1, 0, 8)]));
    }

    #[test]
    fn what_may_not_be_is_seen() {
        for (promise, seen) in [
            (EVERY, &[(4, 0, 0, 9), (6, 0, 0, 10)][..]),
            (EVERY, &[(4, 0, 0, 9), (6, 1, 0, 10)]),
            (EVERY, &[(4, 0, 0, 9), (5, 0, 0, 11)]),
            (EVERY, &[(4, 0, 0, 9), (4, 0, 0, 9)]),
            (EVERY, &[(4, 0, 1, 1)]),
            (Promise::Counted, &[(4, 0, 0, 9), (8, 2, 0, 11)]),
            (Promise::Counted, &[(4, 0, 0, 9), (8, 3, 0, 8)]),
            (Promise::Latest, &[(4, 0, 0, 9), (3, 0, 0, 8)]),
            (Promise::ByKey, &[(4, 0, 0, 9), (3, 0, 0, 4)]),
        ] {
            assert!(!all(promise, 1, seen), "{seen:?}");
        }
        let mut follow = Follow::new(7, EVERY, 0);
        assert!(follow.see(Seen { sequence: 0, skipped: 0, stamp: None }, || false).is_err());
    }
}
