//! One verifier among four, and what it may hear.

use assay_protocol::accusation::{Accusation, SignedAccusation};
use assay_protocol::assignment::{Assignment, RefusalReason, SignedAssignment};
use assay_protocol::bls::{BlsPublicKey, BlsSignature};
use assay_protocol::checked::{Checked, Now};
use assay_protocol::domain::Domain;
use assay_protocol::draft::{Draft, Seal, Sealed};
use assay_protocol::frames::segment_tree;
use assay_protocol::fraud_proof::{VerifierSeat, VerifierSet};
use assay_protocol::params::Params;
use assay_protocol::receipt::{Leaf, Receipt, SignedReceipt, output_tree};
use assay_protocol::sig::Signature;
use assay_protocol::verdict::{LeafId, SignedVerdict, Verdict};
use assay_protocol::wire::ReceiptMessage;
use assay_protocol::{Address, B256, U256, keccak256};
use assay_verifier::{Input, Output, Recomputation, Urgency, Verifier};

pub const DOMAIN: Domain = Domain::new(31_337, Address::repeat_byte(0xc0));
pub const NOW: Now = Now { block: 100 };
pub const ROUND: u64 = 3;
pub const TRANSCODER: Address = Address::repeat_byte(0x70);
pub const ME: Address = Address::repeat_byte(1);
pub const OTHERS: [Address; 3] = [
    Address::repeat_byte(2),
    Address::repeat_byte(3),
    Address::repeat_byte(4),
];

pub fn set() -> VerifierSet {
    let seat = |operator: Address| VerifierSeat {
        operator,
        key: BlsPublicKey([operator[0]; 96].into()),
        weight: U256::from(100),
    };
    VerifierSet {
        round: ROUND,
        seats: [[ME].as_slice(), OTHERS.as_slice()]
            .concat()
            .into_iter()
            .map(seat)
            .collect(),
    }
}

pub fn signature() -> Signature {
    Signature([0; 65].into())
}

pub fn chunk_roots() -> Vec<B256> {
    vec![keccak256(b"chunk")]
}

/// A receipt of `leaves` leaves of one chunk each, all of the same frames.
pub fn receipt(leaves: u8) -> Checked<ReceiptMessage> {
    let leaf = |rendition| Leaf {
        rendition,
        chunk: 0,
        frames_root: chunk_roots()[0],
        output_len: 1,
        output_hash: keccak256([rendition]),
    };
    let leaves: Vec<_> = (0..leaves).map(leaf).collect();
    let assignment = Assignment {
        round: ROUND,
        transcoder: TRANSCODER,
        framesRoot: segment_tree(&chunk_roots()).root(),
        leafCount: leaves.len() as u32,
        deadlineBlock: NOW.block + Params::demo().response_blocks,
        ..Default::default()
    };
    let receipt = Receipt {
        assignmentHash: DOMAIN.digest(&assignment),
        outputRoot: output_tree(&leaves).root(),
        ..Default::default()
    };
    Checked {
        hash: DOMAIN.digest(&receipt),
        signer: TRANSCODER,
        message: ReceiptMessage {
            assignment: SignedAssignment {
                assignment,
                signature: signature(),
                skips: Vec::new(),
            },
            receipt: SignedReceipt {
                receipt,
                signature: signature(),
                leaves,
            },
        },
    }
}

pub fn seal(draft: Draft) -> Input {
    let hash = draft.digest(&DOMAIN);
    let seal = if draft.by_bls() {
        Seal::Bls(BlsSignature::from_bytes([9; 48]))
    } else {
        Seal::Operator(signature())
    };
    Input::Signed(Box::new(Sealed { draft, hash, seal }))
}

/// Somebody accuses, committed to what [`verdict`] says for it.
pub fn accusation(by: Address, leaf: LeafId) -> Input {
    accusation_to(by, leaf, by[0])
}

/// Somebody accuses, committed to a signature made of that byte.
pub fn accusation_to(by: Address, leaf: LeafId, commit: u8) -> Input {
    let accusation = Accusation::new(leaf, &BlsSignature::from_bytes([commit; 48]));
    Input::Accusation(Checked {
        hash: DOMAIN.digest(&accusation),
        signer: by,
        message: SignedAccusation {
            accusation,
            signature: signature(),
        },
    })
}

pub fn verdict(by: Address, leaf: LeafId, hash: B256) -> SignedVerdict {
    SignedVerdict {
        verdict: Verdict {
            receiptHash: leaf.receipt,
            leafIndex: leaf.index,
            recomputedHash: hash,
        },
        verifier: by,
        signature: BlsSignature::from_bytes([by[0]; 48]),
    }
}

pub fn hear(by: Address, leaf: LeafId, hash: B256) -> Input {
    let message = verdict(by, leaf, hash);
    Input::Verdict(Checked {
        hash: DOMAIN.digest(&message.verdict),
        signer: by,
        message,
    })
}

/// A verifier that draws every leaf, or none.
pub fn verifier(draws: bool) -> Verifier {
    let params = Params {
        checks_per_leaf_ppm: if draws { 100_000_000 } else { 0 },
        ..Params::demo()
    };
    Verifier::new(ME, params, NOW)
}

/// Feeds an input and seals whatever is to be signed; gives every output.
pub fn feed(core: &mut Verifier, input: Input) -> Vec<Output> {
    let mut all = Vec::new();
    let mut inputs = vec![input];
    while let Some(input) = inputs.pop() {
        for output in core.handle(input, NOW) {
            if let Output::Sign(draft) = &output {
                inputs.push(seal(draft.clone()));
            }
            all.push(output);
        }
    }
    all
}

pub fn asked(outputs: &[Output], urgency: Urgency) -> usize {
    let count = |o: &&Output| matches!(o, Output::Recompute { urgency: u, .. } if *u == urgency);
    outputs.iter().filter(count).count()
}

/// A recomputation of one leaf gives this hash.
pub fn recomputed(receipt: B256, index: u32, hash: B256) -> Input {
    Input::Recomputed {
        receipt,
        leaves: vec![index],
        result: Ok(Recomputation {
            chunk_roots: chunk_roots(),
            hashes: vec![(index, hash)],
        }),
    }
}

/// The answer that leaves could not be recomputed.
pub fn failed(receipt: B256, leaves: &[u32], reason: RefusalReason) -> Input {
    Input::Recomputed {
        receipt,
        leaves: leaves.to_vec(),
        result: Err(reason),
    }
}
