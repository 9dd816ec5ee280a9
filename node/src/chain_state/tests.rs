use super::*;
use assay_chain::fault::{CaseStatus, Cause, FaultKind};
use assay_protocol::election::Candidate;
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
        receipt: B256::ZERO,
        opened: 5,
        executable: 6,
        leaf: 0,
        ended: ended.map(|block| (block, CaseStatus::Executed)),
        contested: None,
        diverged: 0,
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
