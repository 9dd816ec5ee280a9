//! Rounds of several certifiers that hear each other: honest, a third gone, a leader that lies or is gone, views that differ.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::bls::{BlsKey, BlsSignature};
use assay_protocol::checked::Now;
use assay_protocol::domain::Domain;
use assay_protocol::draft::{Seal, Sealed};
use assay_protocol::election::{Candidate, Snapshot};
use assay_protocol::fraud_proof::{VerifierSeat, VerifierSet};
use assay_protocol::params::Params;
use assay_protocol::round_work::Segment;
use assay_protocol::wire::{Gossip, MAX_GOSSIP, SampleReport, encode};
use assay_protocol::{Address, B256, U256, keccak256};
use assay_verifier::certify::{
    Certification, Certifier, GRACE_BLOCKS, Input, Output, RoundFacts, SeenAssignment, TURN_BLOCKS,
};

const ROUND: u64 = 3;
const OPENED: u64 = 100;
const SEGMENTS: u32 = 12;

fn verifier(i: usize) -> Address {
    Address::with_last_byte(i as u8 + 1)
}

fn transcoder(i: u32) -> Address {
    Address::repeat_byte(0xa0 + i as u8)
}

fn params() -> Params {
    Params {
        demand_trim_bps: 0,
        claim_slack_bps: 10_000,
        ..Params::demo()
    }
}

fn segment(seq: u32, round: u64) -> SeenAssignment {
    SeenAssignment {
        hash: keccak256([&b"assignment"[..], &seq.to_be_bytes()].concat()),
        segment: Segment {
            job: U256::from(1),
            seq,
            attempt: 0,
            round,
            first_round: round,
            forced: true,
            transcoder: transcoder(seq % 2),
            deadline_block: OPENED + 15,
            pixels: 1_000,
            receipts: Vec::new(),
        },
        max_price: U256::from(100),
    }
}

fn receipt(seq: u32) -> B256 {
    keccak256([&b"receipt"[..], &seq.to_be_bytes()].concat())
}

/// What goes wrong.
#[derive(Default)]
struct Faults {
    /// Verifiers that say nothing at all.
    gone: BTreeSet<usize>,
    /// Receipts that a verifier has not seen in time.
    unseen: BTreeMap<usize, BTreeSet<u32>>,
    /// Assignments that a verifier has not seen, nor their receipts.
    unknown: BTreeMap<usize, BTreeSet<u32>>,
    /// Reports that a verifier has not heard, by their authors.
    unheard: BTreeMap<usize, BTreeSet<usize>>,
    /// Verifiers that reported on nothing.
    idle: BTreeSet<usize>,
    /// Receipts that a verifier keeps out of its own lists on purpose.
    strikes: BTreeMap<usize, BTreeSet<u32>>,
    /// Receipts that a verifier invents.
    invents: BTreeMap<usize, u32>,
}

struct Scene {
    nodes: Vec<Certifier>,
    keys: Vec<BlsKey>,
    faults: Faults,
    certified: Vec<(u64, usize, Certification)>,
    signed: BTreeMap<(usize, B256), B256>,
    dropped: BTreeMap<usize, usize>,
}

impl Scene {
    fn new(count: usize, faults: Faults) -> Self {
        let domain = Domain::new(31_337, Address::ZERO);
        let keys: Vec<_> = (0..count)
            .map(|i| BlsKey::derive(&[i as u8 + 1; 32]).unwrap())
            .collect();
        let mut nodes: Vec<_> = (0..count)
            .map(|i| Certifier::new(verifier(i), domain, params()))
            .collect();
        for node in &mut nodes {
            for (round, opened) in [(ROUND, OPENED), (ROUND + 1, OPENED + 8)] {
                let facts = RoundFacts {
                    verifiers: VerifierSet {
                        round,
                        seats: keys
                            .iter()
                            .enumerate()
                            .map(|(i, key)| VerifierSeat {
                                operator: verifier(i),
                                key: key.public(),
                                weight: U256::from(100),
                            })
                            .collect(),
                    },
                    transcoders: Snapshot {
                        round,
                        candidates: (0..2)
                            .map(|i| Candidate {
                                operator: transcoder(i),
                                weight: U256::from(100),
                                price: U256::from(10),
                            })
                            .collect(),
                    },
                    opened,
                };
                node.handle(Input::Round(Box::new(facts)), Now { block: opened });
            }
        }
        let mut scene = Self {
            nodes,
            keys,
            faults,
            certified: Vec::new(),
            signed: BTreeMap::new(),
            dropped: BTreeMap::new(),
        };
        scene.work();
        scene
    }

