//! What a verifier has seen of a round, and what it makes of it.

use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::bls::BlsSignature;
use assay_protocol::certification::{
    Objected, Proposed, SignedProposal, WorkObjection, WorkProposal,
};
use assay_protocol::checked::Now;
use assay_protocol::election::Snapshot;
use assay_protocol::fraud_proof::VerifierSet;
use assay_protocol::round_work::{Seen, Segment, Sheet, admits, dutiful, sheet};
use assay_protocol::sample::{Odds, draws};
use assay_protocol::verdict::SignedUnverifiable;
use assay_protocol::wire::SampleReport;
use assay_protocol::work::RoundWork;
use assay_protocol::{Address, B256, U256};

use super::known::Known;
use super::shares::Shares;
use super::{Certifier, SeenAssignment};

/// Receipts of one assignment that are kept: two are an equivocation.
const MAX_RECEIPTS: usize = 2;

/// An assignment with its receipts.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub segment: Segment,
    /// Number of leaves of the receipts.
    pub leaves: u32,
}

/// A ticket that a report has shown.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub ticket: BlsSignature,
    pub odds: Odds,
}

impl Shown {
    /// Whether it draws a leaf of a receipt that has so many; counts what that costs.
    fn draws(&self, receipt: &B256, leaves: u32, lots: &mut u64) -> bool {
        (0..leaves).any(|leaf| {
            *lots += 1;
            draws(&self.ticket, receipt, leaf, &self.odds)
        })
    }
}

/// Votes for one list.
#[derive(Clone, Debug, Default)]
pub(super) struct Votes {
    pub work: RoundWork,
    pub signatures: BTreeMap<Address, BlsSignature>,
    /// Block in which two thirds were there first.
    pub quorum_at: Option<u64>,
    pub submitted: bool,
}

/// A round from its opening to its certificate.
#[derive(Clone, Debug, Default)]
pub(super) struct RoundView {
    pub verifiers: VerifierSet,
    pub transcoders: Snapshot,
    /// Block in which it was opened.
    pub opened: Option<u64>,
    /// Block in which the next round was opened.
    pub ended: Option<u64>,
    /// Block in which the chain took its list: nothing more is said or taken in.
    pub certified: Option<u64>,
    pub segments: Shares,
    /// Price cap and block of the seed, by job.
    pub terms: BTreeMap<U256, (U256, u64)>,
    /// Epochs that have receipts of the round.
    pub epochs: BTreeSet<u64>,
    /// Epochs of these that each verifier has reported on.
    pub reported: BTreeMap<Address, BTreeSet<u64>>,
    /// What they have shown, by epoch.
    pub shown: BTreeMap<u64, Vec<Shown>>,
    /// Receipts of which somebody who drew them says that they cannot be checked, by epoch: of all others it does not
    /// matter who drew them.
    pub doubted: BTreeMap<u64, BTreeSet<B256>>,

    /// The turn for which the sheets below hold.
    pub turn: Option<u32>,
    pub sheets: BTreeMap<U256, Sheet>,
    pub duties: u64,
    /// Proposals by number, the first of each, from the present turn on.
    pub proposals: BTreeMap<u32, SignedProposal>,
    /// Numbers of all that others have proposed, and the digests of what was to be signed.
    pub numbers: BTreeSet<u32>,
    pub proposed: BTreeSet<B256>,
    /// Own proposals and objections at the signer.
    pub pending_proposals: Vec<(WorkProposal, Proposed)>,
    pub pending_objections: Vec<(WorkObjection, Objected)>,
    /// Parts of objections by proposal, author and part.
    pub objections: BTreeMap<(u32, Address), BTreeMap<u32, Objected>>,
    /// Numbers of proposals that were answered.
    pub answered: BTreeSet<u32>,
    pub votes: BTreeMap<B256, Votes>,
    /// Lists that nobody has proposed here and this verifier has not signed, by others who have, in their order.
    pub strays: BTreeMap<Address, Vec<B256>>,
}

