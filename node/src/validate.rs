//! Bytes from strangers become messages whose signatures hold, or a judgement on who sent them.
//!
//! Cheap checks come first: decoding, topic, one signature recovery, then the chain's data, then trees and pairings.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use assay_p2p::{Judgement, PeerId, Topic, is_signed_by};
use assay_protocol::accusation::SignedAccusation;
use assay_protocol::assignment::{MAX_ATTEMPT, Refusal, SignedAssignment};
use assay_protocol::bls::BlsPublicKey;
use assay_protocol::certification::{SignedObjection, SignedProposal, SignedVote};
use assay_protocol::checked::Checked;
use assay_protocol::domain::Domain;
use assay_protocol::fraud_proof::{FraudProof, Proven, SigningKeys};
use assay_protocol::params::Params;
use assay_protocol::record::SignedRecord;
use assay_protocol::rules::ChainView;
use assay_protocol::sig::Signature;
use assay_protocol::verdict::{SignedDivergence, SignedVerdict};
use assay_protocol::wire::{Gossip, ReceiptMessage, SampleReport, decode};
use assay_protocol::work::WorkList;
use assay_protocol::{Address, B256};

use crate::chain_state::ChainState;
use crate::evidence::Witness;

mod report;
mod segment;
mod work;

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
    /// A proposal of a seated verifier, with its list.
    WorkProposal(Box<SignedProposal>, WorkList),
    /// A part of a seated verifier's objection.
    WorkObjection(Box<SignedObjection>),
    /// A seated verifier's vote.
    WorkVote(SignedVote),
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

pub(crate) fn wrong(reason: impl ToString) -> Refused {
    Refused::Wrong(reason.to_string())
}

/// Whether there is one reason for each earlier attempt: the one thing about an assignment's size that needs no chain.
pub(crate) fn has_its_reasons(signed: &SignedAssignment) -> bool {
    let attempt = signed.assignment.attempt;
    signed.skips.len() == usize::from(attempt) && attempt <= MAX_ATTEMPT
}

/// Checks messages of one deployment against the chain's picture.
pub struct Checker {
    domain: Domain,
    params: Params,
    encoder_id: B256,
    state: Arc<RwLock<ChainState>>,
    witness: Arc<Witness>,
    taken: Mutex<Taken>,
}

/// What was taken already: of these, one counts.
#[derive(Default)]
struct Taken {
    /// The sequence of each operator's newest record.
    records: BTreeMap<Address, u64>,
    /// Reports of recent epochs.
    reports: BTreeSet<(u64, Address)>,
    /// About the work of rounds.
    work: work::Heard,
}

