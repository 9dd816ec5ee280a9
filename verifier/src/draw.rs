//! A receipt arrives: the epoch's ticket decides which of its leaves are checked.

use std::collections::BTreeSet;

use assay_protocol::accusation::SignedAccusation;
use assay_protocol::bls::BlsSignature;
use assay_protocol::checked::{Checked, Now};
use assay_protocol::fraud_proof::VerifierSet;
use assay_protocol::sample::{Odds, draws};
use assay_protocol::verdict::LeafId;
use assay_protocol::wire::ReceiptMessage;
use assay_protocol::{Address, B256};

use crate::leaf::{LeafState, Own};
use crate::output::{Equivocation, Note, Output, Urgency};
use crate::state::Verifier;

/// Receipts whose samples are asked for once more in a block, at most.
const AGAIN: usize = 32;

impl Verifier {
    pub(crate) fn on_receipt(&mut self, receipt: Checked<ReceiptMessage>, now: Now) -> Vec<Output> {
        let Checked { hash, message, .. } = receipt;
        let assignment = &message.assignment.assignment;
        // Late receipts could be fitted to published tickets: neither sampled nor certified.
        let late = now.block > assignment.deadlineBlock + self.params.late_blocks;
        if late || assignment.transcoder == self.me || self.receipts.contains_key(&hash) {
            return Vec::new();
        }
        let answered = message.receipt.receipt.assignmentHash;
        let first = (assignment.deadlineBlock, Vec::new());
        let (_, answers) = self.answered.entry(answered).or_insert(first);
        // Two are an equivocation; a third proves nothing more and would only be more work. One that there was no room for
        // is not taken again.
        if answers.len() >= 2 || answers.contains(&hash) {
            return Vec::new();
        }
        answers.push(hash);
        let mut outputs = Vec::new();
        if let Some(other) = self.receipts.get(&answers[0]) {
            outputs.push(Output::ReportEquivocation(Equivocation::Transcoder {
                assignment: message.assignment.clone(),
                receipts: Box::new([other.message.receipt.clone(), message.receipt.clone()]),
            }));
        }
        outputs.extend(self.watch(hash, message));
        outputs.extend(self.hear_early(hash, now));
        outputs
    }

    pub(crate) fn on_ticket(&mut self, epoch: u64, ticket: BlsSignature) -> Vec<Output> {
        self.tickets.insert(epoch, Some(ticket));
        self.draw_waiting()
    }

    /// A round's verifiers, perhaps after its first receipts and accusations.
    pub(crate) fn on_round(&mut self, set: VerifierSet, now: Now) -> Vec<Output> {
        self.sets.insert(set.round, set);
        let mut outputs = self.draw_waiting();
        let early = self.early.values().flatten();
        let receipts: BTreeSet<_> = early
            .map(|(_, accusation)| accusation.message.accusation.receiptHash)
            .filter(|receipt| self.receipts.contains_key(receipt))
            .collect();
        for receipt in receipts {
            outputs.extend(self.hear_early(receipt, now));
        }
        outputs
    }

    fn hear_early(&mut self, receipt: B256, now: Now) -> Vec<Output> {
        let mut heard = Vec::new();
        self.early.retain(|_, kept| {
            let about = |(_, a): &mut (u64, Checked<SignedAccusation>)| {
                a.message.accusation.receiptHash == receipt
            };
            heard.extend(kept.extract_if(.., about));
            !kept.is_empty()
        });
        // The order of accusers is the order in which they submit.
        heard.sort_by_key(|(since, _)| *since);
        heard
            .into_iter()
            .flat_map(|(_, accusation)| self.on_accusation(accusation, now))
            .collect()
    }

    /// Draws of the receipts that waited for a ticket or for their round.
    fn draw_waiting(&mut self) -> Vec<Output> {
        let ready: Vec<_> = self
            .receipts
            .iter()
            .filter(|(_, w)| !w.drawn)
            .filter_map(|(hash, w)| Some((*hash, (*self.tickets.get(&w.epoch)?)?)))
            .collect();
        ready
            .into_iter()
            .flat_map(|(hash, ticket)| self.draw(hash, ticket))
            .collect()
    }

    /// Asks once more for samples for which there was no room, while they can be reported on. Accused meanwhile, they are
    /// asked for with those that are.
    pub(crate) fn draw_again(&mut self) -> Vec<Output> {
        let waits = |s: &LeafState| s.drawn && s.own == Own::Failed && s.accused_at.is_none();
        let receipts = self.receipts.iter().filter(|(_, watched)| {
            let due = watched.epoch >= self.reported && !watched.unverifiable;
            due && watched.leaves.values().any(waits)
        });
        let again: Vec<_> = receipts.map(|(hash, _)| *hash).take(AGAIN).collect();
        again
            .into_iter()
            .filter_map(|hash| self.ask_samples(hash, waits))
            .collect()
    }

    /// Indices that `ticket` of `verifier` draws of a receipt's first `leaves`; empty for who has no seat in its round.
    pub(crate) fn drawn_by(
        &self,
        verifier: Address,
        ticket: &BlsSignature,
        hash: &B256,
        leaves: usize,
    ) -> Vec<u32> {
        let Some(watched) = self.receipts.get(hash) else {
            return Vec::new();
        };
        let (round, transcoder) = (watched.round(), watched.transcoder());
        let Some(seat) = self
            .seat_of(round, verifier)
            .filter(|_| verifier != transcoder)
        else {
            return Vec::new();
        };
        let odds = Odds {
            weight: seat.weight,
            total: self.sets[&round].total(None),
            checks_per_leaf_ppm: self.params.checks_per_leaf_ppm,
        };
        let count = watched.message.receipt.leaves.len().min(leaves) as u32;
        (0..count)
            .filter(|index| draws(ticket, hash, *index, &odds))
            .collect()
    }

    pub(crate) fn draw(&mut self, hash: B256, ticket: BlsSignature) -> Vec<Output> {
        let drawn = self.drawn_by(self.me, &ticket, &hash, usize::MAX);
        let Some(watched) = self.receipts.get_mut(&hash) else {
            return Vec::new();
        };
        if !self.sets.contains_key(&watched.round()) {
            return Vec::new();
        }
        watched.drawn = true;
        let mut outputs = Vec::new();
        for index in drawn {
            watched.leaves.entry(index).or_default().drawn = true;
            outputs.push(Output::Note(Note::Drawn(LeafId {
                receipt: hash,
                index,
            })));
        }
        let new = |s: &LeafState| s.drawn && matches!(s.own, Own::Unknown | Own::Failed);
        outputs.extend(self.ask_samples(hash, new));
        self.receipts.weigh(&hash);
        outputs
    }

    /// One request for those leaves of a receipt.
    fn ask_samples(&mut self, hash: B256, which: impl Fn(&LeafState) -> bool) -> Option<Output> {
        let watched = self.receipts.get_mut(&hash)?;
        let mut leaves = Vec::new();
        for (index, state) in watched.leaves.iter_mut().filter(|(_, s)| which(s)) {
            state.own = Own::Running;
            state.ask(Urgency::Sample);
            leaves.push(*index);
        }
        (!leaves.is_empty()).then(|| Output::Recompute {
            evidence: Box::new(watched.message.clone()),
            receipt: hash,
            leaves,
            urgency: Urgency::Sample,
        })
    }
}
