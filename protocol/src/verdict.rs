//! What a verifier says of a leaf it recomputed.

use alloy_primitives::{Address, B256};
use alloy_sol_types::sol;
use serde::{Deserialize, Serialize};

use crate::bls::BlsSignature;

sol! {
    /// Pass and fail in one: a pass when the hash equals the leaf's. At most one per verifier and leaf, ever.
    #[derive(Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
    struct Verdict {
        /// The receipt.
        bytes32 receiptHash;
        /// The leaf.
        uint32 leafIndex;
        /// BLAKE3 of what the verifier got.
        bytes32 recomputedHash;
    }

    /// Another SIMD level of the verifier's own machine reproduces the claimed bytes: an encoder fault, nobody's fraud.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct Divergence {
        /// The receipt.
        bytes32 receiptHash;
        /// The leaf.
        uint32 leafIndex;
        /// The level, as in the encoder's list.
        uint8 level;
    }

    /// Source or encoder trouble; bars the mint, slashes nobody.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct Unverifiable {
        /// The receipt.
        bytes32 receiptHash;
        /// A refusal reason as number.
        uint8 reason;
    }
}

/// A verdict with its author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedVerdict {
    /// The signed object.
    pub verdict: Verdict,
    /// The verifier's operator account.
    pub verifier: Address,
    /// Its BLS signature over the verdict's digest.
    pub signature: BlsSignature,
}

/// A divergence with its author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedDivergence {
    /// The signed object.
    pub divergence: Divergence,
    /// The verifier's operator account.
    pub verifier: Address,
    /// Its BLS signature.
    pub signature: BlsSignature,
}

/// Trouble with a receipt, with its author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedUnverifiable {
    /// The signed object.
    pub unverifiable: Unverifiable,
    /// The verifier's operator account.
    pub verifier: Address,
    /// Its BLS signature.
    pub signature: BlsSignature,
}

/// A leaf's name: which receipt, which index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LeafId {
    /// The receipt.
    pub receipt: B256,
    /// Index in its leaves.
    pub index: u32,
}

impl Verdict {
    /// The leaf it speaks of.
    pub fn leaf(&self) -> LeafId {
        LeafId {
            receipt: self.receiptHash,
            index: self.leafIndex,
        }
    }
}
