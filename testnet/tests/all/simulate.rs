//! Fifty seeds of every scenario, in virtual time: what must never happen, and what must.

use std::collections::BTreeSet;

use assay_protocol::Address;
use assay_testnet::simulator::{
    FaultKind, Outage, Partition, Rejection, Report, Scenario, TranscoderConduct, VerifierConduct,
    VerifierPlan, Who, simulate,
};

mod always;

use always::always;

const SEEDS: u64 = 50;

const CHEAT: TranscoderConduct = TranscoderConduct::WorseChunks { one_in: 5 };

fn with_cheat() -> Scenario {
    let mut scenario = Scenario::default();
    scenario.transcoders[1].conduct = CHEAT;
    scenario
}

fn honest(stake: u64) -> VerifierPlan {
    VerifierPlan {
        stake,
        conduct: VerifierConduct::Honest,
        twin: None,
    }
}

/// Runs every seed, holds each run against what is always true, and hands it to `also`.
#[allow(clippy::unwrap_used)]
fn every_seed(scenario: &Scenario, mut also: impl FnMut(u64, &Report)) {
    for seed in 0..SEEDS {
        let report = simulate(scenario, seed).unwrap();
        always(scenario, seed, &report);
        also(seed, &report);
    }
}

fn honest_verifiers(scenario: &Scenario, report: &Report) -> BTreeSet<Address> {
    let plans = scenario.verifiers.iter().zip(&report.verifiers);
    plans
        .filter(|(plan, _)| plan.conduct == VerifierConduct::Honest)
        .map(|(_, who)| *who)
        .collect()
}

/// Every wrong leaf that an honest verifier drew is answered for.
fn all_caught(scenario: &Scenario, seed: u64, report: &Report) -> usize {
    let drawn = report.wrong_drawn_by(&honest_verifiers(scenario, report));
    for leaf in &drawn {
        let answered = report.answered(*leaf, scenario.params.response_blocks);
        assert!(answered, "seed {seed}: {leaf:?} was drawn and has no case");
    }
    drawn.len()
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let mut scenario = with_cheat();
    scenario.link.loss_ppm = 20_000;
    scenario.link.duplicate_ppm = 100_000;
    let mut traces = BTreeSet::new();
    for seed in 0..10 {
        let (one, two) = (simulate(&scenario, seed), simulate(&scenario, seed));
        assert_eq!(one, two);
        traces.insert(one.unwrap().trace_hash);
    }
    assert_eq!(traces.len(), 10);
}

#[test]
fn an_honest_network_delivers_everything_and_slashes_nobody() {
    let scenario = Scenario::default();
    every_seed(&scenario, |seed, report| {
        assert_eq!(report.delivered.len(), 10, "seed {seed}");
        assert!(report.cases.is_empty() && report.mismatches.is_empty());
        assert!(report.rejections.is_empty());
        assert!(
            report.missed.values().all(|missed| *missed == 0),
            "seed {seed}: {:?}",
            report.missed
        );
        // 80 leaves, two expected checks each.
        assert!(
            (100..220).contains(&report.samples),
            "seed {seed}: {} samples",
            report.samples
        );
    });
}

#[test]
fn a_cheat_is_slashed_within_seconds() {
    let scenario = with_cheat();
    let mut times = Vec::new();
    let mut caught = 0;
    let mut absorbed = 0;
    every_seed(&scenario, |seed, report| {
        absorbed += report
            .rejections
            .get(&Rejection::AbsorbedByBurst)
            .unwrap_or(&0);
        caught += all_caught(&scenario, seed, report);
        times.extend(report.median_to_proof());
        assert!(
            report.missed.values().all(|missed| *missed == 0),
            "seed {seed}"
        );
    });
    times.sort_unstable();
    // The cores know of a burst; only those that submit in the same block can be late.
    assert!(absorbed < 20, "{absorbed}");
    assert!(caught > 100, "{caught}");
    assert!(
        times[times.len() / 2] < 5_000,
        "median {} ms",
        times[times.len() / 2]
    );
}

#[test]
fn two_cheats_are_both_slashed() {
    let mut scenario = with_cheat();
    scenario.transcoders[2].conduct = CHEAT;
    every_seed(&scenario, |seed, report| {
        all_caught(&scenario, seed, report);
    });
}

#[test]
fn a_third_that_is_silent_does_not_shield() {
    let mut scenario = with_cheat();
    scenario.verifiers = [100, 100, 100].map(honest).to_vec();
    scenario.verifiers[0].conduct = VerifierConduct::Silent;
    every_seed(&scenario, |seed, report| {
        all_caught(&scenario, seed, report);
    });
}

