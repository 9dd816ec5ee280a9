//! The accusation: a verifier's claim that a leaf is wrong, which shows no hash to copy.

use alloy_primitives::{B256, keccak256};
use alloy_sol_types::sol;
use serde::{Deserialize, Serialize};

use crate::bls::BlsSignature;
use crate::sig::Signature;
use crate::verdict::LeafId;

sol! {
    /// Signed by the verifier's operator key; its stake is the bond.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct Accusation {
        /// The receipt.
        bytes32 receiptHash;
        /// The leaf.
        uint32 leafIndex;
        /// Keccak of the accuser's own verdict signature.
        bytes32 commit;
    }
}

/// An accusation as gossiped; the signature names the accuser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedAccusation {
    /// The signed object.
    pub accusation: Accusation,
    /// The accuser's operator signature.
    pub signature: Signature,
}

impl Accusation {
    /// Accuses `leaf`, committed to the verdict signature `own`.
    pub fn new(leaf: LeafId, own: &BlsSignature) -> Self {
        Self {
            receiptHash: leaf.receipt,
            leafIndex: leaf.index,
            commit: commit(own),
        }
    }

    /// The leaf it speaks of.
    pub fn leaf(&self) -> LeafId {
        LeafId {
            receipt: self.receiptHash,
            index: self.leafIndex,
        }
    }
}

/// What an accuser shows of its verdict before others have theirs.
pub fn commit(own: &BlsSignature) -> B256 {
    keccak256(own.as_bytes())
}
