//! What nodes send each other: postcard encodings of these enums, see `docs/protocol.md`, section 8.

use alloy_primitives::{Address, B256};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::accusation::SignedAccusation;
use crate::assignment::{Refusal, SignedAssignment};
use crate::bls::BlsSignature;
use crate::certification::{SignedObjection, SignedProposal, SignedVote};
use crate::fraud_proof::FraudProof;
use crate::payment::SignedTicket;
use crate::receipt::SignedReceipt;
use crate::record::SignedRecord;
use crate::sig::Signature;
use crate::verdict::{SignedDivergence, SignedUnverifiable, SignedVerdict};
use crate::work::WorkList;

/// Largest gossip payload in bytes; libp2p's default transmit limit.
pub const MAX_GOSSIP: usize = 64 * 1024;
/// Largest piece of output pushed in one message, in bytes.
pub const MAX_PART: usize = 1024 * 1024;

/// A verifier's one report for an epoch: its ticket and what it says of every draw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleReport {
    /// The verifier's operator account.
    pub verifier: Address,
    /// The epoch.
    pub epoch: u64,
    /// Its BLS signature over `SampleTicket(epoch)`.
    pub ticket: BlsSignature,
    /// Verdicts on drawn leaves.
    pub verdicts: Vec<SignedVerdict>,
    /// Receipts it could not check.
    pub unverifiable: Vec<SignedUnverifiable>,
}

/// A receipt beside the assignment it answers, so that it can be judged on its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptMessage {
    /// The assignment.
    pub assignment: SignedAssignment,
    /// The answer.
    pub receipt: SignedReceipt,
}

/// Payload of a gossip message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gossip {
    /// On `records`.
    Record(SignedRecord),
    /// On `assignments`.
    Assignment(Box<SignedAssignment>),
    /// On `receipts`.
    Receipt(Box<ReceiptMessage>),
    /// On `accusations`.
    Accusation(SignedAccusation),
    /// On `proofs`: a verdict shown to all.
    Verdict(SignedVerdict),
    /// On `proofs`.
    Divergence(SignedDivergence),
    /// On `proofs`: a complete proof.
    Proof(Box<FraudProof>),
    /// On `tickets`.
    Report(SampleReport),
    /// On `tickets`: a leader's list of a round's work.
    WorkProposal(Box<SignedProposal>),
    /// On `tickets`: what a verifier can confirm instead.
    WorkObjection(Box<SignedObjection>),
    /// On `tickets`: a verifier signs a list.
    WorkVote(SignedVote),
}

/// Request on `/assay/job/1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobRequest {
    /// Broadcaster to electee: the assignment, also gossiped, and what pays for it.
    Assign {
        /// The assignment.
        assignment: Box<SignedAssignment>,
        /// Worth price times output pixels; at most [`crate::payment::MAX_TICKETS`].
        tickets: Vec<SignedTicket>,
    },
    /// Electee to broadcaster.
    Refuse {
        /// The signed object.
        refusal: Refusal,
        /// The electee's signature.
        signature: Signature,
    },
    /// Electee to broadcaster: a piece of one output chunk.
    Push(OutputPart),
    /// Broadcaster to electee, before it signs tickets: the hash of the number for this assignment. The answer is
    /// [`Answer::Quoted`].
    Quote {
        /// The assignment to be paid for.
        assignment_hash: B256,
    },
    /// Anybody to a verifier of the round: the list that the chain has certified under this root. The answer is
    /// [`Answer::Listed`].
    WorkList {
        /// The round.
        round: u64,
        /// Root over the list's claims.
        claims_root: B256,
    },
}

/// A piece of one output chunk, at most [`MAX_PART`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputPart {
    /// The assignment answered.
    pub assignment_hash: B256,
    /// The leaf.
    pub leaf_index: u32,
    /// Position of `bytes` in the chunk.
    pub offset: u32,
    /// Length of the whole chunk.
    pub total: u32,
    /// The piece.
    pub bytes: Vec<u8>,
}

