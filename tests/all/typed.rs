//! A scene whose people type commands, with key files of their own.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use assay_chain::anvil::dev_key;
use assay_chain::exhibit::Exhibit;
use assay_node::Keys;
use assay_protocol::fraud_proof::{FraudProof, ProofFile, SigningKeys};
use assay_protocol::params::Params;
use assay_protocol::sig::OperatorKey;
use assay_protocol::{Address, B256};
use serde_json::Value;

use crate::network::scene::Scene;

/// The program, without settings of whoever runs the tests.
pub fn assay(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.args(words).stdin(Stdio::null());
    let mine = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ASSAY_"));
    for (name, _) in mine {
        command.env_remove(name);
    }
    command
}

/// What a command that succeeded has said.
pub fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The same as JSON.
pub fn json(output: &Output) -> Value {
    let text = said(output);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// The line with which a command was refused.
pub fn refused(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Shows a command's effect first, then carries it out, both as JSON: the same steps, and nothing sent by the first.
pub async fn shown_and_done(
    types: impl Fn(&[&str]) -> Output,
    nonce: impl AsyncFn() -> u64,
    words: &[&str],
) -> Value {
    let before = nonce().await;
    let dry = json(&types(&[words, &["--dry-run", "--json"]].concat()));
    assert_eq!(nonce().await, before, "a dry run sends nothing: {words:?}");
    assert_eq!(dry["dry_run"], true, "{words:?}: {dry}");
    let done = json(&types(&[words, &["--json", "--yes"]].concat()));
    assert_eq!(done["dry_run"], false, "{words:?}: {done}");
    let steps = |value: &Value| value["steps"].as_array().unwrap().clone();
    let (would, did) = (steps(&dry), steps(&done));
    assert_eq!(nonce().await, before + did.len() as u64, "{words:?}");
    assert_eq!(would.len(), did.len(), "{words:?}: {dry} and {done}");
    for (would, did) in would.iter().zip(&did) {
        assert_eq!(would["what"], did["what"]);
        assert!(would["gas"].as_u64().unwrap() > 21_000, "{would}");
        assert!(would.get("tx").is_none() && did["tx"].is_string(), "{did}");
        let names = |step: &Value| -> Vec<Value> {
            let effects = step["effects"].as_array().unwrap();
            effects
                .iter()
                .map(|effect| effect["event"].clone())
                .collect()
        };
        assert_eq!(names(would), names(did), "{words:?}: {would} and {did}");
    }
    let effects = &did.last().unwrap()["effects"];
    assert!(!effects.as_array().unwrap().is_empty(), "{words:?}: {done}");
    assert!(done["cost_eth"].is_string() && dry["cost_eth"].is_string());
    done
}

pub struct Typed {
    pub scene: Scene,
    folder: tempfile::TempDir,
}

impl Typed {
    pub async fn set(params: Params) -> Self {
        let scene = Scene::set_with(params).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deployment.json");
        scene.network.deployment.save(&file).unwrap();
        Self { scene, folder }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A key file of this account, its password beside it.
    fn key_file(&self, key: &OperatorKey) -> String {
        let file = self.at(&format!("{}.json", key.address()));
        if !Path::new(&file).exists() {
            Keys::write_seeded_owner(Path::new(&file), key).unwrap();
        }
        file
    }

    /// A command about the scene's deployment.
    pub fn looks(&self, words: &[&str]) -> Output {
        let file = self.at("deployment.json");
        self.reaches(&[words, &["--deployment", &file]].concat())
    }

    /// A command that needs the chain.
    fn reaches(&self, words: &[&str]) -> Output {
        let rpc = self.scene.network.anvil.url();
        assay(&[words, &["--rpc", &rpc]].concat()).output().unwrap()
    }

    /// A command of an account's about the scene's deployment.
    pub fn types(&self, key: &OperatorKey, words: &[&str]) -> Output {
        self.types_about(key, &self.at("deployment.json"), words)
    }

    /// The same about another deployment.
    pub fn types_about(&self, key: &OperatorKey, deployment: &str, words: &[&str]) -> Output {
        self.deploys(key, &[words, &["--deployment", deployment]].concat())
    }

    /// A command of an account's about no deployment.
    pub fn deploys(&self, key: &OperatorKey, words: &[&str]) -> Output {
        self.reaches(&[words, &["--key", &self.key_file(key)]].concat())
    }

    /// Tried, then done: [`shown_and_done`].
    pub async fn does(&self, key: &OperatorKey, words: &[&str]) -> Value {
        self.does_about(key, &self.at("deployment.json"), words)
            .await
    }

    /// The same about another deployment.
    pub async fn does_about(&self, key: &OperatorKey, deployment: &str, words: &[&str]) -> Value {
        let client = &self.scene.broadcaster.client;
        let nonce = async || client.nonce_of(key.address()).await.unwrap();
        shown_and_done(
            |words| self.types_about(key, deployment, words),
            nonce,
            words,
        )
        .await
    }

    /// Brings evidence by the command of its kind.
    pub async fn brings(&self, key: &OperatorKey, exhibit: &Exhibit) -> Value {
        let kind = exhibit.kind().name();
        let file = self.at(&format!("{kind}.evidence"));
        std::fs::write(&file, serde_json::to_vec(exhibit).unwrap()).unwrap();
        self.does(key, &["court", kind, &file]).await
    }

    /// The proof as a file of a node's.
    pub async fn proof_file(&self, proof: FraudProof) -> Exhibit {
        let scene = &self.scene;
        let keys = SigningKeys {
            broadcaster: scene.broadcaster.key.address(),
            transcoder: scene.transcoder.key.address(),
        };
        let verifiers = scene.broadcaster.client.verifiers(scene.round).await;
        let file = ProofFile::new(
            scene.domain(),
            keys.broadcaster,
            keys,
            verifiers.unwrap(),
            proof,
        );
        Exhibit::Prove(Box::new(file))
    }

    /// The newest case against an operator, as `assay court list` has it, and where it stands.
    pub fn newest(&self, operator: Address) -> (String, String) {
        let who = operator.to_string();
        let list = json(&self.looks(&["court", "list", "--operator", &who, "--json"]));
        let case = list.as_array().unwrap().last().unwrap().clone();
        let text = |name: &str| case[name].as_str().unwrap().to_owned();
        (text("case"), text("status"))
    }

    /// Where a case stands, as `assay court show` has it.
    pub fn status(&self, case: &str) -> String {
        let shown: Value =
            serde_json::from_str(&said(&self.looks(&["court", "show", case]))).unwrap();
        shown["status"].as_str().unwrap().to_owned()
    }

    pub fn resolver(&self) -> OperatorKey {
        dev_key(9).unwrap()
    }

    /// LPT for bonds.
    pub async fn fund(&self, to: Address, lpt: u64) {
        use assay_chain::call::TokenCall;
        let amount = assay_protocol::amount::Lpt::whole(lpt);
        let call = TokenCall::Transfer { to, amount };
        self.scene
            .network
            .deployer
            .run(&format!("bonds of {to}"), call)
            .await;
    }

    pub async fn mine(&self, blocks: u64) {
        self.scene.network.anvil.mine(blocks).await.unwrap();
    }

    pub async fn mine_to(&self, block: u64) {
        self.scene.mine_to(block).await;
    }
}

/// A secret as an argument.
pub fn text(hash: B256) -> String {
    hash.to_string()
}
