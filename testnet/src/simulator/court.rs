//! The court's rules without its pairing: the same checks in the same order as `FraudCourt`.

use std::collections::BTreeMap;

use assay_protocol::bls::BlsSignature;
use assay_protocol::domain::Domain;
use assay_protocol::frames::segment_tree;
use assay_protocol::fraud_proof::VerifierSet;
use assay_protocol::params::Params;
use assay_protocol::receipt::output_tree;
use assay_protocol::verdict::LeafId;
use assay_protocol::wire::ReceiptMessage;
use assay_protocol::work::RoundWork;
use assay_protocol::{Address, B256, U256};
use assay_verifier::certify::Certification;
use assay_verifier::{Conviction, Equivocation, LeafFault, aggregate};

use super::seals::ideal_seal;

/// What somebody sends to the court.
#[derive(Clone, Debug)]
pub(super) enum Submission {
    WrongEncode(Box<Conviction>),
    LeafFault(Box<LeafFault>),
    Equivocation(Box<Equivocation>),
    /// For the work ledger.
    Certify(Box<Certification>),
}

/// Kinds of fault, as in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// A quorum recomputed other bytes.
    WrongEncode,
    /// A leaf contradicts its assignment.
    LeafFault,
    /// Two receipts for one assignment.
    Equivocation,
    /// Two verdicts on one leaf.
    VerifierEquivocation,
}

impl FaultKind {
    /// Whether it is a transcoder's.
    pub fn is_transcoders(self) -> bool {
        self != Self::VerifierEquivocation
    }
}

/// Why the court does not take a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rejection {
    /// The quorum agrees with the transcoder.
    OutputIsCorrect,
    /// Signed in the future, or the window is over.
    OutOfTime,
    /// Not the round of the assignment's block.
    WrongRound,
    /// The leaf does not open, or the hashes are of something else.
    WrongPath,
    /// This receipt or assignment has its case.
    AlreadyProven,
    /// Part of a burst that has its case.
    AbsorbedByBurst,
    /// Less than two thirds.
    QuorumMissed,
    /// A verdict is not by its verifier.
    WrongSeal,
    /// The leaf says what it must.
    LeafIsCorrect,
    /// The two objects do not contradict each other.
    NoEquivocation,
    /// A list of work is no case.
    NoCase,
    /// The round has its list.
    AlreadyCertified,
}

/// One case.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub kind: FaultKind,
    pub operator: Address,
    pub leaf: LeafId,
    pub signed_block: u64,
    pub opened: u64,
    pub executed: Option<u64>,
    pub signers: Vec<Address>,
}

/// All cases.
#[derive(Debug)]
pub(super) struct Court {
    params: Params,
    domain: Domain,
    pub cases: BTreeMap<(FaultKind, B256), Case>,
    strikes: BTreeMap<Address, (u64, u32)>,
}

/// What the court asks of the other contracts.
pub(super) struct Bench<'a> {
    pub block: u64,
    pub verifiers: &'a dyn Fn(u64) -> Option<&'a VerifierSet>,
    pub round_at: &'a dyn Fn(u64) -> Option<u64>,
}

impl Court {
    pub fn new(params: Params, domain: Domain) -> Self {
        Self {
            params,
            domain,
            cases: BTreeMap::new(),
            strikes: BTreeMap::new(),
        }
    }

    /// Whether a signature on a list of work is this verifier's.
    pub fn sealed(&self, who: Address, work: &RoundWork, signature: &BlsSignature) -> bool {
        *signature == ideal_seal(who, self.domain.digest(work))
    }

    /// Opens a case, or says why not.
    pub fn submit(&mut self, submission: &Submission, bench: &Bench) -> Result<Case, Rejection> {
        let (key, case) = match submission {
            Submission::WrongEncode(conviction) => self.prove(conviction, bench)?,
            Submission::LeafFault(fault) => self.leaf_fault(fault, bench)?,
            Submission::Equivocation(pair) => self.equivocation(pair, bench)?,
            Submission::Certify(_) => return Err(Rejection::NoCase),
        };
        self.cases.insert(key, case.clone());
        Ok(case)
    }

