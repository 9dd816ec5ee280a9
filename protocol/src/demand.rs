//! What work counts when a round's inflation is paid for it: demand that a broadcaster and its friends cannot make up.
//!
//! Pixels that a broadcaster gives to its own transcoder cost it nothing: the two need not pay each other, so no
//! burned cut bites, and the content may be cheap to encode. What they can't have for nothing is the work of others,
//! and elections follow stake. So work counts as far as others had their part of it:
//!
//! 1. [`run_credit`]: a segment counts at most as much as four fifths of its run do, so that long segments for the
//!    friend and single frames for everybody else don't pay [sizing segments by the electee].
//! 2. [`demand`]: the busiest third of the stake is left out of what is taken as the network's demand, so that a
//!    coalition below a third can't raise it without paying the others [blowing up demand].
//! 3. [`credit`]: an operator is credited at most its share of the stake in that demand, so that pixels beyond it
//!    take nothing from anybody [diluting the honest].
//!
//! The figures are in `docs/economics.md`, which `assay economy wash` prints.
//!
//! ```
//! use assay_protocol::demand::{CreditRule, credit, run_credit};
//! use assay_protocol::election::{Candidate, Snapshot};
//! use assay_protocol::{Address, U256};
//!
//! // Five segments, one of them without a receipt: each counts 90 at most.
//! assert_eq!(run_credit(&[100, 100, 0, 90, 5_000], 8_000), 90);
//!
//! let candidates = (1..=3).map(|i| Candidate {
//!     operator: Address::with_last_byte(i),
//!     weight: U256::from(100),
//!     price: U256::ZERO,
//! });
//! let snapshot = Snapshot { round: 1, candidates: candidates.collect() };
//! let rule = CreditRule { trim_bps: 3_334, slack_bps: 0 };
//! // The third washes a million pixels; it gets no more than what its stake does of the others' work.
//! let work = [(Address::with_last_byte(1), 300), (Address::with_last_byte(2), 300), (Address::with_last_byte(3), 1_000_000)];
//! let credit = credit(&snapshot, &work, rule);
//! assert!(credit.total <= 900 && credit.of(Address::with_last_byte(3)) <= 300);
//! ```

use alloy_primitives::{Address, U256};

use crate::election::Snapshot;

const BPS: u64 = 10_000;

/// How work is credited; see [`crate::params::Params`] for values and reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditRule {
    /// Part of the stake, the busiest, that is left out of demand, basis points, below 10,000.
    pub trim_bps: u64,
    /// By how much an operator's credit may exceed its share of the stake, basis points.
    pub slack_bps: u64,
}

/// Credited work of a round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credit {
    /// Operators with credited pixels, in ascending order of address.
    pub pixels: Vec<(Address, u64)>,
    /// `totalPixels` of the round's list: demand, or the sum of the credits where slack makes that more.
    pub total: u64,
}

impl Credit {
    /// Credited pixels of one operator.
    pub fn of(&self, operator: Address) -> u64 {
        let found = self.pixels.binary_search_by_key(&operator, |c| c.0);
        found.map_or(0, |at| self.pixels[at].1)
    }
}

/// The most that one segment of a job's run is credited: the largest number of pixels that at least `part_bps` of the
/// run's segments have. `pixels` holds 0 for a segment without a receipt of its electee, so that 0 comes out exactly
/// where too few have one.
pub fn run_credit(pixels: &[u64], part_bps: u64) -> u64 {
    let mut sorted = pixels.to_vec();
    sorted.sort_unstable();
    // At most so many segments may have fewer.
    let fewer = pixels.len() as u64 * BPS.saturating_sub(part_bps) / BPS;
    sorted.get(fewer as usize).copied().unwrap_or(0)
}

