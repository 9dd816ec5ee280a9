//! Rounds of several certifiers that hear each other: honest, a third gone, a leader that lies or is gone, views that differ.

use crate::rounds;

use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::keccak256;

use assay_verifier::certify::{GRACE_BLOCKS, Input};
use rounds::{Faults, OPENED, ROUND, SEGMENTS, Scene, params, pixels, receipt, segment};

#[test]
fn honest_verifiers_certify_in_the_first_turn() {
    let mut scene = Scene::new(4, Faults::default());
    scene.run();
    let certificate = scene.certificate();
    assert_eq!(pixels(certificate), 12_000);
    assert_eq!(certificate.work.claims, 2);
    assert_eq!(certificate.work.duties, 0xf);
    // Submitted with the third: two thirds are enough.
    assert_eq!(certificate.signatures.len(), 3);
    assert_eq!(scene.certified[0].0, Scene::first_turn());
    assert_eq!(scene.certified[0].1, Scene::leader(0, 4));
    assert!(scene.dropped.is_empty());
}

#[test]
fn work_with_a_case_does_not_count_unless_the_case_falls() {
    for (void, expected) in [(false, 11_000), (true, 12_000)] {
        let mut scene = Scene::new(4, Faults::default());
        for i in 0..4 {
            let accused = BTreeSet::from([receipt(3)]);
            scene.hear(i, Input::Accused(accused), OPENED + 20);
            if void {
                scene.hear(i, Input::Accused(BTreeSet::new()), OPENED + 21);
            }
        }
        scene.run();
        assert_eq!(pixels(scene.certificate()), expected);
    }
}

#[test]
fn a_receipt_that_is_heard_after_its_case_does_not_count() {
    let late = BTreeSet::from([3]);
    for (accused, expected) in [
        (BTreeSet::from([receipt(3)]), 11_000),
        (BTreeSet::new(), 12_000),
    ] {
        let mut scene = Scene::new(
            4,
            Faults {
                unknown: (0..4).map(|i| (i, late.clone())).collect(),
                ..Faults::default()
            },
        );
        for i in 0..4 {
            scene.hear(i, Input::Accused(accused.clone()), OPENED + 10);
            let heard = Input::Receipt {
                assignment: Box::new(segment(3, ROUND)),
                receipt: receipt(3),
                leaves: 4,
            };
            scene.hear(i, heard, OPENED + 11);
        }
        scene.run();
        assert_eq!(pixels(scene.certificate()), expected);
    }
}

#[test]
fn a_new_jobs_run_begins_with_its_first_segment_whatever_window_its_broadcaster_has_chosen() {
    // The first four of twelve were never assigned: all electees but a friend's are left out.
    let skipped = BTreeSet::from([0, 1, 2, 3]);
    // Of a job from before all that a verifier knows anything may have been seen by others.
    for (seed_block, counts) in [(OPENED, false), (OPENED - 10, false), (OPENED - 60, true)] {
        let mut scene = Scene::new(
            4,
            Faults {
                unknown: (0..4).map(|i| (i, skipped.clone())).collect(),
                seed_block,
                ..Faults::default()
            },
        );
        for i in 0..4 {
            hear_all(&mut scene, i, OPENED - 50);
        }
        scene.run();
        assert_eq!(!scene.certified.is_empty(), counts, "{seed_block}");
        if counts {
            assert_eq!(pixels(scene.certificate()), 8_000);
        }
    }
}

#[test]
fn a_verifier_that_was_not_there_confirms_the_others_run_of_a_new_job() {
    // One has come late, and has not seen the job's first segment.
    for late in 0..4 {
        let mut scene = Scene::new(
            4,
            Faults {
                unknown: BTreeMap::from([(late, BTreeSet::from([0]))]),
                seed_block: OPENED - 10,
                ..Faults::default()
            },
        );
        for i in (0..4).filter(|i| *i != late) {
            hear_all(&mut scene, i, OPENED - 50);
        }
        scene.run();
        let certificate = scene.certificate();
        assert_eq!(pixels(certificate), 12_000, "{late}");
    }
}

/// Every block up to when the round has ended.
pub fn hear_all(scene: &mut Scene, i: usize, from: u64) {
    for block in from..OPENED + 8 {
        scene.hear(i, Input::Block, block);
    }
}

#[test]
fn one_verifier_certifies_alone() {
    let mut scene = Scene::new(1, Faults::default());
    scene.run();
    assert_eq!(pixels(scene.certificate()), 12_000);
}

#[test]
fn with_a_third_absent_the_rest_certify_and_say_who_was_absent() {
    let gone = BTreeSet::from([1, 4]);
    let mut scene = Scene::new(
        6,
        Faults {
            gone: gone.clone(),
            idle: gone,
            ..Faults::default()
        },
    );
    scene.run();
    let certificate = scene.certificate();
    assert_eq!(certificate.work.duties, 0b10_1101);
    assert_eq!(certificate.signatures.len(), 4);
    assert_eq!(pixels(certificate), 12_000);
}

#[test]
fn a_leader_that_is_gone_costs_a_turn() {
    let leader = Scene::leader(0, 4);
    let mut scene = Scene::new(
        4,
        Faults {
            gone: BTreeSet::from([leader]),
            ..Faults::default()
        },
    );
    scene.run();
    assert_eq!(pixels(scene.certificate()), 12_000);
    assert_eq!(scene.turn(), 1);
}

#[test]
fn more_than_a_third_gone_certify_nothing() {
    let mut scene = Scene::new(
        4,
        Faults {
            gone: BTreeSet::from([0, 1]),
            ..Faults::default()
        },
    );
    scene.run();
    assert!(scene.certified.is_empty());
    // Whoever is there says so once, when the chain takes no list any more.
    let late = Scene::first_turn() - GRACE_BLOCKS + params().certify_blocks;
    let said = [2, 3].map(|i| (late, i, ROUND));
    assert_eq!(scene.uncertified, said);
}

