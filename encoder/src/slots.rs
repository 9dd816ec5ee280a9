//! Slots for child processes, given by priority.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};

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
/// A slot is a core and the memory of one encoder. Each request begins with one and says how many it can use, which changes as
/// it goes on: it gets what is free while nobody waits, and gives back what its last chunks leave idle. So a lone segment is
/// encoded by all cores, under load each core has its own, none is idle while there is a chunk to begin, and never more
/// encoders run than there are slots.
#[derive(Clone)]
pub(crate) struct Slots {
    state: Arc<Mutex<State>>,
}

struct State {
    slots: usize,
    /// Slots held.
    used: usize,
    /// Requests that hold them, oldest first.
    running: Vec<Running>,
    /// Of the next request.
    id: u64,
    max_waiting: usize,
    waiting: [VecDeque<oneshot::Sender<Slot>>; PRIORITIES.len()],
}

struct Running {
    id: u64,
    priority: Priority,
    /// Slots that it holds.
    count: usize,
    /// Slots that it can use.
    most: usize,
    /// Hears of each further one.
    more: mpsc::Sender<()>,
}

/// What a request holds; dropping it gives its slots to the most urgent waiters.
pub(crate) struct Slot {
    /// Its slots.
    pub(crate) held: Held,
    /// Comes once for each slot beyond the first.
    pub(crate) more: mpsc::Receiver<()>,
}

/// Slots that are given back when this is dropped.
pub(crate) struct Held {
    state: Option<Arc<Mutex<State>>>,
    id: u64,
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
        waiting.filter(|waiter| !waiter.is_closed()).count()
    }

    fn running(&mut self, id: u64) -> Option<&mut Running> {
        self.running.iter_mut().find(|running| running.id == id)
    }

    /// Who is next.
    fn next(&mut self) -> Option<(oneshot::Sender<Slot>, Priority)> {
        let next = PRIORITIES.into_iter().find(|&priority| {
            let queue = &mut self.waiting[priority as usize];
            queue.retain(|waiter| !waiter.is_closed());
            !queue.is_empty() && self.free(priority) > 0
        })?;
        Some((self.waiting[next as usize].pop_front()?, next))
    }

    fn take(&mut self, shared: &Arc<Mutex<Self>>, priority: Priority) -> Slot {
        // All that there are. Who has not heard of so many more yet gets no others.
        let (sender, more) = mpsc::channel(2 * self.slots);
        self.id += 1;
        self.used += 1;
        self.running.push(Running {
            id: self.id,
            priority,
            count: 1,
            most: 1,
            more: sender,
        });
        let held = Held {
            state: Some(Arc::clone(shared)),
            id: self.id,
        };
        Slot { held, more }
    }

    fn give_back(&mut self, id: u64) {
        self.running.retain(|running| {
            let ends = running.id == id;
            self.used -= if ends { running.count } else { 0 };
            !ends
        });
    }

    /// Gives what is free to the most urgent waiters, and what they leave to the most urgent, oldest request that can use it.
    fn hand_out(&mut self, shared: &Arc<Mutex<Self>>) {
        while let Some((waiter, priority)) = self.next() {
            let slot = self.take(shared, priority);
            if let Err(mut refused) = waiter.send(slot) {
                // The waiter went away. Disarm its slot here: dropping it would take the lock again.
                refused.held.state = None;
                self.give_back(refused.held.id);
            }
        }
        for priority in PRIORITIES {
            let mut free = self.free(priority);
            for running in &mut self.running {
                while running.priority == priority
                    && running.count < running.most
                    && free > 0
                    && running.more.try_send(()).is_ok()
                {
                    (running.count, self.used, free) = (running.count + 1, self.used + 1, free - 1);
                }
            }
        }
    }
}

