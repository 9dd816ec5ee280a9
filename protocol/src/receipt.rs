//! The receipt: a transcoder's commitment to every output chunk of one assignment.

use alloy_primitives::{B256, FixedBytes, keccak256};
use alloy_sol_types::sol;
use serde::{Deserialize, Serialize};

use crate::merkle::{self, Tree};
use crate::sig::Signature;

sol! {
    /// What the transcoder made of an assignment; signed by it.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct Receipt {
        /// The assignment answered.
        bytes32 assignmentHash;
        /// Root over the leaves.
        bytes32 outputRoot;
        /// Sum of the leaves' `output_len`.
        uint64 outputBytes;
        /// keccak(s, assignmentHash, leafIndex) of a planted fault, otherwise random.
        bytes32 plant;
    }
}

/// One chunk of one rendition, a leaf of the receipt's output tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Leaf {
    /// Index of the rendition in the profiles.
    pub rendition: u8,
    /// Index of the chunk in the segment.
    pub chunk: u32,
    /// Frames root of that chunk.
    pub frames_root: B256,
    /// Length of the OBU stream in bytes.
    pub output_len: u32,
    /// BLAKE3 of the OBU stream.
    pub output_hash: B256,
}

impl Leaf {
    /// The 73 bytes that are hashed into the output tree.
    pub fn pack(&self) -> FixedBytes<73> {
        let mut out = [0u8; 73];
        out[0] = self.rendition;
        out[1..5].copy_from_slice(&self.chunk.to_be_bytes());
        out[5..37].copy_from_slice(self.frames_root.as_slice());
        out[37..41].copy_from_slice(&self.output_len.to_be_bytes());
        out[41..73].copy_from_slice(self.output_hash.as_slice());
        FixedBytes(out)
    }

    /// Its hash in the output tree.
    pub fn hash(&self) -> B256 {
        merkle::leaf_hash(self.pack().as_slice())
    }
}

/// A receipt as gossiped: with its signature and its complete list of leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedReceipt {
    /// The signed object.
    pub receipt: Receipt,
    /// The transcoder's signature.
    pub signature: Signature,
    /// Every leaf, in order.
    pub leaves: Vec<Leaf>,
}

/// Why a list of leaves does not belong to its assignment and receipt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeavesError {
    /// Another number than the assignment's `leafCount`.
    #[error("receipt lists {found} leaves, its assignment has {expected}")]
    Count {
        /// Leaves listed.
        found: usize,
        /// Leaves expected.
        expected: usize,
    },
    /// A leaf out of its place.
    #[error("leaf {index} says rendition {rendition} chunk {chunk}, its place says otherwise")]
    Place {
        /// Index in the list.
        index: usize,
        /// What it says.
        rendition: u8,
        /// What it says.
        chunk: u32,
    },
    /// The leaves do not give the signed root.
    #[error("leaves give root {found}, the receipt signs {expected}")]
    Root {
        /// Root of the list.
        found: B256,
        /// Signed root.
        expected: B256,
    },
    /// The lengths do not add up to the signed total.
    #[error("leaves add up to {found} bytes, the receipt signs {expected}")]
    Bytes {
        /// Sum of the list.
        found: u64,
        /// Signed sum.
        expected: u64,
    },
}

/// The output tree over `leaves`, which must not be empty.
pub fn output_tree(leaves: &[Leaf]) -> Tree {
    Tree::new(leaves.iter().map(Leaf::hash).collect())
}

impl SignedReceipt {
    /// Checks count, order, root and total against the assignment's `leaf_count` and the profile's renditions.
    ///
    /// # Errors
    /// [`LeavesError`]: another count, a leaf out of its place, another root, another sum of lengths, in this order.
    pub fn check_leaves(&self, leaf_count: u32, renditions: u32) -> Result<(), LeavesError> {
        let expected = leaf_count as usize;
        if self.leaves.len() != expected || expected == 0 || renditions == 0 {
            return Err(LeavesError::Count {
                found: self.leaves.len(),
                expected,
            });
        }
        let chunks = leaf_count / renditions;
        for (index, leaf) in self.leaves.iter().enumerate() {
            let i = index as u32;
            if chunks == 0 || u32::from(leaf.rendition) != i / chunks || leaf.chunk != i % chunks {
                return Err(LeavesError::Place {
                    index,
                    rendition: leaf.rendition,
                    chunk: leaf.chunk,
                });
            }
        }
        let found = output_tree(&self.leaves).root();
        if found != self.receipt.outputRoot {
            return Err(LeavesError::Root {
                found,
                expected: self.receipt.outputRoot,
            });
        }
        let found = self.leaves.iter().map(|l| u64::from(l.output_len)).sum();
        if found != self.receipt.outputBytes {
            return Err(LeavesError::Bytes {
                found,
                expected: self.receipt.outputBytes,
            });
        }
        Ok(())
    }
}

/// The receipt's `plant` for a fault planted at `leaf_index` with secret `s`.
pub fn plant(s: &B256, assignment_hash: &B256, leaf_index: u32) -> B256 {
    keccak256(
        [
            s.as_slice(),
            assignment_hash.as_slice(),
            &leaf_index.to_be_bytes(),
        ]
        .concat(),
    )
}
