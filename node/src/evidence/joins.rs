//! Cases that a smaller quorum has opened than is known here.

use assay_chain::exhibit::Exhibit;
use assay_protocol::U256;
use assay_protocol::fraud_proof::{FraudProof, ProofFile, SigningKeys};
use assay_protocol::verdict::LeafId;

use super::Finding;
use super::memory::Memory;
use super::quorums::named;
use crate::chain_state::ChainState;

impl Memory {
    /// A proof by all signers of the leaf's case and more, while that takes them, if this node's verifier is one of those
    /// whom the case lacks: who is first with a proof chooses neither who is rewarded nor whose bonds make the cap.
    pub(super) fn larger_quorum(&self, state: &ChainState, leaf: LeafId) -> Option<Finding> {
        let case = state.cases.get(&self.proven.get(&leaf)?.id)?;
        if !case.takes_signers() {
            return None;
        }
        let work = self.receipts.get(&leaf.receipt)?;
        let path = work.leaf_path(leaf.index)?;
        let assignment = &work.signed.assignment;
        let set = state.verifiers(assignment.round)?;
        let (me, _) = set.find(self.me)?;
        let fails = self.fails(state, leaf, work, path.leaf.output_hash, case.bitmap)?;
        let known = U256::from(fails.bitmap);
        let has_all = known & case.bitmap == case.bitmap;
        if !has_all || !known.bit(me) || case.bitmap.bit(me) {
            return None;
        }
        let broadcaster = state.jobs.get(&assignment.jobId)?.broadcaster;
        let keys = SigningKeys::of(state, broadcaster, assignment);
        let proof = FraudProof {
            assignment: assignment.clone(),
            assignment_signature: work.signed.assignment_signature,
            receipt: work.signed.receipt.clone(),
            receipt_signature: work.signed.receipt_signature,
            leaf: path.leaf,
            leaf_index: path.leaf_index,
            path: path.path,
            recomputed_hash: fails.recomputed_hash,
            bitmap: known,
            signature: fails.aggregate,
        };
        let file = ProofFile::new(self.domain, broadcaster, keys, set.clone(), proof);
        let exhibit = Exhibit::Prove(Box::new(file));
        Some(Finding::new(
            exhibit,
            assignment.transcoder,
            &[&named(leaf)],
        ))
    }
}
