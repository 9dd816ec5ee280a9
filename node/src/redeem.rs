//! Winners brought to the chain when their evidence window is over, and what it says of them.

use assay_chain::call::BrokerCall;
use assay_protocol::payment::Winner;
use assay_protocol::{B256, keccak256};

use crate::driver::{Event, Node};
use crate::errand::{After, Errand};
use crate::notice::Notice;
use crate::winners::{Refusal, try_each};

impl Node {
    /// Offers winners to the chain whose evidence window has ended.
    pub(crate) async fn redeem_due(&mut self, block: u64) {
        let round = self.read(|state| state.current().map_or(0, |(number, _)| number));
        let evidence = self.params.evidence_blocks;
        // A part of the reserve that was counted on is sure for the case window's blocks and no longer.
        let patience = (self.params.round_blocks / 4).min(self.params.case_blocks / 2);
        for batch in self.winners.due(block, round, evidence, patience) {
            self.redeem(batch, round);
        }
        let (lost, change) = self.winners.settle(block);
        for ticket in lost {
            let text = format!("ticket {ticket} was never paid and is given up");
            self.tell(Notice::Warning(text)).await;
        }
        if let Some(change) = change {
            tokio::task::spawn_blocking(move || {
                if let Err(e) = change.commit() {
                    tracing::warn!("{e}");
                }
            });
        }
        self.write_winners();
    }

    /// Sends those of a batch that are paid, and counts what the chain refuses.
    fn redeem(&self, batch: Vec<Winner>, round: u64) {
        let (client, domain) = (self.client.clone(), self.domain);
        let (queue, events) = (self.queue.clone(), self.events.clone());
        let digest = |winner: &Winner| domain.digest(&winner.ticket.ticket);
        let tickets: Vec<B256> = batch.iter().map(digest).collect();
        tokio::spawn(async move {
            let tried = match try_each(&client, &domain, batch).await {
                Ok(tried) => tried,
                // That says nothing of the tickets: they are offered again with the next block.
                Err(e) => {
                    tracing::warn!("winning tickets are not redeemed now: {e}");
                    let _ = events.send(Event::Unoffered(tickets)).await;
                    return;
                }
            };
            let mut refusals = Vec::new();
            for refused in tried.refused {
                tracing::debug!("ticket {}: {}", refused.ticket, refused.revert);
                refusals.extend(Refusal::of_all(vec![refused.ticket], &refused.revert));
            }
            if !refusals.is_empty() && events.send(Event::Unredeemed(refusals)).await.is_err() {
                return;
            }
            if let Some(errand) = errand(tried.good, round) {
                errand.run(&queue, &events).await;
            }
        });
    }

    /// The chain does not pay these.
    pub(crate) fn on_unredeemed(&mut self, refusals: Vec<(B256, Refusal)>) {
        let block = self.now().block;
        for (ticket, why) in refusals {
            if self.winners.refused(ticket, why, block) {
                tracing::info!("ticket {ticket} is void: a case has ended against its work");
            }
        }
    }
}

/// The call that redeems these, under a key of the round: what was passed over in one is offered in the next.
fn errand(good: Vec<(B256, Winner)>, round: u64) -> Option<Errand> {
    let (tickets, mut batch): (Vec<B256>, Vec<Winner>) = good.into_iter().unzip();
    let about = keccak256(tickets.concat());
    let call = match batch.len() {
        0 => return None,
        1 => BrokerCall::Redeem(Box::new(batch.remove(0))),
        _ => BrokerCall::RedeemBatch(batch),
    };
    Some(Errand {
        what: "redeem",
        key: format!("redeem:{about}:{round}"),
        about,
        call: call.into(),
        after: After::Redeem(tickets),
    })
}
