//! Idle stake: how many runs count, and what is minted, when an operator answers none of its assignments.
//!
//! A segment whose electee delivers nothing has no pixels in its run, whoever delivers it later, and a run counts only
//! while at most a fifth of it is like that. Elections follow stake. So a little more than a fifth of the stake that a
//! job's cap admits is enough to stop the mint for everybody.

use assay_protocol::election::{Ballot, Candidate, Snapshot, elect};
use assay_protocol::mint::{MintRule, Share};
use assay_protocol::params::Params;
use assay_protocol::round_work::{Segment, Sheet, WorkRule, counted, list, sheet};
use assay_protocol::{Address, U256, keccak256};
use serde::Serialize;

use super::seen;

const BPS: u64 = 10_000;
const ROUND: u64 = 1;
/// Operators that work, of equal stake.
const WORKING: u8 = 12;
/// The one that does not.
const IDLE: Address = Address::with_last_byte(200);
/// Shares of the idle operator in the stake that a job's cap admits, basis points.
pub const SHARES: [u64; 10] = [
    0, 1_000, 1_500, 1_800, 1_900, 2_000, 2_100, 2_200, 2_500, 3_300,
];
/// Lengths of runs, segments: the shortest of the demo, the testnet and mainnet, and a stream of half an hour.
pub const LENGTHS: [u32; 4] = [1, 5, 256, 1_024];
/// Demands at which the mint is told, parts of `full_mint_pixels`.
pub const DEMANDS: [u64; 2] = [1, 4];

/// What an idle share leaves.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Idle part of the stake, basis points.
    pub idle_bps: u64,
    /// Of runs of each of [`LENGTHS`], those that count, basis points.
    pub counting_bps: [u64; LENGTHS.len()],
    /// Paid to those who work at each of [`DEMANDS`], of the transcoders' whole budget, basis points; the round's runs
    /// are mainnet's shortest.
    pub minted_bps: [u64; DEMANDS.len()],
}

/// Works it out over so many jobs of honest broadcasters, whose cap admits everyone.
pub fn outcome(params: &Params, idle_bps: u64, jobs: u32) -> Outcome {
    let snapshot = snapshot(idle_bps);
    let rule = WorkRule::new(params);
    let longest = LENGTHS.into_iter().max().unwrap_or(0);
    let shortest = (params.job_segments as usize).min(longest as usize);
    let mut counting = [0u64; LENGTHS.len()];
    let mut sheets = Vec::new();
    for job in 1..=jobs {
        let segments = published(&snapshot, job, longest);
        for (count, length) in counting.iter_mut().zip(LENGTHS) {
            // Other presets' rules differ in the shortest run only.
            let rule = WorkRule {
                min_segments: length,
                ..rule
            };
            let sheet = sheet(segments[..length as usize].iter(), ROUND, Some(0), &rule);
            *count += u64::from(!counted(sheet.iter(), &rule).is_empty());
        }
        sheets.extend(sheet(segments[..shortest].iter(), ROUND, Some(0), &rule));
    }
    let assigned = u64::from(jobs) * shortest as u64;
    Outcome {
        idle_bps,
        counting_bps: counting.map(|count| count * BPS / u64::from(jobs.max(1))),
        minted_bps: DEMANDS.map(|times| {
            let pixels = params.full_mint_pixels * times / assigned.max(1);
            minted(params, &snapshot, &sheets, pixels)
        }),
    }
}

fn snapshot(idle_bps: u64) -> Snapshot {
    let unit = U256::from(10u64).pow(U256::from(18));
    let one = |operator, weight: u64| Candidate {
        operator,
        weight: U256::from(weight) * unit,
        price: U256::from(1),
    };
    let each = (BPS - idle_bps) * 100 / u64::from(WORKING);
    let working = (1..=WORKING).map(|i| one(Address::with_last_byte(i), each));
    let mut candidates: Vec<_> = working.collect();
    if idle_bps != 0 {
        candidates.push(one(IDLE, idle_bps * 100));
    }
    Snapshot {
        round: ROUND,
        candidates,
    }
}

/// A job's segments: everybody delivers what it is elected to, but for the idle one.
fn published(snapshot: &Snapshot, job: u32, length: u32) -> Vec<Segment> {
    let job_id = U256::from(job);
    let seed = keccak256(job_id.to_be_bytes::<32>());
    let one = |seq| {
        let ballot = Ballot {
            seed,
            job_id,
            seq,
            max_price: U256::MAX,
        };
        let electee = elect(&ballot, snapshot, 0)?.operator;
        Some(seen(ROUND, job_id, seq, electee, 1, electee != IDLE))
    };
    (0..length).filter_map(one).collect()
}

/// What all are minted of the transcoders' part of a budget, basis points, where each segment has so many pixels.
fn minted(params: &Params, snapshot: &Snapshot, sheets: &[Sheet], pixels: u64) -> u64 {
    let mut sheets = sheets.to_vec();
    for entry in sheets.iter_mut().flat_map(|s| s.entries.values_mut()) {
        entry.pixels = pixels;
    }
    let list = list(ROUND, sheets.iter(), snapshot, &WorkRule::new(params));
    let (mint, total) = (MintRule::new(params), snapshot.total());
    // Its transcoders' part is 10^12.
    let budget = U256::from(1_000_000_000_000 * BPS / params.transcoders_mint_bps);
    let paid = list.claims.iter().filter_map(|claim| {
        let weight = snapshot.get(claim.transcoder)?.weight;
        let share = Share { weight, total };
        Some(mint.of_transcoder(budget, claim.pixels, list.total_pixels, share))
    });
    let paid = paid.fold(U256::ZERO, |sum, amount| sum + amount);
    (paid / U256::from(1_000_000_000_000 / BPS)).saturating_to()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(idle_bps: u64) -> Outcome {
        outcome(&Params::mainnet(), idle_bps, 150)
    }

    #[test]
    fn a_tenth_idle_costs_a_part_and_a_quarter_idle_costs_all() {
        let none = counting(0);
        assert_eq!(none.counting_bps, [10_000; 4]);
        assert!(none.minted_bps.iter().all(|bps| *bps > 9_600), "{none:?}");
        let tenth = counting(1_000);
        assert_eq!(tenth.counting_bps[2..], [10_000; 2]);
        // Demand without the busiest third of the stake: 1.5 parts less for each that is idle.
        assert!((7_300..=7_700).contains(&tenth.minted_bps[0]), "{tenth:?}");
        for idle_bps in [2_500, 3_300] {
            let outcome = counting(idle_bps);
            assert!(outcome.counting_bps[2] < 700, "{outcome:?}");
            assert_eq!(outcome.counting_bps[3], 0, "{outcome:?}");
        }
        assert_eq!(counting(3_300).minted_bps, [0; 2]);
    }

    /// Against the binomial law, in which the idle share of a run is drawn: 51 of 256 may lack.
    #[test]
    fn runs_count_as_often_as_the_binomial_law_says() {
        let p = 0.2f64;
        let mut term = (1.0 - p).powi(256);
        let mut cumulative = term;
        for k in 1..=51 {
            term *= f64::from(257 - k) / f64::from(k) * p / (1.0 - p);
            cumulative += term;
        }
        let found = outcome(&Params::mainnet(), 2_000, 400).counting_bps[2] as f64 / 10_000.0;
        assert!(
            (found - cumulative).abs() < 0.08,
            "{found} against {cumulative}"
        );
    }
}
