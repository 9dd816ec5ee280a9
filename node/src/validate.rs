//! Bytes from strangers become messages whose signatures hold, or a judgement on who sent them.
//!
//! Cheap checks come first: decoding, topic, one signature recovery, then the chain's data, then trees and pairings.

use std::sync::{Arc, RwLock, RwLockReadGuard};

use assay_p2p::{Judgement, Topic};
use assay_protocol::accusation::SignedAccusation;
use assay_protocol::assignment::{Refusal, SignedAssignment};
use assay_protocol::checked::Checked;
use assay_protocol::domain::Domain;
use assay_protocol::fraud_proof::{FraudProof, Proven};
use assay_protocol::params::Params;
use assay_protocol::record::SignedRecord;
use assay_protocol::rules::{AssignmentError, Job, check_assignment};
use assay_protocol::sample::SampleTicket;
use assay_protocol::sig::Signature;
use assay_protocol::verdict::{SignedDivergence, SignedVerdict};
use assay_protocol::wire::{Gossip, ReceiptMessage, SampleReport, decode};
use assay_protocol::{Address, B256};

use crate::chain_state::ChainState;

/// An assignment whose block of signing is further from the head than this is not followed [backdating].
const CLOCK_BLOCKS: u64 = 2;

/// A message that may be acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// A node record.
    Record(SignedRecord),
    /// An assignment by the job's broadcaster to the elected transcoder.
    Assignment(Box<Checked<SignedAssignment>>),
    /// A receipt by the assigned transcoder with its leaves.
    Receipt(Box<Checked<ReceiptMessage>>),
    /// An accusation by a verifier.
    Accusation(Checked<SignedAccusation>),
    /// A verdict by a registered verifier.
    Verdict(Checked<SignedVerdict>),
    /// A divergence by a registered verifier.
    Divergence(SignedDivergence),
    /// A fraud proof that holds.
    Proof(Box<FraudProof>, Proven),
    /// A report with the ticket of an epoch that has ended.
    Report(SampleReport),
}

/// Why a message is not acted on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody honest sends this: the sender's score falls.
    #[error("{0}")]
    Wrong(String),
    /// Late, or about something unknown here.
    #[error("{0}")]
    Unneeded(String),
    /// About a block or round that this node has not seen yet: worth another look.
    #[error("{0}")]
    Early(String),
}

impl Refused {
    /// What gossip is told.
    pub fn judgement(&self) -> Judgement {
        match self {
            Self::Wrong(_) => Judgement::Reject,
            Self::Unneeded(_) | Self::Early(_) => Judgement::Ignore,
        }
    }
}

fn wrong(reason: impl ToString) -> Refused {
    Refused::Wrong(reason.to_string())
}

/// Checks messages of one deployment against the chain's picture.
pub struct Checker {
    domain: Domain,
    params: Params,
    encoder_id: B256,
    state: Arc<RwLock<ChainState>>,
}

impl Checker {
    /// A checker in `domain` for the pipeline `encoder_id`.
    pub fn new(
        domain: Domain,
        params: Params,
        encoder_id: B256,
        state: Arc<RwLock<ChainState>>,
    ) -> Self {
        Self {
            domain,
            params,
            encoder_id,
            state,
        }
    }

    fn state(&self) -> RwLockReadGuard<'_, ChainState> {
        self.state
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Checks a gossip message.
    pub fn gossip(&self, topic: Topic, bytes: &[u8]) -> Result<Verified, Refused> {
        let message: Gossip = decode(bytes).map_err(wrong)?;
        match (topic, message) {
            (Topic::Records, Gossip::Record(record)) => self.record(record),
            (Topic::Assignments, Gossip::Assignment(signed)) => self.fresh_assignment(*signed),
            (Topic::Receipts, Gossip::Receipt(message)) => self.receipt(message),
            (Topic::Accusations, Gossip::Accusation(signed)) => self.accusation(signed),
            (Topic::Proofs, Gossip::Verdict(signed)) => self.verdict(signed).map(Verified::Verdict),
            (Topic::Proofs, Gossip::Divergence(signed)) => self.divergence(signed),
            (Topic::Proofs, Gossip::Proof(proof)) => self.proof(proof),
            (Topic::Tickets, Gossip::Report(report)) => self.report(report),
            (topic, _) => Err(wrong(format!(
                "message does not belong on {}",
                topic.label()
            ))),
        }
    }

