//! Keccak trees of fixed depth with tagged leaves and nodes, as opened on chain.
//!
//! Invariant: positions beyond the last leaf hold 32 zero bytes, which no keccak of a tagged payload equals, so no
//! node is ever duplicated and a path for an index outside the tree cannot exist.

use alloy_primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};

/// `keccak(0x00 ‖ payload)`.
pub fn leaf_hash(payload: &[u8]) -> B256 {
    let mut bytes = Vec::with_capacity(payload.len() + 1);
    bytes.push(0x00);
    bytes.extend_from_slice(payload);
    keccak256(bytes)
}

fn node_hash(left: &B256, right: &B256) -> B256 {
    let mut bytes = [0x01; 65];
    bytes[1..33].copy_from_slice(left.as_slice());
    bytes[33..65].copy_from_slice(right.as_slice());
    keccak256(bytes)
}

/// Depth of a tree over `count` leaves: `ceil(log2 count)`; 0 for one leaf.
pub fn depth(count: u32) -> u32 {
    count.max(1).next_power_of_two().trailing_zeros()
}

/// Siblings from a leaf up to the root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path(pub Vec<B256>);

impl Path {
    /// Whether `leaf` stands at `index` of the tree over `count` leaves with this `root`.
    pub fn verify(&self, root: B256, count: u32, index: u32, leaf: B256) -> bool {
        if index >= count || self.0.len() != depth(count) as usize {
            return false;
        }
        let mut at = index;
        let mut hash = leaf;
        for sibling in &self.0 {
            hash = if at & 1 == 0 {
                node_hash(&hash, sibling)
            } else {
                node_hash(sibling, &hash)
            };
            at >>= 1;
        }
        hash == root
    }
}

/// A whole tree, kept level by level from the padded leaves to the root.
#[derive(Clone, Debug)]
pub struct Tree {
    levels: Vec<Vec<B256>>,
}

impl Tree {
    /// The tree over these leaf hashes. An empty list gives the all-zero root, which no receipt may carry.
    pub fn new(mut leaves: Vec<B256>) -> Self {
        leaves.resize(leaves.len().max(1).next_power_of_two(), B256::ZERO);
        let mut levels = vec![leaves];
        while let Some(last) = levels.last().filter(|level| level.len() > 1) {
            let next = last
                .as_chunks::<2>()
                .0
                .iter()
                .map(|[l, r]| node_hash(l, r))
                .collect();
            levels.push(next);
        }
        Self { levels }
    }

    /// The root.
    pub fn root(&self) -> B256 {
        self.levels
            .last()
            .and_then(|level| level.first())
            .copied()
            .unwrap_or_default()
    }

    /// The path of leaf `index`.
    ///
    /// # Panics
    /// If `index` lies outside the padded tree.
    pub fn path(&self, index: u32) -> Path {
        let siblings = self.levels.iter().take(self.levels.len() - 1).enumerate();
        Path(
            siblings
                .map(|(height, level)| level[(index as usize >> height) ^ 1])
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, without levels or padding tricks.
    fn naive_root(leaves: &[B256], height: u32) -> B256 {
        if height == 0 {
            return leaves.first().copied().unwrap_or_default();
        }
        let half = (1usize << (height - 1)).min(leaves.len());
        node_hash(
            &naive_root(&leaves[..half], height - 1),
            &naive_root(&leaves[half..], height - 1),
        )
    }

    #[test]
    fn agrees_with_the_definition_and_opens_every_leaf() {
        for count in 1..40u32 {
            let leaves: Vec<_> = (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect();
            let tree = Tree::new(leaves.clone());
            assert_eq!(tree.root(), naive_root(&leaves, depth(count)));
            for (index, leaf) in leaves.iter().enumerate() {
                let index = index as u32;
                let path = tree.path(index);
                assert!(path.verify(tree.root(), count, index, *leaf));
                assert!(!path.verify(tree.root(), count, index ^ 1, *leaf));
                assert!(!path.verify(tree.root(), index, index, *leaf));
                assert!(!path.verify(tree.root(), count, index, leaf_hash(b"other")));
            }
        }
    }

    #[test]
    fn padding_cannot_be_opened_as_a_leaf() {
        let tree = Tree::new(vec![leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")]);
        assert!(!tree.path(3).verify(tree.root(), 3, 3, B256::ZERO));
    }
}
