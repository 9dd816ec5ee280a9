//! Brings evidence before the court in turn, opens the leaves that are demanded of this node, and reports those that
//! others keep closed.

use std::collections::BTreeSet;

use assay_chain::call::ChallengeCall;
use assay_chain::exhibit::{Exhibit, Kind};
use assay_chain::fault::FaultKind;
use assay_protocol::verdict::LeafId;
use assay_protocol::{Address, B256};

use crate::chain_state::{Case, ChainState};
use crate::driver::Node;
use crate::evidence::{Finding, Witness};
use crate::notice::Notice;

/// Blocks after which an answer to a demand is tried again: what failed before may have been the chain's trouble.
const ANSWER_AGAIN: u64 = 4;

impl Node {
    /// Lets the witness look at something off the loop: it may write files.
    fn witnessed(&self, look: impl FnOnce(&Witness, &ChainState) + Send + 'static) {
        let (witness, state) = (self.witness.clone(), self.state.clone());
        tokio::task::spawn_blocking(move || {
            let state = state
                .read()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            look(&witness, &state);
        });
    }

    /// Shows a case to the witness: passes may contradict it, and its finder may be this node.
    pub(crate) fn show_case(&self, case: Case, guilty: bool) {
        self.witnessed(move |witness, state| witness.case(state, &case, guilty));
    }

    /// Shows it a stop of an encoder.
    pub(crate) fn show_stop(&self, encoder: B256) {
        self.witnessed(move |witness, state| witness.stopped(state, encoder));
    }

    /// Takes what was found since the last block, and shows the witness this one.
    pub(crate) async fn witness_block(&mut self) {
        let block = self.now().block;
        for (finding, file) in self.witness.fresh() {
            let notice = Notice::Evidence {
                kind: finding.exhibit.kind(),
                culprit: finding.culprit,
                file,
            };
            self.tell(notice).await;
            if finding.brings_itself() {
                self.keeper.found.push((block, finding));
            }
        }
        self.witnessed(|witness, state| witness.block(state));
        if self.transcoding.is_some() {
            let receipts = self.receipts.clone();
            tokio::task::spawn_blocking(move || receipts.clear(block));
        }
    }

    /// Submits findings when it is this node's turn: whoever was faster leaves nothing to be sent.
    pub(crate) fn bring_evidence(&mut self, block: u64) {
        let wait = self.turn_blocks();
        let (due, later) = std::mem::take(&mut self.keeper.found)
            .into_iter()
            .partition(|(since, finding)| {
                if block < finding.exhibit.accepted_from(&self.params) {
                    return false;
                }
                let last = finding.exhibit.accepted_until(&self.params);
                let own = finding.culprit == self.me;
                // An early ticket is void with its epoch, and nobody else makes this node's claims.
                own || block >= since + wait || last.is_some_and(|last| block + 2 >= last)
            });
        self.keeper.found = later;
        for (_, finding) in due {
            self.bring(finding);
        }
    }

    fn bring(&self, finding: Finding) {
        let (what, key) = (finding.exhibit.kind().name(), finding.name());
        self.submit(what, key, finding.subject, finding.exhibit.call());
    }

    /// Opens what is demanded of this node's receipts, again and again until the chain has it.
    pub(crate) fn open_demanded(&mut self, block: u64) {
        let me = self.me;
        let due: Vec<LeafId> = self.read(|state| {
            let mine = state.demands.iter().filter(|(_, demand)| {
                let waits = demand.opened.is_none() && block <= demand.answer_until;
                demand.transcoder == me && waits
            });
            mine.map(|(leaf, _)| *leaf).collect()
        });
        for leaf in due {
            let last = self.keeper.answered.get(&leaf);
            if last.is_some_and(|last| block < last + ANSWER_AGAIN) {
                continue;
            }
            self.keeper.answered.insert(leaf, block);
            match self.receipts.opening(leaf) {
                Some(exhibit) => {
                    let key = format!("open-leaf:{}:{}", leaf.receipt, leaf.index);
                    self.submit(Kind::OpenLeaf.name(), key, leaf.receipt, exhibit.call());
                }
                None => tracing::error!(
                    "leaf {} of receipt {} is demanded and not here: assay court open-leaf must open it",
                    leaf.index,
                    leaf.receipt
                ),
            }
        }
        let known: BTreeSet<LeafId> = self.read(|state| state.demands.keys().copied().collect());
        self.keeper.answered.retain(|leaf, _| known.contains(leaf));
    }

    /// Reports leaves that stayed closed, of each receipt one: more would only give challengers their bonds back, at the
    /// cost of this node's gas.
    pub(crate) fn report_withheld(&mut self, block: u64) {
        let wait = self.turn_blocks();
        let due: Vec<LeafId> = self.read(|state| {
            let closed = state.demands.iter().filter(|(leaf, demand)| {
                let over = block > demand.answer_until + wait;
                let proven = state.cases.values().any(|case| {
                    case.kind == FaultKind::WithheldLeaf && case.receipt == leaf.receipt
                });
                demand.opened.is_none() && over && !proven
            });
            closed.map(|(leaf, _)| *leaf).collect()
        });
        for leaf in due {
            if self.keeper.reported.insert(leaf.receipt) {
                let call = ChallengeCall::ReportWithheld {
                    receipt_hash: leaf.receipt,
                    leaf_index: leaf.index,
                };
                let key = format!("withheld:{}:{}", leaf.receipt, leaf.index);
                self.submit("report withheld", key, leaf.receipt, call);
            }
        }
    }

    /// Keeps evidence that a core has found, as any other.
    pub(crate) fn keep_evidence(&self, exhibit: Exhibit, culprit: Address, about: B256) {
        let finding = Finding::new(exhibit, culprit, &[about.as_slice()]);
        self.witnessed(move |witness, _| witness.keep([finding]));
    }
}
