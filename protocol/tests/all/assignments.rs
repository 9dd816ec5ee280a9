//! What an assignment may not be, each case once an attack.

use assay_protocol::assignment::{
    Assignment, MAX_SOURCE, Refusal, SignedAssignment, Skip, SkipReason,
};
use assay_protocol::domain::Domain;
use assay_protocol::election::{Candidate, Snapshot, elect_without};
use assay_protocol::params::Params;
use assay_protocol::profile::{MAX_FRAMES, MAX_LEAVES, Profiles, Rendition, SourceFormat};
use assay_protocol::receipt::{Leaf, Receipt, SignedReceipt};
use assay_protocol::rules::{AssignmentError, ChainView, Job, check_assignment};
use assay_protocol::sig::{OperatorKey, Signature};
use assay_protocol::wire::{Gossip, MAX_GOSSIP, ReceiptMessage, encode};
use assay_protocol::{Address, B256, U256, keccak256};

const DOMAIN: Domain = Domain::new(31_337, Address::repeat_byte(0xc0));
const ROUND: u64 = 3;

/// One round, in which some transcoders of equal weight can be elected, and an owner with its hot key.
struct Chain {
    snapshot: Snapshot,
    authorised: Option<(Address, Address)>,
}

impl ChainView for Chain {
    fn transcoders(&self, round: u64) -> Option<&Snapshot> {
        (round == ROUND).then_some(&self.snapshot)
    }

    fn round_at(&self, _: u64) -> Option<u64> {
        Some(ROUND)
    }

    fn frozen_since(&self, _: Address, _: u64) -> bool {
        false
    }

    fn signer_at(&self, operator: Address, round: u64) -> Address {
        let chosen = self.authorised.filter(|_| round == ROUND);
        match chosen {
            Some((owner, signer)) if owner == operator => signer,
            _ => operator,
        }
    }
}

struct Scene {
    broadcaster: OperatorKey,
    job: Job,
    chain: Chain,
}

fn key(n: u8) -> OperatorKey {
    OperatorKey::from_bytes([n; 32]).unwrap()
}

fn scene(chunk_frames: u16) -> Scene {
    let broadcaster = key(9);
    let rendition = Rendition::plain(64, 64, 10, 100);
    let source = SourceFormat::plain(64, 64, 30);
    let profiles = Profiles {
        chunk_frames,
        source,
        renditions: vec![rendition; 2],
    };
    let job = Job {
        id: U256::from(1),
        broadcaster: broadcaster.address(),
        profiles,
        max_price: U256::from(1),
        seed: keccak256(b"seed"),
        seed_block: 0,
    };
    let candidate = |n| Candidate {
        operator: key(n).address(),
        weight: U256::from(100),
        price: U256::from(1),
    };
    let mut candidates: Vec<_> = (1..=3).map(candidate).collect();
    candidates.sort_by_key(|candidate| candidate.operator);
    let chain = Chain {
        snapshot: Snapshot {
            round: ROUND,
            candidates,
        },
        authorised: None,
    };
    Scene {
        broadcaster,
        job,
        chain,
    }
}

impl Scene {
    /// A right assignment of one chunk to whom the election names, `excluded` passed over.
    fn assignment(&self, seq: u32, excluded: &[Address]) -> Assignment {
        let attempt = excluded.len() as u8;
        let ballot = self.job.ballot(seq);
        let winner = elect_without(&ballot, &self.chain.snapshot, attempt, excluded).unwrap();
        Assignment {
            jobId: self.job.id,
            seq,
            attempt,
            round: ROUND,
            transcoder: winner.operator,
            sourceLen: 1,
            frameCount: 1,
            profilesHash: self.job.profiles.hash(),
            leafCount: 2,
            pricePerPixel: winner.price,
            deadlineBlock: 100,
            ..Default::default()
        }
    }

    fn sign(&self, assignment: Assignment) -> SignedAssignment {
        SignedAssignment {
            signature: self.broadcaster.sign(DOMAIN.digest(&assignment)),
            assignment,
            skips: Vec::new(),
        }
    }

    fn check(&self, signed: &SignedAssignment) -> Result<B256, AssignmentError> {
        let params = Params::demo();
        check_assignment(signed, &DOMAIN, &self.job, B256::ZERO, &params, &self.chain)
    }
}

#[test]
fn a_segment_is_no_larger_than_a_node_can_take() {
    let scene = scene(1);
    let check = |frames: u32, leaves: u32, source: u64| {
        scene.check(&scene.sign(Assignment {
            frameCount: frames,
            leafCount: leaves,
            sourceLen: source,
            ..scene.assignment(0, &[])
        }))
    };
    let most = MAX_LEAVES / 2;
    assert!(check(most, MAX_LEAVES, MAX_SOURCE).is_ok());
    let leaf_count = |r| matches!(r, Err(AssignmentError::LeafCount { expected: None, .. }));
    assert!(leaf_count(check(0, 0, 1)));
    assert!(leaf_count(check(most + 1, MAX_LEAVES + 2, 1)));
    assert!(leaf_count(check(MAX_FRAMES + 1, 2 * MAX_FRAMES + 2, 1)));
    // Twice this number of frames is 2 leaves, if the product wraps.
    assert!(leaf_count(check((1 << 31) + 1, 2, 1)));
    let long = check(most, MAX_LEAVES, MAX_SOURCE + 1);
    assert_eq!(long, Err(AssignmentError::SourceLen(MAX_SOURCE + 1)));
}

