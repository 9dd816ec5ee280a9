//! Slots for child processes, given by priority.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::fault::WorkerError;

/// How urgent a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// A leaf under accusation: starts at once, in a reserved slot if the others are taken.
    Accused,
    /// A drawn leaf.
    Sample,
    /// A segment to transcode, or to inspect for the broadcaster.
    Transcode,
}

const PRIORITIES: usize = 3;

impl Priority {
    /// What its workers add to the niceness they are started with, so that an accused leaf has the CPU before a sample
    /// and a sample before a transcode (each step of 5 is about a third of the share).
    pub(crate) fn niceness(self) -> u8 {
        match self {
            Self::Accused => 0,
            Self::Sample => 5,
            Self::Transcode => 10,
        }
    }
}

/// Gives at most `slots` at a time, and as many more to accused leaves only; first come, first served within a
/// priority.
#[derive(Clone)]
pub(crate) struct Slots {
    state: Arc<Mutex<State>>,
}

struct State {
    slots: usize,
    running: usize,
    max_waiting: usize,
    waiting: [VecDeque<oneshot::Sender<Slot>>; PRIORITIES],
}

/// A held slot; dropping it gives it to the most urgent waiter.
pub(crate) struct Slot {
    state: Option<Arc<Mutex<State>>>,
}

// Nothing panics while the lock is held, so a poisoned state is a whole one.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn admits(&self, priority: Priority) -> bool {
        let reserved = match priority {
            Priority::Accused => self.slots,
            Priority::Sample | Priority::Transcode => 0,
        };
        self.running < self.slots + reserved
    }

    fn next(&mut self) -> Option<oneshot::Sender<Slot>> {
        for priority in [Priority::Accused, Priority::Sample, Priority::Transcode] {
            if self.admits(priority)
                && let Some(waiter) = self.waiting[priority as usize].pop_front()
            {
                return Some(waiter);
            }
        }
        None
    }
}

impl Slots {
    /// `slots` at a time; at most `max_waiting` requests wait in each priority.
    pub(crate) fn new(slots: usize, max_waiting: usize) -> Self {
        let state = State {
            slots: slots.max(1),
            running: 0,
            max_waiting,
            waiting: Default::default(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Requests that hold a slot or wait for one.
    pub(crate) fn busy(&self) -> usize {
        let state = lock(&self.state);
        let waiting = state.waiting.iter().flatten();
        state.running + waiting.filter(|waiter| !waiter.is_closed()).count()
    }

    /// Waits for a slot.
    pub(crate) async fn acquire(&self, priority: Priority) -> Result<Slot, WorkerError> {
        let waiter = {
            let mut state = lock(&self.state);
            let queue = &mut state.waiting[priority as usize];
            queue.retain(|waiter| !waiter.is_closed());
            if queue.is_empty() && state.admits(priority) {
                state.running += 1;
                return Ok(Slot {
                    state: Some(Arc::clone(&self.state)),
                });
            }
            let (waiting, max) = (state.waiting[priority as usize].len(), state.max_waiting);
            if waiting >= max {
                return Err(WorkerError::Overloaded { waiting, max });
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting[priority as usize].push_back(sender);
            receiver
        };
        // The sender lives in the queue until a slot is sent through it.
        waiter
            .await
            .map_err(|_| WorkerError::Overloaded { waiting: 0, max: 0 })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(shared) = self.state.take() else {
            return;
        };
        let mut state = lock(&shared);
        state.running -= 1;
        while let Some(waiter) = state.next() {
            state.running += 1;
            let slot = Slot {
                state: Some(Arc::clone(&shared)),
            };
            if let Err(mut refused) = waiter.send(slot) {
                // The waiter went away. Disarm its slot here: dropping it would take the lock again.
                refused.state = None;
                state.running -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn soon<T>(future: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(Duration::from_millis(20), future)
            .await
            .ok()
    }

    #[tokio::test]
    async fn accused_leaves_do_not_wait_for_transcodes() {
        let slots = Slots::new(2, 8);
        let first = slots.acquire(Priority::Transcode).await.unwrap();
        let _second = slots.acquire(Priority::Transcode).await.unwrap();
        assert!(soon(slots.acquire(Priority::Transcode)).await.is_none());
        assert!(soon(slots.acquire(Priority::Sample)).await.is_none());
        let accused = slots.acquire(Priority::Accused).await.unwrap();
        let other = slots.acquire(Priority::Accused).await.unwrap();
        assert_eq!(slots.busy(), 4);
        let (mut third, mut fourth) = (
            Box::pin(slots.acquire(Priority::Accused)),
            Box::pin(slots.acquire(Priority::Accused)),
        );
        assert!(soon(&mut third).await.is_none() && soon(&mut fourth).await.is_none());
        assert_eq!(slots.busy(), 6);
        drop(other);
        assert!(
            soon(&mut fourth).await.is_none(),
            "accused leaves go in the order they came"
        );
        let third = soon(&mut third).await.unwrap();
        drop((third, fourth));
        assert_eq!(slots.busy(), 3);

        let (mut transcode, mut sample) = (
            Box::pin(slots.acquire(Priority::Transcode)),
            Box::pin(slots.acquire(Priority::Sample)),
        );
        assert!(soon(&mut transcode).await.is_none() && soon(&mut sample).await.is_none());
        drop(accused);
        assert!(
            soon(&mut sample).await.is_none(),
            "the reserved slots are for accused leaves"
        );
        drop(first);
        assert!(
            soon(&mut transcode).await.is_none(),
            "a sample goes before a transcode"
        );
        assert!(soon(&mut sample).await.is_some());
    }

    #[tokio::test]
    async fn waiters_that_leave_cost_nothing() {
        let slots = Slots::new(1, 2);
        let held = slots.acquire(Priority::Sample).await.unwrap();
        for _ in 0..10 {
            assert!(soon(slots.acquire(Priority::Sample)).await.is_none());
        }
        let (a, b) = (slots.clone(), slots.clone());
        let waiting = [
            tokio::spawn(async move { a.acquire(Priority::Sample).await.map(drop) }),
            tokio::spawn(async move { b.acquire(Priority::Sample).await.map(drop) }),
        ];
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(matches!(
            slots.acquire(Priority::Sample).await,
            Err(WorkerError::Overloaded { waiting: 2, max: 2 })
        ));
        drop(held);
        for task in waiting {
            task.await.unwrap().unwrap();
        }
        assert!(soon(slots.acquire(Priority::Transcode)).await.is_some());
    }
}
