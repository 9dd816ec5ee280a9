mod times;

use super::*;

use assay_p2p::Identity;
use assay_protocol::U256;
use assay_protocol::accusation::Accusation;
use assay_protocol::assignment::{Assignment, Skip, SkipReason};
use assay_protocol::bls::BlsKey;
use assay_protocol::election::Snapshot;
use assay_protocol::fraud_proof::{VerifierSeat, VerifierSet};
use assay_protocol::record::NodeRecord;
use assay_protocol::sample::SampleTicket;
use assay_protocol::sig::OperatorKey;
use assay_protocol::verdict::Verdict;
use assay_protocol::wire::encode;

use crate::authority::Tenure;
use crate::chain_state::Round;

/// A checker at block 100 that knows one verifier.
struct Bench {
    _folder: tempfile::TempDir,
    checker: Checker,
    operator: OperatorKey,
    bls: BlsKey,
    peer: Identity,
}

impl Bench {
    fn new() -> Self {
        let operator = OperatorKey::from_bytes([2; 32]).unwrap();
        let bls = BlsKey::derive(&[3; 32]).unwrap();
        let seat = VerifierSeat {
            operator: operator.address(),
            key: bls.public(),
            weight: U256::from(1),
        };
        let round = Round {
            opened_at: 90,
            transcoders: Snapshot {
                round: 1,
                candidates: vec![],
            },
            verifiers: VerifierSet {
                round: 1,
                seats: vec![seat],
            },
        };
        let mut state = ChainState {
            head: 100,
            synced: true,
            ..Default::default()
        };
        state.add_round(1, round);
        let domain = Domain {
            chain_id: 31337,
            court: Address::repeat_byte(0xc0),
        };
        let folder = tempfile::tempdir().unwrap();
        let me = Address::repeat_byte(9);
        let witness = Witness::new(folder.path(), me, domain, &Params::testnet());
        Self {
            _folder: folder,
            checker: Checker::new(
                domain,
                Params::testnet(),
                B256::ZERO,
                Arc::new(RwLock::new(state)),
                witness.into(),
            ),
            operator,
            bls,
            peer: Identity::from_secret([4; 32].into()).unwrap(),
        }
    }

    fn record(&self, sequence: u64, peer: &Identity, signer: &Identity) -> Gossip {
        let record = NodeRecord {
            operator: self.operator.address(),
            peerId: peer.peer_id().to_bytes().into(),
            sequence,
            expiryBlock: 200,
            ..Default::default()
        };
        let digest = self.checker.domain.digest(&record);
        Gossip::Record(SignedRecord {
            record,
            signature: self.operator.sign(digest),
            peer_signature: signer.sign(digest.as_slice()).into(),
        })
    }

    fn report(&self, epoch: u64, verdicts: u32) -> Gossip {
        let domain = &self.checker.domain;
        let verdict = |leaf| {
            let verdict = Verdict {
                leafIndex: leaf,
                ..Default::default()
            };
            SignedVerdict {
                signature: self.bls.sign(domain.digest(&verdict)).unwrap(),
                verdict,
                verifier: self.operator.address(),
            }
        };
        Gossip::Report(SampleReport {
            verifier: self.operator.address(),
            epoch,
            ticket: self
                .bls
                .sign(domain.digest(&SampleTicket { epoch }))
                .unwrap(),
            verdicts: (0..verdicts).map(verdict).collect(),
            unverifiable: vec![],
        })
    }

    fn accusation(&self, by: &OperatorKey) -> Gossip {
        let accusation = Accusation::default();
        let signature = by.sign(self.checker.domain.digest(&accusation));
        Gossip::Accusation(SignedAccusation {
            accusation,
            signature,
        })
    }

    fn judge(&self, topic: Topic, message: &Gossip) -> Result<Verified, Refused> {
        self.checker.gossip(topic, &encode(message).unwrap())
    }

    fn set_synced(&self, synced: bool) {
        self.checker.state.write().unwrap().synced = synced;
    }
}

#[test]
fn a_record_needs_both_it_binds_and_old_ones_do_not_return() {
    let bench = Bench::new();
    let record = |sequence, peer, signer| {
        let message = bench.record(sequence, peer, signer);
        bench.judge(Topic::Records, &message)
    };
    let victim = Identity::from_secret([5; 32].into()).unwrap();
    let own = &bench.peer;
    assert!(matches!(record(7, &victim, own), Err(Refused::Wrong(_))));
    assert!(record(5, own, own).is_ok());
    for old in [5, 4] {
        assert!(matches!(record(old, own, own), Err(Refused::Unneeded(_))));
    }
    assert!(record(6, &victim, &victim).is_ok(), "another peer, newer");
}

#[test]
fn what_an_unknown_operator_says_is_not_looked_at_twice() {
    let mut bench = Bench::new();
    bench.operator = OperatorKey::from_bytes([6; 32]).unwrap();
    let message = bench.record(1, &bench.peer, &bench.peer);
    let judged = bench.judge(Topic::Records, &message);
    assert!(matches!(judged, Err(Refused::Unneeded(_))));
}