/// Answer on `/assay/job/1` and `/assay/verdict/1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Taken.
    Accepted,
    /// Not wanted: unknown, late or already there.
    Ignored,
    /// Wrong.
    Rejected,
    /// To a [`JobRequest::Quote`]: keccak of the electee's number for the assignment.
    Quoted(B256),
    /// To a [`JobRequest::WorkList`].
    Listed(Box<WorkList>),
}

/// Why bytes are not a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Not an encoding of the expected type.
    #[error("message of {length} bytes does not decode: {reason}")]
    Decode {
        /// Bytes given.
        length: usize,
        /// The decoder's words.
        reason: String,
    },
    /// Bytes after the end: two encodings of one message must not exist.
    #[error("{0} bytes after the end of the message")]
    Trailing(usize),
    /// A number with more bytes than it needs, or the like.
    #[error("the message is not encoded the one way it must be")]
    OtherEncoding,
    /// Cannot be encoded.
    #[error("message does not encode: {0}")]
    Encode(String),
}

/// Encodes a message.
///
/// # Errors
/// [`WireError::Encode`] where a type has no such encoding; those of messages have one.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, WireError> {
    postcard::to_stdvec(message).map_err(|e| WireError::Encode(e.to_string()))
}

/// Decodes a message that fills `bytes` exactly and is encoded as [`encode`] does it: one message that has two encodings
/// would be forwarded twice.
///
/// # Errors
/// [`WireError::Decode`] for bytes that are no such message, [`WireError::Trailing`] for bytes after it,
/// [`WireError::OtherEncoding`] for the same message written differently.
pub fn decode<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, WireError> {
    let decoded = postcard::take_from_bytes(bytes);
    let (message, rest) = decoded.map_err(|e| WireError::Decode {
        length: bytes.len(),
        reason: e.to_string(),
    })?;
    if !rest.is_empty() {
        return Err(WireError::Trailing(rest.len()));
    }
    if encode(&message)? != bytes {
        return Err(WireError::OtherEncoding);
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assignment::Assignment;
    use crate::bls::BlsKey;
    use crate::receipt::{Leaf, Receipt};
    use crate::sig::OperatorKey;

    #[test]
    fn messages_return_and_tolerate_nothing_extra() {
        let key = OperatorKey::from_bytes([2; 32]).unwrap();
        let receipt = SignedReceipt {
            receipt: Receipt {
                outputBytes: 7,
                ..Default::default()
            },
            signature: key.sign(B256::ZERO),
            leaves: vec![Leaf {
                output_len: 7,
                ..Default::default()
            }],
        };
        let assignment = SignedAssignment {
            assignment: Assignment::default(),
            signature: key.sign(B256::ZERO),
            skips: vec![],
        };
        let message = Gossip::Receipt(Box::new(ReceiptMessage {
            assignment,
            receipt,
        }));
        let bytes = encode(&message).unwrap();
        assert_eq!(decode(&bytes), Ok(message));
        assert!(decode::<Gossip>(&bytes[..bytes.len() - 1]).is_err());
        let longer = [bytes, vec![0]].concat();
        assert_eq!(decode::<Gossip>(&longer), Err(WireError::Trailing(1)));
    }

    #[test]
    fn a_message_has_one_encoding() {
        let report = SampleReport {
            verifier: Address::ZERO,
            epoch: 7,
            ticket: BlsKey::derive(&[1; 32]).unwrap().sign(B256::ZERO).unwrap(),
            verdicts: vec![],
            unverifiable: vec![],
        };
        let bytes = encode(&report).unwrap();
        assert_eq!(decode(&bytes), Ok(report));
        // The last number, an empty list's length, once more with a byte that adds nothing.
        let (start, zero) = bytes.split_at(bytes.len() - 1);
        assert_eq!(zero, [0]);
        let longer = [start, &[0x80, 0]].concat();
        assert_eq!(
            decode::<SampleReport>(&longer),
            Err(WireError::OtherEncoding)
        );
    }
}
