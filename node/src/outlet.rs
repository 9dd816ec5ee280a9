//! The way out for gossip.

use std::sync::Arc;

use assay_p2p::{Handle, Topic};
use assay_protocol::wire::{Gossip, encode};
use tokio::sync::mpsc;

use crate::driver::Event;
use crate::validate::Checker;

/// Publishes what this node has to say.
#[derive(Clone)]
pub(crate) struct Outlet {
    pub network: Handle,
    pub events: mpsc::Sender<Event>,
    pub checker: Arc<Checker>,
}

impl Outlet {
    /// Gossips a message, and takes it in as others will: one program may run several roles.
    pub fn publish(&self, message: &Gossip) {
        let topic = match message {
            Gossip::Record(_) => Topic::Records,
            Gossip::Assignment(_) => Topic::Assignments,
            Gossip::Receipt(_) => Topic::Receipts,
            Gossip::Accusation(_) => Topic::Accusations,
            Gossip::Verdict(_) | Gossip::Divergence(_) | Gossip::Proof(_) => Topic::Proofs,
            Gossip::Report(_)
            | Gossip::WorkProposal(_)
            | Gossip::WorkObjection(_)
            | Gossip::WorkVote(_) => Topic::Tickets,
        };
        let bytes = match encode(message) {
            Ok(bytes) => bytes,
            Err(e) => return tracing::error!("message on {}: {e}", topic.label()),
        };
        let Self {
            network,
            events,
            checker,
        } = self.clone();
        tokio::spawn(async move {
            if let Err(e) = network.publish(topic, bytes.clone()).await {
                tracing::warn!("message on {} not sent: {e}", topic.label());
            }
            let own = tokio::task::spawn_blocking(move || checker.gossip(topic, &bytes)).await;
            match own {
                Ok(Ok(message)) => drop(events.send(Event::Verified(message)).await),
                Ok(Err(e)) => tracing::debug!("own message on {}: {e}", topic.label()),
                Err(e) => tracing::error!("check failed: {e}"),
            }
        });
    }
}
