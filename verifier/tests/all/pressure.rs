//! What others can make a verifier do, and keep it from doing, each case once an attack.

use crate::scene;

use assay_protocol::assignment::RefusalReason;
use assay_protocol::checked::Now;
use assay_protocol::draft::Draft;
use assay_protocol::verdict::LeafId;
use assay_protocol::{B256, keccak256};
use assay_verifier::{Input, Output, Urgency, Verifier};

use scene::{DOMAIN, NOW, OTHERS, accusation, asked, feed, receipt, recomputed, set, verifier};

fn failed(receipt: B256, leaves: &[u32], reason: RefusalReason) -> Input {
    Input::Recomputed {
        receipt,
        leaves: leaves.to_vec(),
        result: Err(reason),
    }
}

fn verdicts(outputs: &[Output]) -> usize {
    let count = |o: &&Output| matches!(o, Output::Sign(Draft::Verdict(_)));
    outputs.iter().filter(count).count()
}

/// A verifier with a receipt of some leaves, each of which it draws or none.
fn watching(draws: bool, leaves: u8) -> (Verifier, B256, impl Fn(u32) -> LeafId) {
    let mut core = verifier(draws);
    let receipt = receipt(leaves);
    let hash = receipt.hash;
    feed(&mut core, Input::Round(set()));
    feed(&mut core, Input::Receipt(Box::new(receipt)));
    let leaf = move |index| LeafId {
        receipt: hash,
        index,
    };
    (core, hash, leaf)
}

#[test]
fn however_often_a_leaf_is_accused_it_is_recomputed_once_at_a_time() {
    let (mut core, hash, leaf) = watching(true, 1);
    let mut requests = 0;
    for commit in 0..100 {
        for accuser in OTHERS {
            let outputs = feed(&mut core, accusation(accuser, leaf(0), commit));
            requests += asked(&outputs, Urgency::Accused);
        }
    }
    assert_eq!(requests, 1);
    // The sample may still answer when the urgent request has failed.
    feed(&mut core, failed(hash, &[0], RefusalReason::Overloaded));
    let outputs = feed(&mut core, recomputed(hash, 0, keccak256([0])));
    assert_eq!(verdicts(&outputs), 1);
}

#[test]
fn a_failed_request_is_about_its_own_leaves_only() {
    let (mut core, hash, _) = watching(true, 2);
    let wrong = keccak256(b"wrong");
    let outputs = feed(&mut core, recomputed(hash, 1, wrong));
    assert_eq!(asked(&outputs, Urgency::Confirm), 1);
    feed(&mut core, failed(hash, &[0], RefusalReason::EncoderFailed));
    let outputs = feed(&mut core, recomputed(hash, 1, wrong));
    assert_eq!(verdicts(&outputs), 1);
}

#[test]
fn what_failed_for_a_passing_reason_is_tried_again_while_it_is_accused() {
    for reason in [
        RefusalReason::Overloaded,
        RefusalReason::EncoderFailed,
        RefusalReason::SourceUnavailable,
    ] {
        let (mut core, hash, leaf) = watching(false, 1);
        feed(&mut core, accusation(OTHERS[0], leaf(0), 0));
        feed(&mut core, failed(hash, &[0], reason));
        let next = Now {
            block: NOW.block + 1,
        };
        let outputs = core.handle(Input::Block, next);
        assert_eq!(asked(&outputs, Urgency::Accused), 1);
        let again = core.handle(Input::Block, next);
        assert_eq!(asked(&again, Urgency::Accused), 0);
        let outputs = feed(&mut core, recomputed(hash, 0, keccak256([0])));
        assert_eq!(verdicts(&outputs), 1);
    }
}

#[test]
fn an_accusation_that_cannot_be_checked_does_not_make_an_undrawn_receipt_unverifiable() {
    let (mut core, hash, leaf) = watching(false, 1);
    feed(&mut core, accusation(OTHERS[0], leaf(0), 0));
    let outputs = feed(&mut core, failed(hash, &[0], RefusalReason::Overloaded));
    assert!(outputs.is_empty());
}

#[test]
fn of_many_receipts_for_one_assignment_two_are_kept_and_reported_once() {
    let mut core = verifier(true);
    feed(&mut core, Input::Round(set()));
    let (mut reports, mut requests) = (0, 0);
    for plant in 0..100 {
        let mut receipt = receipt(1);
        receipt.message.receipt.receipt.plant = B256::repeat_byte(plant);
        receipt.hash = DOMAIN.digest(&receipt.message.receipt.receipt);
        let outputs = feed(&mut core, Input::Receipt(Box::new(receipt)));
        requests += asked(&outputs, Urgency::Sample);
        let report = |o: &&Output| matches!(o, Output::ReportEquivocation(_));
        reports += outputs.iter().filter(report).count();
    }
    assert_eq!((reports, requests), (1, 2));
}