#[test]
fn friends_of_the_cheat_do_not_shield() {
    let mut scenario = with_cheat();
    scenario.verifiers = [100, 90, 110, 120, 80, 100].map(honest).to_vec();
    scenario.verifiers[0].conduct = VerifierConduct::PassEverything;
    scenario.verifiers[5].conduct = VerifierConduct::PassEverything;
    every_seed(&scenario, |seed, report| {
        all_caught(&scenario, seed, report);
    });
}

/// [an accuser that is the cheat's friend]
#[test]
fn an_accuser_that_sits_on_its_accusation_does_not_stop_the_proof() {
    let mut scenario = with_cheat();
    // One expected check for two leaves: the friend is often the only one that draws.
    scenario.params.checks_per_leaf_ppm = 400_000;
    scenario.verifiers = [150, 100, 110, 120].map(honest).to_vec();
    scenario.verifiers[0].conduct = VerifierConduct::AccuseAndSit;
    let mut alone = 0;
    let mut times = Vec::new();
    every_seed(&scenario, |seed, report| {
        all_caught(&scenario, seed, report);
        let honest = honest_verifiers(&scenario, report);
        let drawn: BTreeSet<_> = report.wrong_drawn_by(&honest).into_iter().collect();
        for leaf in report.mismatches.difference(&drawn) {
            alone += 1;
            let answered = report.answered(*leaf, scenario.params.response_blocks);
            assert!(answered, "seed {seed}: {leaf:?}");
            let case = report.cases.iter().find(|case| case.leaf == *leaf);
            times.extend(case.map(|case| case.after));
        }
    });
    times.sort_unstable();
    // The others join before anyone may submit.
    let median = times[times.len() / 2];
    assert!(median < 6_000, "median {median} ms");
    assert!(alone >= 10, "{alone}");
}

#[test]
fn false_accusers_cause_no_case_and_the_leaf_is_acquitted() {
    let mut scenario = Scenario {
        verifiers: [100, 90, 110, 120, 80, 100].map(honest).to_vec(),
        ..Scenario::default()
    };
    scenario.verifiers[1].conduct = VerifierConduct::AccuseEverything;
    scenario.verifiers[2].conduct = VerifierConduct::AccuseEverything;
    every_seed(&scenario, |seed, report| {
        assert!(report.cases.is_empty(), "seed {seed}");
        assert_eq!(
            report.acquitted.len(),
            8 * report.receipts.len(),
            "seed {seed}"
        );
        let reasons: Vec<_> = report.rejections.keys().collect();
        assert_eq!(reasons, [&Rejection::QuorumMissed], "seed {seed}");
    });
}

#[test]
fn a_machine_that_errs_accuses_nobody() {
    let mut scenario = with_cheat();
    scenario.verifiers = [100, 90, 110, 120].map(honest).to_vec();
    scenario.verifiers[1].conduct = VerifierConduct::Flaky { one_in: 3 };
    every_seed(&scenario, |seed, report| {
        all_caught(&scenario, seed, report);
        let flaky = report.verifiers[1];
        assert_eq!(report.slots_taken.get(&flaky), None, "seed {seed}");
    });
    scenario.transcoders[1].conduct = TranscoderConduct::Honest;
    every_seed(&scenario, |seed, report| {
        assert!(
            report.cases.is_empty() && report.rejections.is_empty(),
            "seed {seed}"
        );
        // Nobody was even accused, so nobody had to be acquitted.
        assert!(report.acquitted.is_empty(), "seed {seed}");
    });
}

#[test]
fn a_false_accuser_beside_a_cheat_changes_nothing() {
    let mut scenario = with_cheat();
    scenario.verifiers = [100, 90, 110, 120].map(honest).to_vec();
    scenario.verifiers[0].conduct = VerifierConduct::AccuseEverything;
    every_seed(&scenario, |seed, report| {
        all_caught(&scenario, seed, report);
    });
}

#[test]
fn the_accused_has_no_vote() {
    let mut scenario = with_cheat();
    // The cheat's operator holds two fifths of the verifiers' weight.
    scenario.verifiers = [200, 100, 100, 100].map(honest).to_vec();
    scenario.verifiers[0].conduct = VerifierConduct::PassEverything;
    scenario.verifiers[0].twin = Some(1);
    every_seed(&scenario, |seed, report| {
        all_caught(&scenario, seed, report);
        for case in &report.cases {
            assert!(!case.signers.contains(&case.operator), "seed {seed}");
        }
    });
}

