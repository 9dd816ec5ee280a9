//! Real nodes see faults over libp2p, keep what proves them, and the files that appear slash on a real chain. Needs anvil.

mod scene;

use std::path::Path;
use std::time::{Duration, Instant};

use assay_chain::anvil::dev_key;
use assay_chain::exhibit::{Exhibit, Kind};
use assay_chain::fault::{FaultKind, SignedWork};
use assay_node::Keys;
use assay_p2p::{Config, Identity, MemoryStore, Topic};
use assay_protocol::sample::SampleTicket;
use assay_protocol::verdict::{SignedVerdict, Verdict};
use assay_protocol::wire::{Gossip, SampleReport, encode};
use assay_protocol::{Address, B256, U256};

use scene::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_contradicts_itself_on_the_wire_is_kept_and_slashes() {
    let scene = Scene::set().await;
    let domain = scene.domain();
    let (node, mut notices) = scene.node("verifier-0").await;
    // Somebody without stake, who has got hold of what others have signed.
    let hostile = Config {
        bootstrap: node.addresses().await,
        ..Config::new(domain.chain_id, domain.court)
    };
    let identity = Identity::from_secret([7; 32].into()).unwrap();
    let (network, _events) =
        assay_p2p::spawn(hostile, &identity, std::sync::Arc::new(MemoryStore::new(1))).unwrap();
    let begun = Instant::now();
    while network.subscribed(Topic::Receipts).await.is_empty() {
        assert!(begun.elapsed() < PATIENCE, "nobody listens");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The node judges nothing before it has seen a block about the head.
    scene.anvil.mine(1).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;

    let (transcoder, broadcaster) = (
        scene.player("transcoder-0").address(),
        scene.player("broadcaster").address(),
    );
    let publish = async |topic, message: Gossip| {
        let sent = network.publish(topic, encode(&message).unwrap()).await;
        sent.unwrap();
    };
    let assignment = scene.assignment(0, 1).await;
    for plant in [1, 2] {
        let receipt = Box::new(scene.receipt(&assignment, plant));
        publish(Topic::Receipts, Gossip::Receipt(receipt)).await;
    }
    let liar = scene.player("verifier-1");
    for hash in [1, 2] {
        let verdict = Verdict {
            receiptHash: B256::repeat_byte(9),
            leafIndex: 0,
            recomputedHash: B256::repeat_byte(hash),
        };
        let signed = SignedVerdict {
            signature: liar.keys.bls.sign(domain.digest(&verdict)).unwrap(),
            verdict,
            verifier: liar.address(),
        };
        publish(Topic::Proofs, Gossip::Verdict(signed)).await;
    }
    let seller = scene.player("verifier-2");
    let head = scene.client.head().await.unwrap().number;
    let epoch = scene.stage.deployment.params.epoch(head) + 3;
    let ticket = SampleTicket { epoch };
    let report = SampleReport {
        verifier: seller.address(),
        epoch,
        ticket: seller.keys.bls.sign(domain.digest(&ticket)).unwrap(),
        verdicts: vec![],
        unverifiable: vec![],
    };
    publish(Topic::Tickets, Gossip::Report(report)).await;
    // The second one pays another price than the electee's: wrong, and signed all the same.
    let mut wrong = scene.assignment(1, 1).await;
    wrong.assignment.pricePerPixel = U256::from(PRICE + 1);
    let key = &scene.player("broadcaster").keys.operator;
    wrong.signature = key.sign(domain.digest(&wrong.assignment));
    for signed in [scene.assignment(1, 1).await, wrong] {
        publish(Topic::Assignments, Gossip::Assignment(Box::new(signed))).await;
    }

    let before = stake(&scene, transcoder).await;
    let expected = vec![
        Kind::Equivocation,
        Kind::BroadcasterEquivocation,
        Kind::VerifierEquivocation,
        Kind::ShowEarlyTicket,
    ];
    let told = scene.until(&mut notices, expected).await;
    assert_eq!(told.len(), 4, "each once: {told:?}");
    let culprit = |kind| told.iter().find(|(k, ..)| *k == kind).unwrap().1;
    assert_eq!(culprit(Kind::Equivocation), transcoder);
    assert_eq!(culprit(Kind::BroadcasterEquivocation), broadcaster);

    // What costs its culprit no stake a person lists and sends.
    let data = scene.data("verifier-0").display().to_string();
    let list = scene.assay(&["court", "evidence", "--data", &data, "--json"]);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 4, "{list}");
    let words = scene.assay(&["court", "evidence", "--data", &data]);
    let line = words
        .lines()
        .find(|line| line.contains(": broadcaster-equivocation about"))
        .unwrap();
    assert!(
        line.contains(&broadcaster.to_string()) && line.contains("accepted until block"),
        "{line}"
    );
    let reserve = scene.client.sender(broadcaster).await.unwrap().reserve;
    assert!(!reserve.0.is_zero());
    let keys = scene.data("keys").display().to_string();
    Keys::write_seeded(Path::new(&keys), SEED, "verifier-2").unwrap();
    let file = line.split(": ").next().unwrap();
    let said = scene.assay(&["court", "submit", file, "--key", &keys]);
    assert!(said.contains("assigned segment 1 twice"), "{said}");
    let reserve = scene.client.sender(broadcaster).await.unwrap().reserve;
    assert!(reserve.0.is_zero());

    // What costs its culprit stake the node brings before the court itself.
    for (operator, kind) in [
        (transcoder, FaultKind::Equivocation),
        (liar.address(), FaultKind::VerifierEquivocation),
        (seller.address(), FaultKind::EarlyTicket),
    ] {
        scene.case(operator, kind).await;
    }
    let begun = Instant::now();
    while stake(&scene, transcoder).await == before {
        assert!(begun.elapsed() < PATIENCE, "never executed");
        scene.anvil.mine(1).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let left = stake(&scene, transcoder).await;
    let half = before / U256::from(2);
    assert!(left.abs_diff(half) < U256::from(10), "{left} of {before}");
    node.stop().await.unwrap();
}

async fn stake(scene: &Scene, transcoder: Address) -> U256 {
    let role = assay_chain::views::Role::Transcoder;
    let pool = scene.client.pool(role, transcoder).await.unwrap();
    pool.own.0 + pool.delegated.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcoder_opens_the_leaf_that_is_demanded_of_a_receipt_of_its_former_life() {
    let scene = Scene::set().await;
    let params = &scene.stage.deployment.params;
    let message = scene.receipt(&scene.assignment(0, 1).await, 1);
    let receipt = scene.domain().digest(&message.receipt.receipt);
    let data = scene.data("transcoder-0");
    std::fs::create_dir_all(data.join("receipts")).unwrap();
    let until = message.assignment.assignment.deadlineBlock + params.evidence_blocks;
    let file = format!("receipts/{until:016}-{receipt:x}.leaves");
    std::fs::write(data.join(file), encode(&message.receipt.leaves).unwrap()).unwrap();
    let demand = Exhibit::ChallengeLeaf(Box::new(assay_chain::challenge::LeafDemand {
        work: SignedWork {
            assignment: message.assignment.assignment.clone(),
            assignment_signature: message.assignment.signature,
            receipt: message.receipt.receipt.clone(),
            receipt_signature: message.receipt.signature,
        },
        leaf_index: 1,
    }));
    let file = scene.data("challenge-leaf.json");
    std::fs::write(&file, serde_json::to_vec(&demand).unwrap()).unwrap();
    let key = scene.data("rich.json");
    Keys::write_seeded_owner(&key, &dev_key(0).unwrap()).unwrap();
    let (file, key) = (file.display().to_string(), key.display().to_string());
    let (node, mut notices) = scene.node("transcoder-0").await;
    let said = scene.assay(&["court", "submit", &file, "--key", &key]);
    assert!(said.contains("must open leaf 1"), "{said}");
    let operator = scene.player("transcoder-0").address();
    let begun = Instant::now();
    loop {
        let owed = scene.client.bonds_owed(operator).await.unwrap();
        if owed.challenges == params.challenge_bond {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "the leaf stays closed");
        scene.anvil.mine(1).await.unwrap();
        tokio::time::sleep(Duration::from_millis(700)).await;
        while notices.try_recv().is_ok() {}
    }
    let withheld = scene.client.case_ids(Some(operator)).await.unwrap();
    assert_eq!(withheld, [] as [B256; 0]);
    node.stop().await.unwrap();
}
