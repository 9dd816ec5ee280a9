//! A leaf that differs is written down before it is looked at once more: after a restart nobody sends its receipt again, and
//! its draw is forgotten.

use assay_protocol::B256;
use assay_protocol::checked::Checked;
use assay_protocol::draft::Draft;
use assay_protocol::sample::SampleTicket;
use assay_protocol::verdict::LeafId;
use assay_protocol::wire::ReceiptMessage;

use crate::accused::recompute;
use crate::leaf::{Own, Watched};
use crate::output::{Output, Urgency};
use crate::state::Verifier;

impl Verifier {
    /// Takes a receipt and asks for the ticket of its epoch, or draws.
    pub(crate) fn watch(&mut self, hash: B256, message: ReceiptMessage) -> Vec<Output> {
        let assignment = &message.assignment.assignment;
        let epoch = self.params.epoch(assignment.deadlineBlock);
        let watched = Watched {
            signed_block: assignment.signed_block(self.params.response_blocks),
            epoch,
            drawn: false,
            unverifiable: false,
            fault_reported: false,
            leaves: Default::default(),
            message,
        };
        let leaves = watched.message.receipt.leaves.len();
        let audit = self.audits.entry(epoch).or_default();
        audit.add(watched.transcoder(), hash, leaves);
        self.receipts.insert(hash, watched);
        self.receipts.make_room(self.reported);
        match self.tickets.get(&epoch) {
            Some(Some(ticket)) => self.draw(hash, *ticket),
            Some(None) => Vec::new(),
            None => {
                self.tickets.insert(epoch, None);
                vec![Output::Sign(Draft::Ticket(SampleTicket { epoch }))]
            }
        }
    }

    /// Looks anew at a leaf that differed before a restart: what is found is signed and accused as if nothing had happened.
    pub(crate) fn on_suspected(
        &mut self,
        receipt: Checked<ReceiptMessage>,
        index: u32,
    ) -> Vec<Output> {
        let Checked { hash, message, .. } = receipt;
        let mut outputs = Vec::new();
        if !self.receipts.contains_key(&hash) {
            outputs.extend(self.watch(hash, message));
        }
        let leaf = LeafId {
            receipt: hash,
            index,
        };
        let urgency = self.urgency(leaf, Urgency::Accused);
        if let Some((evidence, state)) = self.leaf_mut(leaf) {
            state.drawn = true;
            if matches!(state.own, Own::Unknown | Own::Running | Own::Failed) {
                state.own = Own::Running;
                outputs.push(recompute(leaf, evidence, state, urgency));
            }
        }
        outputs
    }
}
