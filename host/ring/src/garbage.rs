//! What is to be dropped when the caller's lock is free: its drop is foreign code.

/// Messages to be dropped outside the lock. One, the usual case, needs no memory.
#[derive(Debug)]
pub struct Garbage<M> {
    first: Option<M>,
    more: Vec<M>,
}

impl<M> Garbage<M> {
    pub(crate) fn put(&mut self, message: M) {
        if self.first.is_none() {
            self.first = Some(message);
        } else {
            self.more.push(message);
        }
    }
}

impl<M> Default for Garbage<M> {
    fn default() -> Self {
        Garbage { first: None, more: Vec::new() }
    }
}