#[test]
fn the_largest_receipt_fits_a_gossip_message() {
    let signature = Signature([0xff; 65].into());
    let hash = B256::repeat_byte(0xff);
    let assignment = Assignment {
        jobId: U256::MAX,
        seq: u32::MAX,
        round: u64::MAX,
        sourceLen: u64::MAX,
        frameCount: u32::MAX,
        leafCount: u32::MAX,
        pricePerPixel: U256::MAX,
        deadlineBlock: u64::MAX,
        ..Default::default()
    };
    let leaf = Leaf {
        rendition: u8::MAX,
        chunk: MAX_FRAMES,
        frames_root: hash,
        output_len: u32::MAX,
        output_hash: hash,
    };
    let message = Gossip::Receipt(Box::new(ReceiptMessage {
        assignment: SignedAssignment {
            assignment,
            signature,
            skips: Vec::new(),
        },
        receipt: SignedReceipt {
            receipt: Receipt {
                outputBytes: u64::MAX,
                ..Default::default()
            },
            signature,
            leaves: vec![leaf; MAX_LEAVES as usize],
        },
    }));
    // Each of the three skips takes less than 200 bytes.
    assert!(encode(&message).unwrap().len() + 3 * 200 <= MAX_GOSSIP);
}

#[test]
fn a_refusal_of_something_else_excuses_nothing() {
    let scene = scene(15);
    let first = scene.assignment(7, &[]);
    let electee = first.transcoder;
    // The second attempt, with a refusal that the first one's electee signed of `refused`.
    let second = |refused: Assignment| {
        let refusal = Refusal {
            assignmentHash: DOMAIN.digest(&refused),
            reason: 7,
        };
        let who = (1..=3).map(key).find(|key| key.address() == electee);
        let mut signed = scene.sign(Assignment {
            deadlineBlock: 101,
            ..scene.assignment(7, &[electee])
        });
        signed.skips = vec![Skip {
            electee,
            round: ROUND,
            reason: SkipReason::Refused {
                reason: refusal.reason,
                deadline_block: refused.deadlineBlock,
                signature: who.unwrap().sign(DOMAIN.digest(&refusal)),
            },
        }];
        scene.check(&signed).map(|_| ())
    };
    assert_eq!(second(first.clone()), Ok(()));
    let others = [
        Assignment {
            seq: 6,
            ..first.clone()
        },
        Assignment {
            jobId: U256::from(2),
            ..first.clone()
        },
        Assignment {
            attempt: 1,
            ..first.clone()
        },
        Assignment {
            sourceHash: keccak256(b"garbage"),
            ..first
        },
    ];
    for other in others {
        assert_eq!(second(other), Err(AssignmentError::Skip(electee)));
    }
}

#[test]
fn who_has_authorised_a_hot_key_does_not_sign_itself() {
    let mut scene = scene(15);
    let owner = scene.job.broadcaster;
    let hot = key(8);
    let by_owner = scene.sign(scene.assignment(0, &[]));
    assert!(scene.check(&by_owner).is_ok());
    scene.chain.authorised = Some((owner, hot.address()));
    assert_eq!(
        scene.check(&by_owner),
        Err(AssignmentError::Broadcaster {
            found: owner,
            expected: hot.address()
        })
    );
    scene.broadcaster = hot;
    assert!(scene.check(&scene.sign(scene.assignment(0, &[]))).is_ok());
}

#[test]
fn an_electee_refuses_with_its_hot_key() {
    let mut scene = scene(15);
    let first = scene.assignment(7, &[]);
    let electee = first.transcoder;
    let refusal = Refusal {
        assignmentHash: DOMAIN.digest(&first),
        reason: 7,
    };
    let second = |scene: &Scene, by: &OperatorKey| {
        let mut signed = scene.sign(Assignment {
            deadlineBlock: 101,
            ..scene.assignment(7, &[electee])
        });
        signed.skips = vec![Skip {
            electee,
            round: ROUND,
            reason: SkipReason::Refused {
                reason: refusal.reason,
                deadline_block: first.deadlineBlock,
                signature: by.sign(DOMAIN.digest(&refusal)),
            },
        }];
        scene.check(&signed).map(|_| ())
    };
    let hot = key(8);
    let owner = (1..=3).map(key).find(|key| key.address() == electee);
    let owner = owner.unwrap();
    assert_eq!(second(&scene, &owner), Ok(()));
    assert_eq!(second(&scene, &hot), Err(AssignmentError::Skip(electee)));
    scene.chain.authorised = Some((electee, hot.address()));
    assert_eq!(second(&scene, &hot), Ok(()));
    assert_eq!(second(&scene, &owner), Err(AssignmentError::Skip(electee)));
}
