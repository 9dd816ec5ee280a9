//! Rounds of work in the simulator: certified whatever a third of the verifiers do, and by whom.

use std::collections::BTreeMap;

use assay_testnet::simulator::{
    Outage, Report, Scenario, TranscoderConduct, VerifierConduct, Who, simulate,
};

const SEEDS: u64 = 20;

fn certifying() -> Scenario {
    Scenario {
        certify: true,
        segments: 16,
        ..Scenario::default()
    }
}

/// Receipts by the round of their assignments.
fn work(report: &Report) -> BTreeMap<u64, usize> {
    let mut work = BTreeMap::new();
    for receipt in report.receipts.values() {
        let opened = report.round_blocks.iter().rev();
        let round = opened
            .into_iter()
            .find(|(_, at)| **at <= receipt.signed_block);
        *work.entry(*round.unwrap().0).or_default() += 1;
    }
    work
}

/// Every round with a run long enough has its list; gives the pixels of all lists.
fn all_certified(scenario: &Scenario, seed: u64, report: &Report) -> u64 {
    for (round, receipts) in work(report) {
        if receipts as u64 >= scenario.params.job_segments {
            let known = report.certified.contains_key(&round);
            assert!(known, "seed {seed}: round {round} of {receipts} receipts");
        }
    }
    report.certified.values().map(|work| work.totalPixels).sum()
}

fn every_seed(scenario: &Scenario, mut also: impl FnMut(u64, &Report)) {
    for seed in 0..SEEDS {
        let report = simulate(scenario, seed).unwrap();
        assert_eq!(report.refused, Vec::<String>::new(), "seed {seed}");
        assert!(
            report.slots_taken.is_empty(),
            "seed {seed}: two seals in a slot"
        );
        also(seed, &report);
    }
}

#[test]
fn honest_rounds_are_certified_with_everybodys_duty() {
    let scenario = certifying();
    every_seed(&scenario, |seed, report| {
        assert!(all_certified(&scenario, seed, report) > 0);
        assert!(report.certified.values().all(|work| work.duties == 0xf));
    });
}

#[test]
fn the_same_seed_gives_the_same_lists() {
    let (one, two) = (simulate(&certifying(), 3), simulate(&certifying(), 3));
    assert_eq!(one.unwrap(), two.unwrap());
}

#[test]
fn with_a_verifier_absent_the_others_certify_and_say_so() {
    let mut scenario = certifying();
    scenario.verifiers[3].conduct = VerifierConduct::Silent;
    every_seed(&scenario, |seed, report| {
        assert!(all_certified(&scenario, seed, report) > 0);
        let mut order = report.verifiers.clone();
        order.sort();
        let absent = order
            .iter()
            .position(|who| *who == report.verifiers[3])
            .unwrap();
        let others = 0xf & !(1u64 << absent);
        assert!(
            report.certified.values().all(|work| work.duties == others),
            "seed {seed}"
        );
    });
}

#[test]
fn a_verifier_that_strikes_work_takes_nothing_from_anybody() {
    let honest = certifying();
    let mut scenario = certifying();
    scenario.verifiers[1].conduct = VerifierConduct::Strikes { one_in: 2 };
    every_seed(&scenario, |seed, report| {
        let pixels = all_certified(&scenario, seed, report);
        // Not one receipt fewer than if it were honest: what differs in time may move a segment to another round.
        let whole: u64 = simulate(&honest, seed)
            .unwrap()
            .certified
            .values()
            .map(|w| w.totalPixels)
            .sum();
        assert!(10 * pixels >= 9 * whole, "seed {seed}: {pixels} of {whole}");
    });
}

#[test]
fn a_receipt_that_one_has_not_seen_does_not_hold_up_its_round() {
    let mut scenario = certifying();
    scenario.verifiers[2].conduct = VerifierConduct::Misses { seq: 4 };
    every_seed(&scenario, |seed, report| {
        assert!(all_certified(&scenario, seed, report) > 0);
    });
}

#[test]
fn a_cheats_proven_receipts_are_in_no_list_and_rounds_go_on() {
    let mut scenario = certifying();
    scenario.transcoders[1].conduct = TranscoderConduct::WorseChunks { one_in: 5 };
    every_seed(&scenario, |seed, report| {
        assert!(!report.certified.is_empty(), "seed {seed}");
    });
}

#[test]
fn a_verifier_that_begins_anew_signs_no_second_list_for_a_proposal() {
    let mut scenario = certifying();
    scenario.outages.push(Outage {
        who: Who::Verifier(0),
        from: 30_000,
        to: 42_000,
    });
    for seed in 0..SEEDS {
        let report = simulate(&scenario, seed).unwrap();
        assert!(!report.certified.is_empty(), "seed {seed}");
    }
}