    fn record(&self, signed: SignedRecord) -> Result<Verified, Refused> {
        let state = self.state();
        if !state.known(signed.record.operator) {
            return Err(Refused::Early(format!(
                "{} has neither stake nor a job",
                signed.record.operator
            )));
        }
        if signed.record.expiryBlock < state.head {
            return Err(Refused::Unneeded("record has expired".into()));
        }
        drop(state);
        let found = signed
            .signature
            .recover(self.domain.digest(&signed.record))
            .map_err(wrong)?;
        if found != signed.record.operator {
            return Err(wrong(format!(
                "record of {} is signed by {found}",
                signed.record.operator
            )));
        }
        Ok(Verified::Record(signed))
    }

    fn assignment(&self, signed: &SignedAssignment) -> Result<(B256, Job), Refused> {
        let state = self.state();
        let Some(job) = state.jobs.get(&signed.assignment.jobId).cloned() else {
            return Err(Refused::Early(format!(
                "job {} is not known",
                signed.assignment.jobId
            )));
        };
        match check_assignment(
            signed,
            &self.domain,
            &job,
            self.encoder_id,
            &self.params,
            &*state,
        ) {
            Ok(hash) => Ok((hash, job)),
            Err(e @ AssignmentError::UnknownRound(_)) => Err(Refused::Early(e.to_string())),
            // The freeze may be in a block that has not been seen here.
            Err(e @ AssignmentError::Skip(_)) => Err(Refused::Early(e.to_string())),
            Err(e) => Err(wrong(e)),
        }
    }

    /// An assignment as gossiped or sent by the broadcaster just now.
    pub fn fresh_assignment(&self, signed: SignedAssignment) -> Result<Verified, Refused> {
        let (hash, job) = self.assignment(&signed)?;
        let (signed_block, head) = (
            signed.assignment.signed_block(self.params.response_blocks),
            self.state().head,
        );
        if signed_block.abs_diff(head) > CLOCK_BLOCKS {
            let reason =
                format!("assignment was signed at block {signed_block}, the head is {head}");
            return Err(Refused::Unneeded(reason));
        }
        Ok(Verified::Assignment(Box::new(Checked {
            hash,
            signer: job.broadcaster,
            message: signed,
        })))
    }

    fn receipt(&self, message: Box<ReceiptMessage>) -> Result<Verified, Refused> {
        let assignment = &message.assignment.assignment;
        let head = self.state().head;
        if head > assignment.deadlineBlock + self.params.late_blocks {
            let reason = format!(
                "receipt is first seen at block {head}, its deadline was {}",
                assignment.deadlineBlock
            );
            return Err(Refused::Unneeded(reason));
        }
        let hash = self.domain.digest(&message.receipt.receipt);
        let signer = message.receipt.signature.recover(hash).map_err(wrong)?;
        if signer != assignment.transcoder {
            return Err(wrong(format!(
                "receipt is signed by {signer}, {} was assigned",
                assignment.transcoder
            )));
        }
        let (assignment_hash, job) = self.assignment(&message.assignment)?;
        if message.receipt.receipt.assignmentHash != assignment_hash {
            return Err(wrong(
                "receipt answers another assignment than the one beside it",
            ));
        }
        let renditions = job.profiles.renditions.len() as u32;
        message
            .receipt
            .check_leaves(assignment.leafCount, renditions)
            .map_err(wrong)?;
        Ok(Verified::Receipt(Box::new(Checked {
            hash,
            signer,
            message: *message,
        })))
    }

