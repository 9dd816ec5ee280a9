//! The receipts that may be drawn from, accused or proven wrong, as many as there is room for.
//!
//! A receipt may have 64 KiB, and a transcoder with a broadcaster of its own makes as many as it likes. When the room is
//! full, those who have more than their share lose of their own: the largest first, and of two that are about equal the one
//! that is done with. So nobody displaces what others make, nor with a flood the receipts that it makes for others beside it.

use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::receipt::Leaf;
use assay_protocol::{Address, B256};

use crate::fair::level;
use crate::leaf::{LeafState, Watched};

/// Bytes of all receipts with what is known of their drawn leaves.
const ROOM: usize = 192 << 20;
/// Bytes of a receipt beside its leaves.
const RECEIPT: usize = 1_024;
/// How often the size of one counts that is done with, when some must go.
const DONE: usize = 4;

#[derive(Debug)]
struct Entry {
    size: usize,
    watched: Watched,
}

/// What one transcoder has.
#[derive(Clone, Debug, Default)]
struct Share {
    size: usize,
    hashes: BTreeSet<B256>,
}

/// Receipts by hash.
#[derive(Debug)]
pub(crate) struct Receipts {
    most: usize,
    size: usize,
    all: BTreeMap<B256, Entry>,
    shares: BTreeMap<Address, Share>,
}

impl Default for Receipts {
    fn default() -> Self {
        Self::new(ROOM)
    }
}

fn size_of_all(watched: &Watched) -> usize {
    let leaves = watched.message.receipt.leaves.len();
    let drawn = watched.leaves.values().filter(|state| state.drawn).count();
    RECEIPT + leaves * size_of::<Leaf>() + drawn * size_of::<LeafState>()
}

impl Receipts {
    fn new(most: usize) -> Self {
        Self {
            most,
            size: 0,
            all: BTreeMap::new(),
            shares: BTreeMap::new(),
        }
    }

    pub fn get(&self, hash: &B256) -> Option<&Watched> {
        self.all.get(hash).map(|entry| &entry.watched)
    }

    pub fn get_mut(&mut self, hash: &B256) -> Option<&mut Watched> {
        self.all.get_mut(hash).map(|entry| &mut entry.watched)
    }

    pub fn contains_key(&self, hash: &B256) -> bool {
        self.all.contains_key(hash)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&B256, &Watched)> + Clone {
        self.all.iter().map(|(hash, entry)| (hash, &entry.watched))
    }

    pub fn values(&self) -> impl Iterator<Item = &Watched> {
        self.all.values().map(|entry| &entry.watched)
    }

    /// Takes one that is not there yet.
    pub fn insert(&mut self, hash: B256, watched: Watched) {
        let (size, transcoder) = (size_of_all(&watched), watched.transcoder());
        self.all.insert(hash, Entry { size, watched });
        let share = self.shares.entry(transcoder).or_default();
        share.hashes.insert(hash);
        share.size += size;
        self.size += size;
    }

    fn remove(&mut self, hash: &B256) -> Option<Watched> {
        let Entry { size, watched } = self.all.remove(hash)?;
        self.size -= size;
        if let Some(share) = self.shares.get_mut(&watched.transcoder()) {
            share.hashes.remove(hash);
            share.size -= size;
            if share.hashes.is_empty() {
                self.shares.remove(&watched.transcoder());
            }
        }
        Some(watched)
    }

    /// Counts one anew, of which more is known than when it came.
    pub fn weigh(&mut self, hash: &B256) {
        if let Some(watched) = self.remove(hash) {
            self.insert(*hash, watched);
        }
    }

    /// Drops those that were signed before this block.
    pub fn forget(&mut self, oldest: u64) {
        let old = |(_, watched): &(&B256, &Watched)| watched.signed_block < oldest;
        let old: Vec<B256> = self.iter().filter(old).map(|(hash, _)| *hash).collect();
        for hash in old {
            self.remove(&hash);
        }
    }

