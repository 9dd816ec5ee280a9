//! What a witness still knows after a restart.

use super::*;

#[test]
fn the_finders_part_survives_restarts_before_the_claim_and_after_it() {
    let mut claims = 0;
    for leaf in 0..LEAVES {
        let mut bench = Bench::new();
        let receipt = bench.hear(&bench.message(0, leaves(), 1));
        let case = bench.case(0, receipt, leaf, 0b0011).id;
        bench.restart();
        let epoch = bench.params.epoch(106);
        assert_eq!(bench.witness.find_epochs(), [epoch].into());
        bench.ticket(1, epoch, false);
        bench.at(bench.params.report_block(epoch) + 3);
        assert_eq!(bench.found(), [], "its own ticket is not there yet");
        bench.ticket(0, epoch, false);
        bench.at(bench.params.report_block(epoch) + 4);
        let claimed = bench.found();
        bench.restart();
        let recalled = bench.witness.recalled().into_iter().map(|f| f.exhibit);
        assert!(recalled.eq(claimed.iter().cloned()), "brought once more");
        bench.state.end(case, CaseStatus::Executed, 120);
        bench.at(107 + bench.params.evidence_blocks);
        let settles = matches!(&bench.found()[..], [Exhibit::SettleFinder(_)]);
        assert_eq!(settles, !claimed.is_empty());
        claims += claimed.len();
    }
    assert!(claims > 0);
}

#[test]
fn what_was_found_before_a_restart_is_brought_after_it() {
    let mut bench = Bench::new();
    let receipt = bench.hear(&bench.message(0, leaves(), 1));
    bench.verdict(1, receipt, 0, B256::repeat_byte(1));
    bench.verdict(1, receipt, 0, B256::repeat_byte(2));
    let fresh = bench.witness.fresh();
    let [(finding, _)] = &fresh[..] else {
        panic!("{fresh:?}")
    };
    assert_eq!(bench.witness.recalled(), []);
    bench.restart();
    let recalled = bench.witness.recalled();
    let [again] = &recalled[..] else {
        panic!("{recalled:?}")
    };
    assert_eq!(again.name(), finding.name());
    assert_eq!(again.exhibit, finding.exhibit);
    assert_eq!(bench.witness.recalled(), [], "once");
}
