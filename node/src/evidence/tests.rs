use assay_chain::fault::{CaseStatus, Cause, FaultKind};
use assay_protocol::accusation::Accusation;
use assay_protocol::assignment::Assignment;
use assay_protocol::bls::{BlsKey, BlsPublicKey};
use assay_protocol::sample::SampleTicket;
use assay_protocol::verdict::{Divergence, Verdict};

use super::*;

mod bench;
mod finder;
mod quorums;
mod restart;

use bench::*;

#[test]
fn of_two_assignments_the_sound_one_comes_first_and_the_pair_is_kept_once() {
    let bench = Bench::new();
    let assignment = |source: u8, seq| {
        signed(Assignment {
            seq,
            sourceHash: B256::repeat_byte(source),
            ..Default::default()
        })
    };
    let broadcaster = job().broadcaster;
    bench
        .witness
        .assignment(broadcaster, &assignment(1, 0), false);
    bench
        .witness
        .assignment(broadcaster, &assignment(1, 0), false);
    bench
        .witness
        .assignment(broadcaster, &assignment(2, 1), true);
    assert_eq!(bench.found(), []);
    bench
        .witness
        .assignment(broadcaster, &assignment(3, 0), true);
    bench
        .witness
        .assignment(broadcaster, &assignment(4, 0), true);
    let [Exhibit::BroadcasterEquivocation(two)] = &bench.found()[..] else {
        panic!("not the pair")
    };
    assert_eq!(two.assignment.sourceHash, B256::repeat_byte(3));
    assert_eq!(two.other.sourceHash, B256::repeat_byte(1));
}

#[test]
fn two_receipts_and_two_verdicts_are_kept_whatever_else_is_wrong_with_them() {
    let bench = Bench::new();
    let first = bench.hear(&bench.message(0, leaves(), 1));
    let mut second = bench.message(0, leaves(), 2);
    second.receipt.leaves.pop();
    let answered = second.receipt.receipt.assignmentHash;
    let hash = DOMAIN.digest(&second.receipt.receipt);
    assert!(bench.witness.contradicts(answered, hash));
    assert!(!bench.witness.contradicts(answered, first));
    assert!(!bench.witness.contradicts(B256::ZERO, hash));
    bench.hear(&second);
    let found = bench.found();
    assert!(
        matches!(&found[..], [Exhibit::Equivocation(e), Exhibit::ChallengeLeaf(d)]
            if e.other == second.receipt.receipt && d.work.receipt == e.other),
        "{found:?}"
    );
    for hash in [1, 1, 2, 3] {
        bench.verdict(1, first, 0, B256::repeat_byte(hash));
    }
    let found = bench.found();
    assert!(matches!(&found[..], [Exhibit::VerifierEquivocation(e)]
        if e.verifier == bench.operators[1].address() && e.verdict != e.other));
}

#[test]
fn a_signed_leaf_in_the_wrong_place_is_a_fault_and_withheld_leaves_may_be_demanded() {
    let bench = Bench::new();
    let mut swapped = leaves();
    swapped.swap(1, 2);
    bench.hear(&bench.message(0, swapped, 1));
    let found = bench.found();
    let [Exhibit::LeafFault(fault)] = &found[..] else {
        panic!("{found:?}")
    };
    let root = fault.work.receipt.outputRoot;
    assert_eq!((fault.leaf_index, fault.leaf.chunk), (1, 2));
    assert!(fault.path.verify(root, LEAVES, 1, fault.leaf.hash()));
    let mut withheld = bench.message(1, leaves(), 1);
    withheld.receipt.leaves[3].output_len = 11;
    bench.hear(&withheld);
    assert!(matches!(bench.found()[..], [Exhibit::ChallengeLeaf(_)]));
}

