//! A chain in its first round, with nodes on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assay_chain::anvil::{Anvil, AnvilConfig, dev_key};
use assay_chain::client::Client;
use assay_chain::exhibit::Kind;
use assay_chain::fault::FaultKind;
use assay_chain::queue::QueueConfig;
use assay_encoder::{Limits, WorkerCommand, Workers};
use assay_node::{Honest, Notice, Running, Settings, TranscoderSettings, start};
use assay_p2p::Config;
use assay_protocol::assignment::{Assignment, SignedAssignment};
use assay_protocol::domain::Domain;
use assay_protocol::params::Params;
use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use assay_protocol::receipt::{Leaf, Receipt, SignedReceipt, output_tree};
use assay_protocol::wire::ReceiptMessage;
use assay_protocol::{Address, B256, U256};
use assay_testnet::cast::{Player, Size, cast};
use assay_testnet::stage::{self, Stage};
use tokio::sync::mpsc;

pub(super) const ASSAY: &str = env!("CARGO_BIN_EXE_assay");
pub(super) const SEED: u64 = 11;
pub(super) const FRAMES: u32 = 30;
/// Of a transcoder, wei a pixel.
pub(super) const PRICE: u64 = 80;
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A chain in its first round, with accounts whose keys everybody here has.
pub(super) struct Scene {
    pub(super) anvil: Anvil,
    pub(super) client: Client,
    pub(super) stage: Stage,
    pub(super) players: Vec<Player>,
    pub(super) folder: tempfile::TempDir,
}

pub(super) fn profiles() -> Profiles {
    let rendition = Rendition {
        low_latency: true,
        ..Rendition::plain(64, 64, 10, 100)
    };
    Profiles {
        chunk_frames: 15,
        source: SourceFormat::plain(64, 64, 30),
        renditions: vec![rendition],
    }
}

impl Scene {
    pub(super) async fn set() -> Self {
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

    pub(super) fn player(&self, name: &str) -> &Player {
        self.players.iter().find(|p| p.name == name).unwrap()
    }

    pub(super) fn domain(&self) -> Domain {
        self.stage.deployment.domain()
    }

    pub(super) fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the node of a player.
    pub(super) async fn node(&self, name: &str) -> (Running, mpsc::Receiver<Notice>) {
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
    pub(super) async fn assignment(&self, seq: u32, source: u8) -> SignedAssignment {
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

    pub(super) fn receipt(&self, assignment: &SignedAssignment, plant: u8) -> ReceiptMessage {
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
    pub(super) fn assay(&self, words: &[&str]) -> String {
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
    pub(super) async fn until(
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
    pub(super) async fn case(&self, operator: Address, kind: FaultKind) -> B256 {
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
