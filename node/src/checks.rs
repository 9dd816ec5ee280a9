//! Who gets how much of this node's checking.
//!
//! Two pools, so that nothing the unstaked send delays what peers with stake send; in each, one peer takes only a part.
//! A message about a block that is not known yet gives its place to others while it waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assay_p2p::PeerId;

use crate::validate::Refused;

/// Messages of one pool being checked at the same time, and of one peer among them.
const RUNNING: (usize, usize) = (256, 64);
/// Messages of one pool that wait for the chain, and of one peer among them.
const WAITING: (usize, usize) = (256, 32);
/// A message about a block or round not seen yet is looked at again so often before it is ignored.
const PATIENCE: u32 = 10;
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(250);

/// Places of which one peer can take only a part.
#[derive(Clone)]
struct Places {
    all: usize,
    each: usize,
    taken: Arc<Mutex<HashMap<PeerId, usize>>>,
}

/// A taken place, free again when dropped.
struct Place {
    peer: PeerId,
    of: Places,
}

impl Places {
    fn new((all, each): (usize, usize)) -> Self {
        Self {
            all,
            each,
            taken: Arc::default(),
        }
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<PeerId, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, peer: PeerId) -> Option<Place> {
        let mut taken = self.taken();
        let own = taken.get(&peer).copied().unwrap_or(0);
        if own >= self.each || taken.values().sum::<usize>() >= self.all {
            return None;
        }
        taken.insert(peer, own + 1);
        Some(Place {
            peer,
            of: self.clone(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.of.taken();
        match taken.get_mut(&self.peer) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(taken.remove(&self.peer)),
        }
    }
}

#[derive(Clone)]
struct Pool {
    running: Places,
    waiting: Places,
}

/// The pools of one node.
pub(crate) struct Checks {
    staked: Pool,
    others: Pool,
}

impl Default for Checks {
    fn default() -> Self {
        let pool = || Pool {
            running: Places::new(RUNNING),
            waiting: Places::new(WAITING),
        };
        Self {
            staked: pool(),
            others: pool(),
        }
    }
}

impl Checks {
    /// A place for one message of `peer`; `None` when what it or everybody sends is more than can be checked.
    pub fn enter(&self, peer: PeerId, staked: bool) -> Option<Check> {
        let pool = if staked { &self.staked } else { &self.others };
        Some(Check {
            place: pool.running.take(peer)?,
            pool: pool.clone(),
        })
    }
}

/// One message's place.
pub(crate) struct Check {
    place: Place,
    pool: Pool,
}

impl Check {
    /// Runs a check on a blocking thread until it is no longer too early. The place is held until what comes with the
    /// result is dropped, so that results are not produced faster than they are taken.
    pub async fn run<T: Send + 'static>(
        self,
        check: impl Fn() -> Result<T, Refused> + Send + Sync + 'static,
    ) -> Result<(T, impl Sized + Send), Refused> {
        let Self { place, pool } = self;
        let (peer, check) = (place.peer, Arc::new(check));
        let mut running = Some(place);
        let mut waiting = None;
        for tries in 0..=PATIENCE {
            if let Some(place) = running.take().or_else(|| pool.running.take(peer)) {
                let check = check.clone();
                let result = tokio::task::spawn_blocking(move || check()).await;
                match result.unwrap_or_else(|e| Err(Refused::Unneeded(e.to_string()))) {
                    Err(early @ Refused::Early(_)) => {
                        waiting = waiting.or_else(|| pool.waiting.take(peer));
                        if tries == PATIENCE || waiting.is_none() {
                            return Err(early);
                        }
                    }
                    result => return result.map(|value| (value, place)),
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Refused::Unneeded("too much to check".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn early() -> Result<(), Refused> {
        Err(Refused::Early("of a block to come".into()))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_flood_about_the_future_delays_nobody() {
        let checks = Checks::default();
        let spammer = PeerId::random();
        let mut flood = tokio::task::JoinSet::new();
        for _ in 0..10 * RUNNING.0 {
            if let Some(check) = checks.enter(spammer, false) {
                flood.spawn(async move { drop(check.run(early).await) });
            }
            tokio::task::yield_now().await;
        }
        // Those that may not wait are gone at once, those that may hold no place.
        let soon = 4 * PAUSE;
        let gone = async {
            while !checks.others.running.taken().is_empty() {
                tokio::time::sleep(PAUSE / 25).await;
            }
        };
        tokio::time::timeout(soon, gone).await.unwrap();
        assert!(checks.others.waiting.taken()[&spammer] <= WAITING.1);
        for staked in [false, true] {
            let check = checks.enter(PeerId::random(), staked).unwrap();
            let done = tokio::time::timeout(soon, check.run(|| Ok(7))).await;
            assert_eq!(done.unwrap().map(|(seven, _)| seven), Ok(7));
        }
        while flood.join_next().await.is_some() {}
        assert!(checks.others.waiting.taken().is_empty());
    }

    #[test]
    fn one_peer_takes_a_part_and_the_unstaked_leave_the_rest() {
        let checks = Checks::default();
        let enter = |peer, staked| checks.enter(peer, staked);
        let (spammer, honest) = (PeerId::random(), PeerId::random());
        let mut held: Vec<_> = (0..1_000).map_while(|_| enter(spammer, false)).collect();
        assert_eq!(held.len(), RUNNING.1);
        assert!(enter(honest, false).is_some());
        while let Some(place) = enter(PeerId::random(), false) {
            held.push(place);
        }
        assert_eq!(held.len(), RUNNING.0);
        assert!(enter(honest, false).is_none() && enter(honest, true).is_some());
        held.clear();
        assert!(enter(honest, false).is_some());
    }

    #[tokio::test]
    async fn what_was_early_is_found_right_later() {
        let checks = Checks::default();
        let looks = std::sync::atomic::AtomicU32::new(0);
        let check = checks.enter(PeerId::random(), false).unwrap();
        let grown = move || match looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            2 => Ok(()),
            _ => early(),
        };
        assert!(check.run(grown).await.is_ok());
    }
}
