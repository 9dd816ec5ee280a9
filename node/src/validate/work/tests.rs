use super::*;

use std::path::Path;
use std::sync::{Arc, RwLock};

use assay_protocol::U256;
use assay_protocol::bls::{BlsKey, BlsSignature};
use assay_protocol::certification::{JobView, Objected, Proposed};
use assay_protocol::domain::Domain;
use assay_protocol::election::Snapshot;
use assay_protocol::fraud_proof::{VerifierSeat, VerifierSet};
use assay_protocol::params::Params;
use assay_protocol::work::{RoundWork, WorkList};
use assay_verifier::certify::TURN_BLOCKS;

use crate::chain_state::{ChainState, Round};
use crate::evidence::Witness;

const DOMAIN: Domain = Domain::new(31_337, Address::repeat_byte(0xc0));
const ROUND: u64 = 2;
/// Block in which the next round was opened.
const ENDED: u64 = 80;

/// A checker that knows a round of two verifiers, which is over.
struct Bench {
    checker: Checker,
    keys: Vec<BlsKey>,
    turns: Turns,
}

fn who(i: usize) -> Address {
    Address::with_last_byte(i as u8 + 1)
}

impl Bench {
    /// At a block of the first turn.
    fn new() -> Self {
        let keys: Vec<_> = (0..2)
            .map(|i| BlsKey::derive(&[i + 1; 32]).unwrap())
            .collect();
        let seats = keys.iter().enumerate().map(|(i, key)| VerifierSeat {
            operator: who(i),
            key: key.public(),
            weight: U256::from(1),
        });
        let seats: Vec<_> = seats.collect();
        let mut state = ChainState {
            synced: true,
            ..Default::default()
        };
        for (round, opened_at) in [(ROUND, ENDED - 20), (ROUND + 1, ENDED)] {
            let candidates = Vec::new();
            let set = Round {
                opened_at,
                transcoders: Snapshot { round, candidates },
                verifiers: VerifierSet {
                    round,
                    seats: seats.clone(),
                },
            };
            state.add_round(round, set);
        }
        let params = Params::testnet();
        let turns = Turns::new(ENDED, &params);
        state.head = turns.first;
        let state = Arc::new(RwLock::new(state));
        let me = Address::repeat_byte(9);
        let witness = Witness::new(Path::new("nothing is found"), me, DOMAIN, &params);
        Self {
            checker: Checker::new(DOMAIN, params, B256::ZERO, state, witness.into()),
            keys,
            turns,
        }
    }

    fn at(&self, block: u64) {
        self.checker.state.write().unwrap().head = block;
    }

    fn propose(&self, i: usize, number: u32, pixels: u64) -> Result<Verified, Refused> {
        let list = WorkList {
            round: ROUND,
            claims: Vec::new(),
            total_pixels: pixels,
        };
        let proposed = Proposed {
            work: list.work(&DOMAIN, 0),
            ..Proposed::default()
        };
        let digest = DOMAIN.digest(&proposed.name(number));
        self.checker.work_proposal(Box::new(SignedProposal {
            number,
            leader: who(i),
            proposed,
            signature: self.keys[i].sign(digest).unwrap(),
        }))
    }

    fn object(&self, run: (u32, u32), receipts: Vec<(u32, u64)>) -> Result<Verified, Refused> {
        let objected = Objected {
            parts: 1,
            duties: 0,
            jobs: vec![JobView {
                job: U256::from(1),
                start: run.0,
                end: run.1,
                receipts,
            }],
        };
        let digest = DOMAIN.digest(&objected.name(ROUND, 0, 0));
        self.checker.work_objection(Box::new(SignedObjection {
            round: ROUND,
            number: 0,
            part: 0,
            verifier: who(1),
            objected,
            signature: self.keys[1].sign(digest).unwrap(),
        }))
    }

    fn vote(&self, pixels: u64) -> Result<Verified, Refused> {
        let work = RoundWork {
            round: ROUND,
            totalPixels: pixels,
            ..RoundWork::default()
        };
        let signature: BlsSignature = self.keys[1].sign(DOMAIN.digest(&work)).unwrap();
        self.checker.work_vote(SignedVote {
            work,
            verifier: who(1),
            signature,
        })
    }
}

#[test]
fn only_who_leads_a_turn_is_heard_and_once_for_each_number() {
    let bench = Bench::new();
    assert!(bench.propose(0, 0, 1).is_ok());
    assert!(matches!(bench.propose(0, 0, 2), Err(Refused::Unneeded(_))));
    assert!(bench.propose(0, 1, 3).is_ok());
    // The second verifier leads turn 1, which is not yet; and never the first one does.
    assert!(matches!(bench.propose(1, 0, 4), Err(Refused::Wrong(_))));
    assert!(matches!(bench.propose(0, 2, 4), Err(Refused::Wrong(_))));
    assert!(matches!(bench.propose(1, 2, 4), Err(Refused::Early(_))));
    bench.at(bench.turns.first + TURN_BLOCKS);
    assert!(bench.propose(1, 2, 4).is_ok());
    // No number beyond the time in which the chain takes a list.
    bench.at(bench.turns.last + 1_000);
    for number in [100, 600, u32::MAX - 3, u32::MAX - 1] {
        let heard = (0..2).filter(|i| bench.propose(*i, number, 5).is_ok());
        assert_eq!(heard.count(), 0, "{number}");
    }
}

#[test]
fn an_objection_names_runs_that_can_be() {
    let bench = Bench::new();
    for run in [(9, 5), (0, u32::MAX), (0, (1 << 18) + 1)] {
        let heard = bench.object(run, Vec::new());
        assert!(matches!(heard, Err(Refused::Wrong(_))), "{run:?}");
    }
    for receipts in [vec![(9, 1)], vec![(6, 1), (5, 1)], vec![(5, 1), (5, 2)]] {
        let heard = bench.object((5, 9), receipts);
        assert!(matches!(heard, Err(Refused::Wrong(_))));
    }
    assert!(bench.object((5, 9), vec![(5, 1), (8, 2)]).is_ok());
}

#[test]
fn a_verifier_is_heard_for_as_many_lists_as_it_may_have_signed() {
    let bench = Bench::new();
    let heard = |from: u64| {
        (from..from + 100)
            .filter(|pixels| bench.vote(*pixels).is_ok())
            .count()
    };
    assert_eq!(heard(0), 2 + SPARE_VOTES);
    bench.at(bench.turns.first + TURN_BLOCKS);
    assert_eq!(heard(200), 2);
}
