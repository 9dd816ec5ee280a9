//! The values that Rust and Solidity must both give. `ASSAY_WRITE_VECTORS=1 cargo test -p assay-protocol --test vectors`
//! writes them anew; otherwise the committed files are compared with what the code gives now.

use std::path::Path;

use alloy_primitives::{Address, B256, FixedBytes, U256, keccak256};
use assay_protocol::accusation::Accusation;
use assay_protocol::assignment::{Assignment, Refusal};
use assay_protocol::bls::{BlsKey, BlsSignature, SIGNATURE_TAG, possession_message};
use assay_protocol::domain::Domain;
use assay_protocol::election::{Ballot, Candidate, Snapshot, elect_without, electees};
use assay_protocol::frames::{ChunkHasher, segment_tree};
use assay_protocol::merkle::{Tree, leaf_hash};
use assay_protocol::mint::{MintRule, Share};
use assay_protocol::payment::{Lottery, PaymentTicket, lot, rand_hash};
use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use assay_protocol::receipt::{Leaf, Receipt};
use assay_protocol::record::NodeRecord;
use assay_protocol::sample::{Odds, SampleTicket, draws};
use assay_protocol::sig::OperatorKey;
use assay_protocol::verdict::{Divergence, Unverifiable, Verdict};
use assay_protocol::work::{RoundWork, WorkClaim, WorkList, receipts_root};
use serde_json::{Value, json};

pub(crate) fn check(name: &str, value: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(name);
    let text = serde_json::to_string_pretty(value).unwrap() + "\n";
    if std::env::var_os("ASSAY_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(
        committed == text,
        "{name} differs from what the code gives; see the head of this file"
    );
}

/// 32 bytes that differ for every label.
fn word(label: &str) -> B256 {
    keccak256(label)
}

fn account(label: &str) -> Address {
    Address::from_slice(&word(label)[12..])
}

fn court() -> Address {
    account("court")
}

fn domain() -> Domain {
    Domain::new(31337, court())
}

fn assignment(transcoder: Address) -> Assignment {
    Assignment {
        jobId: U256::from(1),
        seq: 7,
        attempt: 1,
        round: 4,
        transcoder,
        sourceHash: word("source"),
        sourceLen: 123_456,
        framesRoot: word("frames"),
        frameCount: 60,
        profilesHash: word("profiles"),
        encoderId: word("encoder"),
        leafCount: 8,
        pricePerPixel: U256::from(1_200),
        deadlineBlock: 99,
    }
}

#[test]
fn digests_and_operator_signatures() {
    let d = domain();
    let broadcaster = OperatorKey::from_bytes(word("broadcaster").0).unwrap();
    let transcoder = OperatorKey::from_bytes(word("transcoder").0).unwrap();
    let a = assignment(transcoder.address());
    let assignment_hash = d.digest(&a);
    let r = Receipt {
        assignmentHash: assignment_hash,
        outputRoot: word("root"),
        outputBytes: 4_242,
        plant: word("plant"),
    };
    let receipt_hash = d.digest(&r);
    let record = NodeRecord {
        operator: transcoder.address(),
        peerId: b"peer".to_vec().into(),
        roles: 2,
        addresses: vec![
            "/ip4/127.0.0.1/tcp/1".into(),
            "/ip4/127.0.0.1/udp/1/quic-v1".into(),
        ],
        sequence: 3,
        expiryBlock: 1_000,
    };
    let ticket = PaymentTicket {
        assignmentHash: assignment_hash,
        recipient: transcoder.address(),
        sender: broadcaster.address(),
        faceValue: U256::from(10).pow(U256::from(15)),
        winProb: U256::MAX >> 4,
        nonce: 5,
        recipientRandHash: word("rand"),
    };
    let claim = WorkClaim {
        transcoder: transcoder.address(),
        round: 4,
        receiptsRoot: word("receipts"),
        pixels: 1 << 40,
    };
    check(
        "eip712.json",
        &json!({
            "chainId": d.chain_id, "court": d.court, "separator": d.separator(),
            "broadcaster": broadcaster.address(), "transcoder": transcoder.address(),
            "assignment": a, "assignmentDigest": assignment_hash,
            "assignmentSignature": broadcaster.sign(assignment_hash),
            "receipt": r, "receiptDigest": receipt_hash, "receiptSignature": transcoder.sign(receipt_hash),
            "refusalDigest": d.digest(&Refusal { assignmentHash: assignment_hash, reason: 3 }),
            "ticketDigest": d.digest(&SampleTicket { epoch: 17 }),
            "verdictDigest": d.digest(&Verdict { receiptHash: receipt_hash, leafIndex: 2, recomputedHash: word("out") }),
            "divergenceDigest": d.digest(&Divergence { receiptHash: receipt_hash, leafIndex: 2, level: 4 }),
            "unverifiableDigest": d.digest(&Unverifiable { receiptHash: receipt_hash, reason: 1 }),
            "accusationDigest": d.digest(&Accusation { receiptHash: receipt_hash, leafIndex: 2, commit: word("commit") }),
            "record": record, "recordDigest": d.digest(&record),
            "workClaimDigest": d.digest(&claim),
            "roundWorkDigest": d.digest(&RoundWork {
                round: 4,
                claimsRoot: word("claims"),
                claims: 100,
                totalPixels: 1 << 41,
                duties: 0xf0f0,
            }),
            "payment": ticket, "paymentDigest": d.digest(&ticket),
        }),
    );
}

