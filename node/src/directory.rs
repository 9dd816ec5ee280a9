//! Who speaks for whom: operators' newest node records.

use std::collections::BTreeMap;

use assay_p2p::{Multiaddr, PeerId};
use assay_protocol::Address;
use assay_protocol::record::SignedRecord;

/// Addresses taken from one record.
const MAX_ADDRESSES: usize = 16;

/// One operator's node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its libp2p peer.
    pub peer: PeerId,
    /// Bit set of roles.
    pub roles: u8,
    /// Where it listens.
    pub addresses: Vec<Multiaddr>,
    sequence: u64,
}

/// Operators by account.
#[derive(Debug, Default)]
pub struct Directory {
    entries: BTreeMap<Address, Entry>,
}

impl Directory {
    /// Takes a checked record; gives the entry when it is news.
    pub fn learn(&mut self, signed: &SignedRecord) -> Option<&Entry> {
        let record = &signed.record;
        let peer = PeerId::from_bytes(&record.peerId).ok()?;
        if self
            .entries
            .get(&record.operator)
            .is_some_and(|known| known.sequence >= record.sequence)
        {
            return None;
        }
        let addresses = record
            .addresses
            .iter()
            .take(MAX_ADDRESSES)
            .filter_map(|a| a.parse().ok())
            .collect();
        let entry = Entry {
            peer,
            roles: record.roles,
            addresses,
            sequence: record.sequence,
        };
        self.entries.insert(record.operator, entry);
        self.entries.get(&record.operator)
    }

    /// The peers of operators with stake, each with the shares of all it speaks for.
    pub fn shares(&self, share: impl Fn(Address) -> f64) -> BTreeMap<PeerId, f64> {
        let mut shares = BTreeMap::new();
        for (operator, entry) in &self.entries {
            let share = share(*operator);
            if share > 0.0 {
                *shares.entry(entry.peer).or_default() += share;
            }
        }
        shares
    }

    /// The peer of an operator.
    pub fn peer(&self, operator: Address) -> Option<PeerId> {
        self.entries.get(&operator).map(|entry| entry.peer)
    }
}
