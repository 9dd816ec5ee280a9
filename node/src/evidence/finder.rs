//! The finder's part of a slash: claimed by the signer with the lowest draw when the reports are out, paid once the window is
//! over and the case executed.
//!
//! Between case, claim and payment lie hours, or days where the case is contested, and neither gossip nor the chain tells the
//! assignment again. So it is on disk from the case on; a claim is, as any finding, until the court owes nobody anything.

use std::collections::{BTreeMap, BTreeSet};

use assay_chain::challenge::FinderClaim;
use assay_chain::exhibit::Exhibit;
use assay_chain::fault::FaultKind;
use assay_protocol::assignment::Assignment;
use assay_protocol::bls::BlsSignature;
use assay_protocol::fraud_proof::VerifierSet;
use assay_protocol::params::Params;
use assay_protocol::sample::{Odds, draws};
use assay_protocol::verdict::LeafId;
use assay_protocol::{Address, B256, keccak256};

use super::Finding;
use super::memory::Memory;
use super::quorums::named;
use crate::chain_feed::REORG_BLOCKS;
use crate::chain_state::{Case, ChainState, ROUNDS};

/// Blocks after the reports of an epoch are due in which they arrive.
const REPORTS_ARRIVE: u64 = 2;

/// What may be this node's to claim.
#[derive(Debug, Default)]
pub(super) struct Finds {
    /// Cases that this node's verifier has signed.
    cases: BTreeMap<LeafId, Case>,
    /// Assignments of their receipts.
    works: BTreeMap<B256, Assignment>,
    /// Of these, what is not on disk yet.
    unsaved: Vec<(B256, Assignment)>,
    /// Claims by case.
    claims: BTreeMap<B256, Claimed>,
}

/// A claim of this node's that is not paid yet, as far as is known.
#[derive(Debug)]
struct Claimed {
    assignment: Assignment,
    /// Names of the files about it.
    files: BTreeSet<String>,
}

/// The last block in which a claim can be made.
fn claimed_by(assignment: &Assignment, params: &Params) -> u64 {
    let deadline = assignment.deadlineBlock;
    deadline.saturating_add(params.evidence_blocks)
}

/// The last block in which a claim is waited for, whatever becomes of its case: a contest takes eight rounds at most, and
/// while the finder is frozen for a case of its own there may be another one; cases are known for so many rounds.
pub(super) fn waited_until(assignment: &Assignment, params: &Params) -> u64 {
    let rounds = params.round_blocks.saturating_mul(ROUNDS as u64);
    claimed_by(assignment, params).saturating_add(rounds)
}

impl Memory {
    /// Takes a case that this node's verifier has signed.
    pub(super) fn signed_case(&mut self, case: &Case) {
        self.finds.cases.insert(case.leaf(), case.clone());
        if let Some(work) = self.receipts.get(&case.receipt)
            && !self.finds.works.contains_key(&case.receipt)
        {
            let found = (case.receipt, work.signed.assignment.clone());
            self.finds.works.insert(found.0, found.1.clone());
            self.finds.unsaved.push(found);
        }
    }

    /// Assignments that must be on disk.
    pub(super) fn unsaved_finds(&mut self) -> Vec<(B256, Assignment)> {
        std::mem::take(&mut self.finds.unsaved)
    }

    /// Takes the assignment of a receipt that was on disk.
    pub(super) fn saved_find(&mut self, receipt: B256, assignment: Assignment) {
        self.finds.works.insert(receipt, assignment);
    }

    /// Takes a claim of this node's, and the file that says so.
    pub(super) fn claimed(&mut self, assignment: &Assignment, file: String) {
        let case = FaultKind::WrongEncode.case_of(self.domain.digest(assignment));
        let claim = self.finds.claims.entry(case).or_insert_with(|| Claimed {
            assignment: assignment.clone(),
            files: BTreeSet::new(),
        });
        claim.files.insert(file);
    }

    /// Names of files about claims that are paid for good, or of which nothing will ever come.
    pub(super) fn ended_claims(&mut self, state: &ChainState) -> Vec<String> {
        let ended = |case: &B256, claim: &mut Claimed| {
            let free = state.cases.get(case).and_then(Case::finder_free);
            let last = waited_until(&claim.assignment, &self.params);
            free.map_or(last, |block| block.min(last)) + REORG_BLOCKS < state.head
        };
        let ended = self.finds.claims.extract_if(.., ended);
        ended.flat_map(|(_, claim)| claim.files).collect()
    }