#[test]
fn trees_leaves_and_profiles() {
    let trees: Vec<_> = [1u32, 2, 3, 5, 8, 13]
        .iter()
        .map(|count| {
            let payloads: Vec<_> = (0..*count).map(|i| word(&format!("payload {i}"))).collect();
            let tree = Tree::new(payloads.iter().map(|p| leaf_hash(p.as_slice())).collect());
            let paths: Vec<_> = (0..*count).map(|i| tree.path(i)).collect();
            json!({ "count": count, "payloads": payloads, "root": tree.root(), "paths": paths })
        })
        .collect();
    let leaf = Leaf {
        rendition: 1,
        chunk: 3,
        frames_root: word("chunk"),
        output_len: 70_000,
        output_hash: word("bytes"),
    };
    let samples: Vec<u8> = (0..10_000u32).map(|i| (i % 251) as u8).collect();
    let mut hasher = ChunkHasher::new();
    hasher.update(&samples);
    let chunk_root = hasher.finish();
    let roots = [chunk_root, word("chunk 1"), word("chunk 2")];
    let rendition = Rendition::plain(640, 360, 10, 100);
    let profiles = Profiles {
        chunk_frames: 15,
        source: SourceFormat {
            width: 1280,
            height: 720,
            bit_depth: 8,
            full_range: false,
            colour: [1, 1, 1],
            fps_num: 30_000,
            fps_den: 1_001,
        },
        renditions: vec![
            rendition,
            Rendition {
                width: 320,
                height: 180,
                ..rendition
            },
        ],
    };
    check(
        "merkle.json",
        &json!({
            "trees": trees,
            "leaf": leaf, "leafPacked": leaf.pack(), "leafHash": leaf.hash(),
            "samples": FixedBytes::<10_000>::from_slice(&samples), "chunkFramesRoot": chunk_root,
            "chunkRoots": roots, "segmentFramesRoot": segment_tree(&roots).root(),
            "profiles": alloy_primitives::Bytes::from(profiles.to_bytes()), "profilesHash": profiles.hash(),
            "profilesChunkFrames": profiles.chunk_frames, "profilesRenditions": profiles.renditions.len(),
        }),
    );
}

#[test]
fn elections() {
    let mut operators: Vec<_> = (0..6).map(|i| account(&format!("operator {i}"))).collect();
    operators.sort();
    let weights = [
        "1",
        "1000000000000000000",
        "250000000000000000000",
        "3",
        "90000000000000000000000000",
        "77",
    ];
    let prices = [10u64, 20, 30, 10, 25, 0];
    let candidates: Vec<_> = operators
        .iter()
        .zip(weights.iter().zip(prices))
        .map(|(operator, (weight, price))| Candidate {
            operator: *operator,
            weight: weight.parse().unwrap(),
            price: U256::from(price),
        })
        .collect();
    let snapshot = Snapshot {
        round: 4,
        candidates,
    };
    let cases: Vec<_> = (0..40u32)
        .map(|seq| {
            let cap = [30u64, 20, 10][seq as usize % 3];
            let ballot = Ballot {
                seed: word(&format!("seed {}", seq / 8)),
                job_id: U256::from(seq % 3 + 1),
                seq,
                max_price: U256::from(cap),
            };
            let winners: Vec<_> = electees(&ballot, &snapshot, 3).iter().map(|c| c.operator).collect();
            json!({ "seed": ballot.seed, "jobId": ballot.job_id.to_string(), "seq": seq, "maxPrice": cap, "electees": winners })
        })
        .collect();
    // Earlier electees may come from another round's snapshot: anybody can be among the excluded.
    let across_rounds: Vec<_> = (0..12u32)
        .map(|seq| {
            let attempt = (seq % 3 + 1) as u8;
            let mut excluded: Vec<_> = (0..u32::from(attempt))
                .map(|i| operators[((seq + 2 * i) % 6) as usize])
                .collect();
            if seq % 4 == 0 {
                excluded[0] = account("an operator of another round");
            }
            let ballot = Ballot {
                seed: word("seed across rounds"),
                job_id: U256::from(9),
                seq,
                max_price: U256::from(25),
            };
            let electee = elect_without(&ballot, &snapshot, attempt, &excluded).map(|c| c.operator);
            json!({
                "seed": ballot.seed, "jobId": "9", "seq": seq, "attempt": attempt, "maxPrice": 25,
                "excluded": excluded, "electee": electee.unwrap_or_default(),
            })
        })
        .collect();
    check(
        "election.json",
        &json!({
            "operators": operators, "weights": weights, "prices": prices, "cases": cases,
            "acrossRounds": across_rounds,
        }),
    );
}

