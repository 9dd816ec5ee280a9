//! Evidence that the contracts of contests and challenges take; each type is one JSON file of `assay court`.

use alloy_primitives::{Address, B256};
use assay_protocol::assignment::Assignment;
use assay_protocol::bls::BlsSignature;
use assay_protocol::merkle::Path;
use assay_protocol::receipt::{Leaf, Receipt};
use assay_protocol::sig::Signature;
use serde::{Deserialize, Serialize};

use crate::fault::SignedWork;

/// A leaf with its way to the receipt's output root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafPath {
    /// The leaf.
    pub leaf: Leaf,
    /// Its index.
    pub leaf_index: u32,
    /// Siblings from the bottom up.
    pub path: Path,
}

/// A signer's claim of the finder's part of a wrong-encode case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinderClaim {
    /// What the case is about.
    pub assignment: Assignment,
    /// The signer's position in the round's verifier set.
    pub position: u64,
    /// Its signature over the sample ticket of the assignment's epoch.
    pub ticket: BlsSignature,
}

/// A ticket whose epoch has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlyTicket {
    /// Whose it is.
    pub verifier: Address,
    /// The epoch.
    pub epoch: u64,
    /// The signature over the sample ticket.
    pub ticket: BlsSignature,
}

/// A quorum that found a leaf wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fails {
    /// What it recomputed.
    pub recomputed_hash: B256,
    /// Who says so, by position.
    pub bitmap: u64,
    /// The sum of their signatures over the verdict that says so.
    pub aggregate: BlsSignature,
}

/// A pass of a leaf that a quorum found wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FalsePass {
    /// The receipt with its assignment.
    pub work: SignedWork,
    /// The leaf.
    pub leaf: LeafPath,
    /// The quorum; none where the leaf has the case that it has opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fails: Option<Fails>,
    /// The verifier's position in the round's verifier set.
    pub position: u64,
    /// Its signature over the verdict that says the leaf's own hash.
    pub signature: BlsSignature,
}

/// A quorum of passes of a leaf that a verifier accused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acquittal {
    /// The receipt with its assignment.
    pub work: SignedWork,
    /// The accused leaf.
    pub leaf: LeafPath,
    /// Who passed it, by position.
    pub bitmap: u64,
    /// The sum of their signatures over the verdict that says the leaf's own hash.
    pub aggregate: BlsSignature,
    /// The accuser's position.
    pub accuser: u64,
    /// What the accusation committed to.
    pub commit: B256,
    /// The accuser's signature over the accusation.
    pub accusation: Signature,
}

/// A divergence on a leaf that the resolver found wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FalseDivergence {
    /// What the case is about.
    pub assignment: Assignment,
    /// The receipt that was proven wrong.
    pub receipt: Receipt,
    /// The verifier's position.
    pub position: u64,
    /// The SIMD level that it named.
    pub level: u8,
    /// Its signature over the divergence; none, and any level, where it was counted when the breaker tripped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<BlsSignature>,
}

/// A fault that was planted in the round before the work's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlantReveal {
    /// The work that it is in.
    pub work: SignedWork,
    /// The leaf.
    pub leaf_index: u32,
    /// What was committed to.
    pub secret: B256,
}

/// A leaf that somebody must open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafDemand {
    /// The receipt with its assignment.
    pub work: SignedWork,
    /// The leaf.
    pub leaf_index: u32,
}

/// The answer to a demand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafOpening {
    /// Whose leaf.
    pub receipt_hash: B256,
    /// The leaf.
    pub leaf: LeafPath,
}

/// Two assignments of one broadcaster for one attempt at a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcasterEquivocation {
    /// One assignment.
    pub assignment: Assignment,
    /// The broadcaster's signature over it.
    pub signature: Signature,
    /// The other one.
    pub other: Assignment,
    /// The broadcaster's signature over it.
    pub other_signature: Signature,
}

/// Verifiers that saw one SIMD level of theirs give the claimed bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DivergenceVotes {
    /// The level.
    pub level: u8,
    /// Who says so, by position.
    pub bitmap: u64,
    /// The sum of their signatures over the divergence.
    pub aggregate: BlsSignature,
}

/// Divergences of more than a third of the weight on one leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diverged {
    /// The receipt with its assignment.
    pub work: SignedWork,
    /// The leaf.
    pub leaf_index: u32,
    /// Each verifier once, by level.
    pub votes: Vec<DivergenceVotes>,
}
