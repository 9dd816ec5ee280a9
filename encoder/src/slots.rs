//! Slots for child processes, given by priority.

#[cfg(test)]
mod tests;

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
/// it goes on: it gets what is free while nobody waits, gives back what its last chunks leave idle, and, of several, one after
/// the other while others wait that are as urgent, each with the end of a chunk. So a lone segment is encoded by all cores,
/// under load each core has its own, and never more encoders run than there are slots.
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
    /// Slots that it has been asked to give back.
    asked: usize,
    /// Hears of each further one, and of each that others wait for.
    changes: mpsc::Sender<Change>,
}

/// What a request hears of its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It has one more.
    More,
    /// It is to give one back ([`Held::give_one`]) with the end of a chunk.
    Less,
}

/// What a request holds; dropping it gives its slots to the most urgent waiters.
pub(crate) struct Slot {
    /// Its slots.
    pub(crate) held: Held,
    /// Comes once for each slot beyond the first, and for each that others wait for.
    pub(crate) changes: mpsc::Receiver<Change>,
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
        // Who has not heard of so many yet hears of no others.
        let (sender, changes) = mpsc::channel(4 * self.slots);
        self.id += 1;
        self.used += 1;
        self.running.push(Running {
            id: self.id,
            priority,
            count: 1,
            most: 1,
            asked: 0,
            changes: sender,
        });
        let held = Held {
            state: Some(Arc::clone(shared)),
            id: self.id,
        };
        Slot { held, changes }
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
                    && running.changes.try_send(Change::More).is_ok()
                {
                    (running.count, self.used, free) = (running.count + 1, self.used + 1, free - 1);
                }
            }
        }
        // What was given back may have been a reserve's: then who waits needs another one.
        self.ask_back();
    }

    /// Asks those who hold several for one, as many as there are who wait in vain and are as urgent: whoever holds most first.
    fn ask_back(&mut self) {
        let mut asked: usize = self.running.iter().map(|running| running.asked).sum();
        let mut waiting = 0;
        for priority in PRIORITIES {
            let queue = &self.waiting[priority as usize];
            waiting += queue.iter().filter(|waiter| !waiter.is_closed()).count();
            while asked < waiting {
                let spare = |running: &Running| running.count - running.asked;
                let rich = self.running.iter_mut().filter(|r| r.priority >= priority);
                let Some(running) = rich.max_by_key(|r| spare(r)).filter(|r| spare(r) > 1) else {
                    break;
                };
                if running.changes.try_send(Change::Less).is_err() {
                    break;
                }
                (running.asked, asked) = (running.asked + 1, asked + 1);
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
            state.ask_back();
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
        running.asked = running.asked.saturating_sub(idle);
        state.used -= idle;
        state.hand_out(shared);
    }

    /// Gives back one that was asked for.
    pub(crate) fn give_one(&self) {
        let Some(shared) = &self.state else { return };
        let mut state = lock(shared);
        let Some(running) = state.running(self.id) else {
            return;
        };
        if running.asked > 0 && running.count > 1 {
            (running.asked, running.count) = (running.asked - 1, running.count - 1);
            state.used -= 1;
            state.hand_out(shared);
        }
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
