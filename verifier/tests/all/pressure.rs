//! What others can make a verifier do, and keep it from doing, each case once an attack.

use crate::{rounds, scene};

use assay_protocol::assignment::RefusalReason;
use assay_protocol::bls::BlsSignature;
use assay_protocol::checked::{Checked, Now};
use assay_protocol::draft::Draft;
use assay_protocol::params::Params;
use assay_protocol::verdict::{LeafId, SignedUnverifiable, Unverifiable};
use assay_protocol::wire::{Gossip, MAX_GOSSIP, ReceiptMessage, SampleReport, encode};
use assay_protocol::{Address, B256, keccak256};
use assay_verifier::certify::{self, Certifier};
use assay_verifier::{Input, Note, Output, Urgency, Verifier};

use scene::{
    DOMAIN, NOW, OTHERS, accusation, accusation_to, asked, feed, hear, receipt, recomputed, set,
    verifier,
};

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

/// Another's report of the epoch in which the scene's receipts are due.
fn report(verifier: Address, epoch: u64) -> SampleReport {
    SampleReport {
        verifier,
        epoch,
        ticket: BlsSignature::from_bytes([7; 48]),
        verdicts: Vec::new(),
        unverifiable: Vec::new(),
    }
}

/// A receipt of one segment, by the scene's transcoder or by one of others.
fn numbered(seq: u32, leaves: u8, other: Option<u32>) -> Checked<ReceiptMessage> {
    let mut receipt = receipt(leaves);
    let assignment = &mut receipt.message.assignment.assignment;
    assignment.seq = seq;
    if let Some(nth) = other {
        assignment.transcoder = Address::repeat_byte(0x80 + nth as u8);
    }
    let hash = DOMAIN.digest(assignment);
    receipt.signer = assignment.transcoder;
    receipt.message.receipt.receipt.assignmentHash = hash;
    receipt.hash = DOMAIN.digest(&receipt.message.receipt.receipt);
    receipt
}

#[test]
fn a_flood_of_receipts_does_not_make_reports_long() {
    // Every leaf that is looked at is drawn.
    let mut core = verifier(true);
    feed(&mut core, Input::Round(set()));
    let mut epoch = 0;
    for seq in 0..2_000_u32 {
        // One transcoder floods, nine have a receipt each.
        let receipt = numbered(seq, 8, Some(seq).filter(|nth| *nth < 9));
        let assignment = &receipt.message.assignment.assignment;
        epoch = Params::demo().epoch(assignment.deadlineBlock);
        feed(&mut core, Input::Receipt(Box::new(receipt)));
    }
    for other in OTHERS {
        let outputs = feed(&mut core, Input::Report(report(other, epoch)));
        let duty = outputs.iter().find_map(|output| match output {
            Output::Note(Note::Duty { drawn, missed, .. }) => Some((*drawn, *missed)),
            _ => None,
        });
        let looked = 9 * 8 + 256;
        assert_eq!(duty, Some((looked, looked)));
    }
}

#[test]
fn the_fullest_report_fits_a_message_and_says_something_of_everybody() {
    let params = Params::demo();
    let mut core = verifier(true);
    feed(&mut core, Input::Round(set()));
    feed(&mut core, Input::Block);
    let mut of_nine = Vec::new();
    for seq in 0..1_500_u32 {
        // One transcoder floods before and after nine others have a receipt each.
        let nth = seq.checked_sub(700).filter(|nth| *nth < 9);
        let receipt = numbered(seq, 2, nth);
        let hash = receipt.hash;
        of_nine.extend(nth.map(|_| hash));
        feed(&mut core, Input::Receipt(Box::new(receipt)));
        if seq.is_multiple_of(8) || of_nine.contains(&hash) {
            feed(&mut core, recomputed(hash, 0, keccak256([0])));
        }
        feed(&mut core, failed(hash, &[1], RefusalReason::SourceMismatch));
    }
    let end = params.report_block(params.epoch(NOW.block + params.response_blocks));
    let reports: Vec<_> = (NOW.block..=end)
        .flat_map(|block| core.handle(Input::Block, Now { block }))
        .filter(|output| matches!(output, Output::Gossip(Gossip::Report(_))))
        .collect();
    let Some(Output::Gossip(message)) = reports.last() else {
        panic!("no report");
    };
    let bytes = encode(message).unwrap().len();
    assert!((MAX_GOSSIP - 400..=MAX_GOSSIP).contains(&bytes), "{bytes}");
    let Gossip::Report(report) = message else {
        panic!("another message");
    };
    assert!(report.verdicts.len() > 180, "verdicts first");
    for hash in of_nine {
        let cannot = report.unverifiable.iter().map(|u| &u.unverifiable);
        assert!(cannot.clone().any(|u| u.receiptHash == hash));
        assert!(
            report
                .verdicts
                .iter()
                .any(|v| v.verdict.receiptHash == hash)
        );
    }
}

#[test]
fn a_report_draws_only_what_somebody_could_not_check() {
    const LEAVES: u32 = 400;
    let params = rounds::params();
    let domain = assay_protocol::domain::Domain::new(31_337, Address::ZERO);
    let mut core = Certifier::new(rounds::verifier(0), domain, params.clone());
    let now = Now { block: 110 };
    let facts = certify::RoundFacts {
        verifiers: assay_protocol::fraud_proof::VerifierSet {
            round: rounds::ROUND,
            ..set()
        },
        transcoders: assay_protocol::election::Snapshot {
            round: rounds::ROUND,
            candidates: Vec::new(),
        },
        opened: rounds::OPENED,
    };
    core.handle(certify::Input::Round(Box::new(facts)), now);
    for seq in 0..3_000 {
        let assignment = Box::new(rounds::segment(seq, rounds::ROUND));
        let input = certify::Input::Receipt {
            assignment,
            receipt: rounds::receipt(seq),
            leaves: LEAVES,
        };
        core.handle(input, now);
    }
    let epoch = params.epoch(rounds::OPENED + 15);
    let mut say = |by: usize, receipts: &[u32]| {
        let before = core.lots();
        let mut report = report(OTHERS[by], epoch);
        let cannot = |seq: &u32| SignedUnverifiable {
            unverifiable: Unverifiable {
                receiptHash: rounds::receipt(*seq),
                reason: RefusalReason::SourceUnavailable as u8,
            },
            verifier: OTHERS[by],
            signature: BlsSignature::from_bytes([1; 48]),
        };
        report.unverifiable = receipts.iter().map(cannot).collect();
        core.handle(certify::Input::Report(Box::new(report)), now);
        core.lots() - before
    };
    assert_eq!(say(0, &[]), 0);
    // Its own draws, and those of the one before.
    let lots = say(1, &[1, 2, 2, 9_999]);
    assert!((2..=4 * u64::from(LEAVES)).contains(&lots), "{lots}");
    // The two receipts that are in doubt.
    let lots = say(2, &[]);
    assert!((2..=2 * u64::from(LEAVES)).contains(&lots), "{lots}");
    assert_eq!(say(2, &[1]), 0, "once an epoch");
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
