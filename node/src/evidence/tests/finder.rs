//! The finder's part of cases that end late, or without a slash.

use super::*;
use crate::chain_feed::REORG_BLOCKS;

/// Block of the opening: after the deadline, as most cases'.
const OPENED: u64 = DEADLINE + 10;

/// A bench whose node has claimed the finder's part of a case.
fn claimed(params: &Params) -> (Bench, B256) {
    let lot = |leaf| {
        let mut bench = Bench::with(params.clone());
        let receipt = bench.hear(&bench.message(0, leaves(), 1));
        bench.at(OPENED);
        let case = bench.case_in(OPENED, 0, receipt, leaf, 0b0011).id;
        let epoch = bench.params.epoch(DEADLINE);
        bench.ticket(0, epoch, false);
        bench.ticket(1, epoch, false);
        bench.at(bench.params.report_block(epoch) + 2);
        let claims = matches!(&bench.found()[..], [Exhibit::ClaimFinder(_)]);
        claims.then_some((bench, case))
    };
    (0..LEAVES).find_map(lot).expect("a lowest draw of four")
}

fn files(bench: &Bench) -> usize {
    list(bench.folder.path()).unwrap().len()
}

#[test]
fn a_finders_part_is_settled_once_its_case_is_executed_however_late_that_is() {
    for params in [Params::mainnet(), Params::testnet(), Params::demo()] {
        let contest = params.round_blocks * (params.resolver_rounds + 1);
        for late in [0, contest] {
            let (mut bench, case) = claimed(&params);
            let executed = OPENED + params.case_blocks + late;
            let due = executed.max(DEADLINE + params.evidence_blocks + 1);
            for block in [due - 2, due - 1] {
                if block >= executed {
                    bench.state.end(case, CaseStatus::Executed, executed);
                }
                bench.at(block);
                assert_eq!(bench.found(), [], "{block}");
                bench.restart();
            }
            bench.state.end(case, CaseStatus::Executed, executed);
            bench.at(due);
            let found = bench.found();
            assert!(
                matches!(&found[..], [Exhibit::SettleFinder(of)] if of.deadlineBlock == DEADLINE),
                "{found:?}"
            );
            bench.at(due + 1);
            assert_eq!(bench.found(), [], "once");
            // Unless it was not done before a restart.
            bench.restart();
            let recalled = bench.witness.recalled();
            assert!(recalled.iter().any(|again| again.exhibit == found[0]));
            let paid = due + 3;
            bench.state.cases.get_mut(&case).unwrap().finder_paid = Some(paid);
            bench.at(paid + REORG_BLOCKS);
            assert_eq!(files(&bench), 2, "a reorganisation could reach it");
            bench.at(paid + REORG_BLOCKS + 1);
            assert_eq!(files(&bench), 0);
        }
    }
}

#[test]
fn of_a_case_that_ends_without_a_slash_nothing_is_settled_or_kept() {
    for status in [
        CaseStatus::Acquitted,
        CaseStatus::Annulled,
        CaseStatus::Absorbed,
        CaseStatus::Spared,
    ] {
        let params = Params::mainnet();
        let (mut bench, case) = claimed(&params);
        let over = OPENED + params.case_blocks + 7 * params.round_blocks;
        bench.state.end(case, status, over);
        bench.at(over + REORG_BLOCKS);
        assert_eq!((bench.found(), files(&bench)), (vec![], 1));
        bench.at(over + REORG_BLOCKS + 1);
        assert_eq!((bench.found(), files(&bench)), (vec![], 0));
    }
}

#[test]
fn a_claim_whose_case_never_ends_is_given_up() {
    let params = Params::mainnet();
    let (mut bench, _) = claimed(&params);
    let last = DEADLINE + params.evidence_blocks + 64 * params.round_blocks;
    bench.at(last + REORG_BLOCKS);
    assert_eq!(files(&bench), 1);
    bench.at(last + REORG_BLOCKS + 1);
    assert_eq!((bench.found(), files(&bench)), (vec![], 0));
}
