//! What a feed has received and keeps for its streams, and a stream's place in it. Pure.
//!
//! The last value of each topic is kept as long as the topic, and what came last of all within bounds:
//! so many messages, and so many bytes, but always the last one.

use std::collections::{BTreeMap, VecDeque};

use axum::body::Bytes;

use super::{Kind, News};

/// So many messages are kept for those who want every one.
const MESSAGES: usize = 1024;

/// And so many bytes.
const BYTES: usize = 8 << 20;

/// So many topics, beside as many as there were at the last look, may be kept without a look at which
/// have ended.
const UNSEEN: usize = 64;

/// So many are given at once: what has been given stays until the client has taken it.
const AT_ONCE: usize = 32;

/// All messages have a number, in the order in which they came; so have those that the feed itself has
/// skipped.
#[derive(Default)]
pub(super) struct Backlog {
    /// The number of the next.
    next: u64,
    last: BTreeMap<String, Kept>,
    /// How many topics there were when it was looked last at which have ended.
    seen: usize,
    /// The messages before `next`.
    kept: VecDeque<Kept>,
    bytes: usize,
    pub(super) ended: bool,
}

#[derive(Clone)]
struct Kept {
    number: u64,
    /// How many were skipped just before it, which it tells itself.
    skipped: u64,
    frame: Bytes,
}

/// Where a stream is: the number of the message that it gets next.
pub(super) struct Place {
    kind: Kind,
    next: u64,
    /// Up to here it gets the last value of each topic, whatever its kind.
    begin: u64,
}

impl Backlog {
    /// Adds a message, before which so many were skipped.
    pub(super) fn push(&mut self, topic: &str, skipped: u64, frame: Bytes) {
        let kept = Kept { number: self.next + skipped, skipped, frame };
        match self.last.get_mut(topic) {
            Some(last) => *last = kept.clone(),
            None => {
                self.last.insert(topic.to_owned(), kept.clone());
            }
        }
        self.next = kept.number + 1;
        self.bytes += kept.frame.len();
        self.kept.push_back(kept);
        while self.kept.len() > 1 && (self.kept.len() > MESSAGES || self.bytes > BYTES) {
            if let Some(gone) = self.kept.pop_front() {
                self.bytes -= gone.frame.len();
            }
        }
    }

    /// Forgets the values of all topics but these.
    pub(super) fn forget_others(&mut self, topics: &[String]) {
        self.last.retain(|topic, _| topics.binary_search(topic).is_ok());
        self.seen = self.last.len();
    }

    /// Whether there are so many topics more that some of them may have ended.
    pub(super) fn is_crowded(&self) -> bool {
        self.last.len() >= 2 * self.seen + UNSEEN
    }

    pub(super) fn topics(&self) -> usize {
        self.last.len()
    }

    /// The place of a stream that begins now.
    pub(super) fn join(&self, kind: Kind) -> Place {
        Place { kind, next: 0, begin: self.next }
    }

    /// What comes at that place, which moves on.
    pub(super) fn after(&self, place: &mut Place) -> Option<News> {
        match place.kind {
            Kind::Latest => self.latest(place, self.next),
            Kind::Every => self.latest(place, place.begin).or_else(|| self.every(place)),
        }
    }

    /// The last values that a place has not had, of the messages before `end`, the oldest first.
    fn latest(&self, place: &mut Place, end: u64) -> Option<News> {
        if place.next >= end {
            return None;
        }
        let new = self.last.values().filter(|last| (place.next..end).contains(&last.number));
        let mut new: Vec<_> = new.collect();
        new.sort_unstable_by_key(|last| last.number);
        place.next = new.get(AT_ONCE).map_or(end, |last| last.number);
        let frames: Vec<_> = new.iter().take(AT_ONCE).map(|last| last.frame.clone()).collect();
        (!frames.is_empty()).then_some(News { skipped: 0, frames })
    }

