//! Every number of the protocol in one place, per kind of network, each with its reason.

use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use crate::amount::Lpt;

/// Parameters of one deployment. Blocks, rounds and basis points are plain integers; the field says which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params {
    /// Blocks in a round. Livepeer's round on mainnet is 6,377 blocks (about a day at 13.5 s).
    pub round_blocks: u64,
    /// Blocks in a sampling epoch.
    pub epoch_blocks: u64,
    /// D: blocks from an assignment's signing to its deadline.
    pub response_blocks: u64,
    /// Blocks after the deadline in which a proof is accepted.
    pub evidence_blocks: u64,
    /// Blocks between a proof and its execution, in which the accused may answer.
    pub case_blocks: u64,
    /// Rounds before unbonded stake can be withdrawn.
    pub unbonding_rounds: u64,
    /// Blocks between `createJob` and the block that gives its seed, so that no caller can choose the seed.
    pub seed_delay_blocks: u64,
    /// Most transcoders in a snapshot; Livepeer's active set is 100.
    pub active_transcoders: u64,
    /// Most verifiers in a snapshot; bounds the signer bitmap and the cost of a round.
    pub active_verifiers: u64,
    /// Least own bond of an operator.
    pub min_own_bond: Lpt,
    /// Delegation counts for weight up to this many times the own bond.
    pub delegation_factor: u64,
    /// First wrong encode, basis points of the pool; doubles per repeat.
    pub wrong_encode_bps: u64,
    /// Two signatures where one is allowed, basis points of the pool.
    pub equivocation_bps: u64,
    /// Rounds within which a wrong encode counts as a repeat.
    pub repeat_rounds: u64,
    /// Finder's part of the own-bond cut, basis points.
    pub finder_bps: u64,
    /// Signers' part of the own-bond cut, basis points. With the finder's at most half of it, so that reporting
    /// oneself loses.
    pub signers_bps: u64,
    /// Expected checks per leaf over the whole network, millionths.
    pub checks_per_leaf_ppm: u64,
    /// A message about an assignment is late when it is first seen this many blocks after its deadline.
    pub late_blocks: u64,
    /// Blocks without a proof after which everyone that found the same accuses too.
    pub join_blocks: u64,
    /// Blocks without a proof after which all verdicts are gossiped and anyone submits.
    pub open_blocks: u64,
}

impl Params {
    /// Ethereum mainnet: days to answer, a few percent of the work checked.
    pub fn mainnet() -> Self {
        Self {
            round_blocks: 6_377,
            epoch_blocks: 25,
            response_blocks: 5,
            evidence_blocks: 3_600,
            case_blocks: 3_600,
            unbonding_rounds: 7,
            seed_delay_blocks: 2,
            active_transcoders: 100,
            active_verifiers: 64,
            min_own_bond: Lpt::whole(100),
            delegation_factor: 10,
            wrong_encode_bps: 1_000,
            equivocation_bps: 5_000,
            repeat_rounds: 30,
            finder_bps: 1_000,
            signers_bps: 2_000,
            // One check per 24 leaves: verification costs about 4 % of encoding.
            checks_per_leaf_ppm: 41_667,
            late_blocks: 2,
            join_blocks: 3,
            open_blocks: 6,
        }
    }

    /// A public test network: minutes instead of days.
    pub fn testnet() -> Self {
        Self {
            round_blocks: 20,
            epoch_blocks: 5,
            response_blocks: 6,
            evidence_blocks: 20,
            case_blocks: 3,
            unbonding_rounds: 3,
            min_own_bond: Lpt::whole(10),
            checks_per_leaf_ppm: 250_000,
            ..Self::mainnet()
        }
    }

    /// The demo: a block a second, two expected checks per leaf, so that a minute shows everything.
    pub fn demo() -> Self {
        Self {
            round_blocks: 8,
            response_blocks: 12,
            checks_per_leaf_ppm: 2_000_000,
            ..Self::testnet()
        }
    }

    /// The epoch of a receipt whose assignment has this deadline, or of any block.
    pub fn epoch(&self, block: u64) -> u64 {
        block / self.epoch_blocks
    }

    /// First block after `epoch` has ended, when its tickets stop being secret.
    pub fn epoch_end(&self, epoch: u64) -> u64 {
        (epoch + 1) * self.epoch_blocks
    }

    /// Block at which the epoch's reports are gossiped: one epoch after its end.
    pub fn report_block(&self, epoch: u64) -> u64 {
        (epoch + 2) * self.epoch_blocks
    }

    /// Whether `signed` of `total` weight makes a quorum: `3 · signed ≥ 2 · total`, and there is any weight.
    pub fn quorum(signed: U256, total: U256) -> bool {
        !total.is_zero() && signed * U256::from(3) >= total * U256::from(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewards_never_exceed_half_of_the_own_bond_cut() {
        for params in [Params::mainnet(), Params::testnet(), Params::demo()] {
            assert!(params.finder_bps + params.signers_bps <= 5_000);
            assert!(params.join_blocks < params.open_blocks);
        }
    }

    #[test]
    fn two_thirds_exactly_is_a_quorum() {
        assert!(Params::quorum(U256::from(2), U256::from(3)));
        assert!(!Params::quorum(U256::from(199), U256::from(300)));
        assert!(!Params::quorum(U256::ZERO, U256::ZERO));
    }
}
