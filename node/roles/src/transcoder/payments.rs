//! What the transcoder does about its pay: no ticket, no work; winners are kept for the work that was done.

use assay_protocol::assignment::RefusalReason;
use assay_protocol::checked::Now;
use assay_protocol::draft::Draft;
use assay_protocol::payment::{Winner, check_tickets};
use assay_protocol::{Address, B256, U256};

use super::{Output, Tender, Transcoder, refuse};

impl Transcoder {
    /// Blocks that an assignment waits for its tickets. It is gossiped before its tickets are signed, and what is lost of
    /// the time to the deadline cannot be worked.
    pub(super) fn payment_blocks(&self) -> u64 {
        1 + self.params.response_blocks / 4
    }

    /// Wei of winners for work that is not done yet: they are paid from the same funds as the next ones.
    fn promised_by(&self, sender: Address) -> U256 {
        let theirs = self
            .tasks
            .values()
            .filter(|task| task.broadcaster == sender);
        let winners = theirs.flat_map(|task| &task.winners);
        winners.fold(U256::ZERO, |sum, winner| {
            sum.saturating_add(winner.ticket.ticket.faceValue)
        })
    }

    /// Begins the work if the tickets are what is due, or declines it if the sender cannot pay them. Other tickets say
    /// nothing: anybody can send an assignment with none of them, or with wrong ones.
    pub(super) fn on_tender(&mut self, mut tender: Tender, now: Now) -> Vec<Output> {
        let promised = self.promised_by(tender.claim.sender);
        tender.funds.outstanding = tender.funds.outstanding.saturating_add(promised);
        let hash = tender.claim.assignment_hash;
        let waiting = |task: &&mut super::Task| task.unpaid_until.is_some();
        let Some(task) = self.tasks.get_mut(&hash).filter(waiting) else {
            return Vec::new();
        };
        let over = now.block > task.assignment.assignment.deadlineBlock;
        let checked = check_tickets(&tender.tickets, &tender.claim, &tender.funds);
        if let Err(reason) = checked {
            if !reason.is_the_senders() {
                task.doubt = Some(reason);
                return Vec::new();
            }
            task.unpaid_until = None;
            let unpaid = Output::Unpaid {
                assignment: hash,
                reason: Some(reason),
            };
            return vec![unpaid, refuse(hash, RefusalReason::Unpaid)];
        }
        task.unpaid_until = None;
        if over {
            return Vec::new();
        }
        let assignment = &task.assignment.assignment;
        let winners = tender.tickets.into_iter().filter_map(|checked| {
            let wins = checked.message.ticket.wins(checked.hash, tender.rand);
            wins.then(|| Winner {
                ticket: checked.message,
                rand: tender.rand,
                assignment: assignment.clone(),
            })
        });
        task.winners = winners.collect();
        self.begin(hash)
    }

    /// Whether an assignment waits for its tickets: others need not be looked at.
    pub fn waits_for_pay(&self, assignment: &B256) -> bool {
        let task = self.tasks.get(assignment);
        task.is_some_and(|task| task.unpaid_until.is_some())
    }

    /// The winners are on disk: what earns them may be signed, if it is not too late.
    pub(super) fn on_kept(&mut self, assignment: B256, now: Now) -> Vec<Output> {
        let Some(task) = self.tasks.get_mut(&assignment) else {
            return Vec::new();
        };
        let late = now.block > task.assignment.assignment.deadlineBlock;
        let receipt = task.unsigned.take().filter(|_| !late);
        let sign = receipt.map(|receipt| Output::Sign(Draft::Receipt(receipt)));
        sign.into_iter().collect()
    }

    /// Declines what nobody has paid for.
    pub(super) fn decline_unpaid(&mut self, now: Now) -> Vec<Output> {
        let mut outputs = Vec::new();
        for (hash, task) in &mut self.tasks {
            if task.unpaid_until.is_some_and(|until| now.block > until) {
                task.unpaid_until = None;
                outputs.push(Output::Unpaid {
                    assignment: *hash,
                    reason: task.doubt.take(),
                });
                outputs.push(refuse(*hash, RefusalReason::Unpaid));
            }
        }
        outputs
    }
}
