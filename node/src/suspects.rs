//! Receipts of which a leaf differed here, on disk until nobody can be convicted by them any more.
//!
//! A verifier that is killed between finding a leaf wrong and accusing it would say nothing: gossip does not repeat the
//! receipt. So it is kept before the leaf is recomputed for the second time, and looked at anew after a restart.

use std::path::Path;

use assay_protocol::checked::Checked;
use assay_protocol::domain::Domain;
use assay_protocol::params::Params;
use assay_protocol::verdict::LeafId;
use assay_protocol::wire::{ReceiptMessage, decode, encode};

use crate::dated::Dated;

/// Receipts that are kept at most: after a few there is no stake left that more could cut.
const MOST: usize = 1_024;

/// The folder of one node. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Suspects(Dated);

impl Suspects {
    /// That of a node whose folder this is.
    pub fn new(node: &Path) -> Self {
        Self(Dated::new(node.join("suspects"), "receipt"))
    }

    /// Writes a receipt down with the leaf, durably; the first leaf of each.
    pub fn keep(
        &self,
        evidence: &ReceiptMessage,
        leaf: LeafId,
        params: &Params,
    ) -> std::io::Result<()> {
        let name = format!("{:x}", leaf.receipt);
        if self.0.find(&name).is_some() || self.0.files().len() >= MOST {
            return Ok(());
        }
        let bytes = encode(&(leaf.index, evidence)).map_err(std::io::Error::other)?;
        let deadline = evidence.assignment.assignment.deadlineBlock;
        let until = deadline.saturating_add(params.evidence_blocks);
        self.0.keep(&name, until, &bytes)
    }

    /// Those that are kept, with their leaves.
    pub fn all(&self, domain: &Domain) -> Vec<(Checked<ReceiptMessage>, u32)> {
        let files = self.0.read().into_iter();
        let found = files.filter_map(|bytes| {
            let (index, message): (u32, ReceiptMessage) = decode(&bytes).ok()?;
            let checked = Checked {
                hash: domain.digest(&message.receipt.receipt),
                signer: message.assignment.assignment.transcoder,
                message,
            };
            Some((checked, index))
        });
        found.collect()
    }

    /// Removes what is over.
    pub fn clear(&self, block: u64) {
        self.0.clear(block);
    }
}

#[cfg(test)]
mod tests {
    use assay_protocol::Address;
    use assay_protocol::assignment::{Assignment, SignedAssignment};
    use assay_protocol::receipt::{Leaf, Receipt, SignedReceipt};
    use assay_protocol::sig::Signature;

    use super::*;
    use crate::chain_feed::REORG_BLOCKS;

    #[test]
    fn a_suspect_is_there_after_a_restart_until_its_evidence_is_void() {
        let node = tempfile::tempdir().unwrap();
        let (domain, params) = (Domain::new(1, Address::ZERO), Params::testnet());
        let signature = Signature([3; 65].into());
        let assignment = Assignment {
            transcoder: Address::repeat_byte(7),
            deadlineBlock: 50,
            ..Default::default()
        };
        let message = ReceiptMessage {
            assignment: SignedAssignment {
                assignment,
                signature,
                skips: Vec::new(),
            },
            receipt: SignedReceipt {
                receipt: Receipt::default(),
                signature,
                leaves: vec![Leaf::default(); 5],
            },
        };
        let leaf = |index| LeafId {
            receipt: domain.digest(&message.receipt.receipt),
            index,
        };
        let suspects = Suspects::new(node.path());
        suspects.keep(&message, leaf(3), &params).unwrap();
        suspects.keep(&message, leaf(4), &params).unwrap();
        let suspects = Suspects::new(node.path());
        let [(checked, 3)] = &suspects.all(&domain)[..] else {
            panic!("{:?}", suspects.all(&domain))
        };
        assert_eq!(checked.message, message);
        assert_eq!(checked.hash, leaf(3).receipt);
        let last = 50 + params.evidence_blocks + REORG_BLOCKS;
        suspects.clear(last);
        assert_eq!(suspects.all(&domain).len(), 1);
        suspects.clear(last + 1);
        assert_eq!(suspects.all(&domain).len(), 0);
    }
}
