//! What the chain says: blocks are the clock.

use assay_protocol::checked::Now;
use assay_protocol::draft::Draft;
use assay_protocol::verdict::LeafId;
use assay_protocol::wire::Gossip;

use crate::leaf::{Matter, Own};
use crate::output::Output;
use crate::state::Verifier;

impl Verifier {
    pub(crate) fn on_block(&mut self, now: Now) -> Vec<Output> {
        let mut outputs = self.sign_again();
        outputs.extend(self.begin());
        outputs.extend(self.reports_due(now.block));
        outputs.extend(self.draw_again());
        self.hurried.clear();
        let states = self.receipts.values().flat_map(|w| w.leaves.values());
        let hurried = states.filter(|state| state.hurried);
        for accuser in hurried.filter_map(|state| state.hurried_for) {
            *self.hurried.entry(accuser).or_default() += 1;
        }
        let accused: Vec<_> = self
            .receipts
            .iter()
            .flat_map(|(hash, w)| {
                w.leaves.iter().map(move |(index, s)| {
                    (
                        LeafId {
                            receipt: *hash,
                            index: *index,
                        },
                        s,
                    )
                })
            })
            .filter(|(_, state)| state.accused_at.is_some() && state.matter == Matter::Open)
            .map(|(leaf, _)| leaf)
            .collect();
        for leaf in accused {
            outputs.extend(self.wait_for_proof(leaf, now));
            outputs.extend(self.tally(leaf, now));
        }
        self.forget(now.block);
        outputs
    }

    /// Asks once more for what could not be written down, while anybody would look at it.
    fn sign_again(&mut self) -> Vec<Output> {
        let (tickets, receipts) = (&self.tickets, &self.receipts);
        let wanted = |draft: &Draft| match draft {
            Draft::Ticket(ticket) => !matches!(tickets.get(&ticket.epoch), Some(Some(_))),
            Draft::Verdict(verdict) => receipts.contains_key(&verdict.receiptHash),
            Draft::Accusation(accusation) => receipts.contains_key(&accusation.receiptHash),
            Draft::Divergence(divergence) => receipts.contains_key(&divergence.receiptHash),
            Draft::Unverifiable(trouble) => receipts.contains_key(&trouble.receiptHash),
            _ => false,
        };
        let again = self.unsigned.drain(..).filter(wanted);
        again.map(Output::Sign).collect()
    }

    /// An accuser may be the cheat's friend: others step in after some blocks, then everybody.
    fn wait_for_proof(&mut self, leaf: LeafId, now: Now) -> Vec<Output> {
        let (join, open) = (self.params.join_blocks, self.params.open_blocks);
        let Some((evidence, state)) = self.leaf_mut(leaf) else {
            return Vec::new();
        };
        let claimed = evidence.receipt.leaves[leaf.index as usize].output_hash;
        let since = now
            .block
            .saturating_sub(state.accused_at.unwrap_or(now.block));
        let own = match state.own.clone() {
            Own::Said(own) => own,
            Own::Failed if since < open => {
                let accusers: Vec<_> = state.accusers().collect();
                let freest = self.freest(&accusers);
                return self.hurry(leaf, freest.unwrap_or_default());
            }
            _ => return Vec::new(),
        };
        let mut outputs = Vec::new();
        if since >= join && own.verdict.recomputedHash != claimed {
            outputs.extend(Self::accuse(leaf, state));
        }
        if since >= open && !state.shown {
            state.shown = true;
            outputs.push(Output::Gossip(Gossip::Verdict(own)));
        }
        outputs
    }

    /// Drops what no proof can be about any more.
    fn forget(&mut self, block: u64) {
        let keep = self.params.response_blocks
            + self.params.evidence_blocks
            + 3 * self.params.epoch_blocks;
        let oldest = block.saturating_sub(keep);
        self.receipts.forget(oldest);
        self.forget_audits(block);
        let late = self.params.late_blocks;
        self.answered
            .retain(|_, (deadline, _)| *deadline + late >= block);
        let receipts = &self.receipts;
        self.unverifiable
            .retain(|receipt, _| receipts.contains_key(receipt));
        self.cases.retain(|case| case.opened >= oldest);
        // An accusation precedes its receipt by no more than the time in which a receipt is taken at all.
        let wait = self.params.response_blocks + self.params.late_blocks;
        self.early.retain(|_, kept| {
            kept.retain(|(since, _)| since + wait >= block);
            !kept.is_empty()
        });
        let reported = self.reported;
        self.tickets
            .retain(|epoch, _| *epoch >= reported.saturating_sub(2));
        let oldest_round = self.receipts.values().map(|w| w.round()).min();
        let newest = self.sets.keys().next_back().copied().unwrap_or_default();
        let first = oldest_round.unwrap_or(newest).min(newest.saturating_sub(2));
        self.sets.retain(|round, _| *round >= first);
    }
}
