//! Frames roots: what a decoder gave, committed in 4 KiB pages.

use alloy_primitives::B256;
use sha2::{Digest, Sha256};

use crate::merkle::{Path, Tree, leaf_hash};

/// Bytes in a page.
pub const PAGE: usize = 4096;

/// Hashes one chunk's raw planar frames as they arrive, page by page.
#[derive(Clone, Default)]
pub struct ChunkHasher {
    pages: Vec<B256>,
    partial: Sha256,
    filled: usize,
}

impl ChunkHasher {
    /// An empty chunk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends raw samples; a page ends where it ends, not where `samples` does.
    pub fn update(&mut self, mut samples: &[u8]) {
        while !samples.is_empty() {
            let (now, rest) = samples.split_at(samples.len().min(PAGE - self.filled));
            self.partial.update(now);
            self.filled += now.len();
            samples = rest;
            if self.filled == PAGE {
                self.end_page();
            }
        }
    }

    fn end_page(&mut self) {
        self.pages.push(leaf_hash(&self.partial.finalize_reset()));
        self.filled = 0;
    }

    /// The chunk's frames root; the last page is padded with zeros.
    pub fn finish(mut self) -> B256 {
        if self.filled > 0 {
            self.partial.update(&[0u8; PAGE][self.filled..]);
            self.end_page();
        }
        Tree::new(self.pages).root()
    }
}

/// The tree over a segment's chunk roots; its root is the assignment's `framesRoot`.
pub fn segment_tree(chunk_roots: &[B256]) -> Tree {
    Tree::new(
        chunk_roots
            .iter()
            .map(|root| leaf_hash(root.as_slice()))
            .collect(),
    )
}

/// Whether `chunk_root` is the frames root of chunk `chunk` in a segment of `chunks` chunks with `frames_root`.
pub fn opens(frames_root: B256, chunks: u32, chunk: u32, chunk_root: B256, path: &Path) -> bool {
    path.verify(frames_root, chunks, chunk, leaf_hash(chunk_root.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_do_not_depend_on_how_bytes_arrive() {
        let bytes: Vec<u8> = (0..3 * PAGE + 17).map(|i| (i * 31 % 251) as u8).collect();
        let mut whole = ChunkHasher::new();
        whole.update(&bytes);
        let mut pieces = ChunkHasher::new();
        bytes.chunks(1000).for_each(|piece| pieces.update(piece));
        let mut padded = bytes.clone();
        padded.resize(4 * PAGE, 0);
        let by_hand: Vec<_> = padded
            .chunks(PAGE)
            .map(|page| leaf_hash(&Sha256::digest(page)))
            .collect();
        let expected = Tree::new(by_hand).root();
        assert_eq!(whole.finish(), expected);
        assert_eq!(pieces.finish(), expected);
    }
}