impl Slots {
    /// `slots` at a time; at most `max_waiting` requests wait in each priority.
    pub(crate) fn new(slots: usize, max_waiting: usize) -> Self {
        let state = State {
            slots: slots.max(1),
            used: 0,
            running: Vec::new(),
            id: 0,
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
        state.running.len() + state.waiting()
    }

    /// Waits for a slot.
    pub(crate) async fn acquire(&self, priority: Priority) -> Result<Slot, WorkerError> {
        let waiter = {
            let mut state = lock(&self.state);
            let queue = &mut state.waiting[priority as usize];
            queue.retain(|waiter| !waiter.is_closed());
            let waiting = queue.len();
            if waiting == 0 && state.free(priority) > 0 {
                return Ok(state.take(&self.state, priority));
            }
            let max = state.max_waiting;
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

impl Held {
    /// From now on so many can be used, or one: gives back what is beyond.
    pub(crate) fn can_use(&self, most: usize) {
        let Some(shared) = &self.state else { return };
        let mut state = lock(shared);
        let Some(running) = state.running(self.id) else {
            return;
        };
        running.most = most.max(1);
        let idle = running.count.saturating_sub(running.most);
        running.count -= idle;
        state.used -= idle;
        state.hand_out(shared);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(shared) = self.state.take() else {
            return;
        };
        let mut state = lock(&shared);
        state.give_back(self.id);
        state.hand_out(&shared);
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
        let mut confirm = Box::pin(slots.acquire(Priority::Confirm));
        assert!(soon(&mut confirm).await.is_none());
        drop(soon(&mut third).await.unwrap());
        assert!(
            soon(&mut fourth).await.is_none(),
            "what confirms goes before what is accused"
        );
        drop((confirm, fourth));
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

    /// Slots that it has, as it has heard.
    fn count(slot: &mut Slot) -> usize {
        let more = std::iter::from_fn(|| slot.more.try_recv().ok());
        1 + more.count()
    }

    #[tokio::test]
    async fn who_can_use_several_gets_what_nobody_waits_for() {
        let slots = Slots::new(4, 8);
        let mut lone = slots.acquire(Priority::Transcode).await.unwrap();
        assert_eq!(count(&mut lone), 1, "it has not said that it can use more");
        lone.held.can_use(3);
        assert_eq!(count(&mut lone), 3);
        let mut other = slots.acquire(Priority::Transcode).await.unwrap();
        other.held.can_use(3);
        assert_eq!((count(&mut other), slots.busy()), (1, 2));
        let mut third = Box::pin(slots.acquire(Priority::Transcode));
        assert!(soon(&mut third).await.is_none());
        drop(lone);
        let third = third.await.unwrap();
        assert_eq!(count(&mut other), 3, "who waited had one of the three");
        assert!(soon(slots.acquire(Priority::Sample)).await.is_none());
        drop((other, third));
        assert_eq!(lock(&slots.state).used, 0);
    }

    #[tokio::test]
    async fn what_the_last_chunks_leave_idle_is_used_by_others() {
        let slots = Slots::new(3, 8);
        let first = slots.acquire(Priority::Transcode).await.unwrap();
        first.held.can_use(3);
        let mut waiting = Box::pin(slots.acquire(Priority::Transcode));
        assert!(soon(&mut waiting).await.is_none());
        first.held.can_use(3);
        assert!(soon(&mut waiting).await.is_none(), "nothing is idle");
        first.held.can_use(2);
        let mut second = waiting.await.unwrap();
        second.held.can_use(3);
        assert_eq!(count(&mut second), 1);

        let mut accused = slots.acquire(Priority::Accused).await.unwrap();
        accused.held.can_use(2);
        assert_eq!(count(&mut accused), 2, "there is a reserve for it");
        let mut sample = Box::pin(slots.acquire(Priority::Sample));
        assert!(soon(&mut sample).await.is_none());
        first.held.can_use(0);
        assert!(
            soon(&mut sample).await.is_none(),
            "the reserve is not for it"
        );
        accused.held.can_use(1);
        assert!(soon(&mut sample).await.is_none(), "three are used");
        drop(accused);
        let sample = sample.await.unwrap();
        assert_eq!((count(&mut second), slots.busy()), (1, 3));
        drop(sample);
        assert_eq!(second.more.recv().await, Some(()));
        drop(first);
        assert_eq!(second.more.recv().await, Some(()));
        second.held.can_use(1);
        assert_eq!(lock(&slots.state).used, 1);
    }
}
