//! Slots for child processes, given by priority.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::fault::WorkerError;

/// How urgent a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// A leaf that was found wrong, once more: then it is settled, which a leaf newly accused is not by its first encode.
    Confirm,
    /// A leaf under accusation: starts at once, in a reserved slot if the others are taken.
    Accused,
    /// A drawn leaf.
    Sample,
    /// A segment to transcode, or to inspect for the broadcaster.
    Transcode,
}

/// Most urgent first.
const PRIORITIES: [Priority; 4] = [
    Priority::Confirm,
    Priority::Accused,
    Priority::Sample,
    Priority::Transcode,
];

impl Priority {
    /// What its workers add to the niceness they are started with, so that an accused leaf has the CPU before a sample
    /// and a sample before a transcode: 7 steps are about a fifth of the share. More would let other programs stop it.
    pub(crate) fn niceness(self) -> u8 {
        match self {
            Self::Confirm | Self::Accused => 0,
            Self::Sample => 7,
            Self::Transcode => 10,
        }
    }
}

/// Gives at most `slots` at a time, and as many more to accused and confirmed leaves only; first come, first served
/// within a priority.
///
/// A slot is a core and the memory of one encoder. A request that can use several gets what is free, but no more than
/// its part while others wait: a lone segment is encoded by all cores, and under load each core has its own segment,
/// which leaves no core idle at the end of each and never runs more encoders than there are slots.
#[derive(Clone)]
pub(crate) struct Slots {
    state: Arc<Mutex<State>>,
}

struct State {
    slots: usize,
    /// Slots held.
    used: usize,
    /// Requests that hold them.
    running: usize,
    max_waiting: usize,
    waiting: [VecDeque<Waiter>; PRIORITIES.len()],
}

struct Waiter {
    to: oneshot::Sender<Slot>,
    /// Slots that it can use.
    most: usize,
}

/// What a request holds; dropping it gives its slots to the most urgent waiters.
pub(crate) struct Slot {
    state: Option<Arc<Mutex<State>>>,
    /// How many.
    pub(crate) count: usize,
}

// Nothing panics while the lock is held, so a poisoned state is a whole one.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Slots that a request of this priority could have now.
    fn free(&self, priority: Priority) -> usize {
        let reserved = match priority {
            Priority::Confirm | Priority::Accused => self.slots,
            Priority::Sample | Priority::Transcode => 0,
        };
        (self.slots + reserved).saturating_sub(self.used)
    }

    fn waiting(&self) -> usize {
        let waiting = self.waiting.iter().flatten();
        waiting.filter(|waiter| !waiter.to.is_closed()).count()
    }

    /// Who is next, and the slots it gets.
    fn next(&mut self) -> Option<(oneshot::Sender<Slot>, usize)> {
        for priority in PRIORITIES {
            let (free, waiting) = (self.free(priority), self.waiting());
            if free > 0
                && let Some(waiter) = self.waiting[priority as usize].pop_front()
            {
                let part = (free / waiting.max(1)).clamp(1, waiter.most);
                return Some((waiter.to, part));
            }
        }
        None
    }

    fn take(&mut self, shared: &Arc<Mutex<Self>>, count: usize) -> Slot {
        self.used += count;
        self.running += 1;
        Slot {
            state: Some(Arc::clone(shared)),
            count,
        }
    }

    fn give_back(&mut self, count: usize) {
        self.used -= count;
        self.running -= 1;
    }
}

