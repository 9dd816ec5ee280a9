//! Runs of a job over two rounds.

use std::collections::BTreeSet;

use assay_protocol::U256;
use assay_protocol::bls::BlsKey;
use assay_protocol::election::{Candidate, Snapshot};
use assay_protocol::fraud_proof::{VerifierSeat, VerifierSet};
use assay_verifier::certify::{Input, RoundFacts, SeenAssignment};

use crate::certify::hear_all;
use crate::rounds::{
    Faults, OPENED, ROUND, SEGMENTS, Scene, pixels, receipt, segment, transcoder, verifier,
};

/// The scene's round follows one in which these segments were assigned, and nobody has answered; its own are the next ones.
fn after(given_up: std::ops::Range<u32>) -> Scene {
    let all: BTreeSet<u32> = (0..SEGMENTS).collect();
    let faults = Faults {
        unknown: (0..4).map(|i| (i, all.clone())).collect(),
        ..Faults::default()
    };
    let mut scene = Scene::new(4, faults);
    let of = |seq, round| {
        Box::new(SeenAssignment {
            seed_block: OPENED - 30,
            ..segment(seq, round)
        })
    };
    for i in 0..4 {
        // It has been there since before the job.
        hear_all(&mut scene, i, OPENED - 50);
        let facts = before(&scene);
        scene.hear(i, Input::Round(Box::new(facts)), OPENED - 8);
        for seq in given_up.clone() {
            scene.hear(i, Input::Assignment(of(seq, ROUND - 1)), OPENED - 2);
        }
        for seq in given_up.end..given_up.end + SEGMENTS {
            let input = Input::Receipt {
                assignment: of(seq, ROUND),
                receipt: receipt(seq),
                leaves: 4,
            };
            scene.hear(i, input, OPENED + 10);
        }
    }
    scene
}

/// The round before the scene's.
fn before(scene: &Scene) -> RoundFacts {
    let round = ROUND - 1;
    let seat = |(i, key): (usize, &BlsKey)| VerifierSeat {
        operator: verifier(i),
        key: key.public(),
        weight: U256::from(100),
    };
    let candidate = |i| Candidate {
        operator: transcoder(i),
        weight: U256::from(100),
        price: U256::from(10),
    };
    RoundFacts {
        verifiers: VerifierSet {
            round,
            seats: scene.keys.iter().enumerate().map(seat).collect(),
        },
        transcoders: Snapshot {
            round,
            candidates: (0..2).map(candidate).collect(),
        },
        opened: OPENED - 8,
    }
}

/// [window shopping] Its broadcaster has looked through 2^32 numbers at home, and gives a round up to get to those that it likes.
#[test]
fn a_round_that_is_given_up_buys_no_window() {
    let chosen = 1_234_567;
    let mut scene = after(chosen - 1..chosen);
    scene.run();
    assert!(scene.certified.is_empty());
}

#[test]
fn a_round_without_receipts_does_not_end_a_jobs_runs() {
    let mut scene = after(0..40);
    scene.run();
    assert_eq!(pixels(scene.certificate()), 12_000);
}
