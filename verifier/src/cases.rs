//! What the court's cases of wrong encoding settle, and what is open again when they fall.

use assay_protocol::Address;
use assay_protocol::checked::Now;
use assay_protocol::verdict::LeafId;

use crate::leaf::{LeafState, Matter, Own};
use crate::output::{Output, Urgency};
use crate::state::Verifier;

/// A case of wrong encoding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub operator: Address,
    pub leaf: LeafId,
    /// Block of its opening.
    pub opened: u64,
    /// Block in which it ended without a slash, and whether its fault was a planted one.
    pub closed: Option<(u64, bool)>,
}

impl Case {
    /// Whether the court takes no other case about this leaf: a receipt has one, but a planted fault spares its leaf alone.
    fn bars(&self, leaf: LeafId) -> bool {
        let spared = matches!(self.closed, Some((_, true)));
        self.leaf.receipt == leaf.receipt && (!spared || self.leaf == leaf)
    }
}

impl Verifier {
    pub(crate) fn on_case_opened(&mut self, operator: Address, leaf: LeafId, opened: u64) {
        self.cases.push(Case {
            operator,
            leaf,
            opened,
            closed: None,
        });
        if let Some(watched) = self.receipts.get_mut(&leaf.receipt) {
            let open = |state: &&mut LeafState| state.matter == Matter::Open;
            for state in watched.leaves.values_mut().filter(open) {
                state.matter = Matter::Settled;
            }
        }
    }

    /// A case that ends without a slash has absorbed nothing.
    pub(crate) fn on_case_closed(
        &mut self,
        leaf: LeafId,
        spared: bool,
        block: u64,
        now: Now,
    ) -> Vec<Output> {
        let close = |cases: &mut Vec<Case>| {
            let mut open = cases.iter_mut().filter(|case| case.closed.is_none());
            if let Some(case) = open.find(|case| case.leaf == leaf) {
                case.closed = Some((block, spared));
            }
        };
        self.change_cases(close, now)
    }

    /// What happened to cases above this block never did.
    pub(crate) fn on_rewound(&mut self, ancestor: u64, now: Now) -> Vec<Output> {
        let rewind = |cases: &mut Vec<Case>| {
            cases.retain(|case| case.opened <= ancestor);
            for case in cases {
                case.closed = case.closed.filter(|(block, _)| *block <= ancestor);
            }
        };
        self.change_cases(rewind, now)
    }

    /// Opens anew what cases had settled before the change and do not settle after it.
    fn change_cases(&mut self, change: impl FnOnce(&mut Vec<Case>), now: Now) -> Vec<Output> {
        let all = self.receipts.iter().flat_map(|(receipt, watched)| {
            let settled = |(_, state): &(&u32, &LeafState)| state.matter == Matter::Settled;
            let settled = watched.leaves.iter().filter(settled);
            settled.map(|(index, _)| LeafId {
                receipt: *receipt,
                index: *index,
            })
        });
        let mut settled: Vec<LeafId> = all.filter(|leaf| self.decided(*leaf)).collect();
        change(&mut self.cases);
        settled.retain(|leaf| !self.decided(*leaf));
        let open = settled.into_iter();
        open.flat_map(|leaf| self.reopen(leaf, now)).collect()
    }

    /// The matter of a leaf begins anew, as it does for the other verifiers: what was said of it stays said.
    fn reopen(&mut self, leaf: LeafId, now: Now) -> Vec<Output> {
        let me = self.me;
        let Some((evidence, state)) = self.leaf_mut(leaf) else {
            return Vec::new();
        };
        let claimed = evidence.receipt.leaves[leaf.index as usize].output_hash;
        (state.matter, state.submit_at) = (Matter::Open, None);
        state.accused_at = state.accused_at.map(|_| now.block);
        let failed = matches!(&state.own, Own::Said(own) if own.verdict.recomputedHash != claimed);
        let mut outputs = Vec::new();
        if failed && state.drawn {
            outputs.extend(Self::accuse(leaf, state));
        }
        // Some have accused it while nobody looked at it.
        let accusers: Vec<_> = state.accusers().filter(|who| *who != me).collect();
        outputs.extend(self.hear_accusers(leaf, &accusers));
        outputs
    }

    /// Whether a case has made this fault part of itself, or will once it is executed.
    fn absorbed(&self, operator: Address, signed_block: u64) -> bool {
        let within = self.params.response_blocks;
        let absorbs = |case: &Case| {
            let burst = case.opened.saturating_sub(within)..=case.opened;
            let counts = case.closed.is_none() && case.operator == operator;
            counts && burst.contains(&signed_block)
        };
        self.cases.iter().any(absorbs)
    }

    /// Whether the court takes no further case about a leaf.
    pub(crate) fn proven(&self, leaf: LeafId) -> bool {
        self.cases.iter().any(|case| case.bars(leaf))
    }

    /// Whether the court has a case on a leaf's receipt, or one that has made its faults part of itself: more of them cut no
    /// more.
    pub(crate) fn decided(&self, leaf: LeafId) -> bool {
        self.receipts.get(&leaf.receipt).is_some_and(|watched| {
            self.proven(leaf) || self.absorbed(watched.transcoder(), watched.signed_block)
        })
    }

    /// How soon a leaf is recomputed: a decided matter keeps no other waiting.
    pub(crate) fn urgency(&self, leaf: LeafId, open: Urgency) -> Urgency {
        match self.decided(leaf) {
            true => Urgency::Sample,
            false => open,
        }
    }
}
