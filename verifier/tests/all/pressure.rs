//! What others can make a verifier do, and keep it from doing, each case once an attack.

use crate::scene;

use assay_protocol::assignment::RefusalReason;
use assay_protocol::checked::Now;
use assay_protocol::draft::Draft;
use assay_protocol::verdict::LeafId;
use assay_protocol::{B256, keccak256};
use assay_verifier::{Input, Output, Urgency, Verifier};

use scene::{
    NOW, OTHERS, accusation, accusation_to, asked, failed, feed, hear, receipt, recomputed, set,
    verifier,
};

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
            let outputs = feed(&mut core, accusation_to(accuser, leaf(0), commit));
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
        feed(&mut core, accusation(OTHERS[0], leaf(0)));
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
fn want_of_room_says_nothing_of_a_receipt_and_its_sample_is_tried_again() {
    let (mut core, hash, _) = watching(true, 2);
    let outputs = feed(&mut core, failed(hash, &[0, 1], RefusalReason::Overloaded));
    assert!(outputs.is_empty());
    let outputs = feed(&mut core, Input::Block);
    assert_eq!(asked(&outputs, Urgency::Sample), 1);
    let outputs = feed(&mut core, recomputed(hash, 0, keccak256([0])));
    assert_eq!(verdicts(&outputs), 1);
    let outputs = feed(&mut core, Input::Block);
    assert_eq!(
        asked(&outputs, Urgency::Sample),
        0,
        "the other is under way"
    );
    feed(&mut core, failed(hash, &[1], RefusalReason::EncoderFailed));
    let outputs = feed(&mut core, Input::Block);
    assert_eq!(asked(&outputs, Urgency::Sample), 0, "that was said");
}

#[test]
fn who_accuses_everything_keeps_nobody_else_waiting() {
    let (mut core, hash, leaf) = watching(false, 200);
    let asks = |outputs: &[Output]| asked(outputs, Urgency::Accused);
    let flood = (0..200).map(|index| asks(&feed(&mut core, accusation(OTHERS[0], leaf(index)))));
    assert_eq!(flood.sum::<usize>(), 64);
    let outputs = feed(&mut core, accusation(OTHERS[1], leaf(199)));
    assert_eq!(asks(&outputs), 1, "another's word counts for itself");
    assert_eq!(asks(&feed(&mut core, Input::Block)), 0);
    for index in 0..10 {
        feed(&mut core, recomputed(hash, index, keccak256([index as u8])));
    }
    assert_eq!(asks(&feed(&mut core, Input::Block)), 10);
}

#[test]
fn what_is_repeated_counts_for_its_accuser_until_that_is_done() {
    let (mut core, hash, leaf) = watching(false, 200);
    for index in 0..200 {
        feed(&mut core, accusation(OTHERS[0], leaf(index)));
    }
    let wrong = keccak256(b"wrong");
    let answer_ten = |core: &mut Verifier| -> Vec<Output> {
        let answers = (0..10).flat_map(|index| feed(core, recomputed(hash, index, wrong)));
        answers.collect()
    };
    assert_eq!(asked(&answer_ten(&mut core), Urgency::Confirm), 10);
    let outputs = feed(&mut core, Input::Block);
    assert_eq!(asked(&outputs, Urgency::Accused), 0);
    assert_eq!(verdicts(&answer_ten(&mut core)), 10);
    let outputs = feed(&mut core, Input::Block);
    assert_eq!(asked(&outputs, Urgency::Accused), 10);
}

#[test]
fn who_accuses_without_having_recomputed_is_not_counted() {
    let wrong = keccak256(b"wrong");
    let convicts = |honest: bool| {
        let (mut core, hash, leaf) = watching(true, 1);
        feed(&mut core, recomputed(hash, 0, wrong));
        feed(&mut core, recomputed(hash, 0, wrong));
        let commit = OTHERS[0][0] + u8::from(!honest);
        feed(&mut core, accusation_to(OTHERS[0], leaf(0), commit));
        let mut outputs = feed(&mut core, hear(OTHERS[0], leaf(0), wrong));
        outputs.extend(feed(&mut core, hear(OTHERS[1], leaf(0), wrong)));
        outputs.iter().any(|o| matches!(o, Output::Convict(_)))
    };
    assert!(convicts(true));
    assert!(!convicts(false), "it may have copied what it was sent");
}

#[test]
fn more_faults_of_a_receipt_with_a_case_keep_no_accusation_waiting() {
    let (mut core, hash, leaf) = watching(false, 2);
    for index in 0..2 {
        let outputs = feed(&mut core, accusation(OTHERS[0], leaf(index)));
        assert_eq!(asked(&outputs, Urgency::Accused), 1);
    }
    let case = Input::CaseOpened {
        operator: scene::TRANSCODER,
        leaf: leaf(0),
        block: NOW.block,
    };
    feed(&mut core, case);
    let outputs = feed(&mut core, recomputed(hash, 1, keccak256(b"wrong")));
    assert_eq!(asked(&outputs, Urgency::Confirm), 0);
    assert_eq!(asked(&outputs, Urgency::Sample), 1);
}

#[test]
fn an_accusation_that_cannot_be_checked_does_not_make_an_undrawn_receipt_unverifiable() {
    let (mut core, hash, leaf) = watching(false, 1);
    feed(&mut core, accusation(OTHERS[0], leaf(0)));
    let outputs = feed(&mut core, failed(hash, &[0], RefusalReason::Overloaded));
    assert!(outputs.is_empty());
}

#[test]
fn what_could_not_be_written_down_is_signed_with_the_next_block() {
    let mut core = verifier(true);
    feed(&mut core, Input::Round(set()));
    feed(&mut core, Input::Block);
    let receipt = receipt(1);
    let hash = receipt.hash;
    let signs = |outputs: &[Output]| -> Vec<Draft> {
        let sign = |output: &Output| match output {
            Output::Sign(draft) => Some(draft.clone()),
            _ => None,
        };
        outputs.iter().filter_map(sign).collect()
    };
    // The ticket, the verdict and the accusation each fail twice.
    let mut drafts = signs(&core.handle(Input::Receipt(Box::new(receipt)), NOW));
    let wrong = keccak256(b"wrong");
    for (kind, then) in [
        ("ticket", Some(2)),
        ("verdict", None),
        ("accusation", Some(0)),
    ] {
        let [draft] = &drafts[..] else {
            panic!("{kind}: {drafts:?}")
        };
        let draft = draft.clone();
        for _ in 0..2 {
            let unsigned = Input::Unsigned(Box::new(draft.clone()));
            assert_eq!(core.handle(unsigned, NOW), []);
            assert_eq!(
                signs(&core.handle(Input::Block, NOW)),
                std::slice::from_ref(&draft)
            );
            assert_eq!(signs(&core.handle(Input::Block, NOW)), [], "once");
        }
        let outputs = core.handle(scene::seal(draft), NOW);
        drafts = match then {
            Some(times) => (0..times)
                .flat_map(|_| signs(&core.handle(recomputed(hash, 0, wrong), NOW)))
                .collect(),
            None => signs(&outputs),
        };
    }
    assert!(drafts.is_empty());
}
