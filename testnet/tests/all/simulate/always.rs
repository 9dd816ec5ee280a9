//! What holds at the end of every run, whatever goes wrong in it.

use std::collections::BTreeSet;

use assay_protocol::U256;
use assay_protocol::amount::Lpt;
use assay_testnet::simulator::{
    FaultKind, Report, Scenario, TranscoderConduct, VerifierConduct, Who,
};

fn cheats(conduct: TranscoderConduct) -> bool {
    matches!(
        conduct,
        TranscoderConduct::WorseChunks { .. }
            | TranscoderConduct::WrongFrames { .. }
            | TranscoderConduct::TwoReceipts
    )
}

/// Panics where a run breaks one of the rules.
pub fn always(scenario: &Scenario, seed: u64, report: &Report) {
    let params = &scenario.params;
    assert!(
        report.terminated,
        "seed {seed}: not settled at block {}",
        report.blocks
    );
    for seq in 0..scenario.segments {
        let delivered = report.delivered.contains_key(&seq);
        assert!(
            delivered != report.gaps.contains(&seq),
            "seed {seed}: segment {seq}"
        );
    }
    assert!(report.most_in_flight <= scenario.in_flight, "seed {seed}");
    assert_eq!(report.refused, Vec::<String>::new(), "seed {seed}");
    let restarted: Vec<_> = scenario.outages.iter().map(|outage| outage.who).collect();
    for (index, plan) in scenario.transcoders.iter().enumerate() {
        let who = report.transcoders[index];
        let stake = Lpt::whole(plan.stake);
        if !cheats(plan.conduct) {
            assert_eq!(
                report.cases_of(who).count(),
                0,
                "seed {seed}: honest {index} accused"
            );
            assert_eq!(
                report.stakes[&who], stake,
                "seed {seed}: honest {index} slashed"
            );
        }
        if !restarted.contains(&Who::Transcoder(index)) {
            assert_eq!(
                report.slots_taken.get(&who),
                None,
                "seed {seed}: two seals in a slot"
            );
        }
        let mut bursts: Vec<_> = report
            .cases_of(who)
            .filter(|case| case.kind == FaultKind::WrongEncode)
            .collect();
        bursts.sort_by_key(|case| case.opened);
        for (at, case) in bursts.iter().enumerate() {
            let covered = case.signed_block..=case.signed_block + params.response_blocks;
            assert!(
                bursts[..at]
                    .iter()
                    .all(|earlier| !covered.contains(&earlier.opened)),
                "seed {seed}: one burst, two cases"
            );
        }
    }
    for (index, plan) in scenario.verifiers.iter().enumerate() {
        let who = report.verifiers[index];
        if plan.conduct == VerifierConduct::Honest {
            let stake = Lpt::whole(plan.stake);
            assert_eq!(report.verifier_stakes[&who], stake, "seed {seed}");
            if !restarted.contains(&Who::Verifier(index)) {
                assert_eq!(
                    report.slots_taken.get(&who),
                    None,
                    "seed {seed}: two seals in a slot"
                );
            }
        }
    }
    let wrong: BTreeSet<_> = report.receipts.values().flat_map(|r| &r.wrong).collect();
    assert!(
        report.mismatches.iter().all(|leaf| wrong.contains(leaf)),
        "seed {seed}: a right leaf was found wrong"
    );
    assert!(
        report.acquitted.iter().all(|leaf| !wrong.contains(leaf)),
        "seed {seed}: a wrong leaf was acquitted"
    );
    for case in &report.cases {
        assert!(
            case.executed.is_some(),
            "seed {seed}: a case was not executed"
        );
        let snapshots = report.round_blocks.iter();
        let before = snapshots
            .clone()
            .rev()
            .find(|(_, block)| **block < case.opened);
        let after = snapshots
            .clone()
            .find(|(_, block)| Some(**block) >= case.executed);
        if let (Some((before, _)), Some((after, _))) = (before, after)
            && case.kind != FaultKind::VerifierEquivocation
        {
            let weight = |round| report.weights[round].get(&case.operator).copied();
            let (before, after) = (weight(before), weight(after).unwrap_or(U256::ZERO));
            assert!(
                before.is_some_and(|b| after < b),
                "seed {seed}: stake did not fall"
            );
        }
    }
}
