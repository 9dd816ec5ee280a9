//! Signed objects in the shapes of the court's ABI.

use assay_protocol::assignment::Assignment;
use assay_protocol::bls::BlsError;
use assay_protocol::fraud_proof::FraudProof;
use assay_protocol::merkle::Path;
use assay_protocol::receipt::{Leaf, Receipt};
use assay_protocol::sig::Signature;
use assay_protocol::verdict::Verdict;

use crate::bindings::fraud_court as court;
use crate::convert::{address_out, word_out};
use crate::fault::{LeafFault, SignedWork};

pub(crate) fn prove(proof: &FraudProof) -> Result<court::ProveCall, BlsError> {
    Ok(court::ProveCall {
        signed: signed(
            &proof.assignment,
            &proof.assignment_signature,
            &proof.receipt,
            &proof.receipt_signature,
        ),
        proof: leaf_proof(&proof.leaf, proof.leaf_index, &proof.path),
        verdict: court::QuorumVerdict {
            recomputed_hash: proof.recomputed_hash.0,
            // Positions above 63 do not exist (at most 64 verifiers); a longer bitmap must not become a valid one.
            bitmap: u64::try_from(proof.bitmap).unwrap_or(u64::MAX),
            aggregate_signature: proof.signature.to_evm()?.to_vec().into(),
        },
    })
}

pub(crate) fn leaf_fault(fault: &LeafFault) -> court::LeafFaultCall {
    court::LeafFaultCall {
        signed: signed_work(&fault.work),
        proof: leaf_proof(&fault.leaf, fault.leaf_index, &fault.path),
        p2: court::FramesProof {
            profiles: fault.profiles.to_vec().into(),
            chunk_root: fault.chunk_root.0,
            path: siblings(&fault.frames_path),
        },
    }
}

pub(crate) fn signed_work(work: &SignedWork) -> court::SignedReceipt {
    signed(
        &work.assignment,
        &work.assignment_signature,
        &work.receipt,
        &work.receipt_signature,
    )
}

fn signed(
    assignment: &Assignment,
    by: &Signature,
    answer: &Receipt,
    answered_by: &Signature,
) -> court::SignedReceipt {
    court::SignedReceipt {
        assignment: self::assignment(assignment),
        broadcaster_signature: by.0.to_vec().into(),
        receipt: receipt(answer),
        transcoder_signature: answered_by.0.to_vec().into(),
    }
}

pub(crate) fn assignment(assignment: &Assignment) -> court::Assignment {
    court::Assignment {
        job_id: word_out(assignment.jobId),
        seq: assignment.seq,
        attempt: assignment.attempt,
        round: assignment.round,
        transcoder: address_out(assignment.transcoder),
        source_hash: assignment.sourceHash.0,
        source_len: assignment.sourceLen,
        frames_root: assignment.framesRoot.0,
        frame_count: assignment.frameCount,
        profiles_hash: assignment.profilesHash.0,
        encoder_id: assignment.encoderId.0,
        leaf_count: assignment.leafCount,
        price_per_pixel: word_out(assignment.pricePerPixel),
        deadline_block: assignment.deadlineBlock,
    }
}

pub(crate) fn receipt(receipt: &Receipt) -> court::Receipt {
    court::Receipt {
        assignment_hash: receipt.assignmentHash.0,
        output_root: receipt.outputRoot.0,
        output_bytes: receipt.outputBytes,
        plant: receipt.plant.0,
    }
}

pub(crate) fn verdict(verdict: &Verdict) -> court::Verdict {
    court::Verdict {
        receipt_hash: verdict.receiptHash.0,
        leaf_index: verdict.leafIndex,
        recomputed_hash: verdict.recomputedHash.0,
    }
}

pub(crate) fn leaf_proof(leaf: &Leaf, leaf_index: u32, path: &Path) -> court::LeafProof {
    court::LeafProof {
        leaf: court::Leaf {
            rendition: leaf.rendition,
            chunk: leaf.chunk,
            frames_root: leaf.frames_root.0,
            output_len: leaf.output_len,
            output_hash: leaf.output_hash.0,
        },
        leaf_index,
        path: siblings(path),
    }
}

fn siblings(path: &Path) -> Vec<[u8; 32]> {
    path.0.iter().map(|sibling| sibling.0).collect()
}
