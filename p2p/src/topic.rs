//! The gossip topics of `docs/protocol.md`, section 8.

use assay_protocol::Address;
use libp2p::gossipsub::{IdentTopic, TopicHash};

/// What a gossip message is about; each is one gossipsub topic, bound to a chain and a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Node records of staked operators and funded broadcasters.
    Records,
    /// Signed assignments.
    Assignments,
    /// Signed receipts with their leaves.
    Receipts,
    /// Accusations of single leaves.
    Accusations,
    /// Verdicts shown to all, divergences and complete fraud proofs.
    Proofs,
    /// Verifiers' reports: sample tickets and verdicts of an epoch.
    Tickets,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Topic; 6] = [
        Topic::Records,
        Topic::Assignments,
        Topic::Receipts,
        Topic::Accusations,
        Topic::Proofs,
        Topic::Tickets,
    ];

    /// Last component of the topic's name.
    pub fn label(self) -> &'static str {
        match self {
            Topic::Records => "records",
            Topic::Assignments => "assignments",
            Topic::Receipts => "receipts",
            Topic::Accusations => "accusations",
            Topic::Proofs => "proofs",
            Topic::Tickets => "tickets",
        }
    }

    /// Full name: `/assay/1/<chainId>/<court>/<label>`, court in lower-case hex with `0x`.
    pub fn name(self, chain_id: u64, court: Address) -> String {
        format!("{}/{}", network_name(chain_id, court), self.label())
    }
}

/// `/assay/1/<chainId>/<court>`: what separates one deployment's network from another's.
pub(crate) fn network_name(chain_id: u64, court: Address) -> String {
    format!("/assay/1/{chain_id}/{court:#x}")
}

/// The six topics of one deployment, both ways.
#[derive(Clone, Debug)]
pub(crate) struct TopicTable {
    entries: Vec<(Topic, IdentTopic, TopicHash)>,
}

impl TopicTable {
    pub(crate) fn new(chain_id: u64, court: Address) -> Self {
        let entries = Topic::ALL.map(|topic| {
            let ident = IdentTopic::new(topic.name(chain_id, court));
            let hash = ident.hash();
            (topic, ident, hash)
        });
        Self {
            entries: entries.into(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Topic, IdentTopic, TopicHash)> {
        self.entries.iter()
    }

    /// The hash of `topic`; the table holds every topic, in declaration order.
    pub(crate) fn hash(&self, topic: Topic) -> TopicHash {
        self.entries[topic as usize].2.clone()
    }

    pub(crate) fn topic(&self, hash: &TopicHash) -> Option<Topic> {
        self.entries
            .iter()
            .find(|(_, _, known)| known == hash)
            .map(|(topic, _, _)| *topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::address;

    #[test]
    fn names_are_those_of_the_protocol() {
        let court = address!("0x00000000000000000000000000000000000000C0");
        assert_eq!(
            Topic::Receipts.name(31337, court),
            "/assay/1/31337/0x00000000000000000000000000000000000000c0/receipts"
        );
        let table = TopicTable::new(31337, court);
        for topic in Topic::ALL {
            assert_eq!(table.topic(&table.hash(topic)), Some(topic));
        }
        let other = TopicTable::new(1, court);
        assert_eq!(table.topic(&other.hash(Topic::Records)), None);
    }
}
