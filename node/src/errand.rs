//! A call on its way to the chain, and what follows from its outcome.

use assay_chain::call::Call;
use assay_chain::queue::{TxError, TxQueue};
use assay_protocol::B256;
use tokio::sync::mpsc;

use crate::driver::Event;
use crate::notice::Notice;
use crate::retry::Chore;
use crate::winners::Refusal;

/// What has died where the queue answers nothing any more.
const QUEUE: &str = "the transaction queue";

/// What follows from the outcome of a call, beside that it is told.
pub(crate) enum After {
    Nothing,
    /// What fails for a reason that may pass is done again some blocks later.
    Chore(Chore),
    /// Winners whose refusals are counted.
    Redeem(Vec<B256>),
}

/// A call for the persistent queue.
pub(crate) struct Errand {
    /// For people.
    pub what: &'static str,
    /// Its idempotency key.
    pub key: String,
    /// For whoever watches.
    pub about: B256,
    pub call: Call,
    pub after: After,
}

impl Errand {
    /// Hands the call over, waits, and tells of its outcome.
    pub(crate) async fn run(self, queue: &TxQueue, events: &mpsc::Sender<Event>) {
        let notice = match queue.run(self.key, self.call).await {
            Ok(mined) => Notice::Transaction {
                what: self.what,
                hash: mined.tx,
                gas: mined.gas_used,
                block: mined.block,
                about: self.about,
            },
            // Nothing was sent: somebody else was faster, or it is too early.
            Err(TxError::WouldRevert { label, revert }) => {
                tracing::debug!("{label}: {revert}");
                let follows = match self.after {
                    After::Redeem(tickets) => Event::Unredeemed(Refusal::of_all(tickets, &revert)),
                    After::Chore(chore) if chore.may_be_early(&revert) => {
                        Event::Failed(Box::new(chore))
                    }
                    After::Chore(_) | After::Nothing => return,
                };
                let _ = events.send(follows).await;
                return;
            }
            // Where the node is ending nobody hears this.
            Err(TxError::Closed) => return drop(events.send(Event::Died(QUEUE)).await),
            Err(e) => {
                let follows = match self.after {
                    // A call that cannot be encoded never can.
                    After::Chore(_) if matches!(e, TxError::Malformed(_)) => None,
                    After::Chore(chore) => Some(Event::Failed(Box::new(chore))),
                    After::Redeem(tickets) => e
                        .revert()
                        .map(|revert| Event::Unredeemed(Refusal::of_all(tickets, revert))),
                    After::Nothing => None,
                };
                if let Some(event) = follows {
                    let _ = events.send(event).await;
                }
                Notice::TransactionFailed {
                    what: self.what,
                    reason: e.to_string(),
                }
            }
        };
        let _ = events.send(Event::Notice(notice)).await;
    }
}
