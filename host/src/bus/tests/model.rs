//! Each mode against a model of a few lines, under random interleavings.

use std::collections::VecDeque;

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::abi_stable::std_types::{ROption, RVec};
use lifespan_abi::{Key, KeyBox, Mode};
use proptest::prelude::*;

use super::*;

const CAPACITY: u64 = 4;

/// What happens next; the numbers choose among the subscriptions.
#[derive(Clone, Debug)]
enum Step {
    Publish,
    Poll(usize, u32),
    Subscribe(u32, bool),
    Drop(usize),
    Notify,
    End,
}

/// A subscription as it ought to be.
struct Model {
    mode: Mode,
    next: u64,
    released: u64,
    unseen: bool,
    keys: VecDeque<(u64, u64, u64)>,
}

struct Third;

impl Key for Third {
    fn of(&self, message: &AbiMessage) -> ROption<RVec<u8>> {
        let value: u64 = message.to_json().unwrap().parse().unwrap();
        ROption::RSome(key(value).to_le_bytes().to_vec().into())
    }
}

fn key(value: u64) -> u64 {
    // A little irregular, so that keys do not come in turn.
    value * value % 3 + value % 2
}

impl Model {
    fn new(mode: Mode, current: bool, published: u64) -> Model {
        let current = current && published > 0;
        let next = published - u64::from(current);
        let mut model =
            Model { mode, next, released: next, unseen: current, keys: VecDeque::new() };
        if current {
            model.publish(published - 1);
        }
        model
    }

    fn gates(&self, published: u64) -> bool {
        self.mode == Mode::LOSSLESS && published - self.released >= CAPACITY
    }

    fn publish(&mut self, value: u64) {
        self.unseen = true;
        if self.mode == Mode::KEYED {
            match self.keys.iter_mut().find(|(waiting, ..)| *waiting == key(value)) {
                Some((_, latest, replaced)) => (*latest, *replaced) = (value, *replaced + 1),
                None => self.keys.push_back((key(value), value, 0)),
            }
        }
    }

    /// What a poll gives: values, which are their own numbers, and what was skipped before.
    fn poll(&mut self, published: u64, max: u32) -> Vec<(u64, u64)> {
        self.released = self.next;
        match self.mode {
            Mode::LATEST if !std::mem::take(&mut self.unseen) => Vec::new(),
            Mode::LATEST => {
                let last = published - 1;
                let skipped = last.saturating_sub(self.next);
                self.next = published;
                vec![(last, skipped)]
            }
            Mode::KEYED => {
                let next = self.keys.pop_front();
                next.into_iter().map(|(_, value, replaced)| (value, replaced)).collect()
            }
            _ => {
                let start = self.next.max(published.saturating_sub(CAPACITY));
                let end = published.min(start + u64::from(max));
                let skipped = start - self.next;
                self.next = end;
                let skipped = |value| if value == start { skipped } else { 0 };
                (start..end).map(|value| (value, skipped(value))).collect()
            }
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Publish),
        6 => (0..8_usize, 1..6_u32).prop_map(|(which, max)| Step::Poll(which, max)),
        2 => (0..4_u32, any::<bool>()).prop_map(|(mode, current)| Step::Subscribe(mode, current)),
        1 => (0..8_usize).prop_map(Step::Drop),
        1 => Just(Step::Notify),
        1 => Just(Step::End),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #[test]
    fn every_mode_is_as_its_model(steps in steps()) {
        let world = World::new();
        let (publisher, subscriber) = (world.running("pub"), world.running("sub"));
        let topic = publisher.raw("t", CAPACITY as u32);
        let theirs = subscriber.raw("t", 0);
        let mut published = 0;
        let mut subscriptions: Vec<(SubscriptionBox, Model)> = Vec::new();
        for step in steps {
            match step {
                Step::Publish => {
                    let full = subscriptions.iter().any(|(_, model)| model.gates(published));
                    let expect = if full { PublishStatus::FULL } else { PublishStatus::PUBLISHED };
                    prop_assert_eq!(publish(&topic, published as u32), expect);
                    if !full {
                        subscriptions.iter_mut().for_each(|(_, model)| model.publish(published));
                        published += 1;
                    }
                }
                Step::Poll(which, max) => {
                    let count = subscriptions.len();
                    if let Some((real, model)) = subscriptions.get_mut(which % count.max(1)) {
                        let got: Vec<(u64, u64)> = take(real, max)
                            .into_iter()
                            .map(|(sequence, value, skipped)| {
                                assert_eq!(sequence, u64::from(value));
                                (sequence, skipped)
                            })
                            .collect();
                        prop_assert_eq!(got, model.poll(published, max));
                    }
                }
                Step::Subscribe(mode, current) => {
                    let mode = Mode(mode);
                    let key = (mode == Mode::KEYED)
                        .then(|| KeyBox::from_value(Third, TD_Opaque));
                    let options = SubscribeOptions::new(mode, current, key);
                    let real = theirs.subscribe(options).into_result().unwrap();
                    subscriptions.push((real, Model::new(mode, current, published)));
                }
                Step::Drop(which) => {
                    if which < subscriptions.len() {
                        drop(subscriptions.remove(which));
                    }
                }
                Step::Notify => {
                    topic.notify();
                    for (_, model) in &mut subscriptions {
                        model.unseen |= published > 0;
                    }
                }
                Step::End => {
                    // A reader that gives its batch back and looks again, until there is nothing.
                    for (real, model) in &mut subscriptions {
                        while !take(real, 5).is_empty() {}
                        while !model.poll(published, 5).is_empty() {}
                        prop_assert_eq!(real.backlog(), 0);
                    }
                }
            }
        }
    }
}
