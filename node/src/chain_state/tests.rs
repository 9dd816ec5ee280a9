use super::*;
use assay_chain::fault::{CaseStatus, Cause, FaultKind};
use assay_protocol::election::Candidate;
use assay_protocol::fraud_proof::VerifierSeat;
use assay_protocol::profile::{Profiles, SourceFormat};

fn posted(created: u64) -> Posted {
    let source = SourceFormat::plain(64, 64, 30);
    Posted {
        job: Job {
            id: U256::from(created),
            broadcaster: Address::ZERO,
            profiles: Profiles {
                chunk_frames: 30,
                source,
                renditions: vec![],
            },
            max_price: U256::ZERO,
            seed: B256::ZERO,
            seed_block: created + 2,
        },
        created,
    }
}

#[test]
fn a_seed_whose_block_is_void_is_read_again() {
    let mut state = ChainState::default();
    for block in [5, 7, 9] {
        state.posted.insert(U256::from(block), posted(block));
    }
    assert_eq!(state.unseeded(9), [5, 7].map(U256::from));
    for id in [5, 7, 9] {
        state.seed(U256::from(id), B256::repeat_byte(1));
    }
    state.rewind(8);
    assert_eq!(state.unseeded(11), [U256::from(7)]);
    assert!(state.jobs.keys().eq([&U256::from(5)]));
    state.seed(U256::from(7), B256::repeat_byte(2));
    assert_eq!(state.jobs[&U256::from(7)].seed, B256::repeat_byte(2));

    state.settle(7);
    state.rewind(6);
    assert!(state.jobs.contains_key(&U256::from(5)), "settled");
    assert!(!state.jobs.contains_key(&U256::from(7)));
}

#[test]
fn the_line_is_short_and_jobs_buy_no_place() {
    let account = |i: u8| Address::repeat_byte(i);
    let mut state = ChainState::default();
    assert_eq!(state.turn(account(9)), LINE);
    for i in 0..=255u8 {
        let mut posted = posted(i.into());
        posted.job.broadcaster = Address::left_padding_from(&[i]);
        state.jobs.insert(posted.job.id, posted.job);
    }
    let candidate = |i| Candidate {
        operator: account(i),
        weight: U256::from(1),
        price: U256::ZERO,
    };
    let round = Round {
        opened_at: 1,
        transcoders: Snapshot {
            round: 1,
            candidates: (9..90).map(candidate).collect(),
        },
        verifiers: VerifierSet {
            round: 1,
            seats: vec![],
        },
    };
    state.add_round(1, round);
    let turns = [9, 10, 12, 13, 89, 200].map(|i| state.turn(account(i)));
    assert_eq!(turns, [0, 1, 3, LINE, LINE, LINE]);
}

fn case(id: u8, ended: Option<u64>) -> Case {
    Case {
        id: B256::repeat_byte(id),
        kind: FaultKind::WrongEncode,
        operator: Address::ZERO,
        round: 1,
        bitmap: U256::ZERO,
        joined: vec![],
        receipt: B256::ZERO,
        opened: 5,
        executable: 6,
        leaf: 0,
        ended: ended.map(|block| (block, CaseStatus::Executed)),
        contested: None,
        joined_by: None,
        diverged: 0,
        finder_paid: None,
    }
}

fn round(opened_at: u64) -> Round {
    Round {
        opened_at,
        transcoders: Snapshot::default(),
        verifiers: VerifierSet::default(),
    }
}

#[test]
fn a_silent_resolver_has_so_many_rounds() {
    let mut state = ChainState::default();
    for (id, contested, ended) in [
        (1, Some(25), None),
        (2, None, None),
        (3, Some(25), Some(30)),
    ] {
        let one = Case {
            contested: contested.map(|block| (block, Cause::Accused)),
            ..case(id, ended)
        };
        state.cases.insert(one.id, one);
    }
    for number in 0..=8 {
        state.add_round(number, round(10 * number));
        state.head = 10 * number;
    }
    assert_eq!(state.lapsed(7, 99), [], "contested in round 2");
    state.add_round(9, round(90));
    assert_eq!(state.lapsed(7, 89), [], "not this node's turn");
    assert_eq!(state.lapsed(7, 90), [(B256::repeat_byte(1), 25)]);
}

#[test]
fn cases_that_ended_long_ago_are_forgotten_and_open_ones_are_not() {
    let mut state = ChainState::default();
    for (id, ended) in [(1, None), (2, Some(9)), (3, Some(10))] {
        state.cases.insert(B256::repeat_byte(id), case(id, ended));
    }
    for number in 0..=ROUNDS as u64 {
        assert_eq!(state.cases.len(), 3);
        state.add_round(number, round(10 * number));
    }
    let kept: Vec<_> = state.cases.values().map(|case| case.id[0]).collect();
    assert_eq!(
        kept,
        [1, 3],
        "the oldest round that is kept began in block 10"
    );
}

