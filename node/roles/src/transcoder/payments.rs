//! What the transcoder does about its pay: no ticket, no work; winners are kept for the work that was done.

use assay_protocol::assignment::RefusalReason;
use assay_protocol::checked::Now;
use assay_protocol::payment::{Winner, check_tickets};

use super::{Output, Tender, Transcoder, refuse};

impl Transcoder {
    /// Blocks that an assignment waits for its tickets. It is gossiped before its tickets are signed, and what is lost of
    /// the time to the deadline cannot be worked.
    pub(super) fn payment_blocks(&self) -> u64 {
        1 + self.params.response_blocks / 4
    }

    /// Begins the work if the tickets are what is due, or declines it.
    pub(super) fn on_tender(&mut self, tender: Tender, now: Now) -> Vec<Output> {
        let hash = tender.claim.assignment_hash;
        let waiting = |task: &&mut super::Task| task.unpaid_until.is_some();
        let Some(task) = self.tasks.get_mut(&hash).filter(waiting) else {
            return Vec::new();
        };
        let over = now.block > task.assignment.assignment.deadlineBlock;
        task.unpaid_until = None;
        if let Err(reason) = check_tickets(&tender.tickets, &tender.claim, &tender.funds) {
            let unpaid = Output::Unpaid {
                assignment: hash,
                reason: Some(reason),
            };
            return vec![unpaid, refuse(hash, RefusalReason::Unpaid)];
        }
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

    /// Declines what nobody has paid for.
    pub(super) fn decline_unpaid(&mut self, now: Now) -> Vec<Output> {
        let mut outputs = Vec::new();
        for (hash, task) in &mut self.tasks {
            if task.unpaid_until.is_some_and(|until| now.block > until) {
                task.unpaid_until = None;
                outputs.push(Output::Unpaid {
                    assignment: *hash,
                    reason: None,
                });
                outputs.push(refuse(*hash, RefusalReason::Unpaid));
            }
        }
        outputs
    }
}
