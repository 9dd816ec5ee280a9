//! What the court's cases make of others' proofs.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use assay_protocol::assignment::Assignment;
use assay_protocol::{Address, B256};

use crate::chain_state::ChainState;

/// What the open and past cases make of others' proofs.
pub(crate) struct Covers {
    /// Receipts with a case, and the block of its opening.
    pub proven: BTreeMap<B256, u64>,
    /// Blocks of signing whose faults a case of the operator has absorbed.
    bursts: BTreeMap<Address, Vec<RangeInclusive<u64>>>,
    response_blocks: u64,
}

impl Covers {
    pub fn of(state: &ChainState, response_blocks: u64) -> Self {
        let cases = state.cases.values();
        let proven = cases.clone().map(|case| (case.receipt, case.opened));
        let mut bursts: BTreeMap<Address, Vec<_>> = BTreeMap::new();
        for case in cases {
            let blocks = case.opened.saturating_sub(response_blocks)..=case.opened;
            bursts.entry(case.operator).or_default().push(blocks);
        }
        Self {
            proven: proven.collect(),
            bursts,
            response_blocks,
        }
    }

    pub fn absorbs(&self, assignment: &Assignment) -> bool {
        let signed = assignment.signed_block(self.response_blocks);
        let bursts = self.bursts.get(&assignment.transcoder);
        bursts.is_some_and(|bursts| bursts.iter().any(|blocks| blocks.contains(&signed)))
    }
}