    fn check_receipt(&self, evidence: &ReceiptMessage, bench: &Bench) -> Result<u64, Rejection> {
        let assignment = &evidence.assignment.assignment;
        let signed = assignment.signed_block(self.params.response_blocks);
        if signed > bench.block
            || bench.block > assignment.deadlineBlock + self.params.evidence_blocks
        {
            return Err(Rejection::OutOfTime);
        }
        if (bench.round_at)(signed) != Some(assignment.round) {
            return Err(Rejection::WrongRound);
        }
        Ok(signed)
    }

    fn open(
        &self,
        kind: FaultKind,
        name: B256,
        operator: Address,
        leaf: LeafId,
        signed_block: u64,
        bench: &Bench,
    ) -> Result<((FaultKind, B256), Case), Rejection> {
        if self.cases.contains_key(&(kind, name)) {
            return Err(Rejection::AlreadyProven);
        }
        let case = Case {
            kind,
            operator,
            leaf,
            signed_block,
            opened: bench.block,
            executed: None,
            signers: Vec::new(),
        };
        Ok(((kind, name), case))
    }

    fn prove(
        &self,
        conviction: &Conviction,
        bench: &Bench,
    ) -> Result<((FaultKind, B256), Case), Rejection> {
        let evidence = &conviction.evidence;
        let assignment = &evidence.assignment.assignment;
        let (index, operator) = (conviction.leaf.index, assignment.transcoder);
        let leaf = evidence.receipt.leaves.get(index as usize);
        let leaf = leaf.ok_or(Rejection::WrongPath)?;
        if conviction.recomputed_hash == leaf.output_hash {
            return Err(Rejection::OutputIsCorrect);
        }
        let signed = self.check_receipt(evidence, bench)?;
        let receipt = &evidence.receipt.receipt;
        let path = output_tree(&evidence.receipt.leaves).path(index);
        if !path.verify(receipt.outputRoot, assignment.leafCount, index, leaf.hash())
            || conviction.leaf.receipt != self.domain.digest(receipt)
        {
            return Err(Rejection::WrongPath);
        }
        let opened = self.open(
            FaultKind::WrongEncode,
            conviction.leaf.receipt,
            operator,
            conviction.leaf,
            signed,
            bench,
        )?;
        let burst = signed..=signed + self.params.response_blocks;
        if self.cases.values().any(|case| {
            case.kind == FaultKind::WrongEncode
                && case.operator == operator
                && burst.contains(&case.opened)
        }) {
            return Err(Rejection::AbsorbedByBurst);
        }
        let set = (bench.verifiers)(assignment.round).ok_or(Rejection::WrongRound)?;
        let (bitmap, _) = aggregate::signers(conviction, set);
        let signers = set.signers(bitmap).unwrap_or_default();
        let weight = signers
            .iter()
            .filter(|seat| seat.operator != operator)
            .fold(U256::ZERO, |sum, seat| sum + seat.weight);
        if !Params::quorum(weight, set.total(Some(operator))) {
            return Err(Rejection::QuorumMissed);
        }
        for seat in &signers {
            let true_one = conviction.verdicts.iter().any(|v| {
                v.verifier == seat.operator
                    && v.verdict.leaf() == conviction.leaf
                    && v.verdict.recomputedHash == conviction.recomputed_hash
                    && v.signature == ideal_seal(seat.operator, self.domain.digest(&v.verdict))
            });
            if !true_one {
                return Err(Rejection::WrongSeal);
            }
        }
        let (key, mut case) = opened;
        case.signers = signers.iter().map(|seat| seat.operator).collect();
        Ok((key, case))
    }

