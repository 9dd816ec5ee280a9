//! What a shell checks before a core sees a message: everything but BLS, which is ideal here.

use assay_protocol::accusation::SignedAccusation;
use assay_protocol::assignment::{Refusal, SignedAssignment};
use assay_protocol::certification::{SignedObjection, SignedProposal, SignedVote};
use assay_protocol::checked::Checked;
use assay_protocol::domain::Domain;
use assay_protocol::params::Params;
use assay_protocol::rules::{AssignmentError, ChainView, Job, check_assignment};
use assay_protocol::sig::Signature;
use assay_protocol::verdict::SignedVerdict;
use assay_protocol::wire::{ReceiptMessage, SampleReport};
use assay_protocol::{Address, B256};

use super::chain::Seen;

/// An assignment signed further from the head than this is not followed.
const CLOCK_BLOCKS: u64 = 2;

/// What nodes send each other.
#[derive(Clone, Debug)]
pub(super) enum Message {
    Assignment(Box<SignedAssignment>),
    Receipt(Box<ReceiptMessage>),
    Accusation(SignedAccusation),
    Verdict(SignedVerdict),
    Report(SampleReport),
    WorkProposal(Box<SignedProposal>),
    WorkObjection(Box<SignedObjection>),
    WorkVote(SignedVote),
    Refusal(Refusal, Signature),
    /// All output of an assignment.
    Output(B256),
}

/// A message that may be acted on.
#[derive(Clone, Debug)]
pub(super) enum Mail {
    Assignment(Box<Checked<SignedAssignment>>),
    Receipt(Box<Checked<ReceiptMessage>>),
    Accusation(Checked<SignedAccusation>),
    Verdict(Checked<SignedVerdict>),
    Report(SampleReport),
    WorkProposal(Box<SignedProposal>),
    WorkObjection(Box<SignedObjection>),
    WorkVote(SignedVote),
    Refusal(Checked<(Refusal, Signature)>),
    Output(B256),
}

/// Why a message is not acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Nobody honest sends this.
    Wrong(String),
    /// Late.
    Unneeded,
    /// About a block that is not known yet: worth another look.
    Early,
}

/// What messages are checked against.
pub(super) struct Rules {
    pub domain: Domain,
    pub params: Params,
    pub job: Job,
    pub encoder_id: B256,
}

fn wrong(reason: impl ToString) -> Refused {
    Refused::Wrong(reason.to_string())
}

impl Rules {
    fn assignment(&self, signed: &SignedAssignment, seen: &Seen) -> Result<B256, Refused> {
        check_assignment(
            signed,
            &self.domain,
            &self.job,
            self.encoder_id,
            &self.params,
            seen,
        )
        .map_err(|error| match error {
            AssignmentError::UnknownRound(_) | AssignmentError::Skip(_) => Refused::Early,
            other => wrong(other),
        })
    }

    /// What is said about a round's work is said after it.
    fn after(&self, round: u64, seen: &Seen) -> Result<(), Refused> {
        let over = seen.round_at(seen.head).is_some_and(|now| now > round);
        over.then_some(()).ok_or(Refused::Early)
    }

    /// Checks one message as a node does whose head is `seen.head`.
    pub fn check(&self, from: Address, message: &Message, seen: &Seen) -> Result<Mail, Refused> {
        match message {
            Message::Assignment(signed) => {
                let hash = self.assignment(signed, seen)?;
                let block = signed.assignment.signed_block(self.params.response_blocks);
                if block.abs_diff(seen.head) > CLOCK_BLOCKS {
                    return Err(Refused::Unneeded);
                }
                Ok(Mail::Assignment(Box::new(Checked {
                    hash,
                    signer: self.job.broadcaster,
                    message: (**signed).clone(),
                })))
            }
            Message::Receipt(message) => {
                let assignment = &message.assignment.assignment;
                if seen.head > assignment.deadlineBlock + self.params.late_blocks {
                    return Err(Refused::Unneeded);
                }
                let hash = self.domain.digest(&message.receipt.receipt);
                let signer = message.receipt.signature.recover(hash).map_err(wrong)?;
                if signer != assignment.transcoder {
                    return Err(wrong("receipt by another than the electee"));
                }
                if message.receipt.receipt.assignmentHash
                    != self.assignment(&message.assignment, seen)?
                {
                    return Err(wrong("receipt for another assignment"));
                }
                let renditions = self.job.profiles.renditions.len() as u32;
                message
                    .receipt
                    .check_leaves(assignment.leafCount, renditions)
                    .map_err(wrong)?;
                Ok(Mail::Receipt(Box::new(Checked {
                    hash,
                    signer,
                    message: (**message).clone(),
                })))
            }
            Message::Accusation(signed) => Ok(Mail::Accusation(Checked {
                hash: self.domain.digest(&signed.accusation),
                signer: from,
                message: signed.clone(),
            })),
            Message::Verdict(signed) => Ok(Mail::Verdict(Checked {
                hash: self.domain.digest(&signed.verdict),
                signer: signed.verifier,
                message: signed.clone(),
            })),
            Message::Report(report) => {
                if seen.head < self.params.epoch_end(report.epoch) {
                    return Err(Refused::Early);
                }
                if report
                    .verdicts
                    .iter()
                    .any(|v| v.verifier != report.verifier)
                {
                    return Err(wrong("report holds another verifier's verdict"));
                }
                Ok(Mail::Report(report.clone()))
            }
            Message::WorkProposal(proposal) => {
                let proposed = &proposal.proposed;
                self.after(proposed.work.round, seen)?;
                if proposed.list(&self.domain).is_none() {
                    return Err(wrong("a proposal whose claims give another root"));
                }
                Ok(Mail::WorkProposal(proposal.clone()))
            }
            Message::WorkObjection(objection) => {
                self.after(objection.round, seen)?;
                Ok(Mail::WorkObjection(objection.clone()))
            }
            Message::WorkVote(vote) => {
                self.after(vote.work.round, seen)?;
                Ok(Mail::WorkVote(vote.clone()))
            }
            Message::Refusal(refusal, signature) => {
                let hash = self.domain.digest(refusal);
                let signer = signature.recover(hash).map_err(wrong)?;
                Ok(Mail::Refusal(Checked {
                    hash,
                    signer,
                    message: (refusal.clone(), *signature),
                }))
            }
            Message::Output(assignment) => Ok(Mail::Output(*assignment)),
        }
    }
}