    fn accusation(&self, signed: SignedAccusation) -> Result<Verified, Refused> {
        let hash = self.domain.digest(&signed.accusation);
        let signer = signed.signature.recover(hash).map_err(wrong)?;
        if self.state().bls_key(signer).is_none() {
            return Err(wrong(format!("accuser {signer} is not a verifier")));
        }
        Ok(Verified::Accusation(Checked {
            hash,
            signer,
            message: signed,
        }))
    }

    /// A verdict, gossiped or sent directly.
    pub fn verdict(&self, signed: SignedVerdict) -> Result<Checked<SignedVerdict>, Refused> {
        let key = self.state().bls_key(signed.verifier);
        let key = key.ok_or_else(|| wrong(format!("{} is not a verifier", signed.verifier)))?;
        let hash = self.domain.digest(&signed.verdict);
        signed.signature.verify(hash, &key).map_err(wrong)?;
        Ok(Checked {
            hash,
            signer: signed.verifier,
            message: signed,
        })
    }

    fn divergence(&self, signed: SignedDivergence) -> Result<Verified, Refused> {
        let key = self.state().bls_key(signed.verifier);
        let key = key.ok_or_else(|| wrong(format!("{} is not a verifier", signed.verifier)))?;
        signed
            .signature
            .verify(self.domain.digest(&signed.divergence), &key)
            .map_err(wrong)?;
        Ok(Verified::Divergence(signed))
    }

    /// A complete proof, gossiped or read from elsewhere.
    pub fn proof(&self, proof: Box<FraudProof>) -> Result<Verified, Refused> {
        let state = self.state();
        let job = state.jobs.get(&proof.assignment.jobId);
        let set = state.verifiers(proof.assignment.round).cloned();
        let (Some(broadcaster), Some(set)) = (job.map(|job| job.broadcaster), set) else {
            return Err(Refused::Early(
                "the proof's job or round is not known".into(),
            ));
        };
        drop(state);
        let proven = proof
            .verify(&self.domain, broadcaster, &set)
            .map_err(wrong)?;
        Ok(Verified::Proof(proof, proven))
    }

    fn report(&self, report: SampleReport) -> Result<Verified, Refused> {
        let (key, head) = {
            let state = self.state();
            (state.bls_key(report.verifier), state.head)
        };
        let key = key.ok_or_else(|| wrong(format!("{} is not a verifier", report.verifier)))?;
        if head < self.params.epoch_end(report.epoch) {
            let reason = format!(
                "ticket of epoch {} is shown at block {head}, before its end",
                report.epoch
            );
            return Err(Refused::Early(reason));
        }
        let ticket = SampleTicket {
            epoch: report.epoch,
        };
        report
            .ticket
            .verify(self.domain.digest(&ticket), &key)
            .map_err(wrong)?;
        for verdict in &report.verdicts {
            if verdict.verifier != report.verifier {
                return Err(wrong("report holds another verifier's verdict"));
            }
            verdict
                .signature
                .verify(self.domain.digest(&verdict.verdict), &key)
                .map_err(wrong)?;
        }
        for trouble in &report.unverifiable {
            if trouble.verifier != report.verifier {
                return Err(wrong("report holds another verifier's word"));
            }
            trouble
                .signature
                .verify(self.domain.digest(&trouble.unverifiable), &key)
                .map_err(wrong)?;
        }
        Ok(Verified::Report(report))
    }

    /// A refusal on the job stream; who sent it does not matter, who signed it does.
    pub fn refusal(
        &self,
        refusal: Refusal,
        signature: Signature,
    ) -> Result<Checked<(Refusal, Signature)>, Refused> {
        let hash = self.domain.digest(&refusal);
        let signer: Address = signature.recover(hash).map_err(wrong)?;
        Ok(Checked {
            hash,
            signer,
            message: (refusal, signature),
        })
    }
}
