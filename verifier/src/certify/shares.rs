//! The assignments of a round, of which each broadcaster has its share.
//!
//! An assignment costs its broadcaster nothing, so how many are kept is bounded. Whoever signs more than everybody's share
//! displaces only its own, the newest first: all verifiers keep about the same beginning of its runs. A report names receipts,
//! which are found by their hashes.

use std::collections::BTreeMap;

use assay_protocol::{Address, B256};

use super::SeenAssignment;
use super::view::Watched;

/// Assignments of a round that are kept at most: ten streams in segments of two seconds for mainnet's 21 hours are a third.
const MOST: usize = 1 << 20;

/// Assignments by hash.
#[derive(Clone, Debug)]
pub(super) struct Shares {
    most: usize,
    all: BTreeMap<B256, Watched>,
    /// By broadcaster, in the order in which they came.
    of: BTreeMap<Address, Vec<B256>>,
    /// Assignments by their receipts.
    answered: BTreeMap<B256, B256>,
}

impl Default for Shares {
    fn default() -> Self {
        Self::new(MOST)
    }
}

impl Shares {
    fn new(most: usize) -> Self {
        Self {
            most,
            all: BTreeMap::new(),
            of: BTreeMap::new(),
            answered: BTreeMap::new(),
        }
    }

    pub fn values(&self) -> impl Iterator<Item = &Watched> {
        self.all.values()
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Watched> {
        self.all.values_mut()
    }

    /// Notes that a receipt is kept beside its assignment.
    pub fn answer(&mut self, receipt: B256, assignment: B256) {
        self.answered.insert(receipt, assignment);
    }

    /// The assignment that a receipt answers, with its receipts.
    pub fn of_receipt(&mut self, receipt: &B256) -> Option<&mut Watched> {
        self.all.get_mut(self.answered.get(receipt)?)
    }

    /// The assignment as it is kept; `None` where its broadcaster has its share already and there is room for no more.
    pub fn see(&mut self, seen: SeenAssignment) -> Option<&mut Watched> {
        let SeenAssignment {
            hash,
            segment,
            broadcaster,
            ..
        } = seen;
        if !self.all.contains_key(&hash) {
            if self.all.len() >= self.most && !self.make_room(broadcaster) {
                return None;
            }
            self.of.entry(broadcaster).or_default().push(hash);
            self.all.insert(hash, Watched { segment, leaves: 0 });
        }
        self.all.get_mut(&hash)
    }

    /// Drops the newest of who has most, unless that is who wants the room.
    fn make_room(&mut self, broadcaster: Address) -> bool {
        let own = self.of.get(&broadcaster).map_or(0, Vec::len);
        let heaviest = self.of.iter_mut().max_by_key(|(_, hashes)| hashes.len());
        let Some((_, hashes)) = heaviest.filter(|(_, hashes)| hashes.len() > own) else {
            return false;
        };
        let displaced = hashes.pop().and_then(|hash| self.all.remove(&hash));
        for seen in displaced.iter().flat_map(|w| &w.segment.receipts) {
            self.answered.remove(&seen.hash);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use assay_protocol::U256;
    use assay_protocol::round_work::Segment;

    use super::*;

    fn seen(broadcaster: u8, seq: u32) -> SeenAssignment {
        SeenAssignment {
            hash: assay_protocol::keccak256([&[broadcaster][..], &seq.to_be_bytes()].concat()),
            broadcaster: Address::repeat_byte(broadcaster),
            segment: Segment {
                job: U256::from(broadcaster),
                seq,
                attempt: 0,
                round: 3,
                first_round: 3,
                forced: true,
                transcoder: Address::ZERO,
                deadline_block: 0,
                pixels: 1,
                receipts: Vec::new(),
            },
            max_price: U256::ZERO,
            seed_block: 0,
        }
    }

    fn kept(shares: &Shares, broadcaster: u8) -> Vec<u32> {
        let of = |w: &&Watched| w.segment.job == U256::from(broadcaster);
        let mut seqs: Vec<_> = shares.values().filter(of).map(|w| w.segment.seq).collect();
        seqs.sort_unstable();
        seqs
    }

    #[test]
    fn who_assigns_without_end_displaces_nobody_elses_work() {
        let mut shares = Shares::new(10);
        for seq in 0..1_000 {
            assert_eq!(shares.see(seen(1, seq)).is_some(), seq < 10);
        }
        for seq in 0..4 {
            assert!(shares.see(seen(2, seq)).is_some());
        }
        assert_eq!(kept(&shares, 1), [0, 1, 2, 3, 4, 5]);
        assert_eq!(kept(&shares, 2), [0, 1, 2, 3]);
        assert!(shares.see(seen(1, 7)).is_none(), "no more than its share");
        assert!(shares.see(seen(1, 2)).is_some(), "what is kept is found");
        for seq in 4..9 {
            shares.see(seen(2, seq));
        }
        assert_eq!((kept(&shares, 1).len(), kept(&shares, 2).len()), (5, 5));
        for seq in 0..9 {
            shares.see(seen(3, seq));
        }
        let each = [1, 2, 3].map(|of| kept(&shares, of).len());
        assert_eq!(each.iter().sum::<usize>(), 10);
        assert!(each.iter().all(|n| *n >= 3), "{each:?}");
    }
}