impl RoundView {
    /// Weight of one verifier.
    pub fn weight(&self, verifier: Address) -> U256 {
        self.verifiers
            .find(verifier)
            .map_or(U256::ZERO, |(_, seat)| seat.weight)
    }

    /// Sheets, from everything seen. `known` are the runs of earlier rounds.
    fn judge(
        &self,
        rule: &assay_protocol::round_work::WorkRule,
        known: &Known,
    ) -> BTreeMap<U256, Sheet> {
        let round = self.verifiers.round;
        let mut by_job: BTreeMap<U256, Vec<&Segment>> = BTreeMap::new();
        for watched in self.segments.values() {
            by_job
                .entry(watched.segment.job)
                .or_default()
                .push(&watched.segment);
        }
        by_job
            .into_iter()
            .filter_map(|(job, segments)| {
                let (cap, seed_block) = *self.terms.get(&job)?;
                if !admits(&self.transcoders, cap, rule.admitted_bps) {
                    return None;
                }
                if known.has_left(job, round) {
                    return None;
                }
                let start = known.start(job, round, self.opened, seed_block);
                Some((job, sheet(segments.into_iter(), round, start, rule)?))
            })
            .filter(|(_, sheet)| !sheet.entries.is_empty())
            .collect()
    }

    /// Tells where the runs of this round have ended.
    pub fn end_runs(&self, round: u64, known: &mut Known) {
        let mut seen: BTreeMap<U256, BTreeSet<u32>> = BTreeMap::new();
        for watched in self.segments.values() {
            let numbers = seen.entry(watched.segment.job).or_default();
            numbers.insert(watched.segment.seq);
        }
        for (job, numbers) in seen {
            if let Some((_, seed_block)) = self.terms.get(&job) {
                known.run(job, round, *seed_block, &numbers);
            }
        }
    }

    /// Epochs with receipts, and how many of them a verifier has reported on.
    pub fn reports(&self, verifier: Address) -> (u64, u64) {
        let reported = self.reported.get(&verifier);
        let reported = reported.map_or(0, |epochs| epochs.intersection(&self.epochs).count());
        (reported as u64, self.epochs.len() as u64)
    }

    fn duties(&self) -> u64 {
        let seats = self.verifiers.seats.iter().enumerate();
        seats
            .filter(|(_, seat)| {
                let (reported, epochs) = self.reports(seat.operator);
                dutiful(reported, epochs)
            })
            .fold(0, |bits, (i, _)| bits | 1 << i)
    }
}

impl Certifier {
    /// What is known of the runs before a round: those of an earlier round that is not over yet end where its segments do.
    pub(super) fn known_before(&self, round: u64) -> Known {
        let mut known = self.known.clone();
        for (earlier, view) in self.rounds.range(..round) {
            view.end_runs(*earlier, &mut known);
        }
        known
    }

    /// Makes the sheets of a turn, which do not change during it.
    pub(super) fn freeze(&mut self, round: u64, turn: u32) {
        let known = self.known_before(round);
        let Some(view) = self.rounds.get_mut(&round) else {
            return;
        };
        view.sheets = view.judge(&self.rule, &known);
        view.duties = view.duties();
        view.turn = Some(turn);
        // What was said in earlier turns is answered by nobody any more.
        view.proposals = view.proposals.split_off(&(2 * turn));
        view.objections = view.objections.split_off(&(2 * turn, Address::ZERO));
        view.answered = view.answered.split_off(&(2 * turn));
    }

    pub(super) fn see(&mut self, seen: SeenAssignment) -> Option<&mut Watched> {
        let (job, round) = (seen.segment.job, seen.segment.first_round);
        let terms = (seen.max_price, seen.seed_block);
        // A round that is over takes nothing any more; one that is not opened yet will be.
        let oldest = self.rounds.keys().next().copied().unwrap_or(0);
        if round < oldest {
            return None;
        }
        let view = self.rounds.entry(round).or_default();
        if view.certified.is_some() {
            return None;
        }
        let watched = view.segments.see(seen)?;
        view.terms.insert(job, terms);
        Some(watched)
    }

