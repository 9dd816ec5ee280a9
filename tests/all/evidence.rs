//! Real nodes see faults over libp2p, keep what proves them, and the files that appear slash on a real chain. Needs anvil.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assay_chain::anvil::{Anvil, AnvilConfig, dev_key};
use assay_chain::client::Client;
use assay_chain::exhibit::{Exhibit, Kind};
use assay_chain::fault::{FaultKind, SignedWork};
use assay_chain::queue::QueueConfig;
use assay_encoder::{Limits, WorkerCommand, Workers};
use assay_node::{Honest, Keys, Notice, Running, Settings, TranscoderSettings, start};
use assay_p2p::{Config, Identity, MemoryStore, Topic};
use assay_protocol::assignment::{Assignment, SignedAssignment};
use assay_protocol::domain::Domain;
use assay_protocol::params::Params;
use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use assay_protocol::receipt::{Leaf, Receipt, SignedReceipt, output_tree};
use assay_protocol::sample::SampleTicket;
use assay_protocol::verdict::{SignedVerdict, Verdict};
use assay_protocol::wire::{Gossip, ReceiptMessage, SampleReport, encode};
use assay_protocol::{Address, B256, U256};
use assay_testnet::cast::{Player, Size, cast};
use assay_testnet::stage::{self, Stage};
use tokio::sync::mpsc;

const ASSAY: &str = env!("CARGO_BIN_EXE_assay");
const SEED: u64 = 11;
const FRAMES: u32 = 30;
/// Of a transcoder, wei a pixel.
const PRICE: u64 = 80;
const PATIENCE: Duration = Duration::from_secs(60);

/// A chain in its first round, with accounts whose keys everybody here has.
struct Scene {
    anvil: Anvil,
    client: Client,
    stage: Stage,
    players: Vec<Player>,
    folder: tempfile::TempDir,
}

fn profiles() -> Profiles {
    let rendition = Rendition {
        low_latency: true,
        ..Rendition::plain(64, 64, 10, 100)
    };
    Profiles {
        chunk_frames: 15,
        source: SourceFormat {
            width: 64,
            height: 64,
            bit_depth: 8,
            full_range: false,
            colour: [2; 3],
            fps_num: 30,
            fps_den: 1,
        },
        renditions: vec![rendition],
    }
}