/// [a broadcaster that goes offline]
#[test]
fn a_source_withheld_from_most_is_served_by_the_accuser() {
    let mut scenario = with_cheat();
    scenario.withheld_from = vec![1, 2, 3];
    let mut alone = 0;
    every_seed(&scenario, |seed, report| {
        let able = BTreeSet::from([report.verifiers[0]]);
        for leaf in report.wrong_drawn_by(&able) {
            alone += 1;
            let answered = report.answered(leaf, scenario.params.response_blocks);
            assert!(answered, "seed {seed}: {leaf:?}");
        }
    });
    assert!(alone > 50, "{alone}");
}

#[test]
fn wrong_frames_and_two_receipts_need_no_quorum() {
    let mut scenario = Scenario::default();
    scenario.transcoders[0].conduct = TranscoderConduct::WrongFrames { one_in: 5 };
    scenario.transcoders[1].conduct = TranscoderConduct::TwoReceipts;
    every_seed(&scenario, |seed, report| {
        let (frames, receipts) = (report.transcoders[0], report.transcoders[1]);
        all_caught(&scenario, seed, report);
        for leaf in report.wrong_drawn_by(&honest_verifiers(&scenario, report)) {
            if report.receipts[&leaf.receipt].transcoder != frames {
                continue;
            }
            let case = |c: &&assay_testnet::simulator::CaseOutcome| {
                leaf.receipt == c.leaf.receipt && c.kind == FaultKind::LeafFault
            };
            let report_case = report.cases_of(frames).find(case);
            assert!(report_case.is_some(), "seed {seed}: {leaf:?}");
        }
        let made = report
            .receipts
            .values()
            .filter(|r| r.transcoder == receipts)
            .count();
        let equivocations = report
            .cases_of(receipts)
            .filter(|c| c.kind == FaultKind::Equivocation)
            .count();
        assert_eq!(2 * equivocations, made, "seed {seed}");
    });
}

#[test]
fn idle_and_unwilling_transcoders_cost_time_and_no_stake() {
    let mut scenario = Scenario::default();
    scenario.transcoders[0].conduct = TranscoderConduct::Silent;
    scenario.transcoders[1].conduct = TranscoderConduct::Refusing { one_in: 2 };
    scenario.transcoders[2].conduct = TranscoderConduct::Withholding;
    let mut delivered = 0;
    every_seed(&scenario, |_, report| delivered += report.delivered.len());
    assert!(delivered > 0);
}

#[test]
fn loss_and_duplicates_end_and_hurt_nobody_honest() {
    let mut scenario = with_cheat();
    scenario.link.loss_ppm = 50_000;
    scenario.link.duplicate_ppm = 200_000;
    let (mut drawn, mut answered) = (0, 0);
    every_seed(&scenario, |_, report| {
        for leaf in report.wrong_drawn_by(&honest_verifiers(&scenario, report)) {
            drawn += 1;
            answered += usize::from(report.answered(leaf, scenario.params.response_blocks));
        }
    });
    assert!(answered * 100 >= drawn * 95, "{answered} of {drawn}");
}

#[test]
fn a_partition_heals_without_a_contradiction() {
    let mut scenario = with_cheat();
    scenario.partitions = vec![
        Partition {
            from: 6_000,
            to: 10_000,
            side: vec![Who::Verifier(0), Who::Verifier(1), Who::Transcoder(0)],
        },
        Partition {
            from: 15_000,
            to: 18_000,
            side: vec![Who::Verifier(2), Who::Transcoder(1)],
        },
    ];
    every_seed(&scenario, |seed, report| {
        all_caught(&scenario, seed, report);
    });
}

#[test]
fn cores_that_hear_late_of_a_new_round_are_never_wrong() {
    let mut scenario = with_cheat();
    scenario.pace.feed = (0, 700);
    // Faster than it can be encoded: assignments fall anywhere in a block.
    scenario.segment_every = 300;
    scenario.pace.transcode = (50, 300);
    scenario.pace.recompute = (10, 50);
    scenario.segments = 30;
    every_seed(&scenario, |seed, report| {
        all_caught(&scenario, seed, report);
        assert!(
            report.missed.values().all(|missed| *missed == 0),
            "seed {seed}"
        );
    });
}

#[test]
fn nodes_that_crash_sign_nothing_twice() {
    let mut scenario = with_cheat();
    let outage = |who, from, to| Outage { who, from, to };
    scenario.outages = vec![
        outage(Who::Verifier(0), 7_300, 8_100),
        outage(Who::Verifier(3), 11_700, 12_000),
        outage(Who::Transcoder(0), 5_400, 6_200),
        outage(Who::Transcoder(2), 9_900, 10_050),
    ];
    let mut cases = 0;
    every_seed(&scenario, |_, report| cases += report.cases.len());
    assert!(cases > 0);
}
