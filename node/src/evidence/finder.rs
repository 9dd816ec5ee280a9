//! The finder's part of a slash: claimed by the signer with the lowest draw when the reports are out, paid after the window.
//!
//! Between case, claim and payment lie hours, and neither gossip nor the chain tells the assignment again. So it is on disk
//! from the case on; a claim is, as any finding, and says when it is paid.

use std::collections::{BTreeMap, BTreeSet};

use assay_chain::challenge::FinderClaim;
use assay_chain::exhibit::Exhibit;
use assay_protocol::assignment::Assignment;
use assay_protocol::bls::BlsSignature;
use assay_protocol::fraud_proof::VerifierSet;
use assay_protocol::sample::{Odds, draws};
use assay_protocol::verdict::LeafId;
use assay_protocol::{Address, B256, keccak256};

use super::Finding;
use super::memory::Memory;
use super::quorums::named;
use crate::chain_state::{Case, ChainState};

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
    /// Claims by assignment, with the first block in which they are paid.
    settles: BTreeMap<B256, (u64, Assignment)>,
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

    /// Takes a claim that this node has made before it was restarted.
    pub(super) fn claimed(&mut self, assignment: &Assignment) {
        let until = assignment.deadlineBlock + self.params.evidence_blocks;
        let hash = self.domain.digest(assignment);
        self.finds
            .settles
            .insert(hash, (until + 1, assignment.clone()));
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
                self.claimed(&assignment);
                let exhibit = Exhibit::ClaimFinder(Box::new(FinderClaim {
                    assignment,
                    position,
                    ticket,
                }));
                found.push(Finding::new(exhibit, self.me, &[&named(leaf)]));
            }
        }
        let head = state.head;
        let due = |_: &B256, (from, _): &mut (u64, Assignment)| *from <= head;
        for (hash, (_, assignment)) in self.finds.settles.extract_if(.., due) {
            let exhibit = Exhibit::SettleFinder(Box::new(assignment));
            found.push(Finding::new(exhibit, self.me, &[hash.as_slice()]));
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