const KINDS: [(FaultKind, bool); 9] = [
    (FaultKind::WrongEncode, true),
    (FaultKind::LeafFault, true),
    (FaultKind::Equivocation, true),
    (FaultKind::VerifierEquivocation, false),
    (FaultKind::WithheldLeaf, true),
    (FaultKind::FalsePass, false),
    (FaultKind::FalseAccusation, false),
    (FaultKind::EarlyTicket, false),
    (FaultKind::FalseDivergence, false),
];

/// Whoever has registered a key can open a verifier's case that names anybody's receipt, for gas alone.
#[test]
fn only_a_transcoders_own_case_that_stands_accuses_its_receipt() {
    let accuses = |case: Case| {
        let mut state = ChainState::default();
        state.cases.insert(case.id, case);
        state.accused() == BTreeSet::from([B256::ZERO])
    };
    for (kind, expected) in KINDS {
        assert_eq!(
            accuses(Case {
                kind,
                ..case(1, None)
            }),
            expected,
            "{kind:?}"
        );
    }
    for (status, expected) in [
        (CaseStatus::Executed, true),
        (CaseStatus::Absorbed, true),
        (CaseStatus::Spared, true),
        (CaseStatus::Acquitted, false),
        (CaseStatus::Annulled, false),
    ] {
        let ended = Some((7, status));
        assert_eq!(
            accuses(Case {
                ended,
                ..case(1, None)
            }),
            expected,
            "{status:?}"
        );
    }
}

#[test]
fn a_case_that_takes_nothing_from_anybody_is_not_executed() {
    let (seated, stranger) = (Address::repeat_byte(7), Address::repeat_byte(8));
    let one = U256::from(1);
    let seat = VerifierSeat {
        operator: seated,
        key: BlsPublicKey([1; 96].into()),
        weight: one,
    };
    let mut state = ChainState::default();
    let verifiers = VerifierSet {
        round: 1,
        seats: vec![seat],
    };
    state.add_round(
        1,
        Round {
            verifiers,
            ..round(1)
        },
    );
    for (id, operator, bitmap) in [
        (1, seated, U256::ZERO),
        (2, stranger, U256::ZERO),
        // Its signers wait for its end.
        (3, stranger, one),
    ] {
        let kind = FaultKind::VerifierEquivocation;
        let one = Case {
            kind,
            operator,
            bitmap,
            ..case(id, None)
        };
        state.cases.insert(one.id, one);
    }
    assert!(state.due(5).is_empty());
    assert_eq!(state.due(6), [1, 3].map(B256::repeat_byte));
}

/// The court takes one case of wrong encoding of an assignment, and other faults keep it from none.
#[test]
fn only_a_wrong_encode_bars_proofs_and_a_planted_one_bars_its_own_leaf_alone() {
    let leaf = |index| LeafId {
        receipt: B256::ZERO,
        index,
    };
    for (kind, _) in KINDS {
        let bars = Case {
            kind,
            ..case(1, None)
        }
        .bars(leaf(1));
        assert_eq!(bars, kind == FaultKind::WrongEncode, "{kind:?}");
    }
    for status in [
        CaseStatus::Executed,
        CaseStatus::Acquitted,
        CaseStatus::Spared,
    ] {
        let ended = Some((7, status));
        let ended = Case {
            ended,
            ..case(1, None)
        };
        assert!(ended.bars(leaf(0)));
        assert_eq!(
            ended.bars(leaf(1)),
            status != CaseStatus::Spared,
            "{status:?}"
        );
    }
}

/// An operator with both roles has two pools.
#[test]
fn a_verifiers_case_does_not_freeze_the_transcoder() {
    for (kind, expected) in KINDS {
        for (ended, now) in [(None, expected), (Some(9), false)] {
            let mut state = ChainState::default();
            let case = Case {
                kind,
                ..case(1, ended)
            };
            state.cases.insert(case.id, case);
            assert_eq!(state.frozen(Address::ZERO), now, "{kind:?}");
            assert_eq!(state.freezing().count(), usize::from(now), "{kind:?}");
            assert_eq!(state.frozen_since(Address::ZERO, 9), expected, "{kind:?}");
        }
    }
}

#[test]
fn signers_whose_block_is_void_have_not_joined() {
    let mut state = ChainState::default();
    let mut one = case(1, None);
    for (block, bitmap) in [(7, 1u64), (8, 3), (9, 7)] {
        one.join(U256::from(bitmap), block);
    }
    state.cases.insert(one.id, one);
    for (ancestor, bitmap) in [(9, 7u64), (8, 3), (6, 0)] {
        state.rewind(ancestor);
        let case = &state.cases[&B256::repeat_byte(1)];
        assert_eq!(case.bitmap, U256::from(bitmap), "{ancestor}");
    }
    assert!(state.cases[&B256::repeat_byte(1)].joined.is_empty());
}
