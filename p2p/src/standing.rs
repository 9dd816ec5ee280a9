//! How a peer stands with this node: its stake, less what it has done wrong lately. The result is the
//! application-specific part of gossipsub's peer score.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use libp2p::PeerId;

/// Score of a peer with any stake at all: one invalid message (−10) away from an unstaked peer's.
const STAKED: f64 = 10.0;
/// On top, times the share of all stake: whales are not silenced by a few lost messages.
const STAKE_SHARE: f64 = 40.0;
/// Penalties halve in this time.
const HALF_LIFE: Duration = Duration::from_secs(600);
/// Below this a penalty is forgotten.
const NEGLIGIBLE: f64 = 0.5;

/// What a peer did wrong, beside what gossipsub sees itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misconduct {
    /// Sent blob data that contradicts its hash: deliberate, or broken beyond use. 60 points: below the threshold
    /// (−50) for being published to.
    BadBlobData,
    /// A message on a direct stream that breaks the protocol or does not verify. 20 points.
    BadMessage,
    /// Over a quota. Half a point per message refused: 160 in a burst reach the graylist.
    OverQuota,
    /// Does not take messages as fast as they come. 1 point.
    Slow,
}

impl Misconduct {
    fn points(self) -> f64 {
        match self {
            Misconduct::BadBlobData => 60.0,
            Misconduct::BadMessage => 20.0,
            Misconduct::OverQuota => 0.5,
            Misconduct::Slow => 1.0,
        }
    }
}

/// Stake and penalties of every peer that has any. Penalties outlive connections.
#[derive(Debug, Default)]
pub(crate) struct Standings {
    stakes: HashMap<PeerId, f64>,
    penalties: HashMap<PeerId, (f64, Instant)>,
}

/// Penalties remembered; more come only from peers that cost this node a handshake each.
const MAX_PENALTIES: usize = 8192;

impl Standings {
    /// Sets the shares of the stake, 0 to 1, in place of the earlier ones; gives the peers that have or had one.
    pub(crate) fn set_stakes(&mut self, shares: HashMap<PeerId, f64>) -> HashSet<PeerId> {
        let staked = |(peer, share): (PeerId, f64)| (share > 0.0).then_some((peer, share.min(1.0)));
        let shares = shares.into_iter().filter_map(staked).collect();
        let before = std::mem::replace(&mut self.stakes, shares);
        before
            .into_keys()
            .chain(self.stakes.keys().copied())
            .collect()
    }

    pub(crate) fn is_staked(&self, peer: &PeerId) -> bool {
        self.stakes.contains_key(peer)
    }

    pub(crate) fn punish(&mut self, peer: PeerId, misconduct: Misconduct, now: Instant) {
        let before = self.penalty(&peer, now);
        if self.penalties.len() >= MAX_PENALTIES && !self.penalties.contains_key(&peer) {
            self.prune(now);
        }
        if self.penalties.len() < MAX_PENALTIES || self.penalties.contains_key(&peer) {
            self.penalties
                .insert(peer, (before + misconduct.points(), now));
        }
    }

    fn penalty(&self, peer: &PeerId, now: Instant) -> f64 {
        self.penalties.get(peer).map_or(0.0, |(points, since)| {
            let halvings =
                now.saturating_duration_since(*since).as_secs_f64() / HALF_LIFE.as_secs_f64();
            points * 0.5_f64.powf(halvings)
        })
    }

    /// The application-specific score.
    pub(crate) fn score(&self, peer: &PeerId, now: Instant) -> f64 {
        let stake = self
            .stakes
            .get(peer)
            .map_or(0.0, |share| STAKED + STAKE_SHARE * share);
        stake - self.penalty(peer, now)
    }

    /// Forgets penalties that have faded.
    pub(crate) fn prune(&mut self, now: Instant) {
        let faded: Vec<PeerId> = self
            .penalties
            .keys()
            .filter(|peer| self.penalty(peer, now) < NEGLIGIBLE)
            .copied()
            .collect();
        for peer in faded {
            self.penalties.remove(&peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stake_raises_misconduct_lowers_and_time_heals() {
        let (mut standings, peer, now) = (Standings::default(), PeerId::random(), Instant::now());
        assert_eq!(standings.score(&peer, now), 0.0);
        standings.set_stakes(HashMap::from([(peer, 0.25)]));
        assert_eq!(standings.score(&peer, now), 20.0);
        standings.punish(peer, Misconduct::BadBlobData, now);
        assert_eq!(standings.score(&peer, now), -40.0);
        standings.punish(peer, Misconduct::BadBlobData, now + HALF_LIFE);
        assert_eq!(standings.score(&peer, now + HALF_LIFE), 20.0 - 90.0);
        let later = now + 12 * HALF_LIFE;
        standings.prune(later);
        assert_eq!(standings.score(&peer, later), 20.0);
        let (other, idle) = (PeerId::random(), PeerId::random());
        let changed = standings.set_stakes(HashMap::from([(other, 2.0), (idle, 0.0)]));
        assert_eq!(changed, HashSet::from([peer, other]));
        assert!(!standings.is_staked(&peer) && !standings.is_staked(&idle));
        assert_eq!(standings.score(&other, later), 50.0);
    }
}
