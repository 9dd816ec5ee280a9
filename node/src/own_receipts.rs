//! The leaves of this transcoder's receipts, until nobody can demand them any more.
//!
//! Whoever is challenged and cannot open a leaf is slashed, so they are on disk before the receipt is told to anybody.
//! One file for each receipt; its name says until when it is of use.

use std::path::Path;

use assay_chain::challenge::{LeafOpening, LeafPath};
use assay_chain::exhibit::Exhibit;
use assay_protocol::B256;
use assay_protocol::receipt::{Leaf, output_tree};
use assay_protocol::verdict::LeafId;
use assay_protocol::wire::{decode, encode};

use crate::dated::Dated;

/// The folder of one node. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct OwnReceipts(Dated);

impl OwnReceipts {
    /// That of a node whose folder this is.
    pub fn new(node: &Path) -> Self {
        Self(Dated::new(node.join("receipts"), "leaves"))
    }

    /// Writes the leaves of a receipt down, durably; they may be demanded until block `until`.
    pub fn keep(&self, receipt: B256, until: u64, leaves: &[Leaf]) -> std::io::Result<()> {
        let bytes = encode(&leaves.to_vec()).map_err(std::io::Error::other)?;
        self.0.keep(&format!("{receipt:x}"), until, &bytes)
    }

    /// A leaf with its path, as the court takes it; `None` where the receipt is none of these.
    pub fn opening(&self, leaf: LeafId) -> Option<Exhibit> {
        let path = self.0.find(&format!("{:x}", leaf.receipt))?;
        let leaves: Vec<Leaf> = decode(&std::fs::read(path).ok()?).ok()?;
        let found = *leaves.get(leaf.index as usize)?;
        Some(Exhibit::OpenLeaf(Box::new(LeafOpening {
            receipt_hash: leaf.receipt,
            leaf: LeafPath {
                leaf: found,
                leaf_index: leaf.index,
                path: output_tree(&leaves).path(leaf.index),
            },
        })))
    }

    /// Removes what cannot be demanded any more.
    pub fn clear(&self, block: u64) {
        self.0.clear(block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain_feed::REORG_BLOCKS;

    #[test]
    fn a_leaf_opens_after_a_restart_until_it_is_of_no_use() {
        let node = tempfile::tempdir().unwrap();
        let receipt = B256::repeat_byte(3);
        let leaves: Vec<_> = (0..5)
            .map(|chunk| Leaf {
                chunk,
                ..Default::default()
            })
            .collect();
        let store = OwnReceipts::new(node.path());
        store.keep(receipt, 90, &leaves).unwrap();
        store.keep(B256::repeat_byte(4), 100, &leaves).unwrap();
        let store = OwnReceipts::new(node.path());
        let leaf = |index| LeafId { receipt, index };
        let Some(Exhibit::OpenLeaf(opening)) = store.opening(leaf(4)) else {
            panic!("not here")
        };
        let root = output_tree(&leaves).root();
        let LeafPath {
            leaf: found, path, ..
        } = opening.leaf;
        assert!(path.verify(root, 5, 4, found.hash()));
        assert_eq!(store.opening(leaf(5)), None);
        store.clear(90 + REORG_BLOCKS);
        assert!(store.opening(leaf(0)).is_some());
        store.clear(91 + REORG_BLOCKS);
        assert_eq!(store.opening(leaf(0)), None);
        assert_eq!(store.0.files().len(), 1);
    }
}