#[test]
fn who_accuses_what_a_quorum_passes_is_named_once_and_again_against_a_later_proof() {
    let mut bench = Bench::new();
    let message = bench.message(0, leaves(), 1);
    let (receipt, right) = (
        DOMAIN.digest(&message.receipt.receipt),
        leaves()[2].output_hash,
    );
    for accuser in [2, 3] {
        let accusation = Accusation {
            receiptHash: receipt,
            leafIndex: 2,
            commit: B256::repeat_byte(5),
        };
        let signed = SignedAccusation {
            signature: bench.operators[accuser].sign(DOMAIN.digest(&accusation)),
            accusation,
        };
        let who = bench.operators[accuser].address();
        bench.witness.accusation(&bench.state, who, &signed);
    }
    bench.verdict(0, receipt, 2, right);
    bench.verdict(1, receipt, 2, right);
    assert_eq!(bench.found(), [], "no receipt, no quorum");
    bench.hear(&message);
    assert_eq!(bench.found(), [], "a half");
    // Who accused it and passes it all the same has only been slow.
    bench.verdict(2, receipt, 2, right);
    let found = bench.found();
    let [Exhibit::Acquit(acquittal)] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((acquittal.bitmap, acquittal.accuser), (0b111, 3));
    let digest = DOMAIN.digest(&Verdict {
        receiptHash: receipt,
        leafIndex: 2,
        recomputedHash: right,
    });
    let keys: Vec<BlsPublicKey> = bench.keys[..3].iter().map(BlsKey::public).collect();
    assert_eq!(acquittal.aggregate.verify_aggregate(digest, &keys), Ok(()));

    // The leaf is proven all the same, before the court has taken that: it is on its way.
    let acquittals = |bench: &Bench| {
        let mut found = bench.found();
        found.retain(|exhibit| matches!(exhibit, Exhibit::Acquit(_)));
        found
    };
    bench.case(0, receipt, 2, 0b1000);
    assert_eq!(acquittals(&bench), []);
    // Or when it had: also after a restart, which forgets what was said.
    let acquitted = Case {
        id: B256::repeat_byte(1),
        kind: FaultKind::FalseAccusation,
        ..bench.case(0, receipt, 2, 0b1000)
    };
    bench.state.cases.insert(acquitted.id, acquitted);
    bench.restart();
    assert_eq!(acquittals(&bench), found);
    bench.case(0, receipt, 2, 0b1000);
    assert_eq!(acquittals(&bench), [], "once");
    bench.case_in(102, 0, receipt, 2, 0b1000);
    assert_eq!(acquittals(&bench), found, "proven once more");
}