#[test]
fn tickets_and_draws() {
    let key = BlsKey::derive(&word("verifier 0").0).unwrap();
    let ticket = key
        .sign(domain().digest(&SampleTicket { epoch: 17 }))
        .unwrap();
    let odds = Odds {
        weight: "400000000000000000000".parse().unwrap(),
        total: "1600000000000000000000".parse().unwrap(),
        checks_per_leaf_ppm: 2_000_000,
    };
    let receipt = word("receipt");
    let drawn: Vec<_> = (0..64)
        .map(|i| draws(&ticket, &receipt, i, &odds))
        .collect();
    check(
        "draws.json",
        &json!({
            "chainId": domain().chain_id, "court": court(), "epoch": 17, "key": key.public().to_evm().unwrap(),
            "ticket": ticket, "receiptHash": receipt, "weight": odds.weight.to_string(),
            "total": odds.total.to_string(), "checksPerLeafPpm": odds.checks_per_leaf_ppm, "drawn": drawn,
        }),
    );
}

#[test]
fn bls() {
    let registry = account("registry");
    // A signature by the scalar 1 is the message's point itself.
    let mut one = [0u8; 32];
    one[31] = 1;
    let unit = blst::min_sig::SecretKey::from_bytes(&one).unwrap();
    let message = word("message");
    let point = BlsSignature(FixedBytes(
        unit.sign(message.as_slice(), SIGNATURE_TAG, &[]).compress(),
    ));
    let keys: Vec<_> = (0..4)
        .map(|i| BlsKey::derive(&word(&format!("verifier {i}")).0).unwrap())
        .collect();
    let signatures: Vec<_> = keys.iter().map(|k| k.sign(message).unwrap()).collect();
    let signers: Vec<_> = keys
        .iter()
        .zip(&signatures)
        .enumerate()
        .map(|(i, (key, signature))| {
            let operator = account(&format!("verifier {i}"));
            let possession = possession_message(&key.public(), operator, 31337, registry).unwrap();
            let proof = key.prove_possession(possession).unwrap();
            json!({
                "operator": operator, "key": key.public().to_evm().unwrap(), "keyCompressed": key.public(),
                "signature": signature.to_evm().unwrap(), "signatureCompressed": signature,
                "possessionMessage": possession, "possession": proof.to_evm().unwrap(),
            })
        })
        .collect();
    let aggregate = BlsSignature::aggregate(&signatures).unwrap();
    let publics: Vec<_> = keys.iter().map(BlsKey::public).collect();
    assert_eq!(aggregate.verify_aggregate(message, &publics), Ok(()));
    check(
        "bls.json",
        &json!({
            "chainId": 31337, "registry": registry, "message": message,
            "hashToCurve": point.to_evm().unwrap(), "signers": signers, "aggregate": aggregate.to_evm().unwrap(),
        }),
    );
}

