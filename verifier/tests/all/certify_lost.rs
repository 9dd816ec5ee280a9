//! Certificates that a reorganisation takes back.

use assay_verifier::certify::{Input, KEPT_BLOCKS};

use crate::rounds::{Faults, ROUND, Scene, params, pixels};

const NODES: usize = 4;

/// A round of which the chain has the list; the block that took it, and who submitted it.
fn certified() -> (Scene, u64, usize) {
    let mut scene = Scene::new(NODES, Faults::default());
    scene.run();
    let (block, who, _) = scene.certified[0];
    let round = ROUND;
    tell_all(&mut scene, block, || Input::Certified { round, block });
    scene.certified.clear();
    (scene, block, who)
}

fn tell_all(scene: &mut Scene, block: u64, input: impl Fn() -> Input) {
    for i in 0..NODES {
        assert_eq!(scene.hear(i, input(), block).len(), 0, "nothing is said");
    }
}

#[test]
fn a_lost_certificate_is_submitted_by_the_next_in_line() {
    let (mut scene, block, who) = certified();
    for later in block + 1..block + 4 {
        tell_all(&mut scene, later, || Input::Block);
    }
    assert!(scene.certified.is_empty(), "the chain has it");
    tell_all(&mut scene, block + 3, || Input::Rewound(block));
    tell_all(&mut scene, block + 3, || Input::Block);
    assert!(scene.certified.is_empty(), "and still has it");
    // Whoever has submitted it, and its queue, are gone when its block is.
    tell_all(&mut scene, block - 1, || Input::Rewound(block - 1));
    scene.faults.gone.insert(who);
    scene.run_from(block);
    let (again, by, _) = scene.certified[0];
    assert_eq!((again, by), (block + 2, (who + 1) % NODES));
    assert_eq!(pixels(scene.certificate()), 12_000);
}

#[test]
fn a_lost_certificate_that_nobody_brings_again_is_missed_when_the_window_ends() {
    let late = Scene::first_turn() + params().certify_blocks;
    for (lost, said) in [(false, 0), (true, NODES)] {
        let (mut scene, block, _) = certified();
        if lost {
            tell_all(&mut scene, late - 1, || Input::Rewound(block - 1));
        }
        for block in [late, late + 1] {
            tell_all(&mut scene, block, || Input::Block);
        }
        assert_eq!(scene.uncertified.len(), said, "once each");
    }
}

#[test]
fn what_no_reorganisation_reaches_is_forgotten() {
    for (blocks, kept) in [(KEPT_BLOCKS, true), (KEPT_BLOCKS + 1, false)] {
        let (mut scene, block, _) = certified();
        tell_all(&mut scene, block + blocks, || Input::Block);
        tell_all(&mut scene, block - 1, || Input::Rewound(block - 1));
        scene.run_from(block);
        assert_eq!(!scene.certified.is_empty(), kept);
    }
}
