//! Evidence as the court takes it, beside the fraud proof of `assay-protocol`.

use alloy_primitives::{Address, B256, Bytes, keccak256};
use assay_protocol::assignment::Assignment;
use assay_protocol::bls::BlsSignature;
use assay_protocol::merkle::Path;
use assay_protocol::receipt::{Leaf, Receipt};
use assay_protocol::sig::Signature;
use assay_protocol::verdict::Verdict;
use serde::{Deserialize, Serialize};

use crate::views::Role;

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
    /// A leaf that was demanded was not opened.
    WithheldLeaf,
    /// A pass of a leaf that a quorum found wrong.
    FalsePass,
    /// An accusation of a leaf that a quorum found correct.
    FalseAccusation,
    /// A ticket shown before its epoch had ended.
    EarlyTicket,
    /// A divergence that the resolver refuted.
    FalseDivergence,
}

impl FaultKind {
    /// In the order of their numbers in the contracts.
    const ALL: [Self; 9] = [
        Self::WrongEncode,
        Self::LeafFault,
        Self::Equivocation,
        Self::VerifierEquivocation,
        Self::WithheldLeaf,
        Self::FalsePass,
        Self::FalseAccusation,
        Self::EarlyTicket,
        Self::FalseDivergence,
    ];

    /// Those of which an operator of this role can be guilty, in the order of their numbers.
    pub fn of_role(role: Role) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(move |kind| kind.role() == role)
    }

    /// Whose fault it is.
    const fn role(self) -> Role {
        match self {
            Self::WrongEncode | Self::LeafFault | Self::Equivocation | Self::WithheldLeaf => {
                Role::Transcoder
            }
            Self::VerifierEquivocation
            | Self::FalsePass
            | Self::FalseAccusation
            | Self::EarlyTicket
            | Self::FalseDivergence => Role::Verifier,
        }
    }

    /// Whether each one costs twice as much as the one before; those that do are counted together.
    pub const fn doubles(self) -> bool {
        matches!(
            self,
            Self::WrongEncode | Self::LeafFault | Self::WithheldLeaf
        )
    }
}

/// Why a case is contested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// By the accused, with a bond.
    Accused,
    /// Slashes by quorums would exceed what the signers have at stake.
    Cap,
    /// Too many operators of one encoder are accused, or too many verifiers report a divergence.
    Breaker,
    /// Two quorums contradict each other.
    Conflict,
}

impl Cause {
    /// From the number in the contracts; `None` for none.
    pub(crate) const fn of(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Accused,
            2 => Self::Cap,
            3 => Self::Breaker,
            4 => Self::Conflict,
            _ => return None,
        })
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Accused => "by the accused",
            Self::Cap => "its slash would exceed what its signers have at stake",
            Self::Breaker => {
                "too many are accused, or too many verifiers see their encoders differ"
            }
            Self::Conflict => "two quorums contradict each other",
        })
    }
}

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseStatus {
    /// Proven; executable after the window.
    Open,
    /// The operator was slashed.
    Executed,
    /// The resolver decides.
    Contested,
    /// The resolver found the operator innocent.
    Acquitted,
    /// Void: the resolver said nothing about a case that a cap, the breaker or another quorum contested, or what it
    /// rests on is void.
    Annulled,
    /// One fault with another case of the same burst, which was executed.
    Absorbed,
    /// The operator had planted this fault.
    Spared,
}

impl CaseStatus {
    /// From the number in the contracts; `None` for no case.
    pub(crate) const fn of(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Open,
            2 => Self::Executed,
            3 => Self::Contested,
            4 => Self::Acquitted,
            5 => Self::Annulled,
            6 => Self::Absorbed,
            7 => Self::Spared,
            _ => return None,
        })
    }

    /// Whether nothing more happens to it, and the operator is free as far as this case goes.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Open | Self::Contested)
    }
}

impl FaultKind {
    /// Number in the contracts.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The id of the case of this kind about an assignment, as `CaseIds.caseIdOf` makes it.
    pub fn case_of(self, assignment: B256) -> B256 {
        let mut words = [0; 64];
        words[31] = self.code();
        words[32..].copy_from_slice(assignment.as_slice());
        keccak256(words)
    }

    /// Whether it is a transcoder's fault about an assignment, as `Cases.caseAbout` lists them: its case freezes the
    /// transcoder's pool, and nobody pays for the work. All others are verifiers' faults, and say nothing about the work that
    /// they name.
    pub const fn is_transcoders(self) -> bool {
        match self {
            Self::WrongEncode | Self::LeafFault | Self::Equivocation | Self::WithheldLeaf => true,
            Self::VerifierEquivocation
            | Self::FalsePass
            | Self::FalseAccusation
            | Self::EarlyTicket
            | Self::FalseDivergence => false,
        }
    }

    pub(crate) fn of(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
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
