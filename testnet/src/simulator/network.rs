//! When a message arrives, once, twice or never.

use super::clock::Millis;
use super::random::Random;
use super::scenario::Link;

/// Index of a node in the run.
pub(super) type NodeId = usize;

/// A partition with nodes resolved.
#[derive(Debug)]
pub(super) struct Cut {
    pub from: Millis,
    pub to: Millis,
    pub side: Vec<NodeId>,
}

/// The network.
#[derive(Debug)]
pub(super) struct Network {
    link: Link,
    cuts: Vec<Cut>,
    random: Random,
}

impl Network {
    pub fn new(link: Link, cuts: Vec<Cut>, random: Random) -> Self {
        Self { link, cuts, random }
    }

    /// Times of arrival of a message sent now.
    pub fn arrivals(&mut self, now: Millis, from: NodeId, to: NodeId, gossip: bool) -> Vec<Millis> {
        let healed = self
            .cuts
            .iter()
            .filter(|cut| (cut.from..cut.to).contains(&now))
            .filter(|cut| cut.side.contains(&from) != cut.side.contains(&to))
            .map(|cut| cut.to)
            .max();
        if healed.is_some() && !gossip || self.random.chance(self.link.loss_ppm) {
            return Vec::new();
        }
        let copies = 1 + u64::from(self.random.chance(self.link.duplicate_ppm));
        let start = healed.unwrap_or(now);
        (0..copies)
            .map(|_| start + self.random.between(self.link.delay))
            .collect()
    }
}
