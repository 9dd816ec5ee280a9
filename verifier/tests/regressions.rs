//! Faults that the simulator or a reading once found, each by name.

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
use assay_protocol::wire::{ReceiptMessage, SampleReport};
use assay_protocol::{Address, B256, U256, keccak256};
use assay_verifier::{Equivocation, Input, Note, Output, Recomputation, Urgency, Verifier};

const DOMAIN: Domain = Domain::new(31_337, Address::repeat_byte(0xc0));
const NOW: Now = Now { block: 100 };
const ROUND: u64 = 3;
const TRANSCODER: Address = Address::repeat_byte(0x70);
const ME: Address = Address::repeat_byte(1);
const OTHERS: [Address; 3] = [
    Address::repeat_byte(2),
    Address::repeat_byte(3),
    Address::repeat_byte(4),
];

fn set() -> VerifierSet {
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

fn signature() -> Signature {
    Signature([0; 65].into())
}

fn chunk_roots() -> Vec<B256> {
    vec![keccak256(b"chunk")]
}

/// A receipt of `leaves` leaves of one chunk each, all of the same frames.
fn receipt(leaves: u8) -> Checked<ReceiptMessage> {
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

fn seal(draft: Draft) -> Input {
    let hash = draft.digest(&DOMAIN);
    let seal = if draft.by_bls() {
        Seal::Bls(BlsSignature::from_bytes([9; 48]))
    } else {
        Seal::Operator(signature())
    };
    Input::Signed(Box::new(Sealed { draft, hash, seal }))
}

fn accusation(by: Address, leaf: LeafId) -> Input {
    let accusation = Accusation::new(leaf, &BlsSignature::from_bytes([by[0]; 48]));
    Input::Accusation(Checked {
        hash: DOMAIN.digest(&accusation),
        signer: by,
        message: SignedAccusation {
            accusation,
            signature: signature(),
        },
    })
}

fn verdict(by: Address, leaf: LeafId, hash: B256) -> SignedVerdict {
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

fn hear(by: Address, leaf: LeafId, hash: B256) -> Input {
    let message = verdict(by, leaf, hash);
    Input::Verdict(Checked {
        hash: DOMAIN.digest(&message.verdict),
        signer: by,
        message,
    })
}

/// A verifier that draws every leaf, or none.
fn verifier(draws: bool) -> Verifier {
    let params = Params {
        checks_per_leaf_ppm: if draws { 100_000_000 } else { 0 },
        ..Params::demo()
    };
    Verifier::new(ME, params, NOW)
}

/// Feeds an input and seals whatever is to be signed; gives every output.
fn feed(core: &mut Verifier, input: Input) -> Vec<Output> {
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

fn asked(outputs: &[Output], urgency: Urgency) -> usize {
    let count = |o: &&Output| matches!(o, Output::Recompute { urgency: u, .. } if *u == urgency);
    outputs.iter().filter(count).count()
}

fn convictions(outputs: &[Output]) -> usize {
    let count = |o: &&Output| matches!(o, Output::Convict(_));
    outputs.iter().filter(count).count()
}

#[test]
fn a_receipt_before_its_round_is_drawn_when_the_round_comes() {
    let mut core = verifier(true);
    let early = feed(&mut core, Input::Receipt(Box::new(receipt(2))));
    assert_eq!(asked(&early, Urgency::Sample), 0);
    let outputs = feed(&mut core, Input::Round(set()));
    assert_eq!(asked(&outputs, Urgency::Sample), 1);
    let again = feed(&mut core, Input::Round(set()));
    assert_eq!(asked(&again, Urgency::Sample), 0);
}

#[test]
fn an_accusation_before_its_round_is_answered_when_the_round_comes() {
    let mut core = verifier(false);
    let receipt = receipt(1);
    let leaf = LeafId {
        receipt: receipt.hash,
        index: 0,
    };
    feed(&mut core, Input::Receipt(Box::new(receipt)));
    assert!(feed(&mut core, accusation(OTHERS[0], leaf)).is_empty());
    let outputs = feed(&mut core, Input::Round(set()));
    assert_eq!(asked(&outputs, Urgency::Accused), 1);
}

#[test]
fn a_withheld_source_is_asked_for_again_when_somebody_accuses() {
    let mut core = verifier(true);
    let receipt = receipt(1);
    let hash = receipt.hash;
    let leaf = LeafId {
        receipt: hash,
        index: 0,
    };
    feed(&mut core, Input::Round(set()));
    feed(&mut core, Input::Receipt(Box::new(receipt)));
    let failed = |reason| Input::Recomputed {
        receipt: hash,
        result: Err(reason),
    };
    feed(&mut core, failed(RefusalReason::SourceUnavailable));
    let outputs = feed(&mut core, accusation(OTHERS[0], leaf));
    assert_eq!(asked(&outputs, Urgency::Accused), 1);
    // What is wrong with the source itself does not get better.
    feed(&mut core, failed(RefusalReason::Undecodable));
    let outputs = feed(&mut core, accusation(OTHERS[1], leaf));
    assert_eq!(asked(&outputs, Urgency::Accused), 0);
}

#[test]
fn one_failed_request_does_not_spoil_another_that_succeeds() {
    let mut core = verifier(true);
    let receipt = receipt(1);
    let (hash, leaves) = (receipt.hash, receipt.message.receipt.leaves.clone());
    feed(&mut core, Input::Round(set()));
    feed(&mut core, Input::Receipt(Box::new(receipt)));
    let failed = Input::Recomputed {
        receipt: hash,
        result: Err(RefusalReason::SourceUnavailable),
    };
    feed(&mut core, failed);
    let done = Recomputation {
        chunk_roots: chunk_roots(),
        hashes: vec![(0, leaves[0].output_hash)],
    };
    let outputs = feed(
        &mut core,
        Input::Recomputed {
            receipt: hash,
            result: Ok(done),
        },
    );
    let pass = |o: &Output| matches!(o, Output::Note(Note::Sampled { pass: true, .. }));
    assert!(outputs.iter().any(pass));
}

#[test]
fn a_receipt_with_a_case_is_not_taken_to_court_again_for_another_leaf() {
    let wrong = keccak256(b"wrong");
    let run = |case_open: bool| {
        let mut core = verifier(true);
        let receipt = receipt(2);
        let hash = receipt.hash;
        let leaf = |index| LeafId {
            receipt: hash,
            index,
        };
        feed(&mut core, Input::Round(set()));
        feed(&mut core, Input::Receipt(Box::new(receipt)));
        if case_open {
            // Long after the assignment: the burst does not reach back to it.
            let case = Input::CaseOpened {
                operator: TRANSCODER,
                leaf: leaf(0),
                block: NOW.block + 19,
            };
            feed(&mut core, case);
        }
        let mut outputs = Vec::new();
        for _ in 0..2 {
            let result = Ok(Recomputation {
                chunk_roots: chunk_roots(),
                hashes: vec![(1, wrong)],
            });
            let input = Input::Recomputed {
                receipt: hash,
                result,
            };
            outputs.extend(feed(&mut core, input));
        }
        for other in OTHERS {
            outputs.extend(feed(&mut core, hear(other, leaf(1), wrong)));
        }
        convictions(&outputs)
    };
    assert_eq!(run(false), 1);
    assert_eq!(run(true), 0);
}

#[test]
fn two_faces_of_a_verifier_are_seen_in_its_report() {
    let mut core = verifier(false);
    let receipt = receipt(1);
    let leaf = LeafId {
        receipt: receipt.hash,
        index: 0,
    };
    let right = receipt.message.receipt.leaves[0].output_hash;
    feed(&mut core, Input::Round(set()));
    feed(&mut core, Input::Receipt(Box::new(receipt)));
    feed(&mut core, hear(OTHERS[0], leaf, keccak256(b"wrong")));
    let report = |hash| {
        Input::Report(SampleReport {
            verifier: OTHERS[0],
            epoch: 22,
            ticket: BlsSignature::from_bytes([2; 48]),
            verdicts: vec![verdict(OTHERS[0], leaf, hash)],
            unverifiable: Vec::new(),
        })
    };
    let two = |outputs: &[Output]| {
        let find = |o: &Output| {
            matches!(
                o,
                Output::ReportEquivocation(Equivocation::Verifier(pair)) if pair[0].verdict != pair[1].verdict
            )
        };
        outputs.iter().any(find)
    };
    assert!(!two(&feed(&mut core, report(keccak256(b"wrong")))));
    assert!(two(&feed(&mut core, report(right))));
}

#[test]
fn early_accusations_are_forgotten_and_never_push_out_others() {
    let mut core = verifier(false);
    feed(&mut core, Input::Round(set()));
    let receipt = receipt(1);
    let leaf = LeafId {
        receipt: receipt.hash,
        index: 0,
    };
    feed(&mut core, accusation(OTHERS[0], leaf));
    for number in 0..10_000u32 {
        let fake = LeafId {
            receipt: keccak256(number.to_be_bytes()),
            index: 0,
        };
        feed(&mut core, accusation(OTHERS[1], fake));
    }
    let outputs = feed(&mut core, Input::Receipt(Box::new(receipt)));
    assert_eq!(asked(&outputs, Urgency::Accused), 1);
}
