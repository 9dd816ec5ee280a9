//! Work claims and the certified list of a round, as signed and as opened on chain.

use alloy_primitives::{Address, B256};
use alloy_sol_types::sol;
use serde::{Deserialize, Serialize};

use crate::domain::Domain;
use crate::merkle::{Path, Tree, leaf_hash};

sol! {
    /// What a transcoder did in one round: an entry of the round's list. Its receipts are signed, so it is not.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct WorkClaim {
        /// The claimant.
        address transcoder;
        /// The round.
        uint64 round;
        /// Root over its receipts' hashes.
        bytes32 receiptsRoot;
        /// Output pixels that are credited.
        uint64 pixels;
    }

    /// The one list of a round that the verifiers certify together; BLS.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct RoundWork {
        /// The round.
        uint64 round;
        /// Root over the claims.
        bytes32 claimsRoot;
        /// Number of claims.
        uint32 claims;
        /// The network's demand in output pixels, at least what all claims say together.
        uint64 totalPixels;
        /// Which of the round's verifiers did their duty; bit i is position i.
        uint64 duties;
    }
}

/// Root over the hashes of a claim's receipts, which are sorted here, so that their order says nothing.
pub fn receipts_root(mut receipts: Vec<B256>) -> B256 {
    receipts.sort_unstable();
    let leaves = receipts.iter().map(|hash| leaf_hash(hash.as_slice()));
    Tree::new(leaves.collect()).root()
}

/// The claims of a round in ascending order of transcoder, and what else its certificate says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkList {
    /// The round.
    pub round: u64,
    /// Claims in ascending order of transcoder.
    pub claims: Vec<WorkClaim>,
    /// The network's demand in output pixels.
    pub total_pixels: u64,
}

impl WorkList {
    fn tree(&self, domain: &Domain) -> Tree {
        let leaves = self
            .claims
            .iter()
            .map(|claim| leaf_hash(domain.digest(claim).as_slice()));
        Tree::new(leaves.collect())
    }

    /// Whether there is nothing to certify.
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty() || self.total_pixels == 0
    }

    /// What the verifiers sign.
    pub fn work(&self, domain: &Domain, duties: u64) -> RoundWork {
        RoundWork {
            round: self.round,
            claimsRoot: self.tree(domain).root(),
            claims: self.claims.len() as u32,
            totalPixels: self.total_pixels,
            duties,
        }
    }

    /// A transcoder's claim with its place and path, as `WorkLedger.claim` takes it.
    pub fn open(&self, domain: &Domain, transcoder: Address) -> Option<(WorkClaim, u32, Path)> {
        let at = self
            .claims
            .binary_search_by_key(&transcoder, |claim| claim.transcoder)
            .ok()?;
        let path = self.tree(domain).path(at as u32);
        Some((self.claims[at].clone(), at as u32, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_opens_into_the_root_and_nobody_elses_does() {
        let domain = Domain::new(1, Address::with_last_byte(9));
        let claims = (1..=5u8).map(|i| WorkClaim {
            transcoder: Address::with_last_byte(i),
            round: 3,
            receiptsRoot: B256::repeat_byte(i),
            pixels: 100,
        });
        let list = WorkList {
            round: 3,
            claims: claims.collect(),
            total_pixels: 500,
        };
        let work = list.work(&domain, 7);
        for i in 1..=5u8 {
            let (claim, index, path) = list.open(&domain, Address::with_last_byte(i)).unwrap();
            let leaf = leaf_hash(domain.digest(&claim).as_slice());
            assert!(path.verify(work.claimsRoot, work.claims, index, leaf));
            let more = WorkClaim {
                pixels: 101,
                ..claim
            };
            let leaf = leaf_hash(domain.digest(&more).as_slice());
            assert!(!path.verify(work.claimsRoot, work.claims, index, leaf));
        }
        assert!(list.open(&domain, Address::with_last_byte(6)).is_none());
    }

    #[test]
    fn the_order_in_which_receipts_came_says_nothing() {
        let hashes: Vec<_> = (0..7u8).map(B256::repeat_byte).collect();
        let mut turned = hashes.clone();
        turned.reverse();
        assert_eq!(receipts_root(hashes), receipts_root(turned));
    }
}