/// The network's demand of a round in pixels: the work of all operators of the snapshot but for the busiest
/// `trim_bps` of the stake, scaled up to all of it. Never more than all the work.
///
/// Busy is who has most pixels for its weight; the operator at the edge is left out in part. Rounds down.
pub fn demand(snapshot: &Snapshot, work: &[(Address, u64)], trim_bps: u64) -> u64 {
    let mut loads: Vec<(U256, U256)> = snapshot
        .candidates
        .iter()
        .filter(|c| !c.weight.is_zero())
        .map(|c| (U256::from(worked(work, c.operator)), c.weight))
        .collect();
    // p/w descending by cross-multiplication: 64 and 96 bits. Equal loads are the same to the sum in any order, but
    // for rounding at the edge, so heavier ones come first.
    loads.sort_by(|a, b| (b.0 * a.1).cmp(&(a.0 * b.1)).then(b.1.cmp(&a.1)));
    let trim = trim_bps.min(BPS - 1);
    let mut left_out = (snapshot.total() * U256::from(trim)).div_ceil(U256::from(BPS));
    let mut rest = U256::ZERO;
    for (pixels, weight) in loads {
        let out = left_out.min(weight);
        left_out -= out;
        rest += pixels * (weight - out) / weight;
    }
    (rest * U256::from(BPS) / U256::from(BPS - trim)).saturating_to()
}

/// What each operator is credited of its `work` (operators and pixels, each operator once). Work of who is not in the
/// snapshot counts nothing. Every division rounds down.
pub fn credit(snapshot: &Snapshot, work: &[(Address, u64)], rule: CreditRule) -> Credit {
    let demand = demand(snapshot, work, rule.trim_bps);
    let total_weight = snapshot.total();
    if total_weight.is_zero() {
        return Credit::default();
    }
    let share = |weight: U256| {
        weight * U256::from(demand) * U256::from(BPS + rule.slack_bps)
            / (total_weight * U256::from(BPS))
    };
    let pixels: Vec<_> = snapshot
        .candidates
        .iter()
        .map(|c| {
            (
                c.operator,
                worked(work, c.operator).min(share(c.weight).saturating_to()),
            )
        })
        .filter(|c| c.1 != 0)
        .collect();
    let sum = pixels.iter().fold(0u64, |sum, c| sum.saturating_add(c.1));
    Credit {
        pixels,
        total: demand.max(sum),
    }
}

