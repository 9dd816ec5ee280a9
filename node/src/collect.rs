//! Output chunks as they are pushed to a broadcaster, piece by piece, until they are what the receipt states.

use std::collections::BTreeMap;

use assay_protocol::receipt::Leaf;
use assay_protocol::wire::{Answer, MAX_PART, OutputPart};
use assay_protocol::{Address, B256};

/// Largest output chunk taken, in bytes: a second of 4K at 500 Mbit/s.
const MAX_CHUNK: u32 = 64 * 1024 * 1024;

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    total: u32,
}

/// The outputs of one assignment.
pub struct Collection {
    /// Segment number.
    pub seq: u32,
    /// Frames in the segment.
    pub frames: u32,
    /// Who pushes.
    pub transcoder: Address,
    leaf_count: u32,
    leaves: Option<Vec<Leaf>>,
    buffers: BTreeMap<u32, Buffer>,
}

impl Collection {
    /// Expects `leaf_count` chunks of segment `seq` from `transcoder`.
    pub fn new(seq: u32, frames: u32, transcoder: Address, leaf_count: u32) -> Self {
        Self {
            seq,
            frames,
            transcoder,
            leaf_count,
            leaves: None,
            buffers: BTreeMap::new(),
        }
    }

    /// Learns what the receipt states of them.
    pub fn expect(&mut self, leaves: Vec<Leaf>) {
        self.leaves = Some(leaves);
    }

    /// Takes a piece. Pieces of a chunk come in order; one that was there already is taken again.
    pub fn part(&mut self, part: OutputPart) -> Answer {
        let end = part.offset as usize + part.bytes.len();
        let fits = part.leaf_index < self.leaf_count
            && part.total <= MAX_CHUNK
            && part.bytes.len() <= MAX_PART
            && !part.bytes.is_empty()
            && end <= part.total as usize;
        if !fits {
            return Answer::Rejected;
        }
        let buffer = self.buffers.entry(part.leaf_index).or_default();
        if part.offset == 0 {
            *buffer = Buffer {
                bytes: Vec::new(),
                total: part.total,
            };
        }
        if buffer.total != part.total || buffer.bytes.len() != part.offset as usize {
            return Answer::Ignored;
        }
        buffer.bytes.extend_from_slice(&part.bytes);
        Answer::Accepted
    }

    /// The chunks in the order of leaves, once all are there and each has the stated bytes; chunks that do not are
    /// dropped, so that they can be pushed again.
    pub fn complete(&mut self) -> Option<Vec<Vec<u8>>> {
        let leaves = self.leaves.as_ref()?;
        let states = |index: &u32, buffer: &Buffer| {
            let leaf = leaves.get(*index as usize);
            let whole = buffer.bytes.len() == buffer.total as usize;
            !whole
                || leaf.is_some_and(|leaf| {
                    blake3::hash(&buffer.bytes).as_bytes() == &leaf.output_hash.0
                })
        };
        let all = self.buffers.len() == leaves.len();
        let whole = self
            .buffers
            .values()
            .all(|buffer| buffer.bytes.len() == buffer.total as usize);
        if !all || !whole {
            return None;
        }
        self.buffers.retain(|index, buffer| states(index, buffer));
        if self.buffers.len() < leaves.len() {
            return None;
        }
        Some(
            std::mem::take(&mut self.buffers)
                .into_values()
                .map(|buffer| buffer.bytes)
                .collect(),
        )
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
            output_hash: blake3::hash(bytes).as_bytes().into(),
            ..Default::default()
        }
    }

    #[test]
    fn only_the_stated_bytes_complete_it() {
        let mut collection = Collection::new(0, 10, Address::ZERO, 2);
        assert_eq!(collection.part(part(0, 0, 4, b"ab")), Answer::Accepted);
        assert_eq!(collection.part(part(0, 3, 4, b"d")), Answer::Ignored);
        assert_eq!(collection.part(part(0, 2, 4, b"cd")), Answer::Accepted);
        assert_eq!(collection.part(part(1, 0, 1, b"X")), Answer::Accepted);
        assert_eq!(collection.complete(), None, "no receipt yet");
        collection.expect(vec![leaf(b"abcd"), leaf(b"y")]);
        assert_eq!(collection.complete(), None, "wrong bytes");
        assert_eq!(collection.part(part(1, 0, 1, b"y")), Answer::Accepted);
        assert_eq!(
            collection.complete(),
            Some(vec![b"abcd".to_vec(), b"y".to_vec()])
        );
    }

    #[test]
    fn absurd_pieces_are_rejected() {
        let mut collection = Collection::new(0, 10, Address::ZERO, 2);
        for bad in [
            part(2, 0, 1, b"a"),
            part(0, 0, 1, b"ab"),
            part(0, 0, 1, b""),
            part(0, 0, MAX_CHUNK + 1, b"a"),
        ] {
            assert_eq!(collection.part(bad), Answer::Rejected);
        }
    }
}
