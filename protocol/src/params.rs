//! Every number of the protocol in one place, per kind of network, each with its reason.

use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use crate::amount::{Eth, Lpt};

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
    /// A verifier's pass that a quorum's verdict contradicts, basis points of its pool.
    pub false_pass_bps: u64,
    /// An accusation of a leaf that a quorum finds correct, basis points of the accuser's pool.
    pub false_accusation_bps: u64,
    /// An epoch ticket shown on chain before its epoch has ended, basis points of its signer's pool.
    pub early_ticket_bps: u64,
    /// A Divergence that is refuted, basis points of its signer's pool.
    pub divergence_bps: u64,
    /// Rounds within which a wrong encode counts as a repeat.
    pub repeat_rounds: u64,
    /// Finder's part of the own-bond cut, basis points.
    pub finder_bps: u64,
    /// Signers' part of the own-bond cut, basis points. With the finder's at most half of it, so that reporting
    /// oneself loses.
    pub signers_bps: u64,
    /// What a broadcaster makes a winning ticket worth, as long as less is due: large against the gas of its redemption,
    /// small against its deposit.
    pub ticket_face_value: Eth,
    /// Expected checks per leaf over the whole network, millionths.
    pub checks_per_leaf_ppm: u64,
    /// What contesting a case costs the accused unless the resolver agrees.
    pub contest_bond: Lpt,
    /// Rounds after which a resolver that says nothing is not waited for.
    pub resolver_rounds: u64,
    /// Rounds within which quorum slashes are held against the signers' own stake.
    pub cap_rounds: u64,
    /// More operators than these accused of wrong encodes in one round trip the circuit breaker, if they also have
    /// more than `breaker_stake_bps` of the active stake.
    pub breaker_operators: u64,
    /// See `breaker_operators`; 10,000 basis points switch the breaker off.
    pub breaker_stake_bps: u64,
    /// Rounds for which a tripped breaker stops an encoder's assignments, at most.
    pub breaker_rounds: u64,
    /// What demanding the opening of a leaf costs unless it stays closed.
    pub challenge_bond: Lpt,
    /// Blocks in which a demanded leaf must be opened.
    pub challenge_blocks: u64,
    /// What planting a fault costs unless it is revealed.
    pub plant_bond: Lpt,
    /// Part of each payment that is burned, basis points: whoever pays itself loses it.
    pub burned_fee_bps: u64,
    /// Rounds from a broadcaster's `unlock` to its `withdraw`. All but the first of them are longer than D, evidence
    /// and case window and `resolver_rounds` together, so that every ticket signed before can still be redeemed, also
    /// after an acquittal.
    pub unlock_rounds: u64,
    /// Part of the supply that inflation moves bonding toward, basis points.
    pub target_bonding_bps: u64,
    /// Inflation of the first round, 1/1,000,000,000 of the supply.
    pub inflation_ppb: u64,
    /// What inflation moves by each round, 1/1,000,000,000 of the supply.
    pub inflation_step_ppb: u64,
    /// The transcoders' part of a round's mint, basis points; the rest is the verifiers'.
    pub transcoders_mint_bps: u64,
    /// By how much an operator's share of the certified work may exceed its share of stake and still be minted, basis
    /// points of the latter.
    pub claim_slack_bps: u64,
    /// Part of the stake, the busiest, that is left out of the demand that the mint goes by, basis points: a coalition
    /// that has less cannot raise it without paying the others.
    pub demand_trim_bps: u64,
    /// Certified pixels of a round from which its whole budget is paid: below, the mint per pixel stays the same, so
    /// that at low demand a few cheap pixels do not buy a whole round's inflation.
    pub full_mint_pixels: u64,
    /// Blocks in which a round's work is certified, from the block on in which its evidence is complete.
    pub certify_blocks: u64,
    /// Blocks in which work is claimed after the last block in which its list could be certified.
    pub claim_blocks: u64,
    /// Gap-free segments that a job needs in a round for its work to be minted.
    pub job_segments: u64,
    /// Part of a job's segments in a round that their electees must have receipted for it to be minted, basis points.
    pub receipted_bps: u64,
    /// Part of the active stake that a job's price cap must admit for its work to be minted, basis points.
    pub admitted_bps: u64,
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
            false_pass_bps: 1_000,
            false_accusation_bps: 100,
            early_ticket_bps: 1_000,
            divergence_bps: 1_000,
            // 0.01 ETH: redeeming takes some 60,000 gas in a batch, 1 % of it at 1.6 gwei.
            ticket_face_value: Eth(U256::from(10_000_000_000_000_000u64)),
            // One check per 24 leaves: verification costs about 4 % of encoding.
            checks_per_leaf_ppm: 41_667,
            // The least that an operator has at stake: who is innocent gets it back.
            contest_bond: Lpt::whole(100),
            resolver_rounds: 7,
            cap_rounds: 30,
            breaker_operators: 3,
            breaker_stake_bps: 1_000,
            breaker_rounds: 2,
            // Covers the gas of an answer many times over.
            challenge_bond: Lpt::whole(5),
            // An hour to start a node again that is down. Twice that ends with the evidence window: to answer, and to report silence.
            challenge_blocks: 300,
            plant_bond: Lpt::whole(1),
            // Livepeer burns nothing; 5 % of what is paid in circles is lost each time.
            burned_fee_bps: 500,
            // 7,205 blocks of D, evidence and case window lie in the second and third round, then the resolver has
            // seven; one more to redeem.
            unlock_rounds: 11,
            // Livepeer's target, inflation at its start on this scale, and change per round.
            target_bonding_bps: 5_000,
            inflation_ppb: 218_500,
            inflation_step_ppb: 500,
            transcoders_mint_bps: 9_000,
            // Every basis point is budget that free pixels to oneself take from nobody's work; without it the luck of elections
            // costs about 0.4/sqrt(n) of the mint of who does n segments in a round, 1 % at 1,000.
            claim_slack_bps: 0,
            // A third, rounded up.
            demand_trim_bps: 3_334,
            // At 30 M LPT, 0.002 ETH each, and 1,000 wei a pixel (the example of Livepeer's documentation) a pixel is minted
            // a quarter of its fee: docs/economics.md says why not more. About 12,000 streams in three renditions.
            full_mint_pixels: 50_000_000_000_000_000,
            // One round to certify, a week to claim.
            certify_blocks: 6_377,
            claim_blocks: 44_639,
            // Nine minutes. Of 32 segments, one job in four thousand gives a third of the stake 26 when its cap shuts out a
            // third; of 256, the best of a thousand jobs gives it three fifths.
            job_segments: 256,
            receipted_bps: 8_000,
            // Two thirds, rounded down so that exactly two thirds will do.
            admitted_bps: 6_666,
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
            contest_bond: Lpt::whole(10),
            challenge_bond: Lpt::whole(1),
            challenge_blocks: 8,
            // 29 blocks of D, evidence and case window lie in the second and third round, then the resolver has seven;
            // two more to redeem.
            unlock_rounds: 12,
            // One stream of three renditions.
            full_mint_pixels: 10_000_000_000,
            certify_blocks: 20,
            claim_blocks: 200,
            job_segments: 5,
            // A hundredth of mainnet's: what testnets' faucets give.
            ticket_face_value: Eth(U256::from(100_000_000_000_000u64)),
            ..Self::mainnet()
        }
    }

    /// The demo: a block a second, two expected checks per leaf, so that a minute shows everything.
    pub fn demo() -> Self {
        Self {
            round_blocks: 8,
            response_blocks: 12,
            checks_per_leaf_ppm: 2_000_000,
            // Too few operators for a coincidence to mean anything: off.
            breaker_stake_bps: 10_000,
            // 35 blocks of D, evidence and case window lie in five rounds, then the resolver has seven; two more to
            // redeem.
            unlock_rounds: 15,
            // A few segments make a round: who is idle in it by chance must not stop the mint.
            demand_trim_bps: 0,
            full_mint_pixels: 1_000_000,
            certify_blocks: 24,
            claim_blocks: 80,
            // A busy machine that plays every node finishes one in a round.
            job_segments: 1,
            // `assay demo` and `assay testnet` set it to about two segments of their video, so that winners and losers both
            // show within a minute.
            ticket_face_value: Eth(U256::from(20_000_000_000_000u64)),
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
