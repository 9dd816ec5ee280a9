//! How the broadcaster pays: a ticket for each assignment, over a number that the electee has promised.

use assay_protocol::assignment::SignedAssignment;
use assay_protocol::draft::Draft;
use assay_protocol::payment::{Lottery, PaymentTicket, SignedTicket};
use assay_protocol::{Address, B256, U256};

use super::{Broadcaster, Current, Output};

/// Segments of a round that an electee may leave undelivered in a row after it was paid for them. What follows is not
/// paid until the next round: it declines, and the next one in line gets the segment.
const MAX_UNEARNED: u32 = 2;

impl Broadcaster {
    /// Asks for what a ticket needs, or hands the assignment over as it is where nothing is due.
    pub(super) fn pay(
        &self,
        electee: Address,
        due: U256,
        assignment: B256,
        signed: Box<SignedAssignment>,
    ) -> Option<Output> {
        if due.is_zero() {
            return Some(Output::Assign(signed, Vec::new()));
        }
        let unearned = self.unearned.get(&electee).copied().unwrap_or_default();
        (unearned < MAX_UNEARNED).then_some(Output::Quote {
            electee,
            assignment,
        })
    }

    /// The attempt that this assignment is, if it still counts.
    pub(super) fn current(&self, assignment: B256) -> Option<&Current> {
        let mut all = self.flights.values();
        all.find_map(|flight| {
            let current = flight.current.as_ref();
            current.filter(|c| c.hash == Some(assignment))
        })
    }

    fn current_mut(&mut self, assignment: B256) -> Option<&mut Current> {
        let mut all = self.flights.values_mut();
        all.find_map(|flight| {
            let current = flight.current.as_mut();
            current.filter(|c| c.hash == Some(assignment))
        })
    }

    /// One ticket for an assignment, ever: the journal knows it.
    pub(super) fn on_quoted(
        &mut self,
        assignment: B256,
        rand_hash: B256,
        nonce: u64,
    ) -> Vec<Output> {
        let (sender, face) = (self.job.broadcaster, self.params.ticket_face_value);
        let Some(current) = self.current(assignment).filter(|c| !c.paid) else {
            return Vec::new();
        };
        let lottery = Lottery::paying(current.due, face.0);
        vec![Output::Sign(Draft::Payment(PaymentTicket {
            assignmentHash: assignment,
            recipient: current.electee,
            sender,
            faceValue: lottery.face_value,
            winProb: lottery.win_prob,
            nonce,
            recipientRandHash: rand_hash,
        }))]
    }

    pub(super) fn on_ticket(&mut self, ticket: SignedTicket) -> Vec<Output> {
        let current = self.current_mut(ticket.ticket.assignmentHash);
        let taken = current.and_then(|current| {
            current.paid = true;
            current.signed.take()
        });
        let assign = taken.map(|signed| Output::Assign(signed, vec![ticket]));
        assign.into_iter().collect()
    }
}
