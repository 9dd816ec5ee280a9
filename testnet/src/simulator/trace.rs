//! A hash over everything that happens, in order: equal hashes, equal runs.

use assay_protocol::{B256, keccak256};

use super::clock::Millis;

/// The running hash.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trace(B256);

impl Trace {
    /// Folds in one happening at a node.
    pub fn fold(&mut self, time: Millis, node: usize, what: &str, detail: &[u8]) {
        self.0 = keccak256(
            [
                self.0.as_slice(),
                &time.to_be_bytes(),
                &(node as u64).to_be_bytes(),
                what.as_bytes(),
                &[0],
                detail,
            ]
            .concat(),
        );
    }

    pub fn hash(&self) -> B256 {
        self.0
    }
}
