//! Brings evidence before the court in turn, opens the leaves that are demanded of this node, and reports those that
//! others keep closed.

use std::collections::BTreeSet;
use std::sync::RwLockReadGuard;

use assay_chain::call::ChallengeCall;
use assay_chain::exhibit::{Exhibit, Kind};
use assay_chain::fault::FaultKind;
use assay_protocol::bls::BlsSignature;
use assay_protocol::draft::Draft;
use assay_protocol::sample::SampleTicket;
use assay_protocol::verdict::{LeafId, SignedVerdict, Verdict};
use assay_protocol::{Address, B256};
use assay_verifier as verifier;

use crate::chain_state::{Case, ChainState};
use crate::driver::{Event, Node, Role};
use crate::evidence::{Finding, Witness};
use crate::notice::Notice;
use crate::retry::Chore;

/// Blocks after which an answer to a demand is tried again: what failed before may have been the chain's trouble.
const ANSWER_AGAIN: u64 = 4;

impl Node {
    /// Lets the witness look at something off the loop: it may write files.
    fn witnessed(
        &self,
        look: impl FnOnce(&Witness, RwLockReadGuard<'_, ChainState>) + Send + 'static,
    ) {
        let (witness, state) = (self.witness.clone(), self.state.clone());
        tokio::task::spawn_blocking(move || {
            let state = state
                .read()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            look(&witness, state);
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

    /// Shows it this node's verdict, which a case may lack.
    pub(crate) fn show_own_verdict(&self, verdict: Verdict, signature: BlsSignature) {
        let signed = SignedVerdict {
            verdict,
            verifier: self.me,
            signature,
        };
        self.witnessed(move |witness, state| witness.verdict(state, &signed));
    }

    /// Shows it this node's ticket of an epoch, which says what it may claim.
    pub(crate) fn show_own_ticket(&self, epoch: u64, ticket: BlsSignature) {
        let me = self.me;
        let witness = self.witness.clone();
        tokio::task::spawn_blocking(move || witness.ticket(me, epoch, ticket, false));
    }

    /// Goes on, once the chain's history is known, with what was found before this node was restarted.
    pub(crate) async fn recall_evidence(&mut self) {
        let block = self.now().block;
        let found = self.witness.recalled().into_iter();
        self.keeper
            .found
            .extend(found.map(|finding| (block, finding)));
        if self.verifying.is_none() {
            return;
        }
        for epoch in self.witness.find_epochs() {
            self.sign(Role::Verifier, Draft::Ticket(SampleTicket { epoch }));
        }
        for (receipt, index) in self.suspects.all(&self.domain) {
            let leaf = LeafId {
                receipt: receipt.hash,
                index,
            };
            if !self.read(|state| state.cases.values().any(|case| case.bars(leaf))) {
                self.drive_verifier(verifier::Input::Suspected(Box::new(receipt), index))
                    .await;
            }
        }
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
        let (receipts, suspects) = (self.receipts.clone(), self.suspects.clone());
        tokio::task::spawn_blocking(move || {
            receipts.clear(block);
            suspects.clear(block);
        });
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
            let last = finding.exhibit.accepted_until(&self.params);
            if last.is_none_or(|last| block <= last) {
                self.bring(finding);
            }
        }
    }

    fn bring(&self, finding: Finding) {
        if let Exhibit::Acquit(shown) = &finding.exhibit {
            // The court refuses no second one.
            let leaf = LeafId {
                receipt: self.domain.digest(&shown.work.receipt),
                index: shown.leaf.leaf_index,
            };
            if self.read(|state| state.has_acquitted(leaf, finding.culprit)) {
                return;
            }
        }
        let (what, about) = (finding.exhibit.kind().name(), finding.subject);
        let call = finding.exhibit.clone().call();
        self.submit_chore(what, about, call, Chore::Bring(Box::new(finding)));
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
            let (receipts, events) = (self.receipts.clone(), self.events.clone());
            tokio::spawn(async move {
                let opening = tokio::task::spawn_blocking(move || receipts.opening(leaf)).await;
                let opening = opening.ok().flatten().map(Box::new);
                let _ = events.send(Event::Opening(leaf, opening)).await;
            });
        }
        let known: BTreeSet<LeafId> = self.read(|state| state.demands.keys().copied().collect());
        self.keeper.answered.retain(|leaf, _| known.contains(leaf));
    }

    /// Shows the court a leaf that it demands.
    pub(crate) fn open_leaf(&self, leaf: LeafId, opening: Option<Box<Exhibit>>) {
        let LeafId { receipt, index } = leaf;
        match opening {
            Some(exhibit) => {
                let key = format!("open-leaf:{receipt}:{index}");
                self.submit(Kind::OpenLeaf.name(), key, receipt, exhibit.call());
            }
            None => tracing::error!(
                "leaf {index} of receipt {receipt} is demanded and not here: assay court open-leaf must open it"
            ),
        }
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
                self.submit_chore("report withheld", leaf.receipt, call, Chore::Report(leaf));
            }
        }
    }

    /// Keeps evidence that a core has found, as any other.
    pub(crate) fn keep_evidence(&self, exhibit: Exhibit, culprit: Address, about: B256) {
        let finding = Finding::new(exhibit, culprit, &[about.as_slice()]);
        let witness = self.witness.clone();
        tokio::task::spawn_blocking(move || witness.keep([finding]));
    }
}
