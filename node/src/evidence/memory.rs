//! What was seen and may be contradicted: no files, no clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_chain::challenge::{BroadcasterEquivocation, EarlyTicket, LeafDemand, LeafPath};
use assay_chain::exhibit::Exhibit;
use assay_chain::fault::{Equivocation, FaultKind, LeafFault, SignedWork, VerifierEquivocation};
use assay_protocol::accusation::SignedAccusation;
use assay_protocol::assignment::{Assignment, SignedAssignment};
use assay_protocol::bls::BlsSignature;
use assay_protocol::domain::Domain;
use assay_protocol::merkle::Path;
use assay_protocol::params::Params;
use assay_protocol::receipt::{Leaf, LeavesError, output_tree};
use assay_protocol::sig::Signature;
use assay_protocol::verdict::{LeafId, SignedDivergence, SignedVerdict, Verdict};
use assay_protocol::wire::ReceiptMessage;
use assay_protocol::{Address, B256, U256};

use super::Finding;
use super::finder::Finds;
use super::shelf::Shelf;
use crate::chain_state::{Case, ChainState};

/// Assignments of all broadcasters: a day of ten streams, in some 50 MB.
const ASSIGNMENTS: usize = 1 << 17;
/// Bytes of receipts with their leaves.
const RECEIPT_BYTES: usize = 64 << 20;
/// Bytes of a receipt beside its leaves.
const RECEIPT: usize = 1_024;
/// Verdicts, and likewise accusations, divergences and tickets, of all verifiers.
const WORDS: usize = 1 << 18;

/// A receipt with its assignment.
#[derive(Debug)]
pub(super) struct Work {
    pub signed: SignedWork,
    pub hash: B256,
    /// Empty where they were not told, or are not those of its root.
    pub leaves: Vec<Leaf>,
}

impl Work {
    /// A leaf with its path; `None` where the leaves are not known.
    pub fn leaf_path(&self, index: u32) -> Option<LeafPath> {
        let leaf = *self.leaves.get(index as usize)?;
        Some(LeafPath {
            leaf,
            leaf_index: index,
            path: output_tree(&self.leaves).path(index),
        })
    }
}

/// An assignment, and whether nothing but a second one is wrong with it.
#[derive(Debug)]
struct Assigned {
    assignment: Assignment,
    signature: Signature,
    hash: B256,
    sound: bool,
}

/// What may be contradicted; of two the first.
#[derive(Debug)]
pub(super) struct Memory {
    pub me: Address,
    pub domain: Domain,
    pub params: Params,
    head: u64,
    assignments: Shelf<Address, (U256, u32, u8), Assigned>,
    answers: Shelf<Address, B256, Arc<Work>>,
    pub receipts: Shelf<Address, B256, Arc<Work>>,
    pub verdicts: Shelf<Address, (LeafId, Address), (Verdict, BlsSignature)>,
    pub accusations: Shelf<Address, (LeafId, Address), SignedAccusation>,
    pub divergences: Shelf<Address, (LeafId, Address), (u8, BlsSignature)>,
    pub tickets: Shelf<Address, (u64, Address), BlsSignature>,
    /// Leaves that a quorum has proven wrong.
    pub proven: BTreeMap<LeafId, Case>,
    pub finds: Finds,
}

/// All keys about a leaf.
pub(super) fn about(leaf: LeafId) -> std::ops::RangeInclusive<(LeafId, Address)> {
    (leaf, Address::ZERO)..=(leaf, Address::repeat_byte(0xff))
}

impl Memory {
    pub fn new(me: Address, domain: Domain, params: Params) -> Self {
        Self {
            me,
            domain,
            params,
            head: 0,
            assignments: Shelf::new(ASSIGNMENTS),
            answers: Shelf::new(RECEIPT_BYTES),
            receipts: Shelf::new(RECEIPT_BYTES),
            verdicts: Shelf::new(WORDS),
            accusations: Shelf::new(WORDS),
            divergences: Shelf::new(WORDS),
            tickets: Shelf::new(WORDS),
            proven: BTreeMap::new(),
            finds: Finds::default(),
        }
    }

    /// Last block in which anything about an assignment with this deadline is taken.
    pub fn useful_until(&self, deadline: u64) -> u64 {
        let window = self.params.evidence_blocks + self.params.case_blocks;
        deadline.saturating_add(window)
    }

    /// The same for what is heard now about work that need not be known.
    pub fn useful_from_now(&self) -> u64 {
        self.useful_until(self.head + self.params.response_blocks + 2 * self.params.epoch_blocks)
    }

