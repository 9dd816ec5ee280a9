//! The fraud proof: self-contained evidence that a quorum of verifiers found one leaf of one receipt wrong.

use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

use crate::assignment::Assignment;
use crate::bls::{BlsError, BlsPublicKey, BlsSignature};
use crate::domain::Domain;
use crate::merkle::Path;
use crate::params::Params;
use crate::receipt::{Leaf, Receipt};
use crate::rules::ChainView;
use crate::sig::{Signature, SignatureError};
use crate::verdict::Verdict;

/// A registered verifier in a round's snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifierSeat {
    /// Operator account.
    pub operator: Address,
    /// Its registered key.
    pub key: BlsPublicKey,
    /// Its weight in base units of LPT.
    pub weight: U256,
}

/// The verifiers of one round in ascending order of address; position i is bit i of a proof's bitmap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifierSet {
    /// The round.
    pub round: u64,
    /// Seats in ascending order of address.
    pub seats: Vec<VerifierSeat>,
}

impl VerifierSet {
    /// Sum of weights, `without` left out.
    pub fn total(&self, without: Option<Address>) -> U256 {
        let seats = self.seats.iter().filter(|s| Some(s.operator) != without);
        seats.fold(U256::ZERO, |sum, s| sum + s.weight)
    }

    /// Position and seat of an operator.
    pub fn find(&self, operator: Address) -> Option<(usize, &VerifierSeat)> {
        self.seats
            .iter()
            .enumerate()
            .find(|(_, s)| s.operator == operator)
    }

    /// Seats whose bit is set; `None` where the bitmap names a position that does not exist.
    pub fn signers(&self, bitmap: U256) -> Option<Vec<&VerifierSeat>> {
        if bitmap.bit_len() > self.seats.len() {
            return None;
        }
        Some(
            self.seats
                .iter()
                .enumerate()
                .filter(|(i, _)| bitmap.bit(*i))
                .map(|(_, s)| s)
                .collect(),
        )
    }
}

/// Whose operator signatures a proof needs: the accounts that signed for broadcaster and transcoder in the assignment's
/// round, by the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKeys {
    /// Signs for the job's broadcaster.
    pub broadcaster: Address,
    /// Signs for the assigned transcoder.
    pub transcoder: Address,
}

impl SigningKeys {
    /// What the chain says of an assignment of this broadcaster's.
    pub fn of(chain: &impl ChainView, broadcaster: Address, assignment: &Assignment) -> Self {
        Self {
            broadcaster: chain.signer_at(broadcaster, assignment.round),
            transcoder: chain.signer_at(assignment.transcoder, assignment.round),
        }
    }
}

/// Evidence that the leaf is wrong, as `FraudCourt.prove` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FraudProof {
    /// The assignment.
    pub assignment: Assignment,
    /// The broadcaster's signature over it.
    pub assignment_signature: Signature,
    /// The receipt.
    pub receipt: Receipt,
    /// The transcoder's signature over it.
    pub receipt_signature: Signature,
    /// The wrong leaf.
    pub leaf: Leaf,
    /// Its index.
    pub leaf_index: u32,
    /// Its path to the output root.
    pub path: Path,
    /// What the signers got instead.
    pub recomputed_hash: B256,
    /// Signers by position in the verifier set of the assignment's round.
    pub bitmap: U256,
    /// Sum of their signatures over the verdict.
    pub signature: BlsSignature,
}

/// Why a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The assignment is not by this broadcaster.
    #[error("assignment is signed by {found}, {expected} signs for the job's broadcaster")]
    Broadcaster {
        /// Recovered account.
        found: Address,
        /// Who signs for the job's broadcaster.
        expected: Address,
    },
    /// The receipt is not by the assigned transcoder.
    #[error("receipt is signed by {found}, {expected} signs for the assigned transcoder")]
    Transcoder {
        /// Recovered account.
        found: Address,
        /// Who signs for the electee.
        expected: Address,
    },
    /// The receipt answers another assignment.
    #[error("receipt answers assignment {found}, the proof shows {expected}")]
    OtherAssignment {
        /// In the receipt.
        found: B256,
        /// Digest of the shown assignment.
        expected: B256,
    },
    /// The leaf is not in the receipt.
    #[error("leaf {0} with its path does not open into the receipt's output root")]
    Path(u32),
    /// The signers agree with the transcoder.
    #[error("the signers recomputed the very hash that the leaf states")]
    Agreement,
    /// Bits for verifiers that do not exist, or for the accused itself.
    #[error("bitmap {0:#x} names a verifier that is not in the round's set, or the accused itself")]
    Bitmap(U256),
    /// Another round's verifiers were given.
    #[error("verifier set is of round {found}, the assignment is of round {expected}")]
    Round {
        /// Round of the set.
        found: u64,
        /// Round of the assignment.
        expected: u64,
    },
    /// A file says of its proof what does not follow from it.
    #[error("the file's {0} does not follow from its proof")]
    Derived(&'static str),
    /// Too little weight.
    #[error("signers hold {signed} of {total}, two thirds are needed")]
    NoQuorum {
        /// Weight of the signers.
        signed: U256,
        /// Weight of all but the accused.
        total: U256,
    },
    /// A signature is malformed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The aggregate does not verify.
    #[error(transparent)]
    Bls(#[from] BlsError),
}

/// What a proof that holds has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The accused.
    pub transcoder: Address,
    /// Digest of its receipt.
    pub receipt_hash: B256,
    /// Weight of the signers.
    pub signed: U256,
    /// Weight of all verifiers but the accused.
    pub total: U256,
}

