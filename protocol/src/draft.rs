//! What a core asks the shell to sign, and the slot that may be signed only once.

use alloy_primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};

use crate::accusation::Accusation;
use crate::assignment::{Assignment, Refusal};
use crate::bls::BlsSignature;
use crate::certification::{WorkObjection, WorkProposal};
use crate::domain::Domain;
use crate::payment::PaymentTicket;
use crate::receipt::Receipt;
use crate::sample::SampleTicket;
use crate::sig::Signature;
use crate::verdict::{Divergence, Unverifiable, Verdict};
use crate::work::RoundWork;

/// An object to be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Draft {
    /// By the operator key.
    Assignment(Assignment),
    /// By the operator key.
    Refusal(Refusal),
    /// By the operator key.
    Receipt(Receipt),
    /// By the operator key.
    Accusation(Accusation),
    /// By the operator key.
    Payment(PaymentTicket),
    /// By the BLS key.
    Ticket(SampleTicket),
    /// By the BLS key.
    Verdict(Verdict),
    /// By the BLS key.
    Divergence(Divergence),
    /// By the BLS key.
    Unverifiable(Unverifiable),
    /// By the BLS key.
    WorkProposal(WorkProposal),
    /// By the BLS key.
    WorkObjection(WorkObjection),
    /// By the BLS key: a vote for the list of a proposal. Only one list of a round is ever accepted on chain, and all
    /// that a verifier signs hold only work it can confirm; so it may sign another one when another leader has its turn,
    /// and there is one slot for each proposal.
    RoundWork {
        /// The list.
        work: RoundWork,
        /// The proposal.
        number: u32,
    },
}

/// The signature that answers a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// secp256k1.
    Operator(Signature),
    /// BLS12-381.
    Bls(BlsSignature),
}

/// A draft with its digest and its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// What was signed.
    pub draft: Draft,
    /// Its EIP-712 digest.
    pub hash: B256,
    /// The signature.
    pub seal: Seal,
}

impl Draft {
    /// The EIP-712 digest.
    pub fn digest(&self, domain: &Domain) -> B256 {
        match self {
            Self::Assignment(object) => domain.digest(object),
            Self::Refusal(object) => domain.digest(object),
            Self::Receipt(object) => domain.digest(object),
            Self::Accusation(object) => domain.digest(object),
            Self::Payment(object) => domain.digest(object),
            Self::Ticket(object) => domain.digest(object),
            Self::Verdict(object) => domain.digest(object),
            Self::Divergence(object) => domain.digest(object),
            Self::Unverifiable(object) => domain.digest(object),
            Self::WorkProposal(object) => domain.digest(object),
            Self::WorkObjection(object) => domain.digest(object),
            Self::RoundWork { work, .. } => domain.digest(work),
        }
    }

    /// Whether the BLS key signs it.
    pub fn by_bls(&self) -> bool {
        matches!(
            self,
            Self::Ticket(_)
                | Self::Verdict(_)
                | Self::Divergence(_)
                | Self::Unverifiable(_)
                | Self::WorkProposal(_)
                | Self::WorkObjection(_)
                | Self::RoundWork { .. }
        )
    }

    /// Whether two different objects in its slot would be held against their signer, or break its promise. Of a reason why
    /// nothing was done a second one changes nothing.
    pub fn binds(&self) -> bool {
        !matches!(self, Self::Refusal(_) | Self::Unverifiable(_))
    }

    /// The slot: two different objects in one slot, both signed, are an equivocation or a broken promise.
    pub fn slot(&self) -> B256 {
        let parts: (&str, Vec<u8>) = match self {
            Self::Assignment(a) => {
                let name = [
                    &a.jobId.to_be_bytes::<32>()[..],
                    &a.seq.to_be_bytes(),
                    &[a.attempt],
                ]
                .concat();
                ("assignment", name)
            }
            Self::Refusal(r) => ("refusal", r.assignmentHash.to_vec()),
            Self::Receipt(r) => ("receipt", r.assignmentHash.to_vec()),
            Self::Accusation(a) => ("accusation", leaf(&a.receiptHash, a.leafIndex)),
            // One for an assignment, whatever its nonce.
            Self::Payment(t) => ("payment", t.assignmentHash.to_vec()),
            Self::Ticket(t) => ("ticket", t.epoch.to_be_bytes().to_vec()),
            Self::Verdict(v) => ("verdict", leaf(&v.receiptHash, v.leafIndex)),
            Self::Divergence(d) => ("divergence", leaf(&d.receiptHash, d.leafIndex)),
            Self::Unverifiable(u) => ("unverifiable", u.receiptHash.to_vec()),
            Self::WorkProposal(p) => ("proposal", place(p.round, &[p.number])),
            Self::WorkObjection(o) => ("objection", place(o.round, &[o.number, o.part])),
            Self::RoundWork { work, number } => ("work", place(work.round, &[*number])),
        };
        keccak256([parts.0.as_bytes(), &[0], &parts.1].concat())
    }
}

fn place(round: u64, numbers: &[u32]) -> Vec<u8> {
    let numbers = numbers.iter().flat_map(|n| n.to_be_bytes());
    round.to_be_bytes().into_iter().chain(numbers).collect()
}

fn leaf(receipt: &B256, index: u32) -> Vec<u8> {
    [receipt.as_slice(), &index.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_forgets_the_content_and_keeps_the_place() {
        let verdict = |index, hash| {
            Draft::Verdict(Verdict {
                receiptHash: B256::ZERO,
                leafIndex: index,
                recomputedHash: hash,
            })
        };
        assert_eq!(
            verdict(1, B256::ZERO).slot(),
            verdict(1, B256::repeat_byte(1)).slot()
        );
        assert_ne!(verdict(1, B256::ZERO).slot(), verdict(2, B256::ZERO).slot());
        let receipt = Draft::Receipt(Receipt::default());
        let refusal = Draft::Refusal(Refusal::default());
        assert_ne!(receipt.slot(), refusal.slot());
    }
}