    pub fn assignment(
        &mut self,
        broadcaster: Address,
        signed: &SignedAssignment,
        hash: B256,
        sound: bool,
    ) -> Option<Finding> {
        let a = &signed.assignment;
        let attempt = (a.jobId, a.seq, a.attempt);
        let Some(first) = self.assignments.get(&attempt) else {
            let until = self.useful_until(a.deadlineBlock);
            let assigned = Assigned {
                assignment: a.clone(),
                signature: signed.signature,
                hash,
                sound,
            };
            self.assignments
                .put(broadcaster, attempt, until, 1, assigned);
            return None;
        };
        if first.hash == hash {
            return None;
        }
        let one = (first.assignment.clone(), first.signature);
        let other = (a.clone(), signed.signature);
        // The court asks of the first one alone whether its round and times are right.
        let ((assignment, signature), (other, other_signature)) = match sound && !first.sound {
            true => (other, one),
            false => (one, other),
        };
        let about = [
            &a.jobId.to_be_bytes::<32>()[..],
            &a.seq.to_be_bytes(),
            &[a.attempt],
        ];
        let exhibit = Exhibit::BroadcasterEquivocation(Box::new(BroadcasterEquivocation {
            assignment,
            signature,
            other,
            other_signature,
        }));
        Some(Finding::new(exhibit, broadcaster, &about))
    }

    pub fn contradicts(&self, assignment: B256, receipt: B256) -> bool {
        let first = self.answers.get(&assignment);
        first.is_some_and(|first| first.hash != receipt)
    }

    pub fn receipt(
        &mut self,
        state: &ChainState,
        message: &ReceiptMessage,
        hash: B256,
        wrong: Option<LeavesError>,
    ) -> Vec<Finding> {
        let mut found = Vec::new();
        let signed = work(message);
        let (assignment, transcoder) =
            (signed.receipt.assignmentHash, signed.assignment.transcoder);
        if let Some(first) = self.answers.get(&assignment)
            && first.hash != hash
        {
            let exhibit = Exhibit::Equivocation(Box::new(Equivocation {
                work: first.signed.clone(),
                other: signed.receipt.clone(),
                other_signature: signed.receipt_signature,
            }));
            found.push(Finding::new(exhibit, transcoder, &[assignment.as_slice()]));
        }
        let leaves = match wrong {
            None | Some(LeavesError::Bytes { .. }) => message.receipt.leaves.clone(),
            Some(wrong) => {
                found.extend(leaves_fault(state, message, &signed, hash, &wrong));
                Vec::new()
            }
        };
        let until = self.useful_until(signed.assignment.deadlineBlock);
        let weight = RECEIPT + leaves.len() * size_of::<Leaf>();
        let work = Arc::new(Work {
            signed,
            hash,
            leaves,
        });
        self.answers
            .put(transcoder, assignment, until, weight, work.clone());
        self.receipts.put(transcoder, hash, until, weight, work);
        // Accusations and verdicts may have been faster.
        let leaf = |index| LeafId {
            receipt: hash,
            index,
        };
        let all = (leaf(0), Address::ZERO)..=(leaf(u32::MAX), Address::repeat_byte(0xff));
        let accused: Vec<_> = self
            .accusations
            .range(all)
            .map(|((leaf, _), _)| *leaf)
            .collect();
        for leaf in accused {
            found.extend(self.acquittals(state, leaf));
        }
        found.extend(self.all_false_passes(state, hash));
        found
    }

    pub fn verdict(&mut self, state: &ChainState, signed: &SignedVerdict) -> Vec<Finding> {
        let (leaf, verifier) = (signed.verdict.leaf(), signed.verifier);
        if let Some((first, signature)) = self.verdicts.get(&(leaf, verifier)) {
            if *first == signed.verdict {
                return Vec::new();
            }
            let exhibit = Exhibit::VerifierEquivocation(Box::new(VerifierEquivocation {
                verifier,
                verdict: first.clone(),
                signature: *signature,
                other: signed.verdict.clone(),
                other_signature: signed.signature,
            }));
            let about = [leaf.receipt.as_slice(), &leaf.index.to_be_bytes()];
            return vec![Finding::new(exhibit, verifier, &about)];
        }
        let (until, said) = (
            self.useful_from_now(),
            (signed.verdict.clone(), signed.signature),
        );
        self.verdicts
            .put(verifier, (leaf, verifier), until, 1, said);
        let mut found = self.acquittals(state, leaf);
        found.extend(self.false_passes(state, leaf));
        found.extend(self.larger_quorum(state, leaf));
        found
    }

    pub fn accusation(
        &mut self,
        state: &ChainState,
        accuser: Address,
        signed: &SignedAccusation,
    ) -> Vec<Finding> {
        let leaf = signed.accusation.leaf();
        let until = self.useful_from_now();
        self.accusations
            .put(accuser, (leaf, accuser), until, 1, signed.clone());
        self.acquittals(state, leaf)
    }

