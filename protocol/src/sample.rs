//! Epoch tickets and the draws they decide.

use alloy_primitives::{B256, U256, keccak256};
use alloy_sol_types::sol;
use serde::{Deserialize, Serialize};

use crate::bls::BlsSignature;
use crate::election::mulhi;

sol! {
    /// A verifier's lot for one epoch; its BLS signature is the ticket.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct SampleTicket {
        /// Block number divided by the epoch length.
        uint64 epoch;
    }
}

/// What a verifier's weight entitles it to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Odds {
    /// The verifier's weight.
    pub weight: U256,
    /// All verifiers' weight in the same snapshot.
    pub total: U256,
    /// Expected checks per leaf over the whole network, in millionths.
    pub checks_per_leaf_ppm: u64,
}

/// Whether `ticket` draws leaf `leaf_index` of the receipt with this hash.
///
/// The ticket must be the signature over the epoch of the receipt's assignment; nothing here checks that.
pub fn draws(ticket: &BlsSignature, receipt_hash: &B256, leaf_index: u32, odds: &Odds) -> bool {
    let mut bytes = Vec::with_capacity(84);
    bytes.extend_from_slice(ticket.as_bytes());
    bytes.extend_from_slice(receipt_hash.as_slice());
    bytes.extend_from_slice(&leaf_index.to_be_bytes());
    let lot = U256::from_be_bytes(keccak256(bytes).0);
    mulhi(lot, odds.total * U256::from(1_000_000))
        < odds.weight * U256::from(odds.checks_per_leaf_ppm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_checks_per_leaf_are_met() {
        let odds = Odds {
            weight: U256::from(1),
            total: U256::from(4),
            checks_per_leaf_ppm: 500_000,
        };
        let receipt = B256::repeat_byte(9);
        let tickets = (0..4u8).map(|i| BlsSignature::from_bytes([i; 48]));
        let drawn: usize = tickets
            .map(|t| {
                (0..10_000)
                    .filter(|i| draws(&t, &receipt, *i, &odds))
                    .count()
            })
            .sum();
        // 40,000 draws at 1/8: mean 5,000, σ ≈ 66.
        assert!((4_700..5_300).contains(&drawn), "{drawn}");
    }

    #[test]
    fn certain_when_the_share_exceeds_one() {
        let odds = Odds {
            weight: U256::from(3),
            total: U256::from(4),
            checks_per_leaf_ppm: 2_000_000,
        };
        let ticket = BlsSignature::from_bytes([1; 48]);
        assert!((0..1_000).all(|i| draws(&ticket, &B256::ZERO, i, &odds)));
    }
}
