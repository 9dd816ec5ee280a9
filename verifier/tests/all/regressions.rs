//! Faults that the simulator or a reading once found, each by name.

use crate::scene;

use assay_protocol::assignment::RefusalReason;
use assay_protocol::bls::BlsSignature;
use assay_protocol::keccak256;
use assay_protocol::verdict::LeafId;
use assay_protocol::wire::SampleReport;
use assay_verifier::{Equivocation, Input, Note, Output, Recomputation, Urgency, Verifier};

use scene::*;

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
        leaves: vec![0],
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
    let leaf = LeafId {
        receipt: hash,
        index: 0,
    };
    feed(&mut core, accusation(OTHERS[0], leaf));
    let failed = Input::Recomputed {
        receipt: hash,
        leaves: vec![0],
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
            leaves: vec![0],
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
                leaves: vec![1],
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
    let invent = |core: &mut Verifier, by| {
        for number in 0..10_000u32 {
            let fake = LeafId {
                receipt: keccak256(number.to_be_bytes()),
                index: 0,
            };
            feed(core, accusation(by, fake));
        }
    };
    invent(&mut core, OTHERS[1]);
    feed(&mut core, accusation(OTHERS[0], leaf));
    invent(&mut core, OTHERS[2]);
    let outputs = feed(&mut core, Input::Receipt(Box::new(receipt)));
    assert_eq!(asked(&outputs, Urgency::Accused), 1);
}