    /// Epochs whose tickets decide about this node's claims.
    pub(super) fn find_epochs(&self) -> BTreeSet<u64> {
        let works = self.finds.works.values();
        works.map(|a| self.params.epoch(a.deadlineBlock)).collect()
    }

    /// Forgets what can be claimed no more.
    pub(super) fn forget_finds(&mut self, block: u64) {
        let keep = self.params.evidence_blocks + 2 * self.params.case_blocks;
        let old = |case: &Case| case.opened.saturating_add(keep) < block;
        self.finds.cases.retain(|_, case| !old(case));
        let old = |a: &Assignment| a.deadlineBlock.saturating_add(keep) < block;
        self.finds.works.retain(|_, assignment| !old(assignment));
    }

    /// Claims of this node's own whose time has come.
    pub(super) fn own_claims(&mut self, state: &ChainState) -> Vec<Finding> {
        let mut found = Vec::new();
        // What was claimed long ago is known at the end of the chain's history.
        if !state.synced {
            return found;
        }
        for (leaf, case) in std::mem::take(&mut self.finds.cases) {
            let Some(assignment) = self.finds.works.get(&leaf.receipt).cloned() else {
                continue;
            };
            let known = state.cases.get(&case.id);
            let free = known.is_some_and(|case| case.finder_free().is_some());
            if free || state.head > claimed_by(&assignment, &self.params) {
                continue;
            }
            let epoch = self.params.epoch(assignment.deadlineBlock);
            // Until then the others' tickets are secret, and a claim might only be outdone. After a restart this node's own
            // must be signed anew.
            let due = self.params.report_block(epoch) + REPORTS_ARRIVE;
            if state.head < due || self.ticket(self.me, epoch).is_none() {
                self.finds.cases.insert(leaf, case);
                continue;
            }
            let Some(set) = state.verifiers(case.round) else {
                continue;
            };
            let claim = self.lowest(set, &case, epoch);
            if let Some((_, position, ticket)) = claim.filter(|(who, ..)| *who == self.me) {
                let exhibit = Exhibit::ClaimFinder(Box::new(FinderClaim {
                    assignment: assignment.clone(),
                    position,
                    ticket,
                }));
                let finding = Finding::new(exhibit, self.me, &[&named(leaf)]);
                self.claimed(&assignment, finding.name());
                found.push(finding);
            }
        }
        found.extend(self.settles(state));
        found
    }

    /// Claims whose cases owe their finder, each once: before its case is executed there is nothing to pay.
    fn settles(&mut self, state: &ChainState) -> Vec<Finding> {
        let mut found = Vec::new();
        for (case, claim) in &mut self.finds.claims {
            let owes = |case: &Case| case.is_executed() && case.finder_free().is_none();
            let owed = state.cases.get(case).is_some_and(owes);
            if !owed || state.head <= claimed_by(&claim.assignment, &self.params) {
                continue;
            }
            let hash = self.domain.digest(&claim.assignment);
            let exhibit = Exhibit::SettleFinder(Box::new(claim.assignment.clone()));
            let finding = Finding::new(exhibit, self.me, &[hash.as_slice()]);
            if claim.files.insert(finding.name()) {
                found.push(finding);
            }
        }
        found
    }

    /// The signer of a case with the lowest winning draw among the known tickets: who it is, its position, its ticket.
    fn lowest(
        &self,
        set: &VerifierSet,
        case: &Case,
        epoch: u64,
    ) -> Option<(Address, u64, BlsSignature)> {
        let total = set.total(None);
        let seats = set.seats.iter().enumerate();
        let signers = seats.filter(|(position, _)| case.bitmap.bit(*position));
        let draws = signers.filter_map(|(position, seat)| {
            let ticket = *self.ticket(seat.operator, epoch)?;
            let odds = Odds {
                weight: seat.weight,
                total,
                checks_per_leaf_ppm: self.params.checks_per_leaf_ppm,
            };
            let drawn = draws(&ticket, &case.receipt, case.leaf, &odds);
            let name = named(case.leaf());
            let parts = [ticket.as_bytes(), &name[..]];
            drawn.then(|| {
                (
                    keccak256(parts.concat()),
                    (seat.operator, position as u64, ticket),
                )
            })
        });
        draws.min_by_key(|(draw, _)| *draw).map(|(_, claim)| claim)
    }
}
