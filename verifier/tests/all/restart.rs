//! What a verifier does again after a restart, and after the chain has taken something back.

use crate::scene;

use assay_protocol::checked::Now;
use assay_protocol::draft::Draft;
use assay_protocol::keccak256;
use assay_protocol::params::Params;
use assay_protocol::verdict::LeafId;
use assay_protocol::wire::Gossip;
use assay_verifier::{Input, Output, Urgency, Verifier};

use scene::*;

fn accuses(outputs: &[Output]) -> bool {
    let accuses = |o: &Output| matches!(o, Output::Gossip(Gossip::Accusation(_)));
    outputs.iter().any(accuses)
}

fn convicts(outputs: &[Output]) -> bool {
    outputs.iter().any(|o| matches!(o, Output::Convict(_)))
}

/// A verifier that knows the round, and the leaf of a receipt that it may have drawn.
fn watching(draws: bool) -> (Verifier, LeafId) {
    let mut core = verifier(draws);
    let receipt = receipt(1);
    let leaf = LeafId {
        receipt: receipt.hash,
        index: 0,
    };
    feed(&mut core, Input::Round(set()));
    if draws {
        feed(&mut core, Input::Receipt(Box::new(receipt)));
    }
    (core, leaf)
}

#[test]
fn a_leaf_that_differs_is_kept_before_anything_is_said_and_accused_after_a_restart() {
    let wrong = keccak256(b"wrong");
    let (mut core, leaf) = watching(true);
    let outputs = feed(&mut core, recomputed(leaf.receipt, 0, wrong));
    let said = |o: &Output| matches!(o, Output::Sign(Draft::Verdict(_)));
    assert!(!outputs.iter().any(said));
    let kept = outputs.into_iter().find_map(|output| match output {
        Output::Suspect { evidence, leaf } => Some((evidence, leaf)),
        _ => None,
    });
    let (evidence, suspect) = kept.expect("the receipt with its leaf");
    assert_eq!(suspect, leaf);

    let (mut core, _) = watching(false);
    let mut kept = receipt(1);
    kept.message = *evidence;
    let outputs = feed(&mut core, Input::Suspected(Box::new(kept), 0));
    assert_eq!(asked(&outputs, Urgency::Accused), 1);
    assert!(!accuses(&feed(
        &mut core,
        recomputed(leaf.receipt, 0, wrong)
    )));
    assert!(accuses(&feed(
        &mut core,
        recomputed(leaf.receipt, 0, wrong)
    )));
}

#[test]
fn what_a_case_settled_is_open_again_when_the_chain_takes_the_case_back() {
    let wrong = keccak256(b"wrong");
    let (mut core, leaf) = watching(true);
    feed(&mut core, recomputed(leaf.receipt, 0, wrong));
    assert!(accuses(&feed(
        &mut core,
        recomputed(leaf.receipt, 0, wrong)
    )));
    feed(&mut core, hear(OTHERS[0], leaf, wrong));
    let case = Input::CaseOpened {
        operator: TRANSCODER,
        leaf,
        block: NOW.block,
    };
    feed(&mut core, case);
    assert!(!convicts(&feed(&mut core, hear(OTHERS[1], leaf, wrong))));
    assert!(!convicts(&feed(&mut core, Input::Block)));
    feed(&mut core, Input::Rewound(NOW.block));
    assert!(!convicts(&feed(&mut core, Input::Block)), "it stands");
    feed(&mut core, Input::Rewound(NOW.block - 1));
    assert!(convicts(&feed(&mut core, Input::Block)));
}

#[test]
fn the_epoch_before_a_restart_is_reported_on_with_nothing_to_say() {
    let params = Params::demo();
    let before = params.epoch(NOW.block) - 1;
    let mut core = verifier(true);
    let tickets = |outputs: &[Output]| -> Vec<u64> {
        let ticket = |output: &Output| match output {
            Output::Sign(Draft::Ticket(ticket)) => Some(ticket.epoch),
            _ => None,
        };
        outputs.iter().filter_map(ticket).collect()
    };
    // Whoever has no seat owes nothing.
    assert_eq!(tickets(&feed(&mut core, Input::Block)), []);
    feed(&mut core, Input::Round(set()));
    assert_eq!(
        tickets(&feed(&mut core, Input::Block)),
        [before, before + 1]
    );
    assert_eq!(tickets(&feed(&mut core, Input::Block)), [], "once");
    let mut epochs = Vec::new();
    for block in NOW.block..=params.report_block(before + 2) {
        for output in core.handle(Input::Block, Now { block }) {
            if let Output::Gossip(Gossip::Report(report)) = output {
                assert!(report.verdicts.is_empty() && report.unverifiable.is_empty());
                assert_eq!(block, params.report_block(report.epoch));
                epochs.push(report.epoch);
            }
        }
    }
    assert_eq!(epochs, [before, before + 1]);
}