#[test]
fn work_and_what_it_earns() {
    let domain = domain();
    let lists: Vec<_> = [1u8, 2, 5]
        .iter()
        .map(|count| {
            let claims = (1..=*count).map(|i| WorkClaim {
                transcoder: Address::with_last_byte(i),
                round: 7,
                receiptsRoot: receipts_root((0..i).map(B256::repeat_byte).collect()),
                pixels: u64::from(i) << 40,
            });
            let list = WorkList {
                round: 7,
                claims: claims.collect(),
                total_pixels: 1 << 45,
            };
            let work = list.work(&domain, 0b1011);
            let paths: Vec<_> = list
                .claims
                .iter()
                .filter_map(|c| Some(list.open(&domain, c.transcoder)?.2))
                .collect();
            let digests: Vec<_> = list.claims.iter().map(|c| domain.digest(c)).collect();
            json!({
                "claims": list.claims, "digests": digests, "paths": paths,
                "work": work, "workDigest": domain.digest(&work),
            })
        })
        .collect();
    let whole = U256::from(10).pow(U256::from(18));
    let cases = [
        (
            6_555u64,
            9_000,
            2_500,
            1u64 << 40,
            1u64 << 44,
            1u64 << 44,
            10u64,
            100u64,
        ),
        (6_555, 9_000, 0, 1 << 43, 1 << 44, 1 << 44, 10, 100),
        (6_555, 9_000, 2_500, 1 << 43, 1 << 44, 1 << 44, 10, 100),
        (6_555, 9_000, 2_500, 12_345, 67_890, 1_000_003, 7, 31),
        (6_555, 9_000, 0, 67_890, 67_890, 67_891, 31, 31),
        (1, 10_000, 1_000, 1, 3, 1, 1, 7),
        (
            999_999_937,
            0,
            1_000,
            u64::MAX,
            u64::MAX,
            u64::MAX,
            1_000,
            1_001,
        ),
        (0, 9_000, 1_000, 5, 9, 3, 1, 2),
        (17, 3_333, 9_999, 1, u64::MAX, 1, 1, u64::MAX),
    ];
    let mint: Vec<_> = cases
        .iter()
        .map(|case| {
            let (budget, transcoders_bps, slack_bps, pixels, total_pixels, full, weight, total) = *case;
            // An odd unit, so that something is rounded.
            let budget = U256::from(budget) * whole + U256::from(budget.min(1));
            let rule = MintRule {
                transcoders_bps,
                slack_bps,
                full_mint_pixels: full,
            };
            let share = Share {
                weight: U256::from(weight) * whole,
                total: U256::from(total) * whole,
            };
            json!({
                "budget": budget.to_string(), "transcodersBps": transcoders_bps, "slackBps": slack_bps,
                "pixels": pixels.to_string(), "totalPixels": total_pixels.to_string(),
                "fullMintPixels": full.to_string(),
                "weight": share.weight.to_string(), "totalWeight": share.total.to_string(),
                "ofTranscoder": rule.of_transcoder(budget, pixels, total_pixels, share).to_string(),
                "ofVerifier": rule.of_verifier(budget, total_pixels, share).to_string(),
            })
        })
        .collect();
    check(
        "work.json",
        &json!({ "chainId": domain.chain_id, "court": domain.court, "lists": lists, "mint": mint }),
    );
}

#[test]
fn payments() {
    let d = domain();
    let broadcaster = OperatorKey::from_bytes(word("broadcaster").0).unwrap();
    let transcoder = account("transcoder");
    let a = assignment(transcoder);
    let ether = U256::from(10).pow(U256::from(18));
    let dues = [
        (U256::ZERO, ether),
        (U256::from(1), ether),
        (U256::from(16_588_800_000u64), ether / U256::from(100)),
        (ether / U256::from(3), ether),
        (ether - U256::from(1), ether),
        (ether, ether),
        (ether, U256::from(1)),
    ];
    let lotteries: Vec<_> = dues
        .map(|(due, face)| {
            let lottery = Lottery::paying(due, face);
            json!({
                "due": due, "face": face, "faceValue": lottery.face_value, "winProb": lottery.win_prob,
                "expected": lottery.expected(),
            })
        })
        .into();
    let half = Lottery::paying(ether / U256::from(2), ether);
    let tickets: Vec<_> = (0..8u64)
        .map(|nonce| {
            let rand = word(&format!("rand {nonce}"));
            let ticket = PaymentTicket {
                assignmentHash: d.digest(&a),
                recipient: transcoder,
                sender: broadcaster.address(),
                faceValue: half.face_value,
                winProb: half.win_prob,
                nonce,
                recipientRandHash: rand_hash(rand),
            };
            let hash = d.digest(&ticket);
            json!({
                "nonce": nonce, "rand": rand, "randHash": ticket.recipientRandHash, "hash": hash,
                "lot": lot(hash, rand), "wins": ticket.wins(hash, rand),
                "signature": broadcaster.sign(hash),
            })
        })
        .collect();
    check(
        "payment.json",
        &json!({
            "chainId": d.chain_id, "court": d.court, "broadcaster": broadcaster.address(),
            "assignment": a, "assignmentHash": d.digest(&a), "faceValue": half.face_value,
            "winProb": half.win_prob, "tickets": tickets, "lotteries": lotteries,
        }),
    );
}
