//! Floods of receipts and of reports: what they may cost others, each case once an attack.

use crate::rounds;

use assay_protocol::assignment::RefusalReason;
use assay_protocol::bls::BlsSignature;
use assay_protocol::checked::{Checked, Now};
use assay_protocol::params::Params;
use assay_protocol::verdict::{SignedUnverifiable, Unverifiable};
use assay_protocol::wire::{Gossip, MAX_GOSSIP, ReceiptMessage, SampleReport, encode};
use assay_protocol::{Address, B256, keccak256};
use assay_verifier::certify::{self, Certifier};
use assay_verifier::{Input, Note, Output, Urgency};

use crate::scene::{DOMAIN, NOW, OTHERS, asked, failed, feed, receipt, recomputed, set, verifier};

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