    pub fn divergence(&mut self, state: &ChainState, signed: &SignedDivergence) -> Vec<Finding> {
        let leaf = LeafId {
            receipt: signed.divergence.receiptHash,
            index: signed.divergence.leafIndex,
        };
        let until = self.useful_from_now();
        let said = (signed.divergence.level, signed.signature);
        self.divergences
            .put(signed.verifier, (leaf, signed.verifier), until, 1, said);
        self.diverged(state, leaf).into_iter().collect()
    }

    pub fn ticket(&self, verifier: Address, epoch: u64) -> Option<&BlsSignature> {
        self.tickets.get(&(epoch, verifier))
    }

    pub fn heard_ticket(
        &mut self,
        verifier: Address,
        epoch: u64,
        ticket: BlsSignature,
        early: bool,
    ) -> Option<Finding> {
        let until = self.useful_from_now();
        self.tickets
            .put(verifier, (epoch, verifier), until, 1, ticket);
        early.then(|| {
            let exhibit = Exhibit::ShowEarlyTicket(Box::new(EarlyTicket {
                verifier,
                epoch,
                ticket,
            }));
            Finding::new(exhibit, verifier, &[&epoch.to_be_bytes()])
        })
    }

    /// Takes a case of the court's. `guilty` where the resolver has said so.
    pub fn case(&mut self, state: &ChainState, case: &Case, guilty: bool) -> Vec<Finding> {
        if case.kind != FaultKind::WrongEncode {
            return Vec::new();
        }
        let leaf = case.leaf();
        let mut found = Vec::new();
        if guilty {
            found.extend(self.refuted(state, case));
        }
        if case.bitmap.is_zero() {
            return found;
        }
        self.proven.insert(leaf, case.clone());
        let set = state.verifiers(case.round);
        let seat = set.and_then(|set| set.find(self.me));
        if seat.is_some_and(|(position, _)| case.bitmap.bit(position)) {
            self.signed_case(case);
        }
        found.extend(self.all_false_passes(state, leaf.receipt));
        found.extend(self.larger_quorum(state, leaf));
        found.extend(self.breaker(state));
        let encoder = self.receipts.get(&case.receipt);
        let encoder = encoder.map(|work| work.signed.assignment.encoderId);
        found.extend(encoder.and_then(|encoder| self.of_stopped(state, encoder)));
        found
    }

    pub fn block(&mut self, state: &ChainState) -> Vec<Finding> {
        self.head = state.head;
        self.assignments.forget(state.head);
        self.answers.forget(state.head);
        self.receipts.forget(state.head);
        self.verdicts.forget(state.head);
        self.accusations.forget(state.head);
        self.divergences.forget(state.head);
        self.tickets.forget(state.head);
        let keep = self.params.evidence_blocks + 2 * self.params.case_blocks;
        let old = |case: &Case| case.opened.saturating_add(keep) < state.head;
        self.proven.retain(|_, case| !old(case));
        self.forget_finds(state.head);
        self.own_claims(state)
    }
}

/// What a receipt whose leaves do not fit proves, or lets others demand.
fn leaves_fault(
    state: &ChainState,
    message: &ReceiptMessage,
    signed: &SignedWork,
    hash: B256,
    wrong: &LeavesError,
) -> Option<Finding> {
    let (leaves, transcoder) = (&message.receipt.leaves, signed.assignment.transcoder);
    let full = leaves.len() == signed.assignment.leafCount as usize && !leaves.is_empty();
    let tree = full.then(|| output_tree(leaves));
    let signs = tree.filter(|tree| tree.root() == signed.receipt.outputRoot);
    let exhibit = match (wrong, signs) {
        // It signs a leaf that says another place: its frames do not matter.
        (LeavesError::Place { index, .. }, Some(tree)) => {
            let job = state.jobs.get(&signed.assignment.jobId)?;
            Exhibit::LeafFault(Box::new(LeafFault {
                work: signed.clone(),
                leaf: *leaves.get(*index)?,
                leaf_index: *index as u32,
                path: tree.path(*index as u32),
                profiles: job.profiles.to_bytes().into(),
                chunk_root: B256::ZERO,
                frames_path: Path::default(),
            }))
        }
        _ => Exhibit::ChallengeLeaf(Box::new(LeafDemand {
            work: signed.clone(),
            leaf_index: 0,
        })),
    };
    Some(Finding::new(exhibit, transcoder, &[hash.as_slice()]))
}

/// Assignment, receipt and both signatures.
pub(crate) fn work(message: &ReceiptMessage) -> SignedWork {
    SignedWork {
        assignment: message.assignment.assignment.clone(),
        assignment_signature: message.assignment.signature,
        receipt: message.receipt.receipt.clone(),
        receipt_signature: message.receipt.signature,
    }
}
