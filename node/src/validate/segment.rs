//! Checks of what is said of one segment: its assignments and its receipts.

use assay_protocol::B256;
use assay_protocol::assignment::SignedAssignment;
use assay_protocol::checked::Checked;
use assay_protocol::payment::SignedTicket;
use assay_protocol::rules::{AssignmentError, ChainView, Job, check_assignment};
use assay_protocol::wire::ReceiptMessage;

use super::{CLOCK_BLOCKS, Checker, Refused, Verified, has_its_reasons, wrong};
use crate::driver::Event;

impl Checker {
    pub(super) fn assignment(&self, signed: &SignedAssignment) -> Result<(B256, Job), Refused> {
        // Before anything that can be too early: what waits must be small.
        if !has_its_reasons(signed) {
            return Err(wrong("not one reason for each earlier attempt"));
        }
        let state = self.state();
        let Some(job) = state.jobs.get(&signed.assignment.jobId).cloned() else {
            return Err(Refused::Early(format!(
                "job {} is not known",
                signed.assignment.jobId
            )));
        };
        let checked = check_assignment(
            signed,
            &self.domain,
            &job,
            self.encoder_id,
            &self.params,
            &*state,
        );
        drop(state);
        // Whatever else is wrong with it, its broadcaster has signed it: a second one for the same attempt proves that.
        let forged = matches!(
            checked,
            Err(AssignmentError::Broadcaster { .. } | AssignmentError::Signature(_))
        );
        if !forged {
            self.witness
                .assignment(job.broadcaster, signed, checked.is_ok());
        }
        match checked {
            Ok(hash) => Ok((hash, job)),
            Err(e @ AssignmentError::UnknownRound(_)) => Err(Refused::Early(e.to_string())),
            // The freeze may be in a block that has not been seen here.
            Err(e @ AssignmentError::Skip(_)) => Err(Refused::Early(e.to_string())),
            Err(e) => Err(wrong(e)),
        }
    }

    /// An assignment as gossiped or sent by the broadcaster just now.
    pub fn fresh_assignment(&self, signed: &SignedAssignment) -> Result<Verified, Refused> {
        self.synced()?;
        let (hash, job) = self.assignment(signed)?;
        let (signed_block, head) = (
            signed.assignment.signed_block(self.params.response_blocks),
            self.state().head,
        );
        if signed_block.abs_diff(head) > CLOCK_BLOCKS {
            let reason =
                format!("assignment was signed at block {signed_block}, the head is {head}");
            return Err(Refused::Unneeded(reason));
        }
        Ok(Verified::Assignment(Box::new(Checked {
            hash,
            signer: job.broadcaster,
            message: signed.clone(),
        })))
    }

    /// An assignment as its broadcaster sends it to the electee, with what pays for it.
    pub(crate) fn paid_assignment(
        &self,
        signed: &SignedAssignment,
        tickets: Vec<SignedTicket>,
    ) -> Result<Event, Refused> {
        let Verified::Assignment(assignment) = self.fresh_assignment(signed)? else {
            return Err(wrong("an assignment is nothing else"));
        };
        let mut checked = Vec::with_capacity(tickets.len());
        for message in tickets {
            let hash = self.domain.digest(&message.ticket);
            let signer = message.signature.recover(hash).map_err(wrong)?;
            checked.push(Checked {
                hash,
                signer,
                message,
            });
        }
        Ok(Event::Assigned(assignment, checked))
    }

    pub(super) fn receipt(&self, message: Box<ReceiptMessage>) -> Result<Verified, Refused> {
        let assignment = &message.assignment.assignment;
        let (head, hash) = (
            self.state().head,
            self.domain.digest(&message.receipt.receipt),
        );
        let late = head.saturating_sub(self.params.late_blocks) > assignment.deadlineBlock;
        let answered = message.receipt.receipt.assignmentHash;
        let unneeded = || {
            let reason = format!(
                "receipt is first seen at block {head}, its deadline was {}",
                assignment.deadlineBlock
            );
            Refused::Unneeded(reason)
        };
        // A second one proves something also when it comes late.
        if late && !self.witness.contradicts(answered, hash) {
            return Err(unneeded());
        }
        // Who signs for the electee is known of the rounds that are known.
        let round = assignment.round;
        if !self.state().rounds.contains_key(&round) {
            return Err(Refused::Early(format!("round {round} is not known")));
        }
        let found = message.receipt.signature.recover(hash).map_err(wrong)?;
        let signer = assignment.transcoder;
        let expected = self.state().signer_at(signer, round);
        if found != expected {
            return Err(wrong(format!(
                "receipt is signed by {found}, {expected} signs for {signer}, which was assigned"
            )));
        }
        let (assignment_hash, job) = self.assignment(&message.assignment)?;
        if message.receipt.receipt.assignmentHash != assignment_hash {
            return Err(wrong(
                "receipt answers another assignment than the one beside it",
            ));
        }
        let renditions = job.profiles.renditions.len() as u32;
        let leaves = message
            .receipt
            .check_leaves(assignment.leafCount, renditions);
        self.witness
            .receipt(self.state(), &message, hash, leaves.clone());
        leaves.map_err(wrong)?;
        if late {
            return Err(unneeded());
        }
        Ok(Verified::Receipt(Box::new(Checked {
            hash,
            signer,
            message: *message,
        })))
    }
}