    /// Drops what is too much. Epochs before `reported` have been reported on.
    pub fn make_room(&mut self, reported: u64) {
        if self.size <= self.most {
            return;
        }
        // With some to spare, so that this is not done for each that comes.
        let enough = self.most - self.most / 8;
        let sizes = self.shares.values().map(|share| share.size as u64);
        let level = level(sizes.collect(), enough as u64);
        let over = |share: &&Share| share.size as u64 > level;
        let over: Vec<Share> = self.shares.values().filter(over).cloned().collect();
        for share in over {
            let mut left = share.size as u64;
            let mut order: Vec<_> = share
                .hashes
                .iter()
                .map(|h| self.rank(h, reported))
                .collect();
            order.sort_unstable();
            while left > level
                && let Some((_, _, hash)) = order.pop()
            {
                left -= self.all[&hash].size as u64;
                self.remove(&hash);
            }
        }
    }

    /// What goes first: large ones, those that are done with, and the newest, so that what was begun is ended.
    fn rank(&self, hash: &B256, reported: u64) -> (usize, u64, B256) {
        let Entry { size, watched } = &self.all[hash];
        let times = if watched.is_done(reported) { DONE } else { 1 };
        (size * times, watched.signed_block, *hash)
    }
}

#[cfg(test)]
mod tests {
    use assay_protocol::assignment::{Assignment, SignedAssignment};
    use assay_protocol::receipt::{Receipt, SignedReceipt};
    use assay_protocol::sig::Signature;
    use assay_protocol::wire::ReceiptMessage;

    use super::*;

    fn watched(transcoder: u8, leaves: usize, drawn: bool) -> Watched {
        let signature = Signature([0; 65].into());
        let assignment = Assignment {
            transcoder: Address::repeat_byte(transcoder),
            ..Default::default()
        };
        let state = LeafState {
            drawn,
            ..Default::default()
        };
        Watched {
            message: ReceiptMessage {
                assignment: SignedAssignment {
                    assignment,
                    signature,
                    skips: Vec::new(),
                },
                receipt: SignedReceipt {
                    receipt: Receipt::default(),
                    signature,
                    leaves: vec![Leaf::default(); leaves],
                },
            },
            signed_block: 10,
            epoch: 5,
            drawn: true,
            unverifiable: false,
            fault_reported: false,
            leaves: drawn.then_some((0, state)).into_iter().collect(),
        }
    }

    fn hash(n: u32) -> B256 {
        assay_protocol::keccak256(n.to_be_bytes())
    }

    /// Whether these are kept.
    fn kept(receipts: &Receipts, mut numbers: std::ops::Range<u32>) -> bool {
        numbers.all(|n| receipts.contains_key(&hash(n)))
    }

    #[test]
    fn a_flood_displaces_itself() {
        let mut receipts = Receipts::new(1 << 20);
        for n in 0..10 {
            receipts.insert(hash(n), watched(1, 4, true));
        }
        // Its own small ones for others, done with or not.
        for n in 10..20 {
            receipts.insert(hash(n), watched(2, 4, n.is_multiple_of(2)));
        }
        for (begin, drawn) in [(100, false), (1_000, true)] {
            for n in begin..begin + 400 {
                receipts.insert(hash(n), watched(2, 300, drawn));
                receipts.make_room(5);
                assert!(receipts.size <= receipts.most);
            }
            assert!(kept(&receipts, 0..20));
        }
        receipts.forget(11);
        assert!(receipts.size == 0 && receipts.shares.is_empty());
    }

    #[test]
    fn what_is_done_with_goes_before_what_is_under_way() {
        let mut receipts = Receipts::new(1 << 20);
        for n in 0..1_000 {
            receipts.insert(hash(n), watched(1, 16, n < 100));
            receipts.make_room(5);
        }
        assert!(kept(&receipts, 0..100));
        assert!(!kept(&receipts, 100..1_000));
        // When the epoch is reported on, what was drawn in it is done with too, and the larger for its draws.
        for n in 1_000..1_200 {
            receipts.insert(hash(n), watched(1, 16, false));
            receipts.make_room(6);
        }
        assert!((0..100).all(|n| !receipts.contains_key(&hash(n))));
    }

    #[test]
    fn what_is_drawn_later_counts() {
        let mut receipts = Receipts::new(1 << 20);
        receipts.insert(hash(1), watched(1, 4, false));
        let before = receipts.size;
        let state = LeafState {
            drawn: true,
            ..Default::default()
        };
        receipts.get_mut(&hash(1)).unwrap().leaves.insert(2, state);
        receipts.weigh(&hash(1));
        assert_eq!(receipts.size, before + size_of::<LeafState>());
        assert_eq!(
            receipts.shares[&Address::repeat_byte(1)].size,
            receipts.size
        );
    }
}
