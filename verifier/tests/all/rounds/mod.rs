//! Several certifiers that hear each other, and what goes wrong among them.

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

pub const ROUND: u64 = 3;
pub const OPENED: u64 = 100;
pub const SEGMENTS: u32 = 12;

pub fn verifier(i: usize) -> Address {
    Address::with_last_byte(i as u8 + 1)
}

pub fn transcoder(i: u32) -> Address {
    Address::repeat_byte(0xa0 + i as u8)
}

pub fn params() -> Params {
    Params {
        demand_trim_bps: 0,
        claim_slack_bps: 10_000,
        ..Params::demo()
    }
}

pub fn segment(seq: u32, round: u64) -> SeenAssignment {
    SeenAssignment {
        hash: keccak256([&b"assignment"[..], &seq.to_be_bytes()].concat()),
        broadcaster: Address::repeat_byte(0xb0),
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
        seed_block: 0,
    }
}

pub fn receipt(seq: u32) -> B256 {
    keccak256([&b"receipt"[..], &seq.to_be_bytes()].concat())
}

/// Changes what a verifier says.
pub type Lie = Box<dyn Fn(usize, &mut Gossip)>;

/// What goes wrong.
#[derive(Default)]
pub struct Faults {
    /// Verifiers that say nothing at all.
    pub gone: BTreeSet<usize>,
    /// Receipts that a verifier has not seen in time.
    pub unseen: BTreeMap<usize, BTreeSet<u32>>,
    /// Assignments that a verifier has not seen, nor their receipts.
    pub unknown: BTreeMap<usize, BTreeSet<u32>>,
    /// Reports that a verifier has not heard, by their authors.
    pub unheard: BTreeMap<usize, BTreeSet<usize>>,
    /// Block that gave the job's seed.
    pub seed_block: u64,
    /// Verifiers that reported on nothing.
    pub idle: BTreeSet<usize>,
    /// Receipts that a verifier keeps out of its own lists on purpose.
    pub strikes: BTreeMap<usize, BTreeSet<u32>>,
    /// Receipts that a verifier invents.
    pub invents: BTreeMap<usize, u32>,
    /// Verifiers that hear a leader's first proposal after what others say of it.
    pub slow: BTreeSet<usize>,
    /// What becomes of what a verifier says before others hear it.
    pub lies: Option<Lie>,
}

pub struct Scene {
    pub nodes: Vec<Certifier>,
    pub keys: Vec<BlsKey>,
    pub faults: Faults,
    pub certified: Vec<(u64, usize, Certification)>,
    pub signed: BTreeMap<(usize, B256), B256>,
    pub dropped: BTreeMap<usize, usize>,
    /// Who has said of which round that it got no certificate, by block.
    pub uncertified: Vec<(u64, usize, u64)>,
}

impl Scene {
    pub fn new(count: usize, faults: Faults) -> Self {
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
            uncertified: Vec::new(),
        };
        scene.work();
        scene
    }

    /// Every verifier sees the round's work and reports, but for its faults.
    pub fn work(&mut self) {
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
                let seen = Box::new(SeenAssignment {
                    seed_block: self.faults.seed_block,
                    ..segment(seq, ROUND)
                });
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

    pub fn first_turn() -> u64 {
        OPENED + 8 + params().response_blocks + 2 * params().epoch_blocks + GRACE_BLOCKS
    }

    /// Blocks until something is certified or the window is over; what is gossiped arrives before the next block.
    pub fn run(&mut self) {
        self.run_from(OPENED + 8);
    }

    /// The same from a block on.
    pub fn run_from(&mut self, first: u64) {
        for block in first..Self::first_turn() + params().certify_blocks {
            let mut mail: Vec<(usize, Gossip)> = Vec::new();
            let mut late: Vec<(usize, Input)> = Vec::new();
            for i in 0..self.nodes.len() {
                mail.extend(self.hear(i, Input::Block, block));
            }
            while !mail.is_empty() {
                let mut next = Vec::new();
                let overdue = std::mem::take(&mut late);
                for (from, mut message) in mail {
                    if let Some(lie) = &self.faults.lies {
                        lie(from, &mut message);
                    }
                    assert!(encode(&message).unwrap().len() <= MAX_GOSSIP);
                    for to in (0..self.nodes.len()).filter(|to| *to != from) {
                        let input = match message.clone() {
                            Gossip::WorkProposal(p) => Input::Proposal(p),
                            Gossip::WorkObjection(o) => Input::Objection(o),
                            Gossip::WorkVote(v) => Input::Vote(v),
                            _ => continue,
                        };
                        if self.faults.slow.contains(&to)
                            && matches!(&input, Input::Proposal(p) if p.number.is_multiple_of(2))
                        {
                            late.push((to, input));
                            continue;
                        }
                        next.extend(self.hear(to, input, block));
                    }
                }
                for (to, input) in overdue {
                    next.extend(self.hear(to, input, block));
                }
                mail = next;
            }
            for (to, input) in late {
                self.hear(to, input, block);
            }
            if !self.certified.is_empty() {
                return;
            }
        }
    }

    pub fn hear(&mut self, i: usize, input: Input, block: u64) -> Vec<(usize, Gossip)> {
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
                    Output::Uncertified(round) => self.uncertified.push((block, i, round)),
                    Output::Keep(_) => {}
                    Output::Dropped { receipts, .. } => {
                        self.dropped.insert(i, receipts);
                    }
                }
            }
        }
        mail
    }

    /// The certificate, whose aggregate is checked as the chain checks it.
    pub fn certificate(&self) -> &Certification {
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

    pub fn turn(&self) -> u64 {
        (self.certified[0].0 - Self::first_turn()) / TURN_BLOCKS
    }

    pub fn leader(turn: u64, count: usize) -> usize {
        ((ROUND + turn) % count as u64) as usize
    }
}

pub fn pixels(certification: &Certification) -> u64 {
    certification.work.totalPixels
}