#[test]
fn passes_of_a_proven_leaf_are_false_before_and_after_the_case() {
    let mut bench = Bench::new();
    let receipt = bench.hear(&bench.message(0, leaves(), 1));
    let right = leaves()[1].output_hash;
    bench.verdict(2, receipt, 1, right);
    bench.verdict(2, receipt, 0, leaves()[0].output_hash);
    bench.case(0, receipt, 1, 0b0011);
    bench.verdict(3, receipt, 1, right);
    bench.verdict(0, receipt, 1, B256::repeat_byte(9));
    let found = bench.found();
    let position = |exhibit: &Exhibit| match exhibit {
        Exhibit::FalsePass(fault) => fault.position,
        other => panic!("{other:?}"),
    };
    assert_eq!(found.iter().map(position).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn a_refuted_divergence_and_divergences_of_more_than_a_third_are_kept() {
    let mut bench = Bench::new();
    let receipt = bench.hear(&bench.message(0, leaves(), 1));
    let diverge = |bench: &Bench, by: usize| {
        let divergence = Divergence {
            receiptHash: receipt,
            leafIndex: 1,
            level: by as u8,
        };
        let signature = bench.keys[by].sign(DOMAIN.digest(&divergence)).unwrap();
        let signed = SignedDivergence {
            divergence,
            verifier: bench.operators[by].address(),
            signature,
        };
        bench.witness.divergence(&bench.state, &signed);
    };
    diverge(&bench, 3);
    assert_eq!(bench.found(), []);
    diverge(&bench, 2);
    let found = bench.found();
    assert!(matches!(&found[..], [Exhibit::TripByDivergence(d)] if d.votes.len() == 2));
    let case = bench.case(0, receipt, 1, 0b0011);
    bench.witness.case(&bench.state, &case, true);
    let found = bench.found();
    assert!(
        matches!(&found[..], [Exhibit::FalseDivergence(a), Exhibit::FalseDivergence(b)]
        if (a.position, b.position) == (2, 3) || (a.position, b.position) == (3, 2))
    );
}

#[test]
fn a_ticket_is_early_before_the_end_of_its_epoch() {
    let bench = Bench::new();
    bench.ticket(1, 18, false);
    bench.ticket(1, 20, true);
    assert!(bench.witness.knows_ticket(bench.operators[1].address(), 20));
    let found = bench.found();
    assert!(matches!(&found[..], [Exhibit::ShowEarlyTicket(e)] if e.epoch == 20));
}

#[test]
fn the_signer_with_the_lowest_draw_claims_after_the_reports_and_settles_after_the_window() {
    for leaf in 0..LEAVES {
        let mut bench = Bench::new();
        let message = bench.message(0, leaves(), 1);
        let receipt = bench.hear(&message);
        let case = bench.case(0, receipt, leaf, 0b0011).id;
        let epoch = bench.params.epoch(DEADLINE);
        bench.ticket(0, epoch, false);
        bench.ticket(1, epoch, false);
        bench.at(bench.params.report_block(epoch) + 1);
        assert_eq!(bench.found(), [], "others' reports may still come");
        bench.at(bench.params.report_block(epoch) + 2);
        let found = bench.found();
        let claimed = match &found[..] {
            [] => false,
            [Exhibit::ClaimFinder(claim)] => claim.position == 0,
            other => panic!("{other:?}"),
        };
        let lot = |by: usize| {
            let digest = DOMAIN.digest(&SampleTicket { epoch });
            let ticket = bench.keys[by].sign(digest).unwrap();
            keccak256([ticket.as_bytes(), receipt.as_slice(), &leaf.to_be_bytes()].concat())
        };
        assert_eq!(claimed, lot(0) < lot(1), "leaf {leaf}");
        bench.state.end(case, CaseStatus::Executed, 120);
        bench.at(106 + bench.params.evidence_blocks);
        assert_eq!(bench.found(), []);
        bench.at(107 + bench.params.evidence_blocks);
        let settles = matches!(&bench.found()[..], [Exhibit::SettleFinder(_)]);
        assert_eq!(settles, claimed);
    }
}

#[test]
fn cases_against_many_trip_the_breaker_and_what_is_open_then_is_contested() {
    let mut bench = Bench::new();
    let mut receipts = Vec::new();
    for by in 0..4 {
        receipts.push(bench.hear(&bench.message(by, leaves(), 1)));
    }
    for by in [3, 1, 2] {
        bench.case(by, receipts[usize::from(by)], 0, 0b0111);
    }
    assert_eq!(bench.found(), [], "three may be cheats");
    let last = bench.case(0, receipts[0], 0, 0b0111);
    let found = bench.found();
    let [Exhibit::Trip(cases)] = &found[..] else {
        panic!("{found:?}")
    };
    let order: Vec<_> = cases.iter().map(|a| a.transcoder).collect();
    assert_eq!(order, (0..4).map(transcoder).collect::<Vec<_>>());
    let encoder = cases[0].encoderId;
    bench.witness.stopped(&bench.state, encoder);
    assert_eq!(bench.found(), [], "it runs");
    bench.state.stop(encoder, ROUND + 1, 102);
    for case in bench.state.cases.values_mut() {
        case.contested = (case.id != last.id).then_some((102, Cause::Breaker));
    }
    bench.witness.stopped(&bench.state, encoder);
    let found = bench.found();
    assert!(matches!(&found[..], [Exhibit::ContestStopped(open)] if open.len() == 1));
}