    pub(super) fn on_receipt(
        &mut self,
        assignment: SeenAssignment,
        receipt: B256,
        leaves: u32,
        now: Now,
    ) {
        let (round, answered) = (assignment.segment.first_round, assignment.hash);
        let accused = self.accused.contains(&receipt);
        let epoch = self.params.epoch(assignment.segment.deadline_block);
        let Some(watched) = self.see(assignment) else {
            return;
        };
        let known = &mut watched.segment.receipts;
        // After a restart one may be heard again before it is recalled.
        if let Some(seen) = known.iter_mut().find(|seen| seen.hash == receipt) {
            seen.block = seen.block.min(now.block);
            return;
        }
        if known.len() >= MAX_RECEIPTS {
            return;
        }
        known.push(Seen {
            hash: receipt,
            block: now.block,
            drawn: U256::ZERO,
            unverifiable: U256::ZERO,
            accused,
        });
        watched.leaves = leaves;
        if let Some(view) = self.rounds.get_mut(&round) {
            view.segments.answer(receipt, answered);
            view.epochs.insert(epoch);
        }
    }

    /// One report per verifier and epoch is heard: the shell sees to it, and so does this. Lots are drawn of receipts only
    /// that somebody cannot check: of a round's receipts a report would draw hundreds of thousands.
    pub(super) fn on_report(&mut self, report: &SampleReport) {
        let (verifier, epoch) = (report.verifier, report.epoch);
        let (params, lots) = (&self.params, &mut self.lots);
        let cannot = |u: &SignedUnverifiable| u.unverifiable.receiptHash;
        let said: BTreeSet<B256> = report.unverifiable.iter().map(cannot).collect();
        let open = self.rounds.values_mut();
        for view in open.filter(|view| view.certified.is_none()) {
            let weight = view.weight(verifier);
            if weight.is_zero() || !view.reported.entry(verifier).or_default().insert(epoch) {
                continue;
            }
            let new = Shown {
                ticket: report.ticket,
                odds: Odds {
                    weight,
                    total: view.verifiers.total(None),
                    checks_per_leaf_ppm: params.checks_per_leaf_ppm,
                },
            };
            let shown = view.shown.entry(epoch).or_default();
            let doubted = view.doubted.entry(epoch).or_default();
            let of_epoch = |w: &&mut Watched| params.epoch(w.segment.deadline_block) == epoch;
            for receipt in doubted.union(&said).copied().collect::<Vec<_>>() {
                let Some(watched) = view.segments.of_receipt(&receipt).filter(of_epoch) else {
                    continue;
                };
                let leaves = watched.leaves;
                let mut receipts = watched.segment.receipts.iter_mut();
                let Some(seen) = receipts.find(|seen| seen.hash == receipt) else {
                    continue;
                };
                if !new.draws(&receipt, leaves, lots) {
                    continue;
                }
                doubted.insert(receipt);
                if seen.drawn.is_zero() {
                    let before = shown
                        .iter()
                        .filter(|shown| shown.draws(&receipt, leaves, lots));
                    seen.drawn = before.fold(U256::ZERO, |sum, shown| sum + shown.odds.weight);
                }
                seen.drawn += weight;
                if said.contains(&receipt) {
                    seen.unverifiable += weight;
                }
            }
            shown.push(new);
        }
    }

    fn receipts(&mut self) -> impl Iterator<Item = &mut Seen> {
        let all = self
            .rounds
            .values_mut()
            .flat_map(|v| v.segments.values_mut());
        all.flat_map(|watched| &mut watched.segment.receipts)
    }

    pub(super) fn on_accused(&mut self, accused: BTreeSet<B256>) {
        for seen in self.receipts() {
            seen.accused = accused.contains(&seen.hash);
        }
        self.accused = accused;
    }
}
