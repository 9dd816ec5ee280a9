//! Output chunks as they are pushed to a broadcaster, piece by piece, until they are what the receipt states.

use std::collections::BTreeMap;

use assay_protocol::receipt::Leaf;
use assay_protocol::wire::{Answer, MAX_PART, OutputPart};
use assay_protocol::{Address, B256};

/// Most output bytes of one segment: two seconds at 1 Gbit/s, all renditions together.
const MAX_OUTPUT: u64 = 256 * 1024 * 1024;

/// The outputs of one assignment.
pub struct Collection {
    /// Segment number.
    pub seq: u32,
    /// Frames in the segment.
    pub frames: u32,
    /// Who pushes.
    pub transcoder: Address,
    /// Most bytes of its outputs.
    most: u64,
    leaves: Option<Vec<Leaf>>,
    buffers: BTreeMap<u32, Vec<u8>>,
}

impl Collection {
    /// Expects the outputs of segment `seq` from `transcoder`, of which nobody can want more than `most` bytes.
    pub fn new(seq: u32, frames: u32, transcoder: Address, most: u64) -> Self {
        Self {
            seq,
            frames,
            transcoder,
            most: most.min(MAX_OUTPUT),
            leaves: None,
            buffers: BTreeMap::new(),
        }
    }

    /// Learns what the receipt states of them. Outputs larger than anybody wants are not taken: their maker is passed
    /// over as a silent one is.
    pub fn expect(&mut self, leaves: Vec<Leaf>) {
        let bytes: u64 = leaves.iter().map(|leaf| u64::from(leaf.output_len)).sum();
        if bytes <= self.most {
            self.leaves = Some(leaves);
        }
    }

    /// Takes a piece of what the receipt states; `None` before there is one: nothing may fill the memory of a node
    /// without a signature under it. Pieces of a chunk come in order; one that was there already is taken again.
    pub fn part(&mut self, part: OutputPart) -> Option<Answer> {
        let leaves = self.leaves.as_ref()?;
        let end = part.offset as usize + part.bytes.len();
        let fits = |leaf: &&Leaf| {
            part.total == leaf.output_len
                && (1..=MAX_PART).contains(&part.bytes.len())
                && end <= part.total as usize
        };
        let Some(leaf) = leaves.get(part.leaf_index as usize).filter(fits) else {
            return Some(Answer::Rejected);
        };
        let buffer = self.buffers.entry(part.leaf_index).or_default();
        if part.offset == 0 {
            buffer.clear();
        }
        if buffer.len() != part.offset as usize {
            return Some(Answer::Ignored);
        }
        buffer.extend_from_slice(&part.bytes);
        if end == part.total as usize && blake3::hash(buffer).as_bytes() != &leaf.output_hash.0 {
            self.buffers.remove(&part.leaf_index);
            return Some(Answer::Rejected);
        }
        Some(Answer::Accepted)
    }

    /// The chunks in the order of leaves, once all are there.
    pub fn complete(&mut self) -> Option<Vec<Vec<u8>>> {
        let leaves = self.leaves.as_ref()?;
        let whole = |(index, leaf): (u32, &Leaf)| {
            let buffer = self.buffers.get(&index);
            buffer.is_some_and(|bytes| bytes.len() == leaf.output_len as usize)
        };
        if !(0u32..).zip(leaves).all(whole) {
            return None;
        }
        Some(std::mem::take(&mut self.buffers).into_values().collect())
    }
}

/// Collections by assignment.
pub type Collections = BTreeMap<B256, Collection>;

#[cfg(test)]
mod tests {
    use super::*;

    fn part(leaf_index: u32, offset: u32, total: u32, bytes: &[u8]) -> OutputPart {
        OutputPart {
            assignment_hash: B256::ZERO,
            leaf_index,
            offset,
            total,
            bytes: bytes.to_vec(),
        }
    }

    fn leaf(bytes: &[u8]) -> Leaf {
        Leaf {
            output_len: bytes.len() as u32,
            output_hash: blake3::hash(bytes).as_bytes().into(),
            ..Default::default()
        }
    }

    #[test]
    fn only_the_stated_bytes_complete_it() {
        let mut collection = Collection::new(0, 10, Address::ZERO, 10);
        collection.expect(vec![leaf(b"abcd"), leaf(b"y")]);
        let mut push = |part| collection.part(part).unwrap();
        assert_eq!(push(part(0, 0, 4, b"ab")), Answer::Accepted);
        assert_eq!(push(part(0, 3, 4, b"d")), Answer::Ignored);
        assert_eq!(push(part(0, 2, 4, b"cd")), Answer::Accepted);
        assert_eq!(push(part(1, 0, 1, b"X")), Answer::Rejected);
        assert_eq!(collection.complete(), None, "wrong bytes");
        assert_eq!(collection.part(part(1, 0, 1, b"y")), Some(Answer::Accepted));
        assert_eq!(
            collection.complete(),
            Some(vec![b"abcd".to_vec(), b"y".to_vec()])
        );
    }

    #[test]
    fn nothing_is_held_before_the_receipt_or_beyond_it() {
        let mut collection = Collection::new(0, 10, Address::ZERO, 10);
        assert_eq!(collection.part(part(0, 0, 4, b"abcd")), None);
        let huge = Leaf {
            output_len: u32::MAX,
            ..Default::default()
        };
        collection.expect(vec![huge; 64]);
        collection.expect(vec![leaf(&[0; 6]), leaf(&[0; 5])]);
        assert_eq!(collection.part(part(0, 0, u32::MAX, b"abcd")), None);
        assert!(collection.buffers.is_empty());

        collection.expect(vec![leaf(b"a"), leaf(b"bc")]);
        for bad in [
            part(2, 0, 1, b"a"),
            part(0, 0, 1, b"ab"),
            part(0, 0, 1, b""),
            part(0, 0, 2, b"a"),
            part(1, u32::MAX, 2, b"a"),
        ] {
            assert_eq!(collection.part(bad), Some(Answer::Rejected));
        }
        assert!(collection.buffers.is_empty());
    }
}
