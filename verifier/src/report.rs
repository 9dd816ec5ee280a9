//! One report per epoch: the ticket, no longer secret, and what was found of every draw.

use assay_protocol::checked::Now;
use assay_protocol::wire::{Gossip, SampleReport};

use crate::leaf::Own;
use crate::output::{Note, Output};
use crate::state::Verifier;

/// Verdicts that fit a gossip message beside the rest; a verifier with more sends the first ones.
const MAX_VERDICTS: usize = 400;

impl Verifier {
    /// The reports that are due: one epoch after each epoch's end.
    pub(crate) fn reports_due(&mut self, block: u64) -> Vec<Output> {
        let mut outputs = Vec::new();
        while self.params.report_block(self.reported) <= block {
            let epoch = self.reported;
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

    /// Holds another's report against the draws that its ticket makes, and its verdicts against what it said before.
    pub(crate) fn on_report(&mut self, report: SampleReport, now: Now) -> Vec<Output> {
        let (mut drawn, mut missed) = (0, 0);
        let of_epoch: Vec<_> = self
            .receipts
            .iter()
            .filter(|(_, w)| w.epoch == report.epoch)
            .map(|(hash, _)| *hash)
            .collect();
        for hash in of_epoch {
            let excused = report
                .unverifiable
                .iter()
                .any(|u| u.unverifiable.receiptHash == hash);
            for index in self.drawn_by(report.verifier, &report.ticket, &hash) {
                drawn += 1;
                let said = report
                    .verdicts
                    .iter()
                    .any(|v| v.verdict.receiptHash == hash && v.verdict.leafIndex == index);
                missed += usize::from(!said && !excused);
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
