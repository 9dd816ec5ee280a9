//! What a case of wrong encoding hides, and that it hides nothing once it ends without a slash.

use crate::scene;

use assay_protocol::verdict::LeafId;
use assay_protocol::wire::Gossip;
use assay_protocol::{B256, keccak256};
use assay_verifier::{Input, Output, Urgency, Verifier};

use scene::*;

/// A verifier with a receipt of two leaves, both drawn or none.
fn watching(draws: bool) -> (Verifier, [LeafId; 2]) {
    let mut core = verifier(draws);
    let (hash, receipt) = (receipt(2).hash, receipt(2));
    feed(&mut core, Input::Round(set()));
    feed(&mut core, Input::Receipt(Box::new(receipt)));
    let leaf = |index| LeafId {
        receipt: hash,
        index,
    };
    (core, [leaf(0), leaf(1)])
}

fn opened(leaf: LeafId, block: u64) -> Input {
    Input::CaseOpened {
        operator: TRANSCODER,
        leaf,
        block,
    }
}

fn closed(leaf: LeafId, spared: bool, block: u64) -> Input {
    Input::CaseClosed {
        leaf,
        spared,
        block,
    }
}

/// A leaf of another receipt of the same burst.
fn elsewhere() -> LeafId {
    LeafId {
        receipt: B256::repeat_byte(0xee),
        index: 0,
    }
}

/// This verifier and a quorum find the leaf wrong.
fn find_wrong(core: &mut Verifier, leaf: LeafId) -> Vec<Output> {
    let wrong = keccak256(b"wrong");
    let twice = (0..2).flat_map(|_| feed(core, recomputed(leaf.receipt, leaf.index, wrong)));
    let mut outputs: Vec<_> = twice.collect();
    for other in OTHERS {
        outputs.extend(feed(core, hear(other, leaf, wrong)));
    }
    outputs
}

fn convicted(outputs: &[Output]) -> Vec<LeafId> {
    let convicted = |output: &Output| match output {
        Output::Convict(conviction) => Some(conviction.leaf),
        _ => None,
    };
    outputs.iter().filter_map(convicted).collect()
}

fn accused(outputs: &[Output]) -> Vec<u32> {
    let accused = |output: &Output| match output {
        Output::Gossip(Gossip::Accusation(signed)) => Some(signed.accusation.leafIndex),
        _ => None,
    };
    outputs.iter().filter_map(accused).collect()
}

/// A cheat plants one fault, has a friend prove it at once, answers everything with wrong work, and reveals the plant.
#[test]
fn what_a_planted_leafs_case_has_hidden_is_proven_when_it_is_spared() {
    let (mut core, [planted, other]) = watching(true);
    feed(&mut core, opened(planted, NOW.block));
    for leaf in [planted, other] {
        let outputs = find_wrong(&mut core, leaf);
        assert!(accused(&outputs).is_empty() && convicted(&outputs).is_empty());
    }
    assert_eq!(convicted(&feed(&mut core, Input::Block)), []);
    let outputs = feed(&mut core, closed(planted, true, NOW.block));
    assert_eq!(accused(&outputs), [1], "the planted leaf itself is spared");
    let mut later = outputs;
    later.extend(feed(&mut core, Input::Block));
    assert_eq!(convicted(&later), [other]);
    // That one's case hides what is left, and stays.
    feed(&mut core, opened(other, NOW.block));
    assert_eq!(convicted(&feed(&mut core, Input::Block)), []);
}

#[test]
fn a_burst_is_proven_when_the_case_that_absorbed_it_falls() {
    for spared in [true, false] {
        let (mut core, [leaf, _]) = watching(true);
        feed(&mut core, opened(elsewhere(), NOW.block));
        let outputs = find_wrong(&mut core, leaf);
        let absorbed = outputs.iter().any(|o| matches!(o, Output::Absorbed(_)));
        assert!(absorbed && convicted(&outputs).is_empty());
        assert_eq!(convicted(&feed(&mut core, Input::Block)), [], "it is open");
        feed(&mut core, closed(elsewhere(), spared, NOW.block));
        assert_eq!(convicted(&feed(&mut core, Input::Block)), [leaf]);
    }
}

#[test]
fn a_burst_stays_hidden_while_another_case_absorbs_it_or_the_chain_takes_the_end_back() {
    let (mut core, [leaf, other]) = watching(true);
    let second = LeafId {
        index: 1,
        ..elsewhere()
    };
    feed(&mut core, opened(elsewhere(), NOW.block - 1));
    feed(&mut core, opened(second, NOW.block));
    find_wrong(&mut core, leaf);
    feed(&mut core, closed(elsewhere(), true, NOW.block));
    assert_eq!(convicted(&feed(&mut core, Input::Block)), []);
    feed(&mut core, closed(second, true, NOW.block + 1));
    feed(&mut core, Input::Rewound(NOW.block));
    assert_eq!(
        convicted(&find_wrong(&mut core, other)),
        [],
        "it stands again"
    );
}

#[test]
fn the_court_has_one_case_of_a_receipt_that_was_acquitted() {
    let (mut core, [leaf, other]) = watching(true);
    // Long after the assignment: the burst does not reach back to it.
    feed(&mut core, opened(leaf, NOW.block + 19));
    find_wrong(&mut core, other);
    let outputs = feed(&mut core, closed(leaf, false, NOW.block + 20));
    assert_eq!(outputs, []);
    assert_eq!(convicted(&feed(&mut core, Input::Block)), []);
}

#[test]
fn an_accusation_that_came_while_a_planted_leafs_case_was_open_is_answered_when_it_is_spared() {
    let (mut core, [planted, other]) = watching(false);
    feed(&mut core, opened(planted, NOW.block));
    let outputs = feed(&mut core, accusation(OTHERS[0], other));
    assert_eq!(outputs, [], "a decided matter is nobody's work");
    let outputs = feed(&mut core, Input::Block);
    assert_eq!(asked(&outputs, Urgency::Accused), 0);
    let outputs = feed(&mut core, closed(planted, true, NOW.block));
    assert_eq!(asked(&outputs, Urgency::Accused), 1);
    let wrong = keccak256(b"wrong");
    let mut outputs = Vec::new();
    for _ in 0..2 {
        outputs.extend(feed(&mut core, recomputed(other.receipt, 1, wrong)));
    }
    let told = |o: &Output| matches!(o, Output::SendVerdict { to, .. } if *to == OTHERS[0]);
    assert!(outputs.iter().any(told));
}