#[test]
fn nobody_is_wrong_about_a_chain_that_is_not_known_here() {
    let bench = Bench::new();
    let known = bench.accusation(&bench.operator);
    let newcomer = bench.accusation(&OperatorKey::from_bytes([6; 32]).unwrap());
    let accuse = |message| bench.judge(Topic::Accusations, message);
    assert!(accuse(&known).is_ok());
    assert!(matches!(accuse(&newcomer), Err(Refused::Early(_))));
    let mut stranger = Bench::new();
    stranger.operator = OperatorKey::from_bytes([6; 32]).unwrap();
    let report = stranger.report(18, 1);
    let judged = bench.judge(Topic::Tickets, &report);
    assert!(matches!(judged, Err(Refused::Early(_))));

    bench.set_synced(false);
    assert!(matches!(accuse(&known), Err(Refused::Early(_))));
    let garbage = bench.checker.gossip(Topic::Accusations, b"garbage");
    assert!(matches!(garbage, Err(Refused::Wrong(_))));
}

#[test]
fn a_verifier_reports_once_an_epoch_and_in_time() {
    let bench = Bench::new();
    let report = |epoch, verdicts| bench.judge(Topic::Tickets, &bench.report(epoch, verdicts));
    // Block 100 is the first of epoch 20.
    assert!(matches!(report(20, 0), Err(Refused::Early(_))));
    assert!(matches!(report(u64::MAX, 0), Err(Refused::Early(_))));
    assert!(report(18, 2).is_ok());
    for verdicts in [0, 1, 2, 3] {
        let again = report(18, verdicts);
        assert!(matches!(again, Err(Refused::Unneeded(_))));
    }
    assert!(report(14, 0).is_ok());
    assert!(matches!(report(13, 0), Err(Refused::Unneeded(_))));
    assert_eq!(bench.checker.taken().reports.len(), 2);
}

#[test]
fn surplus_reasons_are_refused_before_anything_waits_for_the_chain() {
    let bench = Bench::new();
    let skip = Skip {
        electee: Address::ZERO,
        round: 1,
        reason: SkipReason::Timeout,
    };
    let assign = |attempt, skips| {
        let assignment = Assignment {
            attempt,
            ..Default::default()
        };
        let signature = bench.operator.sign(B256::ZERO);
        bench.checker.fresh_assignment(&SignedAssignment {
            assignment,
            signature,
            skips: vec![skip.clone(); skips],
        })
    };
    assert!(
        matches!(assign(0, 0), Err(Refused::Early(_))),
        "no such job"
    );
    for (attempt, skips) in [(0, 46_000), (1, 0), (4, 4)] {
        assert!(matches!(assign(attempt, skips), Err(Refused::Wrong(_))));
    }
}

#[test]
fn a_hot_key_speaks_for_its_owner_and_the_owner_does_not() {
    let bench = Bench::new();
    let (owner, hot) = (
        bench.operator.clone(),
        OperatorKey::from_bytes([7; 32]).unwrap(),
    );
    let record = |key: &OperatorKey, sequence| {
        let record = NodeRecord {
            operator: owner.address(),
            peerId: bench.peer.peer_id().to_bytes().into(),
            sequence,
            expiryBlock: 200,
            ..Default::default()
        };
        let digest = bench.checker.domain.digest(&record);
        let message = Gossip::Record(SignedRecord {
            record,
            signature: key.sign(digest),
            peer_signature: bench.peer.sign(digest.as_slice()).into(),
        });
        bench.judge(Topic::Records, &message)
    };
    assert!(
        matches!(record(&hot, 1), Err(Refused::Wrong(_))),
        "not authorised"
    );
    let tenure = Tenure {
        signer: hot.address(),
        from_round: 2,
        block: 95,
    };
    let choose = |tenure| {
        let mut state = bench.checker.state.write().unwrap();
        state.authority.choose(owner.address(), tenure);
    };
    choose(tenure);
    // From the next round on; records of rounds beside one another are both good.
    assert!(record(&hot, 2).is_ok() && record(&owner, 3).is_ok());
    for number in 2..=4 {
        let mut state = bench.checker.state.write().unwrap();
        let round = Round {
            opened_at: 90 + number,
            ..state.rounds[&1].clone()
        };
        state.add_round(number, round);
    }
    assert!(record(&hot, 4).is_ok());
    assert!(
        matches!(record(&owner, 5), Err(Refused::Wrong(_))),
        "given away"
    );

    // Whoever hears an accusation by the hot key hears the owner.
    let accuse = |by| bench.judge(Topic::Accusations, &bench.accusation(by));
    let Ok(Verified::Accusation(checked)) = accuse(&hot) else {
        panic!("not accepted")
    };
    assert_eq!(checked.signer, owner.address());
    bench
        .checker
        .state
        .write()
        .unwrap()
        .rounds
        .retain(|number, _| *number > 1);
    assert!(matches!(accuse(&owner), Err(Refused::Unneeded(_))));
}