impl Checker {
    /// A checker in `domain` for the pipeline `encoder_id` that shows the witness what is validly signed.
    pub fn new(
        domain: Domain,
        params: Params,
        encoder_id: B256,
        state: Arc<RwLock<ChainState>>,
        witness: Arc<Witness>,
    ) -> Self {
        Self {
            domain,
            params,
            encoder_id,
            state,
            witness,
            taken: Mutex::default(),
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judging by a picture of long ago would make honest peers look wrong.
    fn synced(&self) -> Result<(), Refused> {
        let early = || Refused::Early("the chain is still being read".into());
        self.state().synced.then_some(()).ok_or_else(early)
    }

    /// The key of a verifier. One that is not known may be of a round that is not known here.
    fn verifier_key(&self, verifier: Address) -> Result<BlsPublicKey, Refused> {
        let key = self.state().bls_key(verifier);
        key.ok_or_else(|| Refused::Early(format!("{verifier} is not known as a verifier")))
    }

    fn state(&self) -> RwLockReadGuard<'_, ChainState> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks a gossip message.
    pub fn gossip(&self, topic: Topic, bytes: &[u8]) -> Result<Verified, Refused> {
        let message: Gossip = decode(bytes).map_err(wrong)?;
        self.synced()?;
        match (topic, message) {
            (Topic::Records, Gossip::Record(record)) => self.record(record),
            (Topic::Assignments, Gossip::Assignment(signed)) => self.fresh_assignment(&signed),
            (Topic::Receipts, Gossip::Receipt(message)) => self.receipt(message),
            (Topic::Accusations, Gossip::Accusation(signed)) => self.accusation(signed),
            (Topic::Proofs, Gossip::Verdict(signed)) => self.verdict(signed).map(Verified::Verdict),
            (Topic::Proofs, Gossip::Divergence(signed)) => self.divergence(signed),
            (Topic::Proofs, Gossip::Proof(proof)) => self.proof(proof),
            (Topic::Tickets, Gossip::Report(report)) => self.report(report),
            (Topic::Tickets, Gossip::WorkProposal(signed)) => self.work_proposal(signed),
            (Topic::Tickets, Gossip::WorkObjection(signed)) => self.work_objection(signed),
            (Topic::Tickets, Gossip::WorkVote(vote)) => self.work_vote(vote),
            (topic, _) => Err(wrong(format!(
                "message does not belong on {}",
                topic.label()
            ))),
        }
    }

    fn record(&self, signed: SignedRecord) -> Result<Verified, Refused> {
        let state = self.state();
        let (operator, sequence) = (signed.record.operator, signed.record.sequence);
        // Not worth another look: whoever has just got stake or a job announces itself again.
        if !state.known(operator) {
            let reason = format!("{operator} has neither stake nor a job");
            return Err(Refused::Unneeded(reason));
        }
        if signed.record.expiryBlock < state.head {
            return Err(Refused::Unneeded("record has expired".into()));
        }
        drop(state);
        let is_new = |newest: Option<&u64>| newest.is_none_or(|newest| *newest < sequence);
        let old = || Refused::Unneeded(format!("record of {operator} is not newer"));
        if !is_new(self.taken().records.get(&operator)) {
            return Err(old());
        }
        let digest = self.domain.digest(&signed.record);
        let found = signed.signature.recover(digest).map_err(wrong)?;
        if !self.signs_now(operator, found) {
            return Err(wrong(format!("record of {operator} is signed by {found}")));
        }
        let peer = PeerId::from_bytes(&signed.record.peerId).map_err(wrong)?;
        if !is_signed_by(&peer, digest.as_slice(), &signed.peer_signature) {
            return Err(wrong(format!("{peer} does not speak for {operator}")));
        }
        let mut taken = self.taken();
        if !is_new(taken.records.get(&operator)) {
            return Err(old());
        }
        taken.records.insert(operator, sequence);
        Ok(Verified::Record(signed))
    }

    /// Whether the key signs for the operator in the present round or one beside it: rounds begin and end on the way.
    fn signs_now(&self, operator: Address, key: Address) -> bool {
        let state = self.state();
        let present = state.current().map_or(0, |(number, _)| number);
        (present.saturating_sub(1)..=present + 1)
            .any(|round| state.signer_at(operator, round) == key)
    }

    /// The operator for which a key signs.
    fn operator_of(&self, key: Address) -> Result<Address, Refused> {
        let operator = self.state().acts_for(key);
        operator.ok_or_else(|| Refused::Unneeded(format!("{key} signs for nobody any more")))
    }

    fn accusation(&self, signed: SignedAccusation) -> Result<Verified, Refused> {
        let hash = self.domain.digest(&signed.accusation);
        let key = signed.signature.recover(hash).map_err(wrong)?;
        let signer = self.operator_of(key)?;
        self.verifier_key(signer)?;
        self.witness.accusation(self.state(), signer, &signed);
        Ok(Verified::Accusation(Checked {
            hash,
            signer,
            message: signed,
        }))
    }

    /// A verdict, gossiped or sent directly.
    pub fn verdict(&self, signed: SignedVerdict) -> Result<Checked<SignedVerdict>, Refused> {
        let key = self.verifier_key(signed.verifier)?;
        let hash = self.domain.digest(&signed.verdict);
        signed.signature.verify(hash, &key).map_err(wrong)?;
        self.witness.verdict(self.state(), &signed);
        Ok(Checked {
            hash,
            signer: signed.verifier,
            message: signed,
        })
    }

    fn divergence(&self, signed: SignedDivergence) -> Result<Verified, Refused> {
        let key = self.verifier_key(signed.verifier)?;
        signed
            .signature
            .verify(self.domain.digest(&signed.divergence), &key)
            .map_err(wrong)?;
        self.witness.divergence(self.state(), &signed);
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
        let keys = SigningKeys::of(&*state, broadcaster, &proof.assignment);
        drop(state);
        let proven = proof.verify(&self.domain, &keys, &set).map_err(wrong)?;
        Ok(Verified::Proof(proof, proven))
    }

    /// A refusal on the job stream; who sent it does not matter, for whom it is signed does.
    pub fn refusal(
        &self,
        refusal: Refusal,
        signature: Signature,
    ) -> Result<Checked<(Refusal, Signature)>, Refused> {
        let hash = self.domain.digest(&refusal);
        let key = signature.recover(hash).map_err(wrong)?;
        let signer = self.operator_of(key)?;
        Ok(Checked {
            hash,
            signer,
            message: (refusal, signature),
        })
    }
}

#[cfg(test)]
mod tests;
