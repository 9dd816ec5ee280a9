//! Virtual time: events in order of time, and of their making where times are equal.

use std::collections::BTreeMap;

/// Virtual milliseconds since the start.
pub type Millis = u64;

/// What is still to happen.
#[derive(Debug)]
pub(super) struct Clock<E> {
    now: Millis,
    made: u64,
    queue: BTreeMap<(Millis, u64), E>,
}

impl<E> Clock<E> {
    pub fn new() -> Self {
        Self {
            now: 0,
            made: 0,
            queue: BTreeMap::new(),
        }
    }

    pub fn now(&self) -> Millis {
        self.now
    }

    /// Puts an event at a time, which is not before now.
    pub fn at(&mut self, time: Millis, event: E) {
        self.made += 1;
        self.queue.insert((time.max(self.now), self.made), event);
    }

    /// Puts an event some time from now.
    pub fn after(&mut self, delay: Millis, event: E) {
        self.at(self.now + delay, event);
    }

    /// Moves time to the next event.
    pub fn next(&mut self) -> Option<E> {
        let ((time, _), event) = self.queue.pop_first()?;
        self.now = time;
        Some(event)
    }
}
