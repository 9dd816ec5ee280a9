//! What follows from a case and from what its quorum lacks.

use assay_protocol::U256;

use super::*;

/// A case about one leaf of a receipt is the only one of its assignment: of another leaf the quorum itself is shown.
#[test]
fn passes_of_other_leaves_of_a_proven_receipt_are_shown_with_their_quorum() {
    let mut bench = Bench::new();
    let receipt = bench.hear(&bench.message(0, leaves(), 1));
    let wrong = B256::repeat_byte(9);
    for by in 0..3 {
        bench.verdict(by, receipt, 2, wrong);
    }
    bench.verdict(3, receipt, 2, leaves()[2].output_hash);
    assert_eq!(bench.found(), [], "the leaf may get its own case");
    bench.case(0, receipt, 1, 0b0111);
    let found = bench.found();
    let [Exhibit::FalsePass(fault)] = &found[..] else {
        panic!("{found:?}");
    };
    let fails = fault.fails.as_ref().unwrap();
    assert_eq!((fault.position, fault.leaf.leaf_index), (3, 2));
    assert_eq!((fails.bitmap, fails.recomputed_hash), (0b0111, wrong));
    let verdict = Verdict {
        receiptHash: receipt,
        leafIndex: 2,
        recomputedHash: wrong,
    };
    let keys: Vec<_> = bench.keys[..3].iter().map(BlsKey::public).collect();
    let digest = DOMAIN.digest(&verdict);
    assert_eq!(fails.aggregate.verify_aggregate(digest, &keys), Ok(()));
}

/// A friend of the cheat's that is first with a proof leaves out whom it likes.
#[test]
fn a_case_that_lacks_this_nodes_verdict_gets_the_larger_quorum() {
    let mut bench = Bench::new();
    let receipt = bench.hear(&bench.message(0, leaves(), 1));
    let wrong = B256::repeat_byte(9);
    for by in 1..4 {
        bench.verdict(by, receipt, 1, wrong);
    }
    bench.case(0, receipt, 1, 0b1110);
    assert_eq!(bench.found(), [], "nothing is known that it lacks");
    bench.verdict(0, receipt, 1, wrong);
    let found = bench.found();
    let [Exhibit::Prove(file)] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(file.proof.bitmap, U256::from(0b1111));
    assert_eq!(file.signers.len(), 4);
    let digest = DOMAIN.digest(&file.proof.verdict(&DOMAIN));
    let keys: Vec<BlsPublicKey> = bench.keys.iter().map(BlsKey::public).collect();
    let signature = &file.proof.signature;
    assert_eq!(signature.verify_aggregate(digest, &keys), Ok(()));

    // One that another one's verdict would make larger is left to that one.
    let other = bench.hear(&bench.message(1, leaves(), 2));
    for by in 0..4 {
        bench.verdict(by, other, 1, wrong);
    }
    bench.case(1, other, 1, 0b0111);
    assert_eq!(bench.found(), []);
    // And one that others than the accused have contested to the resolver.
    let third = bench.hear(&bench.message(2, leaves(), 3));
    for by in 1..4 {
        bench.verdict(by, third, 1, wrong);
    }
    let case = bench.case(2, third, 1, 0b1110);
    let contest = |bench: &mut Bench, cause| {
        bench.state.cases.get_mut(&case.id).unwrap().contested = Some((102, cause));
    };
    contest(&mut bench, Cause::Breaker);
    bench.verdict(0, third, 1, wrong);
    assert_eq!(bench.found(), []);
    contest(&mut bench, Cause::Accused);
    bench.witness.case(&bench.state, &case, false);
    assert!(matches!(&bench.found()[..], [Exhibit::Prove(_)]));
}

/// Keys that sum to zero are counted without a signature of their own.
#[test]
fn who_was_counted_for_a_refuted_divergence_needs_no_signature() {
    let mut bench = Bench::new();
    let receipt = bench.hear(&bench.message(0, leaves(), 1));
    let mut case = bench.case(0, receipt, 1, 0b0111);
    case.diverged = 0b1010;
    bench.witness.case(&bench.state, &case, true);
    let found = bench.found();
    let unsigned = |exhibit: &Exhibit| match exhibit {
        Exhibit::FalseDivergence(fault) if fault.signature.is_none() => fault.position,
        other => panic!("{other:?}"),
    };
    assert_eq!(found.iter().map(unsigned).collect::<Vec<_>>(), [1, 3]);
}

/// Another node's proof has brought this node's verdict to the case, in a block that became void.
#[test]
fn a_case_whose_larger_quorum_is_void_lacks_this_node_again() {
    let mut bench = Bench::new();
    let receipt = bench.hear(&bench.message(0, leaves(), 1));
    for by in 1..4 {
        bench.verdict(by, receipt, 1, B256::repeat_byte(9));
    }
    let id = bench.case(0, receipt, 1, 0b1110).id;
    let joined = bench.state.cases.get_mut(&id).unwrap();
    joined.join(U256::from(0b1111), 102);
    bench.verdict(0, receipt, 1, B256::repeat_byte(9));
    assert_eq!(bench.found(), [], "it is there");
    bench.state.rewind(101);
    let case = bench.state.cases[&id].clone();
    bench.witness.case(&bench.state, &case, false);
    assert!(matches!(&bench.found()[..], [Exhibit::Prove(_)]));
}