impl Scene {
    async fn set() -> Self {
        let config = AnvilConfig {
            look_in: vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("chain")],
            ..AnvilConfig::default()
        };
        let anvil = Anvil::start(&config).await.unwrap();
        let (url, deployer, params) = (anvil.url(), dev_key(0).unwrap(), Params::demo());
        let deployment = stage::deploy_seeded(&url, &deployer, &params, SEED).await;
        let deployment = deployment.unwrap();
        let size = Size {
            transcoders: 1,
            verifiers: 3,
            cheaters: 0,
        };
        let players = cast(&size, SEED).unwrap();
        stage::set(&url, &deployer, &deployment, &players)
            .await
            .unwrap();
        anvil.mine(params.round_blocks).await.unwrap();
        stage::open_round(&url, &deployer, &deployment)
            .await
            .unwrap();
        let stage = stage::create_job(&url, &deployment, &players, &profiles()).await;
        let stage = stage.unwrap();
        anvil.mine(3).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deployment.json");
        deployment.save(&file).unwrap();
        let client = Client::connect(&url, &deployment, deployer).await.unwrap();
        Self {
            anvil,
            client,
            stage,
            players,
            folder,
        }
    }

    fn player(&self, name: &str) -> &Player {
        self.players.iter().find(|p| p.name == name).unwrap()
    }

    fn domain(&self) -> Domain {
        self.stage.deployment.domain()
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the node of a player.
    async fn node(&self, name: &str) -> (Running, mpsc::Receiver<Notice>) {
        let (player, domain) = (self.player(name), self.domain());
        let worker = WorkerCommand {
            program: ASSAY.into(),
            arguments: vec!["worker".into()],
        };
        let transcodes = name.starts_with("transcoder");
        let settings = Settings {
            folder: self.data(name),
            keys: player.keys.clone(),
            operator: player.address(),
            rpc: self.anvil.url().as_str().into(),
            queue: QueueConfig::default(),
            deployment: self.stage.deployment.clone(),
            p2p: Config::new(domain.chain_id, domain.court),
            sources: 1 << 30,
            workers: Workers::new(worker, Limits::default(), 1),
            transcoder: transcodes.then(|| TranscoderSettings {
                capacity: 1,
                threads: 1,
                craft: std::sync::Arc::new(Honest),
            }),
            verifier: !transcodes,
            broadcaster: None,
        };
        start(settings).await.unwrap()
    }

    /// An assignment of now; `source` tells two of one attempt apart.
    async fn assignment(&self, seq: u32, source: u8) -> SignedAssignment {
        let head = self.client.head().await.unwrap().number;
        let assignment = Assignment {
            jobId: self.stage.job,
            seq,
            round: self.client.round().await.unwrap().round,
            transcoder: self.player("transcoder-0").address(),
            sourceHash: B256::repeat_byte(source),
            sourceLen: 1_000,
            framesRoot: B256::repeat_byte(3),
            frameCount: FRAMES,
            profilesHash: profiles().hash(),
            encoderId: assay_encoder::encoder_id(),
            leafCount: profiles().leaf_count(FRAMES).unwrap(),
            pricePerPixel: U256::from(PRICE),
            deadlineBlock: head + self.stage.deployment.params.response_blocks,
            ..Default::default()
        };
        let key = &self.player("broadcaster").keys.operator;
        SignedAssignment {
            signature: key.sign(self.domain().digest(&assignment)),
            assignment,
            skips: vec![],
        }
    }

    fn receipt(&self, assignment: &SignedAssignment, plant: u8) -> ReceiptMessage {
        let leaf = |chunk| Leaf {
            chunk,
            output_len: 5,
            ..Default::default()
        };
        let leaves: Vec<_> = (0..assignment.assignment.leafCount).map(leaf).collect();
        let domain = self.domain();
        let receipt = Receipt {
            assignmentHash: domain.digest(&assignment.assignment),
            outputRoot: output_tree(&leaves).root(),
            outputBytes: 5 * leaves.len() as u64,
            plant: B256::repeat_byte(plant),
        };
        let key = &self.player("transcoder-0").keys.operator;
        ReceiptMessage {
            assignment: assignment.clone(),
            receipt: SignedReceipt {
                signature: key.sign(domain.digest(&receipt)),
                receipt,
                leaves,
            },
        }
    }

    /// A command about the scene's deployment; what it says.
    fn assay(&self, words: &[&str]) -> String {
        let file = self.data("deployment.json").display().to_string();
        let output = Command::new(ASSAY)
            .args(words)
            .args(["--deployment", &file, "--rpc", &self.anvil.url()])
            .env_remove("ASSAY_KEY")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Mines a block after the other until all kinds of evidence were told and all kinds of cases are open.
    async fn until(
        &self,
        notices: &mut mpsc::Receiver<Notice>,
        mut kinds: Vec<Kind>,
    ) -> Vec<(Kind, Address, PathBuf)> {
        let (begun, mut told) = (Instant::now(), Vec::new());
        while !kinds.is_empty() {
            assert!(begun.elapsed() < PATIENCE, "{kinds:?} is not told");
            self.anvil.mine(1).await.unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
            while let Ok(notice) = notices.try_recv() {
                if let Notice::Evidence {
                    kind,
                    culprit,
                    file,
                } = notice
                {
                    kinds.retain(|expected| *expected != kind);
                    told.push((kind, culprit, file));
                }
            }
        }
        told
    }

    /// Mines until the operator has a case of this kind.
    async fn case(&self, operator: Address, kind: FaultKind) -> B256 {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            for case in self.client.case_ids(Some(operator)).await.unwrap() {
                let view = self.client.case(case).await.unwrap().unwrap();
                if view.kind == kind {
                    return case;
                }
            }
            self.anvil.mine(1).await.unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        panic!("no case of {kind:?} against {operator}")
    }
}

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
    node.stop().await;
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
    node.stop().await;
}
