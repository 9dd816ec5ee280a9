//! A verifier's report of an epoch: its ticket and all its verdicts.

use assay_protocol::bls::BlsPublicKey;
use assay_protocol::sample::SampleTicket;
use assay_protocol::wire::SampleReport;

use super::{Checker, Refused, Verified, wrong};

/// Epochs back to which reports are taken: they are due two epochs after theirs.
const REPORT_EPOCHS: u64 = 6;

impl Checker {
    pub(super) fn report(&self, report: SampleReport) -> Result<Verified, Refused> {
        let key = self.verifier_key(report.verifier)?;
        let present = self.params.epoch(self.state().head);
        let (epoch, one) = (report.epoch, (report.epoch, report.verifier));
        let oldest = present.saturating_sub(REPORT_EPOCHS);
        if epoch >= present {
            self.early(&report, &key)?;
            let reason = format!("ticket of epoch {epoch} is shown before its end");
            return Err(Refused::Early(reason));
        }
        if epoch < oldest {
            return Err(Refused::Unneeded(format!(
                "report of epoch {epoch} is late"
            )));
        }
        // Before its pairings, of which it may hold hundreds.
        let again = || Refused::Unneeded("another report of that verifier and epoch".into());
        if self.taken().reports.contains(&one) {
            return Err(again());
        }
        let ticket = SampleTicket {
            epoch: report.epoch,
        };
        report
            .ticket
            .verify(self.domain.digest(&ticket), &key)
            .map_err(wrong)?;
        self.witness
            .ticket(report.verifier, report.epoch, report.ticket, false);
        for verdict in &report.verdicts {
            if verdict.verifier != report.verifier {
                return Err(wrong("report holds another verifier's verdict"));
            }
            verdict
                .signature
                .verify(self.domain.digest(&verdict.verdict), &key)
                .map_err(wrong)?;
            self.witness.verdict(self.state(), verdict);
        }
        for trouble in &report.unverifiable {
            if trouble.verifier != report.verifier {
                return Err(wrong("report holds another verifier's word"));
            }
            trouble
                .signature
                .verify(self.domain.digest(&trouble.unverifiable), &key)
                .map_err(wrong)?;
        }
        let mut taken = self.taken();
        taken.reports.retain(|(epoch, _)| *epoch >= oldest);
        match taken.reports.insert(one) {
            true => Ok(Verified::Report(report)),
            false => Err(again()),
        }
    }

    /// A ticket that is valid before its epoch has ended costs its signer. If only this node's chain is behind, the
    /// contract says so when it is shown.
    fn early(&self, report: &SampleReport, key: &BlsPublicKey) -> Result<(), Refused> {
        let (verifier, epoch) = (report.verifier, report.epoch);
        if !self.witness.knows_ticket(verifier, epoch) {
            let digest = self.domain.digest(&SampleTicket { epoch });
            report.ticket.verify(digest, key).map_err(wrong)?;
            self.witness.ticket(verifier, epoch, report.ticket, true);
        }
        Ok(())
    }
}
