//! When turns begin, and who leads them: the same to who takes part and to who passes messages on.

use assay_protocol::Address;
use assay_protocol::fraud_proof::VerifierSet;
use assay_protocol::params::Params;

use super::{GRACE_BLOCKS, TURN_BLOCKS};

/// Blocks by which the clocks of two nodes may differ: so much before its turn a leader is listened to.
const CLOCK_BLOCKS: u64 = 2;

/// The turns of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turns {
    /// First block of turn 0.
    pub first: u64,
    /// Last block in which the chain takes the round's list.
    pub last: u64,
}

impl Turns {
    /// The turns of a round after which the next one was opened in block `ended`.
    pub fn new(ended: u64, params: &Params) -> Self {
        let from = ended + params.response_blocks + 2 * params.epoch_blocks;
        Self {
            first: from + GRACE_BLOCKS,
            last: from + params.certify_blocks.saturating_sub(1),
        }
    }

    /// The turn of a block and the blocks that have passed in it; `None` before the first.
    pub fn at(&self, block: u64) -> Option<(u32, u64)> {
        let passed = block.checked_sub(self.first)?;
        let turn = u32::try_from(passed / TURN_BLOCKS).unwrap_or(u32::MAX);
        Some((turn, passed % TURN_BLOCKS))
    }

    /// Whether a turn begins while the chain takes the list.
    pub fn has(&self, turn: u32) -> bool {
        self.begins(turn) <= self.last.max(self.first)
    }

    /// Whether a turn has begun in a block, by the clock of whoever leads it.
    pub fn begun(&self, turn: u32, block: u64) -> bool {
        self.begins(turn) <= block.saturating_add(CLOCK_BLOCKS)
    }

    /// Lists that an honest verifier has signed by a block at most: two in each turn.
    pub fn votes(&self, block: u64) -> usize {
        let (turn, _) = self.at(block + CLOCK_BLOCKS).unwrap_or_default();
        (turn as usize).saturating_add(1).saturating_mul(2)
    }

    fn begins(&self, turn: u32) -> u64 {
        self.first.saturating_add(u64::from(turn) * TURN_BLOCKS)
    }
}

/// Who leads a turn, with its position.
pub fn leader(verifiers: &VerifierSet, turn: u32) -> Option<(usize, Address)> {
    let seats = &verifiers.seats;
    let at = (verifiers.round + u64::from(turn)).checked_rem(seats.len() as u64)? as usize;
    Some((at, seats[at].operator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_follow_each_other_until_the_chain_takes_no_list() {
        let params = Params::demo();
        let turns = Turns::new(100, &params);
        assert_eq!(turns.at(turns.first - 1), None);
        assert_eq!(turns.at(turns.first), Some((0, 0)));
        assert_eq!(turns.at(turns.first + TURN_BLOCKS + 1), Some((1, 1)));
        let (last, _) = turns.at(turns.last).unwrap();
        assert!(turns.has(0) && turns.has(last));
        assert!(!turns.has(last + 1) && !turns.has(u32::MAX));
        assert!(turns.begun(0, turns.first - CLOCK_BLOCKS));
        assert!(!turns.begun(0, turns.first - CLOCK_BLOCKS - 1));
        assert!(!turns.begun(1, turns.first));
        assert_eq!(turns.votes(0), 2);
        assert_eq!(turns.votes(turns.first + TURN_BLOCKS), 4);
    }
}
