//! One report per epoch: the ticket, no longer secret, and what was found of every draw.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::checked::Now;
use assay_protocol::draft::Draft;
use assay_protocol::sample::SampleTicket;
use assay_protocol::verdict::LeafId;
use assay_protocol::wire::{Gossip, MAX_GOSSIP, SampleReport, encode};
use assay_protocol::{Address, B256};
use serde::Serialize;

use crate::leaf::Own;
use crate::output::{Note, Output};
use crate::state::Verifier;

/// What a report leaves free of a gossip message: its lists' lengths are written in up to two bytes more than an empty one's.
const LENGTHS: usize = 4;
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

/// What fits into `room` bytes, with whose work each is about: the first of each transcoder's, then the second ones, so that
/// nobody fills a report with its own.
fn fitting<T: Serialize>(said: impl Iterator<Item = (Address, T)>, room: &mut usize) -> Vec<T> {
    let mut of: BTreeMap<Address, usize> = BTreeMap::new();
    let mut turns: Vec<(usize, T)> = said
        .map(|(whose, one)| {
            let turn = of.entry(whose).or_default();
            *turn += 1;
            (*turn, one)
        })
        .collect();
    turns.sort_by_key(|(turn, _)| *turn);
    let fits = |one: &T| {
        let left = room.checked_sub(size(one));
        *room = left.unwrap_or(*room);
        left.is_some()
    };
    let in_turn = turns.into_iter().map(|(_, one)| one);
    in_turn.take_while(fits).collect()
}

/// Bytes of a message; of one that cannot be encoded, more than there is room for.
fn size(message: &impl Serialize) -> usize {
    encode(message).map_or(MAX_GOSSIP, |bytes| bytes.len())
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
            let drawn = receipts.clone().flat_map(|(_, watched)| {
                let drawn = watched.leaves.values().filter(|state| state.drawn);
                drawn.map(|state| (watched.transcoder(), &state.own))
            });
            let verdicts = drawn.filter_map(|(whose, own)| match own {
                Own::Said(own) => Some((whose, own.clone())),
                _ => None,
            });
            let troubles = receipts.filter_map(|(hash, watched)| {
                let trouble = self.unverifiable.get(hash)?;
                Some((watched.transcoder(), trouble.clone()))
            });
            let empty = SampleReport {
                verifier: self.me,
                epoch,
                ticket: *ticket,
                verdicts: Vec::new(),
                unverifiable: Vec::new(),
            };
            let message = Gossip::Report(empty.clone());
            let mut room = MAX_GOSSIP.saturating_sub(LENGTHS + size(&message));
            outputs.push(Output::Gossip(Gossip::Report(SampleReport {
                verdicts: fitting(verdicts, &mut room),
                unverifiable: fitting(troubles, &mut room),
                ..empty
            })));
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
