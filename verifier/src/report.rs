//! One report per epoch: the ticket, no longer secret, and what was found of every draw.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::checked::Now;
use assay_protocol::draft::Draft;
use assay_protocol::sample::SampleTicket;
use assay_protocol::verdict::LeafId;
use assay_protocol::wire::{Gossip, SampleReport};
use assay_protocol::{Address, B256};

use crate::leaf::Own;
use crate::output::{Note, Output};
use crate::state::Verifier;

/// Verdicts that fit a gossip message beside the rest; a verifier with more sends the first ones.
const MAX_VERDICTS: usize = 400;
/// Leaves of an epoch against which a report is held at most: nothing but a note comes of it, and a flood of receipts must
/// not make every report a long one.
const AUDITED: usize = 4_096;
/// Of these, most of one transcoder's.
const AUDITED_EACH: usize = 256;
/// Epochs for which they are remembered: longer than a report is taken.
const AUDIT_EPOCHS: u64 = 8;

/// The first receipts of each transcoder in an epoch, with what their leaves are together.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    of: BTreeMap<Address, (usize, Vec<(B256, usize)>)>,
}

impl Audit {
    /// Takes a receipt, if its transcoder has room.
    pub fn add(&mut self, transcoder: Address, receipt: B256, leaves: usize) {
        let (held, receipts) = self.of.entry(transcoder).or_default();
        if *held < AUDITED_EACH {
            *held += leaves.max(1);
            receipts.push((receipt, leaves));
        }
    }

    /// Receipts with the number of their leaves to be looked at; every transcoder has the same share of them.
    fn receipts(&self) -> impl Iterator<Item = (B256, usize)> {
        let share = (AUDITED / self.of.len().max(1)).clamp(1, AUDITED_EACH);
        self.of.values().flat_map(move |(_, receipts)| {
            let mut left = share;
            receipts.iter().map_while(move |(receipt, leaves)| {
                let looked = left.min(*leaves);
                left -= looked;
                (looked > 0).then_some((*receipt, looked))
            })
        })
    }
}

impl Verifier {
    /// Asks for the tickets of the epochs that this verifier may have been in before it was started: their reports say less
    /// than they would have, but each is a duty.
    pub(crate) fn begin(&mut self) -> Vec<Output> {
        let sits = self.sets.values().any(|set| set.find(self.me).is_some());
        if !sits || std::mem::replace(&mut self.begun, true) {
            return Vec::new();
        }
        let mut outputs = Vec::new();
        for epoch in self.reported..self.reported + 2 {
            if let Entry::Vacant(ticket) = self.tickets.entry(epoch) {
                ticket.insert(None);
                outputs.push(Output::Sign(Draft::Ticket(SampleTicket { epoch })));
            }
        }
        outputs
    }

    /// The reports that are due: one epoch after each epoch's end. One whose ticket is still at the signer may wait an epoch
    /// longer.
    pub(crate) fn reports_due(&mut self, block: u64) -> Vec<Output> {
        let mut outputs = Vec::new();
        while self.params.report_block(self.reported) <= block {
            let epoch = self.reported;
            let waits = matches!(self.tickets.get(&epoch), Some(None));
            if waits && block < self.params.report_block(epoch + 1) {
                break;
            }
            self.reported += 1;
            let Some(Some(ticket)) = self.tickets.get(&epoch) else {
                continue;
            };
            let receipts = self
                .receipts
                .iter()
                .filter(|(_, watched)| watched.epoch == epoch);
            let drawn = receipts
                .clone()
                .flat_map(|(_, watched)| watched.leaves.values().filter(|s| s.drawn));
            let verdicts = drawn.filter_map(|state| match &state.own {
                Own::Said(own) => Some(own.clone()),
                _ => None,
            });
            let report = SampleReport {
                verifier: self.me,
                epoch,
                ticket: *ticket,
                verdicts: verdicts.take(MAX_VERDICTS).collect(),
                unverifiable: receipts
                    .filter_map(|(hash, _)| self.unverifiable.get(hash).cloned())
                    .collect(),
            };
            outputs.push(Output::Gossip(Gossip::Report(report)));
        }
        outputs
    }

    /// Forgets what no report is about any more.
    pub(crate) fn forget_audits(&mut self, block: u64) {
        let oldest = self.params.epoch(block).saturating_sub(AUDIT_EPOCHS);
        self.audits = self.audits.split_off(&oldest);
    }

    /// Holds another's report against the draws that its ticket makes, and its verdicts against what it said before.
    pub(crate) fn on_report(&mut self, report: SampleReport, now: Now) -> Vec<Output> {
        let (mut drawn, mut missed) = (0, 0);
        let cannot = report
            .unverifiable
            .iter()
            .map(|u| u.unverifiable.receiptHash);
        let excused: BTreeSet<B256> = cannot.collect();
        let said: BTreeSet<LeafId> = report.verdicts.iter().map(|v| v.verdict.leaf()).collect();
        let audit = self.audits.get(&report.epoch);
        for (receipt, leaves) in audit.into_iter().flat_map(Audit::receipts) {
            for index in self.drawn_by(report.verifier, &report.ticket, &receipt, leaves) {
                drawn += 1;
                let silent = !said.contains(&LeafId { receipt, index });
                missed += usize::from(silent && !excused.contains(&receipt));
            }
        }
        let mut outputs = Self::note(Note::Duty {
            verifier: report.verifier,
            epoch: report.epoch,
            drawn,
            missed,
        });
        for verdict in report.verdicts {
            outputs.extend(self.count(verdict, now));
        }
        outputs
    }
}