fn worked(work: &[(Address, u64)], operator: Address) -> u64 {
    let own = work.iter().filter(|w| w.0 == operator);
    own.fold(0, |sum, w| sum.saturating_add(w.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::election::Candidate;

    const RULE: CreditRule = CreditRule {
        trim_bps: 3_334,
        slack_bps: 0,
    };

    fn snapshot(weights: &[u64]) -> Snapshot {
        let candidates = weights.iter().enumerate().map(|(i, w)| Candidate {
            operator: Address::with_last_byte(i as u8 + 1),
            weight: U256::from(*w),
            price: U256::ZERO,
        });
        Snapshot {
            round: 1,
            candidates: candidates.collect(),
        }
    }

    fn work(pixels: &[u64]) -> Vec<(Address, u64)> {
        let one = |(i, p): (usize, &u64)| (Address::with_last_byte(i as u8 + 1), *p);
        pixels.iter().enumerate().map(one).collect()
    }

    /// SplitMix64, for runs that say their seed.
    fn next(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^ (z >> 27)
    }

    #[test]
    fn work_in_proportion_to_stake_is_credited_whole() {
        let credit = credit(
            &snapshot(&[10_000, 30_000, 60_000]),
            &work(&[1_000, 3_000, 6_000]),
            RULE,
        );
        // The loss is the rounding of demand.
        assert!((9_990..=10_000).contains(&credit.total), "{credit:?}");
        assert!(credit.of(Address::with_last_byte(3)) >= 5_994);
    }

    #[test]
    fn pixels_of_a_third_to_itself_buy_nothing() {
        let snapshot = snapshot(&[33, 27, 40]);
        let before = credit(&snapshot, &work(&[33_000, 27_000, 40_000]), RULE);
        let after = credit(&snapshot, &work(&[u64::MAX, 27_000, 40_000]), RULE);
        assert!(
            after.total <= before.total + before.total / 200,
            "{before:?} {after:?}"
        );
        let honest = Address::with_last_byte(2);
        assert!(after.of(honest) + after.of(honest) / 200 >= before.of(honest));
    }

    #[test]
    fn a_third_that_splits_itself_gains_nothing() {
        let one = credit(
            &snapshot(&[30, 30, 40]),
            &work(&[900_000, 3_000, 4_000]),
            RULE,
        );
        let three = credit(
            &snapshot(&[10, 10, 10, 30, 40]),
            &work(&[900_000, 1, 900_000, 3_000, 4_000]),
            RULE,
        );
        assert!(three.total <= one.total);
        let split: u64 = three.pixels[..3].iter().map(|c| c.1).sum();
        assert!(split <= one.of(Address::with_last_byte(1)));
    }

    /// Whatever a coalition of at most a third of the stake claims to have done for itself, demand stays below one and
    /// a half times the others' work.
    #[test]
    fn demand_is_bounded_by_the_others_work() {
        let mut state = 2026;
        for run in 0..2_000 {
            let weights: Vec<u64> = (0..9).map(|_| 1 + next(&mut state) % 1_000).collect();
            let pixels: Vec<u64> = (0..9).map(|_| next(&mut state) % 1_000_000).collect();
            let total: u64 = weights.iter().sum();
            let mut coalition = 0;
            let mut stake = 0;
            while coalition < 9 && (stake + weights[coalition]) * 3 <= total {
                stake += weights[coalition];
                coalition += 1;
            }
            let others: u64 = pixels[coalition..].iter().sum();
            let found = demand(&snapshot(&weights), &work(&pixels), 3_334);
            assert!(
                u128::from(found) * 6_666 <= u128::from(others) * 10_000,
                "run {run}: {found} against {others}"
            );
            assert!(found <= pixels.iter().sum());
            let credit = credit(&snapshot(&weights), &work(&pixels), RULE);
            assert!(credit.pixels.iter().map(|c| c.1).sum::<u64>() <= credit.total);
            assert!(
                credit
                    .pixels
                    .iter()
                    .all(|c| c.1 <= worked(&work(&pixels), c.0))
            );
        }
    }

    #[test]
    fn nothing_left_out_is_the_sum() {
        let pixels = work(&[5, 7, 11]);
        assert_eq!(demand(&snapshot(&[1, 2, 3]), &pixels, 0), 23);
        assert_eq!(demand(&snapshot(&[]), &pixels, 0), 0);
        assert_eq!(credit(&snapshot(&[]), &pixels, RULE), Credit::default());
    }

    /// The naive reading: the largest number that enough segments reach.
    #[test]
    fn run_credit_is_what_four_fifths_have() {
        let mut state = 7;
        for _ in 0..500 {
            let length = 1 + next(&mut state) % 40;
            let pixels: Vec<u64> = (0..length).map(|_| next(&mut state) % 8).collect();
            let enough = |least: u64| {
                pixels.iter().filter(|p| **p >= least).count() as u64 * BPS >= length * 8_000
            };
            let naive = (0..8).filter(|l| enough(*l)).max().unwrap();
            assert_eq!(run_credit(&pixels, 8_000), naive, "{pixels:?}");
        }
        assert_eq!(run_credit(&[], 8_000), 0);
    }
    /// A fifth of a run may be idle and not one segment more: the mint's tolerance for stake that does not deliver.
    #[test]
    fn a_run_counts_with_20_idle_of_100_and_not_with_21() {
        let run = |idle: usize, of: usize| {
            let mut pixels = vec![700; of];
            pixels[..idle].fill(0);
            run_credit(&pixels, 8_000)
        };
        assert_eq!((run(20, 100), run(21, 100)), (700, 0));
        // The shortest runs of mainnet, testnet and demo.
        assert_eq!((run(51, 256), run(52, 256)), (700, 0));
        assert_eq!((run(1, 5), run(2, 5)), (700, 0));
        assert_eq!((run(0, 1), run(1, 1)), (700, 0));
    }
}