impl Proven {
    /// The signers' share in basis points, rounded down.
    pub fn weight_bps(&self) -> u64 {
        (self.signed * U256::from(10_000))
            .checked_div(self.total)
            .map_or(0, |bps| bps.saturating_to())
    }
}

impl FraudProof {
    /// The verdict that the signers signed.
    pub fn verdict(&self, domain: &Domain) -> Verdict {
        Verdict {
            receiptHash: domain.digest(&self.receipt),
            leafIndex: self.leaf_index,
            recomputedHash: self.recomputed_hash,
        }
    }

    /// Checks everything that the contract checks except the deadline and the round of the block.
    ///
    /// # Errors
    /// The first [`ProofError`], which says what was found and what was expected.
    pub fn verify(
        &self,
        domain: &Domain,
        keys: &SigningKeys,
        set: &VerifierSet,
    ) -> Result<Proven, ProofError> {
        let assignment_hash = domain.digest(&self.assignment);
        let found = self.assignment_signature.recover(assignment_hash)?;
        if found != keys.broadcaster {
            return Err(ProofError::Broadcaster {
                found,
                expected: keys.broadcaster,
            });
        }
        if self.receipt.assignmentHash != assignment_hash {
            let found = self.receipt.assignmentHash;
            return Err(ProofError::OtherAssignment {
                found,
                expected: assignment_hash,
            });
        }
        let verdict = self.verdict(domain);
        let found = self.receipt_signature.recover(verdict.receiptHash)?;
        if found != keys.transcoder {
            return Err(ProofError::Transcoder {
                found,
                expected: keys.transcoder,
            });
        }
        let transcoder = self.assignment.transcoder;
        let count = self.assignment.leafCount;
        if !self.path.verify(
            self.receipt.outputRoot,
            count,
            self.leaf_index,
            self.leaf.hash(),
        ) {
            return Err(ProofError::Path(self.leaf_index));
        }
        if self.recomputed_hash == self.leaf.output_hash {
            return Err(ProofError::Agreement);
        }
        if set.round != self.assignment.round {
            return Err(ProofError::Round {
                found: set.round,
                expected: self.assignment.round,
            });
        }
        let signers = set
            .signers(self.bitmap)
            .ok_or(ProofError::Bitmap(self.bitmap))?;
        if signers.iter().any(|s| s.operator == transcoder) {
            return Err(ProofError::Bitmap(self.bitmap));
        }
        let signed = signers.iter().fold(U256::ZERO, |sum, s| sum + s.weight);
        let total = set.total(Some(transcoder));
        if !Params::quorum(signed, total) {
            return Err(ProofError::NoQuorum { signed, total });
        }
        let bls: Vec<_> = signers.iter().map(|s| s.key).collect();
        self.signature
            .verify_aggregate(domain.digest(&verdict), &bls)?;
        Ok(Proven {
            transcoder,
            receipt_hash: verdict.receiptHash,
            signed,
            total,
        })
    }
}

/// A proof with all that is needed to check it offline: the content of a proof file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofFile {
    /// Chain and court.
    pub domain: Domain,
    /// The job's broadcaster.
    pub broadcaster: Address,
    /// Who signed for it and for the transcoder in that round; compare with the chain's `signerAt`.
    pub signing_keys: SigningKeys,
    /// The round's verifiers; compare with the chain's snapshot.
    pub verifiers: VerifierSet,
    /// Digest of the assignment.
    pub assignment_hash: B256,
    /// Digest of the receipt.
    pub receipt_hash: B256,
    /// Digest that the signers signed.
    pub verdict_hash: B256,
    /// Addresses of the signers.
    pub signers: Vec<Address>,
    /// The proof.
    pub proof: FraudProof,
}

impl ProofFile {
    /// Puts a proof beside what it is checked against.
    pub fn new(
        domain: Domain,
        broadcaster: Address,
        signing_keys: SigningKeys,
        verifiers: VerifierSet,
        proof: FraudProof,
    ) -> Self {
        let signers = verifiers.signers(proof.bitmap).unwrap_or_default();
        Self {
            assignment_hash: domain.digest(&proof.assignment),
            receipt_hash: domain.digest(&proof.receipt),
            verdict_hash: domain.digest(&proof.verdict(&domain)),
            signers: signers.iter().map(|s| s.operator).collect(),
            domain,
            broadcaster,
            signing_keys,
            verifiers,
            proof,
        }
    }

    /// Checks the proof against the file's own domain, signing keys and verifiers, and what else the file says against the
    /// proof.
    ///
    /// # Errors
    /// [`ProofError::Derived`] for what does not follow from the proof, otherwise as [`FraudProof::verify`].
    pub fn verify(&self) -> Result<Proven, ProofError> {
        let proven = self
            .proof
            .verify(&self.domain, &self.signing_keys, &self.verifiers)?;
        let (verifiers, proof) = (self.verifiers.clone(), self.proof.clone());
        let derived = Self::new(
            self.domain,
            self.broadcaster,
            self.signing_keys,
            verifiers,
            proof,
        );
        let differs = [
            (
                "assignment_hash",
                self.assignment_hash != derived.assignment_hash,
            ),
            ("receipt_hash", self.receipt_hash != derived.receipt_hash),
            ("verdict_hash", self.verdict_hash != derived.verdict_hash),
            ("signers", self.signers != derived.signers),
        ];
        match differs.into_iter().find(|(_, differs)| *differs) {
            Some((field, _)) => Err(ProofError::Derived(field)),
            None => Ok(proven),
        }
    }
}
