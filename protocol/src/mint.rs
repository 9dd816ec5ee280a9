//! What certified work earns of a round's budget: the rule that `WorkLedger` applies.
//!
//! Every division rounds down, and what is lost by it is not minted. The steps and their order are those of the
//! contract (`libraries/MintRule.sol`), so both give the same base units.

use alloy_primitives::U256;

use crate::params::Params;

const BPS: u64 = 10_000;

/// How a round's budget is divided; see [`crate::params::Params`] for values and reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MintRule {
    /// The transcoders' part of the budget, basis points; the rest is the verifiers'.
    pub transcoders_bps: u64,
    /// By how much a share of the work may exceed the share of the stake and be paid, basis points of the latter.
    pub slack_bps: u64,
    /// Output pixels from which on the whole budget is paid.
    pub full_mint_pixels: u64,
}

/// One operator's part of a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The operator's weight in the round's snapshot.
    pub weight: U256,
    /// All weights of the snapshot; not zero.
    pub total: U256,
}

impl MintRule {
    /// The rule of a deployment.
    pub fn new(params: &Params) -> Self {
        Self {
            transcoders_bps: params.transcoders_mint_bps,
            slack_bps: params.claim_slack_bps,
            full_mint_pixels: params.full_mint_pixels,
        }
    }

    /// What is paid of a part of the budget at this demand: all of it from `full_mint_pixels` on, so that at low demand a
    /// few cheap pixels do not buy a round's inflation.
    fn paid_at(&self, part: U256, total_pixels: u64) -> U256 {
        if total_pixels >= self.full_mint_pixels {
            part
        } else {
            part * U256::from(total_pixels) / U256::from(self.full_mint_pixels)
        }
    }

    /// A transcoder's amount, in base units: its share of the work, at most its share of the stake with the slack.
    pub fn of_transcoder(
        &self,
        budget: U256,
        pixels: u64,
        total_pixels: u64,
        share: Share,
    ) -> U256 {
        let part = budget * U256::from(self.transcoders_bps) / U256::from(BPS);
        let paid = self.paid_at(part, total_pixels);
        if total_pixels == 0 || share.total.is_zero() {
            return U256::ZERO;
        }
        let by_work = paid * U256::from(pixels) / U256::from(total_pixels);
        let by_stake = paid * (share.weight * U256::from(BPS + self.slack_bps))
            / (share.total * U256::from(BPS));
        by_work.min(by_stake)
    }

    /// A verifier's amount, in base units, if it did its duty: its share of the weight of all, so that nobody gains by
    /// another's absence.
    pub fn of_verifier(&self, budget: U256, total_pixels: u64, share: Share) -> U256 {
        let part = budget * U256::from(BPS - self.transcoders_bps) / U256::from(BPS);
        if share.total.is_zero() {
            return U256::ZERO;
        }
        self.paid_at(part, total_pixels) * share.weight / share.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rule() -> MintRule {
        MintRule {
            transcoders_bps: 9_000,
            slack_bps: 2_500,
            full_mint_pixels: 1_000,
        }
    }

    fn share(weight: u64) -> Share {
        Share {
            weight: U256::from(weight),
            total: U256::from(100),
        }
    }

    #[test]
    fn work_is_paid_up_to_the_share_of_stake() {
        let of = |pixels, total| rule().of_transcoder(U256::from(10_000), pixels, total, share(10));
        assert_eq!(of(100, 1_000), U256::from(900));
        assert_eq!(of(120, 1_000), U256::from(1_080));
        assert_eq!(of(500, 1_000), U256::from(1_125));
        // A tenth of the full demand pays a tenth.
        assert_eq!(of(10, 100), U256::from(90));
        assert_eq!(of(0, 0), U256::ZERO);
        let duty = rule().of_verifier(U256::from(10_000), 100, share(50));
        assert_eq!(duty, U256::from(50));
    }

    proptest! {
        #[test]
        fn all_together_never_get_more_than_the_budget(
            budget in any::<u128>(),
            work in prop::collection::vec((0..u64::MAX / 16, 0..u128::MAX >> 32), 1..16),
            full in 1..u64::MAX,
        ) {
            let rule = MintRule { full_mint_pixels: full, ..rule() };
            let pixels: u64 = work.iter().map(|(p, _)| p).sum();
            let total = work.iter().fold(U256::ZERO, |sum, (_, w)| sum + U256::from(*w));
            let budget = U256::from(budget);
            let sum = work.iter().fold(U256::ZERO, |sum, (p, w)| {
                let share = Share { weight: U256::from(*w), total };
                sum + rule.of_transcoder(budget, *p, pixels, share)
                    + rule.of_verifier(budget, pixels, share)
            });
            prop_assert!(sum <= budget);
        }
    }
}