    fn leaf_fault(
        &self,
        fault: &LeafFault,
        bench: &Bench,
    ) -> Result<((FaultKind, B256), Case), Rejection> {
        let signed = self.check_receipt(&fault.evidence, bench)?;
        let assignment = &fault.evidence.assignment.assignment;
        if segment_tree(&fault.chunk_roots).root() != assignment.framesRoot {
            return Err(Rejection::WrongPath);
        }
        let leaf = fault
            .evidence
            .receipt
            .leaves
            .get(fault.index as usize)
            .ok_or(Rejection::WrongPath)?;
        if fault.chunk_roots.get(leaf.chunk as usize) == Some(&leaf.frames_root) {
            return Err(Rejection::LeafIsCorrect);
        }
        let receipt = self.domain.digest(&fault.evidence.receipt.receipt);
        let leaf = LeafId {
            receipt,
            index: fault.index,
        };
        let operator = assignment.transcoder;
        self.open(FaultKind::LeafFault, receipt, operator, leaf, signed, bench)
    }

    fn equivocation(
        &self,
        pair: &Equivocation,
        bench: &Bench,
    ) -> Result<((FaultKind, B256), Case), Rejection> {
        match pair {
            Equivocation::Transcoder {
                assignment,
                receipts,
            } => {
                let [one, other] = &**receipts;
                let name = self.domain.digest(&assignment.assignment);
                let answered = |r: &assay_protocol::receipt::SignedReceipt| {
                    r.receipt.assignmentHash == name
                        && r.signature.recover(self.domain.digest(&r.receipt))
                            == Ok(assignment.assignment.transcoder)
                };
                if one.receipt == other.receipt || !answered(one) || !answered(other) {
                    return Err(Rejection::NoEquivocation);
                }
                let leaf = LeafId {
                    receipt: self.domain.digest(&one.receipt),
                    index: 0,
                };
                let evidence = ReceiptMessage {
                    assignment: assignment.clone(),
                    receipt: one.clone(),
                };
                let signed = self.check_receipt(&evidence, bench)?;
                let operator = assignment.assignment.transcoder;
                self.open(FaultKind::Equivocation, name, operator, leaf, signed, bench)
            }
            Equivocation::Verifier([one, other]) => {
                let true_one = |v: &assay_protocol::verdict::SignedVerdict| {
                    v.signature == ideal_seal(v.verifier, self.domain.digest(&v.verdict))
                };
                if one.verifier != other.verifier
                    || one.verdict.leaf() != other.verdict.leaf()
                    || one.verdict == other.verdict
                    || !true_one(one)
                    || !true_one(other)
                {
                    return Err(Rejection::NoEquivocation);
                }
                let leaf = one.verdict.leaf();
                let name = assay_protocol::keccak256(
                    [
                        one.verifier.as_slice(),
                        leaf.receipt.as_slice(),
                        &leaf.index.to_be_bytes(),
                    ]
                    .concat(),
                );
                self.open(
                    FaultKind::VerifierEquivocation,
                    name,
                    one.verifier,
                    leaf,
                    bench.block,
                    bench,
                )
            }
        }
    }

    /// Executes what is due in `block` of `round`; gives each case with what its pool loses, in basis points.
    pub fn execute_due(&mut self, block: u64, round: u64) -> Vec<(Case, u64)> {
        let mut executed = Vec::new();
        for case in self.cases.values_mut() {
            if case.executed.is_some() || block < case.opened + self.params.case_blocks {
                continue;
            }
            case.executed = Some(block);
            let bps = match case.kind {
                FaultKind::WrongEncode | FaultKind::LeafFault => {
                    let (last, count) = self.strikes.get(&case.operator).copied().unwrap_or((0, 0));
                    let repeats = if count > 0 && round <= last + self.params.repeat_rounds {
                        count.min(13)
                    } else {
                        0
                    };
                    self.strikes.insert(case.operator, (round, repeats + 1));
                    (self.params.wrong_encode_bps << repeats).min(10_000)
                }
                FaultKind::Equivocation | FaultKind::VerifierEquivocation => {
                    self.params.equivocation_bps
                }
            };
            executed.push((case.clone(), bps));
        }
        executed
    }
}
