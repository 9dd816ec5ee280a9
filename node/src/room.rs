//! Room in memory for sources that are being checked: asked for before a source is fetched, given back when it is done with.
//!
//! A receipt costs its broadcaster and its transcoder nothing, and every drawn one calls for a source of up to 256 MiB. So
//! no source is fetched before there is room for it, no broadcaster has more than half of the room at a time (or one source),
//! and whoever holds least is next. Those who wait are bounded too: where they are too many, whose broadcaster has most of them
//! gives way, the newest first. Accused leaves go before samples and have half as much room again, whoever's they are: nobody
//! keeps them waiting by drawing attention to other work. What only has to be repeated goes before both.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assay_protocol::Address;
use assay_protocol::assignment::{MAX_SOURCE, RefusalReason};
use assay_verifier::Urgency;
use tokio::sync::oneshot;

/// Bytes of sources that are held or fetched for samples.
const MOST: u64 = 2 * MAX_SOURCE;
/// Requests that wait, samples and accused leaves each: as many as wait for a worker.
const WAITING: usize = 1_024;
/// Sources that are in the room at a time, at most, however small: all of them can wait for a worker.
const PLACES: u64 = 512;

/// The room; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Room(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    most: u64,
    held: u64,
    /// What each broadcaster's sources take.
    of: BTreeMap<Address, u64>,
    waiting: Vec<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    urgency: Urgency,
    whose: Address,
    bytes: u64,
    to: oneshot::Sender<Place>,
}

/// Room for one source; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Place {
    room: Option<Room>,
    whose: Address,
    bytes: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self::new(MOST)
    }
}

impl Waiter {
    /// Whether others wait for its answer.
    fn hurries(&self) -> bool {
        self.urgency != Urgency::Sample
    }
}

impl State {
    fn own(&self, whose: &Address) -> u64 {
        self.of.get(whose).copied().unwrap_or_default()
    }

    /// Whether its broadcaster may have so much more.
    fn may_have(&self, waiter: &Waiter) -> bool {
        let own = self.own(&waiter.whose);
        waiter.hurries() || own == 0 || own + waiter.bytes <= self.most / 2
    }

    fn fits(&self, waiter: &Waiter) -> bool {
        let more = if waiter.hurries() { self.most / 2 } else { 0 };
        self.held + waiter.bytes <= self.most + more
    }

    fn give_back(&mut self, whose: &Address, bytes: u64) {
        self.held -= bytes;
        if let Some(own) = self.of.get_mut(whose) {
            *own -= bytes;
            if *own == 0 {
                self.of.remove(whose);
            }
        }
    }

    /// Takes one more that waits, or drops the newest of whoever has most, which may be this one.
    fn wait(&mut self, waiter: Waiter) {
        let hurries = waiter.hurries();
        self.waiting.retain(|waiter| !waiter.to.is_closed());
        self.waiting.push(waiter);
        let mut of: BTreeMap<Address, usize> = BTreeMap::new();
        for rival in self.waiting.iter().filter(|w| w.hurries() == hurries) {
            *of.entry(rival.whose).or_default() += 1;
        }
        if of.values().sum::<usize>() <= WAITING {
            return;
        }
        let most = of.into_iter().max_by_key(|(_, count)| *count);
        let newest = self
            .waiting
            .iter()
            .rposition(|w| w.hurries() == hurries && Some(w.whose) == most.map(|(whose, _)| whose));
        if let Some(newest) = newest {
            self.waiting.remove(newest);
        }
    }

    /// Who is next, if there is room for it: the most urgent, then whoever holds least, then who came first.
    fn next(&mut self) -> Option<Waiter> {
        self.waiting.retain(|waiter| !waiter.to.is_closed());
        let waiting = self.waiting.iter().enumerate();
        let (place, next) = waiting
            .filter(|(_, waiter)| self.may_have(waiter))
            .min_by_key(|(place, w)| (Reverse(w.urgency), self.own(&w.whose), *place))?;
        self.fits(next).then(|| self.waiting.remove(place))
    }
}

impl Room {
    fn new(most: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            most,
            held: 0,
            of: BTreeMap::new(),
            waiting: Vec::new(),
        })))
    }

    // Nothing panics while the lock is held, so a poisoned state is a whole one.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, state: &mut State, whose: Address, bytes: u64) -> Place {
        state.held += bytes;
        *state.of.entry(whose).or_default() += bytes;
        Place {
            room: Some(self.clone()),
            whose,
            bytes,
        }
    }

    /// Gives what is free to those who wait.
    fn hand_out(&self) {
        let mut state = self.lock();
        while let Some(waiter) = state.next() {
            let place = self.take(&mut state, waiter.whose, waiter.bytes);
            if let Err(mut refused) = waiter.to.send(place) {
                // The waiter went away. Disarmed here: dropping it would take the lock again.
                refused.room = None;
                state.give_back(&refused.whose, refused.bytes);
            }
        }
    }

    /// Waits for room for a source of a broadcaster.
    ///
    /// # Errors
    /// [`RefusalReason::Overloaded`] where too many of that broadcaster's wait.
    pub async fn enter(
        &self,
        urgency: Urgency,
        whose: Address,
        bytes: u64,
    ) -> Result<Place, RefusalReason> {
        let (to, place) = oneshot::channel();
        {
            let mut state = self.lock();
            // What is larger than the room has it alone.
            let bytes = bytes.clamp(state.most.div_ceil(PLACES), state.most / 2);
            state.wait(Waiter {
                urgency,
                whose,
                bytes,
                to,
            });
        }
        self.hand_out();
        place.await.map_err(|_| RefusalReason::Overloaded)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(room) = self.room.take() {
            room.lock().give_back(&self.whose, self.bytes);
            room.hand_out();
        }
    }
}

