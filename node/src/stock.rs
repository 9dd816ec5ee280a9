//! How much of the disk fetched sources take.
//!
//! Sources are kept until no proof about them is accepted any more, and a receipt that calls for one costs its broadcaster
//! nothing. So the bytes are bounded, and shared by broadcasters: when there is no room, whoever has most loses its oldest, and
//! who would be that itself makes room among its own. What is served to those who are asked about an accused leaf stays.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use assay_protocol::{Address, B256};

/// What one broadcaster has.
#[derive(Debug, Default)]
struct Share {
    bytes: u64,
    /// In the order in which they came.
    hashes: VecDeque<B256>,
}

/// One source.
#[derive(Debug)]
struct Kept {
    bytes: u64,
    whose: Address,
    /// Last block in which it is needed.
    until: u64,
}

/// The sources on disk that were fetched.
#[derive(Debug)]
pub(crate) struct Stock {
    most: u64,
    held: u64,
    all: BTreeMap<B256, Kept>,
    shares: BTreeMap<Address, Share>,
    served: BTreeSet<B256>,
}

impl Stock {
    /// A stock of so many bytes, empty.
    pub fn new(most: u64) -> Self {
        Self {
            most,
            held: 0,
            all: BTreeMap::new(),
            shares: BTreeMap::new(),
            served: BTreeSet::new(),
        }
    }

    /// Takes a source that is about to be written, and gives those that must be removed for it; `None` where there is no room
    /// for it.
    pub fn admit(&mut self, hash: B256, bytes: u64, whose: Address) -> Option<Vec<B256>> {
        if self.all.contains_key(&hash) {
            return Some(Vec::new());
        }
        let own = self.shares.get(&whose).map_or(0, |share| share.bytes) + bytes;
        let mut order: Vec<(u64, Address)> = self
            .shares
            .iter()
            .filter(|(address, share)| **address == whose || share.bytes > own)
            .map(|(address, share)| (share.bytes, *address))
            .collect();
        // The own ones last of all: others' that are more than that go first.
        order.sort_by_key(|(bytes, address)| (*address == whose, std::cmp::Reverse(*bytes)));
        let mut gone = Vec::new();
        let mut left = self.held;
        for (mut theirs, address) in order {
            let hashes = self.shares.get(&address).map(|share| &share.hashes);
            let mut free = hashes
                .into_iter()
                .flatten()
                .filter(|hash| !self.served.contains(*hash));
            while left + bytes > self.most
                && (address == whose || theirs > own)
                && let Some(oldest) = free.next()
            {
                let len = self.all.get(oldest).map_or(0, |kept| kept.bytes);
                (left, theirs) = (left - len, theirs - len);
                gone.push(*oldest);
            }
        }
        if left + bytes > self.most {
            return None;
        }
        for hash in &gone {
            self.remove(*hash);
        }
        self.held += bytes;
        let until = 0;
        self.all.insert(
            hash,
            Kept {
                bytes,
                whose,
                until,
            },
        );
        let share = self.shares.entry(whose).or_default();
        share.bytes += bytes;
        share.hashes.push_back(hash);
        Some(gone)
    }

    /// Whether a source has room here.
    pub fn has(&self, hash: &B256) -> bool {
        self.all.contains_key(hash)
    }

    /// Keeps a source for whoever is asked about it; whether it is here.
    pub fn serve(&mut self, hash: B256) -> bool {
        let here = self.has(&hash);
        if here {
            self.served.insert(hash);
        }
        here
    }

    /// A source is needed up to and including `block`, if not longer already, where it is here.
    pub fn need(&mut self, hash: B256, block: u64) {
        if let Some(kept) = self.all.get_mut(&hash) {
            kept.until = kept.until.max(block);
        }
    }

    /// Gives up what was needed before `block` only.
    pub fn expire(&mut self, block: u64) -> Vec<B256> {
        let over = self.all.iter().filter(|(_, kept)| kept.until < block);
        let over: Vec<B256> = over.map(|(hash, _)| *hash).collect();
        for hash in &over {
            self.remove(*hash);
        }
        over
    }

    /// A source is not on disk any more.
    pub fn remove(&mut self, hash: B256) {
        self.served.remove(&hash);
        let Some(Kept { bytes, whose, .. }) = self.all.remove(&hash) else {
            return;
        };
        self.held -= bytes;
        if let Some(share) = self.shares.get_mut(&whose) {
            share.bytes -= bytes;
            share.hashes.retain(|known| *known != hash);
            if share.hashes.is_empty() {
                self.shares.remove(&whose);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(whose: u8, n: u64) -> B256 {
        assay_protocol::keccak256([&[whose][..], &n.to_be_bytes()].concat())
    }

    fn put(stock: &mut Stock, whose: u8, n: u64, bytes: u64) -> Option<Vec<B256>> {
        let gone = stock.admit(hash(whose, n), bytes, Address::repeat_byte(whose));
        assert!(stock.held <= stock.most);
        let sum: u64 = stock.all.values().map(|kept| kept.bytes).sum();
        let shares: u64 = stock.shares.values().map(|share| share.bytes).sum();
        assert_eq!((stock.held, stock.held), (sum, shares));
        gone
    }

    #[test]
    fn a_flood_displaces_its_own_and_nothing_that_is_served() {
        let mut stock = Stock::new(100);
        for n in 0..3 {
            assert_eq!(put(&mut stock, 1, n, 10), Some(vec![]));
        }
        for n in 0..7 {
            assert_eq!(put(&mut stock, 2, n, 10), Some(vec![]));
        }
        stock.serve(hash(2, 0));
        for n in 7..1_000 {
            let gone = put(&mut stock, 2, n, 10).unwrap();
            assert_eq!(gone, [hash(2, n - 6)], "the oldest that is not served");
        }
        assert!((0..3).all(|n| stock.all.contains_key(&hash(1, n))));
        // Who has less takes from who has most, up to as much.
        for n in 3..5 {
            assert_eq!(put(&mut stock, 1, n, 10).unwrap().len(), 1);
        }
        let gone = put(&mut stock, 1, 5, 10).unwrap();
        assert_eq!(gone, [hash(1, 0)]);
        assert!(stock.all.contains_key(&hash(2, 0)));
        assert_eq!(put(&mut stock, 3, 0, 101), None, "larger than everything");
        stock.remove(hash(2, 0));
        assert!(stock.served.is_empty());
    }
}
