//! Verifiers that say what is not so: runs without end, receipts that nobody made, votes for nothing.

use crate::rounds;

use std::collections::BTreeSet;

use assay_protocol::bls::BlsSignature;
use assay_protocol::certification::{JobView, SignedVote};
use assay_protocol::domain::Domain;
use assay_protocol::election::{Candidate, Snapshot};
use assay_protocol::round_work::{Entry, MAX_RUN, Sheet, WorkRule, list};
use assay_protocol::wire::Gossip;
use assay_protocol::work::RoundWork;
use assay_protocol::{Address, B256, U256};
use assay_verifier::certify::Input;

use rounds::{Faults, ROUND, Scene, params, pixels, transcoder, verifier};

/// Seven of whom two agree with the leader's first proposal, it among them: two lack one receipt, three another one, so that
/// its second proposal decides. The first of them lies.
fn contested(lies: impl Fn(usize, &mut Gossip) + 'static) -> Scene {
    assert_eq!(Scene::leader(0, 7), 3);
    let unseen = [(0, 0), (1, 0), (2, 1), (4, 1), (6, 1)];
    let faults = Faults {
        unseen: unseen.map(|(i, seq)| (i, BTreeSet::from([seq]))).into(),
        lies: Some(Box::new(lies)),
        ..Faults::default()
    };
    Scene::new(7, faults)
}

/// The views in the first verifier's objection.
fn views(from: usize, message: &mut Gossip) -> Option<&mut Vec<JobView>> {
    match message {
        Gossip::WorkObjection(objection) if from == 0 => Some(&mut objection.objected.jobs),
        _ => None,
    }
}

#[test]
fn a_run_without_end_widens_nobodys_sheet() {
    for run in [
        (0, u32::MAX),
        (0, 1 << 18),
        (9, 3),
        (u32::MAX - 1, u32::MAX),
    ] {
        let mut scene = contested(move |from, message| {
            for view in views(from, message).into_iter().flatten() {
                (view.start, view.end) = run;
            }
        });
        scene.run();
        assert_eq!(pixels(scene.certificate()), 10_000, "{run:?}");
        assert_eq!(scene.turn(), 0, "{run:?}");
    }
}

#[test]
fn votes_for_nothing_displace_only_their_authors_votes() {
    // Two of seven vote for two hundred lists each that nobody has proposed, before anything else is said.
    let mut scene = Scene::new(7, Faults::default());
    let block = Scene::first_turn() - 1;
    for (author, junk) in (0..2).flat_map(|author| (0..200).map(move |junk| (author, junk))) {
        let work = RoundWork {
            round: ROUND,
            totalPixels: 1_000 * author as u64 + junk,
            ..RoundWork::default()
        };
        let vote = SignedVote {
            work,
            verifier: verifier(author),
            signature: BlsSignature::from_bytes([author as u8; 48]),
        };
        for i in 0..7 {
            scene.hear(i, Input::Vote(vote.clone()), block);
        }
    }
    scene.run();
    assert_eq!(pixels(scene.certificate()), 12_000);
    assert_eq!(scene.turn(), 0);
}

#[test]
fn a_vote_counts_though_its_proposal_comes_later() {
    // Nobody but the leader hears its proposal before the votes of those who need none: they came to the same list.
    let mut scene = Scene::new(4, Faults::default());
    scene.run();
    let work = scene.certificate().work.clone();
    let mut late = Scene::new(4, Faults::default());
    let digest = Domain::new(31_337, Address::ZERO).digest(&work);
    for author in 1..3 {
        let vote = SignedVote {
            work: work.clone(),
            verifier: verifier(author),
            signature: late.keys[author].sign(digest).unwrap(),
        };
        late.hear(0, Input::Vote(vote), Scene::first_turn() - 1);
    }
    late.run();
    assert_eq!(late.certificate().work, work);
}

#[test]
fn a_sheet_that_is_no_run_counts_nothing() {
    let entry = Entry {
        receipt: B256::ZERO,
        transcoder: transcoder(0),
        pixels: 1_000,
    };
    let snapshot = Snapshot {
        round: ROUND,
        candidates: vec![Candidate {
            operator: transcoder(0),
            weight: U256::from(1),
            price: U256::ZERO,
        }],
    };
    for (start, end) in [(0, u32::MAX), (0, MAX_RUN + 1), (9, 3)] {
        let sheet = Sheet {
            start,
            end,
            entries: [(5, entry)].into(),
        };
        let list = list(
            ROUND,
            [&sheet].into_iter(),
            &snapshot,
            &WorkRule::new(&params()),
        );
        assert!(list.is_empty());
    }
}
