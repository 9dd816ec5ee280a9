//! Evidence as the court takes it, beside the fraud proof of `assay-protocol`.

use alloy_primitives::{Address, B256, Bytes};
use assay_protocol::assignment::Assignment;
use assay_protocol::bls::BlsSignature;
use assay_protocol::merkle::Path;
use assay_protocol::receipt::{Leaf, Receipt};
use assay_protocol::sig::Signature;
use assay_protocol::verdict::Verdict;
use serde::{Deserialize, Serialize};

/// What an operator did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// A quorum of verifiers recomputed another output.
    WrongEncode,
    /// A leaf says another place or other frames than the source's.
    LeafFault,
    /// Two receipts for one assignment.
    Equivocation,
    /// Two verdicts for one leaf.
    VerifierEquivocation,
}

impl FaultKind {
    /// Number in the contracts.
    pub const fn code(self) -> u8 {
        match self {
            Self::WrongEncode => 0,
            Self::LeafFault => 1,
            Self::Equivocation => 2,
            Self::VerifierEquivocation => 3,
        }
    }

    pub(crate) const fn of(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::WrongEncode),
            1 => Some(Self::LeafFault),
            2 => Some(Self::Equivocation),
            3 => Some(Self::VerifierEquivocation),
            _ => None,
        }
    }
}

/// An assignment, its receipt and both signatures: what ties a transcoder to its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedWork {
    /// The assignment.
    pub assignment: Assignment,
    /// The broadcaster's signature over it.
    pub assignment_signature: Signature,
    /// The receipt.
    pub receipt: Receipt,
    /// The transcoder's signature over it.
    pub receipt_signature: Signature,
}

/// Two receipts for one assignment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Equivocation {
    /// The first receipt with its assignment.
    pub work: SignedWork,
    /// The second receipt.
    pub other: Receipt,
    /// The transcoder's signature over the second receipt.
    pub other_signature: Signature,
}

/// Two verdicts of one verifier for one leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifierEquivocation {
    /// The verifier's operator account.
    pub verifier: Address,
    /// One verdict.
    pub verdict: Verdict,
    /// Its signature.
    pub signature: BlsSignature,
    /// The other one.
    pub other: Verdict,
    /// Its signature.
    pub other_signature: BlsSignature,
}

/// A leaf that its place in the tree or the source's frames contradict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafFault {
    /// The receipt with its assignment.
    pub work: SignedWork,
    /// The leaf.
    pub leaf: Leaf,
    /// Its index.
    pub leaf_index: u32,
    /// Its path to the output root.
    pub path: Path,
    /// The job's profiles.
    pub profiles: Bytes,
    /// True frames root of the chunk.
    pub chunk_root: B256,
    /// Its path to the assignment's frames root.
    pub frames_path: Path,
}
