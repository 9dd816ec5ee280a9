//! A conviction becomes a fraud proof: path, bitmap and the sum of the signatures.

use assay_protocol::U256;
use assay_protocol::bls::{BlsError, BlsSignature};
use assay_protocol::fraud_proof::{FraudProof, VerifierSet};
use assay_protocol::receipt::output_tree;

use crate::output::Conviction;

/// The bitmap of a conviction over a round's verifiers, and their signatures; verdicts of others are left out.
pub fn signers(conviction: &Conviction, set: &VerifierSet) -> (U256, Vec<BlsSignature>) {
    let mut bitmap = U256::ZERO;
    let mut signatures = Vec::new();
    for verdict in &conviction.verdicts {
        let seat = set
            .find(verdict.verifier)
            .filter(|_| verdict.verdict.recomputedHash == conviction.recomputed_hash);
        if let Some((position, _)) = seat {
            bitmap.set_bit(position, true);
            signatures.push(verdict.signature);
        }
    }
    (bitmap, signatures)
}

/// Sums the verdicts of a conviction over the verifiers of its assignment's round; verdicts of others are left out.
///
/// # Errors
/// [`BlsError`] where a signature is no point or none is left.
pub fn aggregate(conviction: &Conviction, set: &VerifierSet) -> Result<FraudProof, BlsError> {
    let evidence = &conviction.evidence;
    let (bitmap, signatures) = signers(conviction, set);
    let index = conviction.leaf.index;
    Ok(FraudProof {
        assignment: evidence.assignment.assignment.clone(),
        assignment_signature: evidence.assignment.signature,
        receipt: evidence.receipt.receipt.clone(),
        receipt_signature: evidence.receipt.signature,
        leaf: evidence
            .receipt
            .leaves
            .get(index as usize)
            .copied()
            .unwrap_or_default(),
        leaf_index: index,
        path: output_tree(&evidence.receipt.leaves).path(index),
        recomputed_hash: conviction.recomputed_hash,
        bitmap,
        signature: BlsSignature::aggregate(&signatures)?,
    })
}