    /// Every verifier sees the round's work and reports, but for its faults.
    fn work(&mut self) {
        let hides = |faults: &BTreeMap<usize, BTreeSet<u32>>, i, seq| {
            faults.get(&i).is_some_and(|s| s.contains(&seq))
        };
        for i in 0..self.nodes.len() {
            let now = Now { block: OPENED + 10 };
            let invented = self.faults.invents.get(&i).copied();
            for seq in (0..SEGMENTS).chain(invented) {
                if hides(&self.faults.unknown, i, seq) {
                    continue;
                }
                let seen = Box::new(segment(seq, ROUND));
                let input = Input::Assignment(seen.clone());
                self.nodes[i].handle(input, now);
                if hides(&self.faults.unseen, i, seq) || hides(&self.faults.strikes, i, seq) {
                    continue;
                }
                let input = Input::Receipt {
                    assignment: seen,
                    receipt: receipt(seq),
                    leaves: 4,
                };
                self.nodes[i].handle(input, now);
            }
            for author in 0..self.nodes.len() {
                let unheard = self
                    .faults
                    .unheard
                    .get(&i)
                    .is_some_and(|u| u.contains(&author));
                if unheard || self.faults.idle.contains(&author) {
                    continue;
                }
                let report = SampleReport {
                    verifier: verifier(author),
                    epoch: params().epoch(OPENED + 15),
                    ticket: BlsSignature::from_bytes([author as u8; 48]),
                    verdicts: Vec::new(),
                    unverifiable: Vec::new(),
                };
                self.nodes[i].handle(Input::Report(Box::new(report)), Now { block: OPENED + 25 });
            }
        }
    }

    fn first_turn() -> u64 {
        OPENED + 8 + params().response_blocks + 2 * params().epoch_blocks + GRACE_BLOCKS
    }

    /// Blocks until something is certified or the window is over; what is gossiped arrives before the next block.
    fn run(&mut self) {
        for block in OPENED + 8..Self::first_turn() + params().certify_blocks {
            let mut mail: Vec<(usize, Gossip)> = Vec::new();
            for i in 0..self.nodes.len() {
                mail.extend(self.hear(i, Input::Block, block));
            }
            while !mail.is_empty() {
                let mut next = Vec::new();
                for (from, message) in mail {
                    assert!(encode(&message).unwrap().len() <= MAX_GOSSIP);
                    for to in (0..self.nodes.len()).filter(|to| *to != from) {
                        let input = match message.clone() {
                            Gossip::WorkProposal(p) => Input::Proposal(p),
                            Gossip::WorkObjection(o) => Input::Objection(o),
                            Gossip::WorkVote(v) => Input::Vote(v),
                            _ => continue,
                        };
                        next.extend(self.hear(to, input, block));
                    }
                }
                mail = next;
            }
            if !self.certified.is_empty() {
                return;
            }
        }
    }

    fn hear(&mut self, i: usize, input: Input, block: u64) -> Vec<(usize, Gossip)> {
        if self.faults.gone.contains(&i) {
            return Vec::new();
        }
        let domain = Domain::new(31_337, Address::ZERO);
        let mut mail = Vec::new();
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for output in self.nodes[i].handle(input, Now { block }) {
                match output {
                    Output::Sign(draft) => {
                        let hash = draft.digest(&domain);
                        // The journal: one digest for a slot.
                        let slot = self.signed.entry((i, draft.slot())).or_insert(hash);
                        assert_eq!(*slot, hash, "two signatures in one slot");
                        let seal = Seal::Bls(self.keys[i].sign(hash).unwrap());
                        inputs.push(Input::Signed(Box::new(Sealed { draft, hash, seal })));
                    }
                    Output::Gossip(message) => mail.push((i, message)),
                    Output::Certify(certification) => {
                        self.certified.push((block, i, *certification));
                    }
                    Output::Dropped { receipts, .. } => {
                        self.dropped.insert(i, receipts);
                    }
                }
            }
        }
        mail
    }

    /// The certificate, whose aggregate is checked as the chain checks it.
    fn certificate(&self) -> &Certification {
        let (_, _, certification) = self.certified.first().expect("certified");
        let domain = Domain::new(31_337, Address::ZERO);
        let signatures: Vec<_> = certification.signatures.iter().map(|(_, s)| *s).collect();
        let keys: Vec<_> = certification
            .signatures
            .iter()
            .map(|(at, _)| self.keys[*at].public())
            .collect();
        BlsSignature::aggregate(&signatures)
            .unwrap()
            .verify_aggregate(domain.digest(&certification.work), &keys)
            .unwrap();
        assert!(3 * signatures.len() >= 2 * self.nodes.len());
        certification
    }

    fn turn(&self) -> u64 {
        (self.certified[0].0 - Self::first_turn()) / TURN_BLOCKS
    }

    fn leader(turn: u64, count: usize) -> usize {
        ((ROUND + turn) % count as u64) as usize
    }
}

fn pixels(certification: &Certification) -> u64 {
    certification.work.totalPixels
}

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
