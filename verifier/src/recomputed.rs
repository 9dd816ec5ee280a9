//! A recomputation ends: agree, repeat in a fresh process, or say that it cannot be checked.

use assay_protocol::B256;
use assay_protocol::assignment::RefusalReason;
use assay_protocol::bls::BlsSignature;
use assay_protocol::draft::Draft;
use assay_protocol::frames::segment_tree;
use assay_protocol::verdict::{Divergence, LeafId, SignedDivergence, Unverifiable, Verdict};
use assay_protocol::wire::Gossip;

use crate::accused::recompute;
use crate::input::Recomputation;
use crate::leaf::{LeafState, Matter, Own};
use crate::output::{LeafFault, Note, Output, Urgency};
use crate::state::Verifier;

impl Verifier {
    pub(crate) fn on_recomputed(
        &mut self,
        receipt: B256,
        leaves: &[u32],
        result: Result<Recomputation, RefusalReason>,
    ) -> Vec<Output> {
        let Some(watched) = self.receipts.get_mut(&receipt) else {
            return Vec::new();
        };
        for index in leaves {
            watched.leaves.entry(*index).and_modify(LeafState::answered);
        }
        let assignment = &watched.message.assignment.assignment;
        let done = match result {
            Ok(done) if segment_tree(&done.chunk_roots).root() == assignment.framesRoot => done,
            Ok(_) => return self.trouble(receipt, leaves, RefusalReason::FramesRootDiffers),
            Err(reason) => return self.trouble(receipt, leaves, reason),
        };
        let mut outputs = Vec::new();
        let wrong_root = done.hashes.iter().map(|(index, _)| *index).find(|index| {
            let leaf = watched.message.receipt.leaves.get(*index as usize);
            leaf.is_some_and(|l| done.chunk_roots.get(l.chunk as usize) != Some(&l.frames_root))
        });
        if let Some(index) = wrong_root.filter(|_| !watched.fault_reported) {
            watched.fault_reported = true;
            outputs.push(Output::ReportLeafFault(Box::new(LeafFault {
                evidence: watched.message.clone(),
                index,
                chunk_roots: done.chunk_roots.clone(),
            })));
        }
        for (index, hash) in done.hashes {
            outputs.extend(self.compare(LeafId { receipt, index }, hash));
        }
        outputs
    }

    fn compare(&mut self, leaf: LeafId, hash: B256) -> Vec<Output> {
        let again = self.urgency(leaf, Urgency::Confirm);
        let Some((evidence, state)) = self.leaf_mut(leaf) else {
            return Vec::new();
        };
        let claimed = evidence.receipt.leaves[leaf.index as usize].output_hash;
        let transcoder = evidence.assignment.assignment.transcoder;
        let verdict = Verdict {
            receiptHash: leaf.receipt,
            leafIndex: leaf.index,
            recomputedHash: hash,
        };
        let sampled = Output::Note(Note::Sampled {
            leaf,
            pass: hash == claimed,
        });
        let drawn = state.drawn;
        match &state.own {
            Own::Running if hash == claimed => {
                state.own = Own::Signing;
                let tell = drawn.then_some(sampled);
                tell.into_iter()
                    .chain([Output::Sign(Draft::Verdict(verdict))])
                    .collect()
            }
            Own::Running => {
                state.own = Own::Confirming(hash);
                let suspect = Output::Suspect {
                    evidence: Box::new(evidence.clone()),
                    leaf,
                };
                vec![suspect, recompute(leaf, evidence, state, again)]
            }
            // Every run is a process of its own, so any second result confirms or refutes the first.
            Own::Confirming(first) if *first == hash => {
                state.own = Own::Signing;
                let tell = drawn.then_some(sampled);
                let mismatch = Output::Note(Note::Mismatch { leaf, transcoder });
                tell.into_iter()
                    .chain([mismatch, Output::Sign(Draft::Verdict(verdict))])
                    .collect()
            }
            // Two runs of one machine disagree: its own trouble, nobody's fraud.
            Own::Confirming(_) => {
                state.own = Own::Trouble;
                self.unverifiable(leaf.receipt, RefusalReason::EncoderFailed)
            }
            _ => Vec::new(),
        }
    }

    /// A request failed for these leaves. They are lost to this verifier if nothing else under way can answer for
    /// them, and for good only where the reason cannot pass.
    fn trouble(&mut self, receipt: B256, leaves: &[u32], reason: RefusalReason) -> Vec<Output> {
        let Some(watched) = self.receipts.get_mut(&receipt) else {
            return Vec::new();
        };
        let mut missed = false;
        for index in leaves {
            let Some(state) = watched.leaves.get_mut(index) else {
                continue;
            };
            let waiting = matches!(state.own, Own::Running | Own::Confirming(_));
            if !waiting || (reason.may_pass() && state.asked > 0) {
                continue;
            }
            state.own = if reason.may_pass() {
                Own::Failed
            } else {
                Own::Trouble
            };
            missed |= state.drawn;
        }
        // Who was only asked owes nobody an account, and want of room here says nothing of the receipt.
        if missed && reason != RefusalReason::Overloaded {
            self.unverifiable(receipt, reason)
        } else {
            Vec::new()
        }
    }

    fn unverifiable(&mut self, receipt: B256, reason: RefusalReason) -> Vec<Output> {
        let Some(watched) = self.receipts.get_mut(&receipt) else {
            return Vec::new();
        };
        if std::mem::replace(&mut watched.unverifiable, true) {
            return Vec::new();
        }
        let reason = reason as u8;
        vec![
            Output::Note(Note::Trouble { receipt, reason }),
            Output::Sign(Draft::Unverifiable(Unverifiable {
                receiptHash: receipt,
                reason,
            })),
        ]
    }

    pub(crate) fn on_levels(&mut self, leaf: LeafId, reproducing: Option<u8>) -> Vec<Output> {
        let Some((_, state)) = self.leaf_mut(leaf) else {
            return Vec::new();
        };
        match reproducing {
            Some(level) if state.matter == Matter::Open => {
                state.matter = Matter::Diverged;
                let object = Divergence {
                    receiptHash: leaf.receipt,
                    leafIndex: leaf.index,
                    level,
                };
                vec![Output::Sign(Draft::Divergence(object))]
            }
            _ => Vec::new(),
        }
    }

    pub(crate) fn on_own_divergence(
        &mut self,
        divergence: Divergence,
        signature: BlsSignature,
    ) -> Vec<Output> {
        let signed = SignedDivergence {
            divergence,
            verifier: self.me,
            signature,
        };
        vec![Output::Gossip(Gossip::Divergence(signed))]
    }
}