#[cfg(test)]
impl Room {
    pub(crate) fn of(most: u64) -> Self {
        Self::new(most)
    }

    pub(crate) fn held(&self) -> u64 {
        self.lock().held
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const FLOOD: Address = Address::repeat_byte(1);
    const OTHER: Address = Address::repeat_byte(2);

    async fn soon<T>(future: impl Future<Output = T>) -> Option<T> {
        let moment = Duration::from_millis(20);
        tokio::time::timeout(moment, future).await.ok()
    }

    #[tokio::test]
    async fn a_flood_has_half_of_the_room_and_accused_leaves_go_first() {
        let room = Room::of(100);
        let first = room.enter(Urgency::Sample, FLOOD, 30).await.unwrap();
        let second = room.enter(Urgency::Sample, FLOOD, 20).await.unwrap();
        let mut third = Box::pin(room.enter(Urgency::Sample, FLOOD, 20));
        assert!(soon(&mut third).await.is_none(), "half is enough");
        let other = room.enter(Urgency::Sample, OTHER, 50).await.unwrap();
        assert_eq!(room.held(), 100);
        let mut sample = Box::pin(room.enter(Urgency::Sample, OTHER, 10));
        assert!(soon(&mut sample).await.is_none());
        let accused = room.enter(Urgency::Accused, FLOOD, 50).await.unwrap();
        assert_eq!(room.held(), 150);
        let mut urgent = Box::pin(room.enter(Urgency::Accused, FLOOD, 30));
        assert!(soon(&mut urgent).await.is_none());
        let mut again = Box::pin(room.enter(Urgency::Confirm, FLOOD, 30));
        assert!(soon(&mut again).await.is_none());
        drop(first);
        let again = soon(&mut again).await.unwrap().unwrap();
        assert!(
            soon(&mut urgent).await.is_none(),
            "what is repeated is first"
        );
        drop(again);
        let urgent = soon(&mut urgent).await.unwrap().unwrap();
        drop((second, accused, urgent));
        let third = soon(&mut third).await.unwrap().unwrap();
        drop(other);
        let sample = soon(&mut sample).await.unwrap().unwrap();
        drop((third, sample));
        assert_eq!(room.held(), 0);
    }

    /// Requests of that many sources, as tasks, once all of them wait.
    async fn wait(room: &Room, urgency: Urgency, whose: Address, count: usize) -> Vec<Waiting> {
        let waiting = || {
            let state = room.lock();
            state.waiting.iter().filter(|w| !w.to.is_closed()).count()
        };
        let before = waiting();
        let enter = || {
            let room = room.clone();
            tokio::spawn(async move { room.enter(urgency, whose, 1).await.map(drop) })
        };
        let tasks = (0..count).map(|_| enter()).collect();
        while waiting() < before + count {
            tokio::task::yield_now().await;
        }
        tasks
    }

    type Waiting = tokio::task::JoinHandle<Result<(), RefusalReason>>;

    #[tokio::test]
    async fn who_goes_away_leaves_nothing_held_and_a_flood_gives_way() {
        let room = Room::of(100);
        let held = room.enter(Urgency::Sample, FLOOD, 100).await.unwrap();
        let other = room.enter(Urgency::Sample, OTHER, 100).await.unwrap();
        let accused = room.enter(Urgency::Accused, OTHER, 100).await.unwrap();
        for _ in 0..10 {
            assert!(
                soon(room.enter(Urgency::Sample, FLOOD, 100))
                    .await
                    .is_none()
            );
        }
        let flood = wait(&room, Urgency::Sample, FLOOD, WAITING - 1).await;
        let more = wait(&room, Urgency::Sample, OTHER, 1).await;
        let own = room.enter(Urgency::Sample, FLOOD, 1).await;
        assert_eq!(own.err(), Some(RefusalReason::Overloaded));
        // Another lane, and another broadcaster: for both there is a place.
        let urgent = wait(&room, Urgency::Accused, FLOOD, 1).await;
        let mut last = Box::pin(room.enter(Urgency::Sample, OTHER, 1));
        assert!(soon(&mut last).await.is_none());
        drop((held, other, accused));
        assert!(soon(&mut last).await.unwrap().is_ok());
        for task in more.into_iter().chain(urgent) {
            task.await.unwrap().unwrap();
        }
        let mut refused = 0;
        for task in flood {
            refused += usize::from(task.await.unwrap().is_err());
        }
        assert_eq!(refused, 1, "the newest one");
        assert_eq!(room.held(), 0);
    }
}