#[test]
fn a_receipt_that_one_has_not_seen_does_not_hold_up_the_others() {
    for one in 0..4 {
        let mut scene = Scene::new(
            4,
            Faults {
                unseen: BTreeMap::from([(one, BTreeSet::from([5]))]),
                ..Faults::default()
            },
        );
        scene.run();
        let leads = one == Scene::leader(0, 4);
        // Three are two thirds, and they have seen it; one that leads without it does not get it struck.
        assert_eq!(pixels(scene.certificate()), 12_000, "{one}");
        assert_eq!(scene.turn(), u64::from(leads));
    }
}

#[test]
fn receipts_that_too_few_confirm_are_dropped_and_the_round_is_not() {
    // Each of three has missed another receipt: no two thirds have seen all, and the three that remain certify the rest.
    let unseen = (0..3).map(|i| (i, BTreeSet::from([i as u32 + 2])));
    let mut scene = Scene::new(
        4,
        Faults {
            unseen: unseen.collect(),
            ..Faults::default()
        },
    );
    scene.run();
    let certificate = scene.certificate();
    // The leader and those two that lack least: two receipts fewer.
    assert_eq!(pixels(certificate), 10_000);
    assert_eq!(scene.turn(), 0);
    assert!(!scene.dropped.is_empty());
}

/// Proposals are large and objections are not.
#[test]
fn an_objection_that_comes_before_its_proposal_is_remembered() {
    for slow in (0..4).filter(|slow| *slow != Scene::leader(0, 4)) {
        let unseen = (0..3).map(|i| (i, BTreeSet::from([i as u32 + 2])));
        let mut scene = Scene::new(
            4,
            Faults {
                unseen: unseen.collect(),
                slow: BTreeSet::from([slow]),
                ..Faults::default()
            },
        );
        scene.run();
        assert_eq!(pixels(scene.certificate()), 10_000, "{slow}");
        assert_eq!(scene.turn(), 0, "{slow}");
    }
}

#[test]
fn an_assignment_that_some_missed_is_struck_with_its_run() {
    // The last assignment of the round reached two of four.
    let last = BTreeSet::from([SEGMENTS - 1]);
    let mut scene = Scene::new(
        4,
        Faults {
            unknown: BTreeMap::from([(0, last.clone()), (1, last)]),
            ..Faults::default()
        },
    );
    scene.run();
    assert_eq!(pixels(scene.certificate()), 11_000);
}

#[test]
fn a_leader_that_strikes_a_rivals_work_is_not_followed() {
    let leader = Scene::leader(0, 4);
    let rivals: BTreeSet<_> = (0..SEGMENTS).filter(|seq| seq % 2 == 1).take(2).collect();
    let mut scene = Scene::new(
        4,
        Faults {
            strikes: BTreeMap::from([(leader, rivals)]),
            ..Faults::default()
        },
    );
    scene.run();
    assert_eq!(pixels(scene.certificate()), 12_000);
    assert_eq!(scene.turn(), 1);
}

#[test]
fn a_leader_that_invents_work_finds_nobody() {
    let leader = Scene::leader(0, 4);
    let mut scene = Scene::new(
        4,
        Faults {
            invents: BTreeMap::from([(leader, SEGMENTS)]),
            ..Faults::default()
        },
    );
    scene.run();
    // Its second proposal is without what the others do not confirm.
    assert_eq!(pixels(scene.certificate()), 12_000);
}

#[test]
fn who_objects_to_everything_excludes_itself() {
    let mut scene = Scene::new(
        4,
        Faults {
            unseen: BTreeMap::from([(0, (0..SEGMENTS).collect())]),
            ..Faults::default()
        },
    );
    scene.run();
    assert_eq!(pixels(scene.certificate()), 12_000);
}

#[test]
fn a_lost_report_takes_nobodys_pay() {
    let mut scene = Scene::new(
        4,
        Faults {
            unheard: BTreeMap::from([(2, BTreeSet::from([0]))]),
            ..Faults::default()
        },
    );
    scene.run();
    assert_eq!(scene.certificate().work.duties, 0xf);
}

/// Whatever up to a third of the verifiers do, and whatever single receipts the others have missed, a list is certified, it
/// holds nothing that a signer has not seen, and nobody signs twice in one slot.
#[test]
fn random_rounds_end_with_a_list_that_its_signers_confirm() {
    for seed in 0..200u64 {
        let mut state = seed;
        let mut random = |below: u64| {
            state = u64::from_be_bytes(keccak256(state.to_be_bytes())[..8].try_into().unwrap());
            state % below
        };
        let count = 4 + random(4) as usize;
        let mut faults = Faults::default();
        for i in 0..(count - 1) / 3 {
            match random(3) {
                0 => drop(faults.gone.insert(i)),
                1 => drop(
                    faults
                        .strikes
                        .insert(i, (0..SEGMENTS).filter(|s| s % 2 == 1).collect()),
                ),
                _ => drop(faults.invents.insert(i, SEGMENTS + random(2) as u32)),
            }
        }
        if random(2) == 0 {
            let who = random(count as u64) as usize;
            faults
                .unseen
                .insert(who, BTreeSet::from([random(u64::from(SEGMENTS)) as u32]));
        }
        let mut scene = Scene::new(count, faults);
        scene.run();
        assert!(!scene.certified.is_empty(), "seed {seed} certifies nothing");
        let certificate = scene.certificate();
        assert!(pixels(certificate) <= 12_000, "seed {seed}");
        assert!(pixels(certificate) >= 9_000, "seed {seed} drops too much");
    }
}