impl Slots {
    /// `slots` at a time; at most `max_waiting` requests wait in each priority.
    pub(crate) fn new(slots: usize, max_waiting: usize) -> Self {
        let state = State {
            slots: slots.max(1),
            used: 0,
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
        state.running + state.waiting()
    }

    /// Waits for a slot; gets up to `most` (at least 1) where they are free and nobody waits for them.
    pub(crate) async fn acquire(
        &self,
        priority: Priority,
        most: usize,
    ) -> Result<Slot, WorkerError> {
        let most = most.max(1);
        let waiter = {
            let mut state = lock(&self.state);
            let queue = &mut state.waiting[priority as usize];
            queue.retain(|waiter| !waiter.to.is_closed());
            let free = state.free(priority);
            if state.waiting[priority as usize].is_empty() && free > 0 {
                return Ok(state.take(&self.state, most.min(free)));
            }
            let (waiting, max) = (state.waiting[priority as usize].len(), state.max_waiting);
            if waiting >= max {
                return Err(WorkerError::Overloaded { waiting, max });
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting[priority as usize].push_back(Waiter { to: sender, most });
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
        state.give_back(self.count);
        while let Some((waiter, count)) = state.next() {
            let slot = state.take(&shared, count);
            if let Err(mut refused) = waiter.send(slot) {
                // The waiter went away. Disarm its slot here: dropping it would take the lock again.
                refused.state = None;
                state.give_back(count);
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
        let first = slots.acquire(Priority::Transcode, 1).await.unwrap();
        let _second = slots.acquire(Priority::Transcode, 1).await.unwrap();
        assert!(soon(slots.acquire(Priority::Transcode, 1)).await.is_none());
        assert!(soon(slots.acquire(Priority::Sample, 1)).await.is_none());
        let accused = slots.acquire(Priority::Accused, 1).await.unwrap();
        let other = slots.acquire(Priority::Accused, 1).await.unwrap();
        assert_eq!(slots.busy(), 4);
        let (mut third, mut fourth) = (
            Box::pin(slots.acquire(Priority::Accused, 1)),
            Box::pin(slots.acquire(Priority::Accused, 1)),
        );
        assert!(soon(&mut third).await.is_none() && soon(&mut fourth).await.is_none());
        assert_eq!(slots.busy(), 6);
        drop(other);
        assert!(
            soon(&mut fourth).await.is_none(),
            "accused leaves go in the order they came"
        );
        let mut confirm = Box::pin(slots.acquire(Priority::Confirm, 1));
        assert!(soon(&mut confirm).await.is_none());
        drop(soon(&mut third).await.unwrap());
        assert!(
            soon(&mut fourth).await.is_none(),
            "what confirms goes before what is accused"
        );
        drop((confirm, fourth));
        assert_eq!(slots.busy(), 3);

        let (mut transcode, mut sample) = (
            Box::pin(slots.acquire(Priority::Transcode, 1)),
            Box::pin(slots.acquire(Priority::Sample, 1)),
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
        let held = slots.acquire(Priority::Sample, 1).await.unwrap();
        for _ in 0..10 {
            assert!(soon(slots.acquire(Priority::Sample, 1)).await.is_none());
        }
        let (a, b) = (slots.clone(), slots.clone());
        let waiting = [
            tokio::spawn(async move { a.acquire(Priority::Sample, 1).await.map(drop) }),
            tokio::spawn(async move { b.acquire(Priority::Sample, 1).await.map(drop) }),
        ];
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(matches!(
            slots.acquire(Priority::Sample, 1).await,
            Err(WorkerError::Overloaded { waiting: 2, max: 2 })
        ));
        drop(held);
        for task in waiting {
            task.await.unwrap().unwrap();
        }
        assert!(soon(slots.acquire(Priority::Transcode, 1)).await.is_some());
    }

    #[tokio::test]
    async fn who_can_use_several_gets_what_nobody_waits_for() {
        let slots = Slots::new(4, 8);
        let lone = slots.acquire(Priority::Transcode, 3).await.unwrap();
        assert_eq!(lone.count, 3);
        let rest = slots.acquire(Priority::Transcode, 3).await.unwrap();
        assert_eq!((rest.count, slots.busy()), (1, 2));
        let accused = slots.acquire(Priority::Accused, 1).await.unwrap();
        let (mut first, mut second, mut third) = (
            Box::pin(slots.acquire(Priority::Transcode, 3)),
            Box::pin(slots.acquire(Priority::Transcode, 3)),
            Box::pin(slots.acquire(Priority::Transcode, 3)),
        );
        assert!(soon(&mut first).await.is_none() && soon(&mut second).await.is_none());
        assert!(soon(&mut third).await.is_none());
        drop(accused);
        drop(lone);
        // Three free, three waiting: one each.
        let held = [first, second, third].map(|slot| async move { slot.await.unwrap().count });
        let [first, second, third] = held;
        assert_eq!((first.await, second.await, third.await), (1, 1, 1));
        drop(rest);
        assert_eq!(slots.acquire(Priority::Sample, 9).await.unwrap().count, 4);
    }
}
