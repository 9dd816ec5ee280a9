//! Stake-weighted election over a round's snapshot.

use alloy_primitives::{Address, B256, U256, U512, keccak256};
use serde::{Deserialize, Serialize};

/// One operator in a round's snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Operator account.
    pub operator: Address,
    /// Own stake plus counted delegation, in base units of LPT.
    pub weight: U256,
    /// Wei per output pixel; 0 for verifiers.
    pub price: U256,
}

/// The active set of one role in one round, in ascending order of address; it never changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The round.
    pub round: u64,
    /// Operators in ascending order of address.
    pub candidates: Vec<Candidate>,
}

impl Snapshot {
    /// Sum of the weights.
    pub fn total(&self) -> U256 {
        self.candidates
            .iter()
            .fold(U256::ZERO, |sum, c| sum + c.weight)
    }

    /// The candidate with this address.
    pub fn get(&self, operator: Address) -> Option<&Candidate> {
        self.candidates.iter().find(|c| c.operator == operator)
    }
}

/// Upper 256 bits of the 512-bit product.
pub fn mulhi(a: U256, b: U256) -> U256 {
    let product: U512 = U512::from(a) * U512::from(b);
    U256::from(product >> 256)
}

/// What an election is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// The job's seed.
    pub seed: B256,
    /// The job.
    pub job_id: U256,
    /// The segment.
    pub seq: u32,
    /// The job's price cap, wei per pixel.
    pub max_price: U256,
}

impl Ballot {
    fn hash(&self, attempt: u8) -> U256 {
        let mut bytes = Vec::with_capacity(69);
        bytes.extend_from_slice(self.seed.as_slice());
        bytes.extend_from_slice(&self.job_id.to_be_bytes::<32>());
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.push(attempt);
        U256::from_be_bytes(keccak256(bytes).0)
    }
}

/// The winner of one attempt among `candidates`, which must be in ascending order of address.
pub fn elect_among(
    hash: U256,
    candidates: impl Iterator<Item = Candidate> + Clone,
) -> Option<Candidate> {
    let total = candidates.clone().fold(U256::ZERO, |sum, c| sum + c.weight);
    let target = mulhi(hash, total);
    let mut cumulative = U256::ZERO;
    candidates.into_iter().find(|c| {
        cumulative += c.weight;
        cumulative > target
    })
}

/// The winner of `attempt` in a snapshot, without those whose price exceeds the cap and without `excluded`.
pub fn elect_without(
    ballot: &Ballot,
    snapshot: &Snapshot,
    attempt: u8,
    excluded: &[Address],
) -> Option<Candidate> {
    let eligible = |c: &&Candidate| c.price <= ballot.max_price && !excluded.contains(&c.operator);
    elect_among(
        ballot.hash(attempt),
        snapshot.candidates.iter().filter(eligible).copied(),
    )
}

/// The electees of attempts 0 … `attempt` of one snapshot in order; shorter where candidates run out.
pub fn electees(ballot: &Ballot, snapshot: &Snapshot, attempt: u8) -> Vec<Candidate> {
    let mut elected: Vec<Candidate> = Vec::new();
    for number in 0..=attempt {
        let excluded: Vec<_> = elected.iter().map(|c| c.operator).collect();
        match elect_without(ballot, snapshot, number, &excluded) {
            Some(winner) => elected.push(winner),
            None => break,
        }
    }
    elected
}

/// The electee of one attempt; `None` where nobody is left.
pub fn elect(ballot: &Ballot, snapshot: &Snapshot, attempt: u8) -> Option<Candidate> {
    electees(ballot, snapshot, attempt)
        .into_iter()
        .nth(usize::from(attempt))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(weights: &[u64]) -> Snapshot {
        let candidates = weights.iter().enumerate().map(|(i, w)| Candidate {
            operator: Address::with_last_byte(i as u8 + 1),
            weight: U256::from(*w),
            price: U256::from(10),
        });
        Snapshot {
            round: 1,
            candidates: candidates.collect(),
        }
    }

    fn ballot(seq: u32) -> Ballot {
        Ballot {
            seed: B256::repeat_byte(3),
            job_id: U256::from(1),
            seq,
            max_price: U256::from(10),
        }
    }

    #[test]
    fn shares_follow_stake() {
        let snapshot = snapshot(&[10, 30, 60]);
        let mut wins = [0u32; 3];
        let runs = 20_000;
        for seq in 0..runs {
            let winner = elect(&ballot(seq), &snapshot, 0).unwrap();
            wins[usize::from(winner.operator.0[19]) - 1] += 1;
        }
        // Chi-squared with two degrees of freedom; 13.8 is the 0.1 % point.
        let expected = [0.1, 0.3, 0.6].map(|share| share * f64::from(runs));
        let chi: f64 = wins
            .iter()
            .zip(expected)
            .map(|(w, e)| (f64::from(*w) - e).powi(2) / e)
            .sum();
        assert!(chi < 13.8, "{wins:?} chi² {chi}");
    }

    #[test]
    fn later_attempts_exclude_earlier_electees_and_run_out() {
        let snapshot = snapshot(&[10, 30, 60]);
        let all = electees(&ballot(5), &snapshot, 3);
        assert_eq!(all.len(), 3);
        assert!(
            all.iter()
                .enumerate()
                .all(|(i, a)| all[..i].iter().all(|b| a.operator != b.operator))
        );
        assert!(elect(&ballot(5), &snapshot, 3).is_none());
    }

    #[test]
    fn too_dear_is_not_elected() {
        let mut snapshot = snapshot(&[10, 30, 60]);
        snapshot.candidates[2].price = U256::from(11);
        assert!(
            (0..500).all(|seq| elect(&ballot(seq), &snapshot, 0).unwrap().price <= U256::from(10))
        );
        assert!(elect(&ballot(0), &Snapshot::default(), 0).is_none());
    }
}
