//! Lending by a host that overwrites what it had lent as soon as it may.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::Waker;

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::async_ffi::FfiContext;
use lifespan_abi::{OwnedBatch, Subscription, SubscriptionBox};

use super::*;
use crate::message::kind;
use crate::task::polling;

/// What the host was asked, in order: a poll, or how many were taken.
#[derive(Clone, Debug, PartialEq)]
enum Call {
    Poll,
    Taken(u32),
}

#[derive(Default)]
struct Host {
    batches: VecDeque<Vec<u32>>,
    lent: Vec<Message>,
    calls: Arc<Mutex<Vec<Call>>>,
    sequence: u64,
}

impl Subscription for Host {
    fn poll_batch(&mut self, _: &mut FfiContext<'_>, _: bool, _: u32) -> Batch {
        self.calls.lock().unwrap().push(Call::Poll);
        self.sequence += self.lent.len() as u64;
        self.lent.clear();
        let Some(batch) = self.batches.pop_front() else { return nothing(PollStatus::CLOSED) };
        if batch.is_empty() {
            return nothing(PollStatus::PENDING);
        }
        self.lent.extend(batch.into_iter().map(|n| kind::message(n).unwrap()));
        Batch {
            status: PollStatus::READY,
            len: self.lent.len() as u32,
            messages: self.lent.as_ptr(),
            sequence: self.sequence,
            skipped: 5,
        }
    }
    fn taken(&mut self, count: u32) {
        self.calls.lock().unwrap().push(Call::Taken(count));
    }
    fn poll_owned(&mut self, _: &mut FfiContext<'_>, _: bool, _: u32) -> OwnedBatch {
        OwnedBatch::nothing(PollStatus::CLOSED)
    }
    fn hand_over(&mut self) {}

    fn backlog(&self) -> u64 {
        0
    }
}

fn lending(batches: &[&[u32]]) -> (Lending, Arc<Mutex<Vec<Call>>>) {
    let batches = batches.iter().map(|batch| batch.to_vec()).collect();
    let host = Host { batches, ..Host::default() };
    let calls = host.calls.clone();
    (Lending::new(Some(SubscriptionBox::from_value(host, TD_Opaque))), calls)
}

fn poll(lending: &mut Lending) -> Poll<bool> {
    lending.poll(&mut Context::from_waker(Waker::noop()))
}

fn take(lending: &mut Lending) -> (u32, u64, u64) {
    let arrived = lending.take().unwrap();
    (*kind::view::<u32>(arrived.message), arrived.sequence, arrived.skipped)
}

#[test]
fn a_batch_is_drained_without_crossing() {
    let (mut lending, calls) = lending(&[&[1, 2], &[], &[3]]);
    assert!(lending.take().is_none());
    assert_eq!(poll(&mut lending), Poll::Ready(true));
    assert_eq!(poll(&mut lending), Poll::Ready(true));
    assert_eq!(take(&mut lending), (1, 0, 5));
    assert_eq!(*calls.lock().unwrap(), [Call::Poll]);
    assert_eq!(take(&mut lending), (2, 1, 0));
    // The second is being worked on until the next poll.
    assert_eq!(*calls.lock().unwrap(), [Call::Poll]);
    assert_eq!(poll(&mut lending), Poll::Pending);
    assert_eq!(poll(&mut lending), Poll::Ready(true));
    assert_eq!(take(&mut lending), (3, 2, 5));
    assert_eq!(poll(&mut lending), Poll::Ready(false));
    assert!(lending.take().is_none());
}

#[test]
fn what_was_taken_of_a_batch_is_told_before_the_end() {
    let (mut lending, calls) = lending(&[&[1, 2, 3]]);
    assert_eq!(poll(&mut lending), Poll::Ready(true));
    take(&mut lending);
    drop(lending);
    assert_eq!(*calls.lock().unwrap(), [Call::Poll, Call::Taken(1)]);
}

#[test]
fn one_poll_of_the_hosts_does_not_receive_for_ever() {
    let many: Vec<u32> = (0..1000).collect();
    let (mut lending, _) = lending(&[&many]);
    let mut received = 0;
    let mut polls = 0;
    while received < 1000 {
        polls += 1;
        polling(&mut Context::from_waker(Waker::noop()), |context| {
            while lending.poll(context) == Poll::Ready(true) && lending.take().is_some() {
                received += 1;
            }
            // At the end the poll above finds that the stream is over.
        });
        assert!(received <= polls * 128);
    }
    assert_eq!(polls, 8);
}

fn take_all(lending: &mut Lending) -> Option<(Vec<u32>, u64, u64)> {
    let arrived = lending.take_all()?;
    let values = arrived.messages.iter().map(|message| *kind::view::<u32>(message)).collect();
    Some((values, arrived.sequence, arrived.skipped))
}

#[test]
fn all_that_is_left_of_a_batch_is_taken_at_once() {
    let (mut lending, calls) = lending(&[&[1, 2, 3], &[4, 5], &[]]);
    let context = &mut Context::from_waker(Waker::noop());
    assert!(lending.take_all().is_none());
    assert_eq!(lending.poll_all(context, 0), Poll::Ready(true));
    take(&mut lending);
    assert_eq!(lending.poll_all(context, 0), Poll::Ready(true));
    assert_eq!(take_all(&mut lending), Some((vec![2, 3], 1, 0)));
    assert!(lending.take_all().is_none());
    assert_eq!(lending.poll_all(context, 0), Poll::Ready(true));
    // Polled, and dropped: nothing is lost.
    assert_eq!(lending.poll_all(context, 0), Poll::Ready(true));
    assert_eq!(take_all(&mut lending), Some((vec![4, 5], 3, 5)));
    assert_eq!(*calls.lock().unwrap(), [Call::Poll, Call::Poll]);
    drop(lending);
    assert_eq!(*calls.lock().unwrap(), [Call::Poll, Call::Poll, Call::Taken(2)]);
}

#[test]
fn a_batch_is_taken_from_the_budget_of_the_poll() {
    let batch: Vec<u32> = (0..300).collect();
    let (mut lending, _) = lending(&[&batch, &batch, &batch]);
    polling(&mut Context::from_waker(Waker::noop()), |context| {
        for _ in 0..2 {
            assert_eq!(lending.poll_all(context, 0), Poll::Ready(true));
            assert_eq!(lending.take_all().map(|arrived| arrived.messages.len()), Some(300));
        }
        assert_eq!(lending.poll_all(context, 0), Poll::Pending, "the task yields first");
        assert!(lending.has_message());
    });
}

#[test]
fn a_stream_that_could_not_subscribe_has_ended() {
    assert_eq!(poll(&mut Lending::new(None)), Poll::Ready(false));
}