    /// The messages from a place on.
    fn every(&self, place: &mut Place) -> Option<News> {
        let from = self.kept.partition_point(|kept| kept.number < place.next);
        let new = || self.kept.iter().skip(from).take(AT_ONCE);
        let (first, last) = (new().next()?, new().last()?);
        let skipped = (first.number - first.skipped).saturating_sub(place.next);
        place.next = last.number + 1;
        Some(News { skipped, frames: new().map(|kept| kept.frame.clone()).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(backlog: &mut Backlog, messages: &[(&str, &'static str)]) {
        for (topic, text) in messages {
            backlog.push(topic, 0, Bytes::from_static(text.as_bytes()));
        }
    }

    /// All that comes at a place now, and how many were skipped.
    fn taken(backlog: &Backlog, place: &mut Place) -> (u64, Vec<String>) {
        let mut all = (0, Vec::new());
        while let Some(news) = backlog.after(place) {
            assert!(news.frames.len() <= AT_ONCE, "too many at once");
            all.0 += news.skipped;
            all.1.extend(news.frames.iter().map(|it| String::from_utf8_lossy(it).into_owned()));
        }
        all
    }

    #[test]
    fn a_stream_begins_with_the_last_values_and_misses_nothing_then() {
        let mut backlog = Backlog::default();
        push(&mut backlog, &[("b", "b1"), ("a", "a1"), ("b", "b2")]);
        let mut place = backlog.join(Kind::Every);
        push(&mut backlog, &[("a", "a2"), ("a", "a3")]);
        let (skipped, frames) = taken(&backlog, &mut place);
        assert_eq!((skipped, frames.join(" ")), (0, "b2 a2 a3".to_owned()));
        assert_eq!(taken(&backlog, &mut place), (0, vec![]));
        push(&mut backlog, &[("b", "b3")]);
        assert_eq!(taken(&backlog, &mut place), (0, vec!["b3".to_owned()]));
    }

    #[test]
    fn of_the_latest_values_none_comes_twice() {
        let mut backlog = Backlog::default();
        push(&mut backlog, &[("a", "a1"), ("b", "b1"), ("a", "a2")]);
        let mut place = backlog.join(Kind::Latest);
        assert_eq!(taken(&backlog, &mut place).1, ["b1", "a2"]);
        push(&mut backlog, &[("a", "a3"), ("a", "a4")]);
        assert_eq!(taken(&backlog, &mut place).1, ["a4"]);
        assert_eq!(taken(&backlog, &mut place).1, [""; 0]);
    }

    #[test]
    fn many_topics_come_a_few_at_a_time() {
        let mut backlog = Backlog::default();
        let names: Vec<_> = (0..100).map(|n| format!("topic/{n:03}")).collect();
        names.iter().for_each(|name| backlog.push(name, 0, Bytes::from(name.clone())));
        for kind in [Kind::Every, Kind::Latest] {
            assert_eq!(taken(&backlog, &mut backlog.join(kind)), (0, names.clone()));
        }
        backlog.forget_others(&names[..2]);
        assert_eq!(taken(&backlog, &mut backlog.join(Kind::Latest)).1, names[..2]);
    }

    #[test]
    fn it_is_looked_seldom_at_which_topics_have_ended() {
        let (mut backlog, mut looked) = (Backlog::default(), 0);
        for n in 0..10 * UNSEEN {
            let topics = [format!("topic/{n:04}")];
            backlog.push(&topics[0], 0, Bytes::new());
            if backlog.is_crowded() {
                backlog.forget_others(&topics);
                looked += 1;
            }
            assert!(backlog.topics() <= UNSEEN + 2, "{}", backlog.topics());
        }
        assert!((9..=10).contains(&looked), "{looked}");
    }

    #[test]
    fn who_is_slow_hears_how_much_it_has_lost() {
        let mut backlog = Backlog::default();
        let mut place = backlog.join(Kind::Every);
        for _ in 0..MESSAGES + 7 {
            push(&mut backlog, &[("a", "a")]);
        }
        let (skipped, frames) = taken(&backlog, &mut place);
        assert_eq!((skipped, frames.len()), (7, MESSAGES));
        assert_eq!(taken(&backlog, &mut place), (0, vec![]));
    }

    #[test]
    fn what_the_feed_has_skipped_is_told_once() {
        let mut backlog = Backlog::default();
        let (mut quick, mut slow) = (backlog.join(Kind::Every), backlog.join(Kind::Every));
        for n in 0..=MESSAGES as u64 {
            // 5 of each 6: by the message itself, unless that is lost, too.
            backlog.push("a", 5, Bytes::new());
            let news = backlog.after(&mut quick).unwrap();
            assert_eq!((news.skipped, news.frames.len()), (0, 1), "{n}");
        }
        assert_eq!(taken(&backlog, &mut slow).0, 6);
    }

    #[test]
    fn what_is_kept_is_bounded_in_bytes_too() {
        let mut backlog = Backlog::default();
        let mut place = backlog.join(Kind::Every);
        let large = Bytes::from(vec![b'x'; BYTES / 2]);
        for _ in 0..5 {
            backlog.push("a", 0, large.clone());
        }
        assert_eq!((backlog.kept.len(), backlog.bytes), (2, BYTES));
        backlog.push("a", 0, Bytes::from(vec![b'x'; BYTES * 2]));
        assert_eq!(backlog.kept.len(), 1);
        let news = backlog.after(&mut place).unwrap();
        assert_eq!((news.skipped, news.frames.len()), (5, 1));
    }
}
