//! A chain with the contracts, and people with key files who type commands.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assay_chain::anvil::{Anvil, AnvilConfig, dev_key};
use assay_chain::call::{EtherCall, RoundsCall, TokenCall};
use assay_chain::client::Client;
use assay_chain::contracts::{Deployment, Randomness};
use assay_chain::deploy::{DeployConfig, TokenChoice, deploy};
use assay_chain::queue::{Journal, QueueConfig, TxQueue};
use assay_chain::views::Role;
use assay_node::keystore::{self, Cost};
use assay_protocol::amount::{Eth, Lpt};
use assay_protocol::params::Params;
use assay_protocol::sig::OperatorKey;
use assay_protocol::{Address, B256, keccak256};
use serde_json::Value;

use crate::typed::{assay, shown_and_done};

/// Of every key file here.
const PASSWORD: &str = "correct horse battery staple";

pub struct Desk {
    anvil: Anvil,
    deployment: Deployment,
    client: Client,
    treasury: TxQueue,
    folder: tempfile::TempDir,
}

/// Somebody with a key file.
pub struct Person {
    pub address: Address,
    key_file: PathBuf,
    rpc: String,
    folder: PathBuf,
}

/// What a command that succeeded has said.
pub fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(!text.contains(PASSWORD));
    text
}

/// The line with which a command was refused.
pub fn refused(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(
        !text.contains(PASSWORD) && text.starts_with("assay: "),
        "{text}"
    );
    text
}

fn run(words: &[&str]) -> Output {
    assay(words).output().unwrap()
}

fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

impl Desk {
    pub async fn open() -> Self {
        Self::open_with(Params::demo()).await
    }

    pub async fn open_with(params: Params) -> Self {
        let config = AnvilConfig {
            look_in: vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("chain")],
            ..AnvilConfig::default()
        };
        let anvil = Anvil::start(&config).await.unwrap();
        let key = dev_key(0).unwrap();
        let config = DeployConfig {
            params,
            randomness: Randomness::Fixed(B256::repeat_byte(1)),
            token: TokenChoice::New {
                supply: Lpt::whole(10_000),
            },
            resolver: key.address(),
        };
        let deployment = deploy(&anvil.url(), &key, &config).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        deployment
            .save(&folder.path().join("deployment.json"))
            .unwrap();
        let client = Client::connect(&anvil.url(), &deployment, key)
            .await
            .unwrap();
        let treasury = TxQueue::open(&client, Journal::Memory, QueueConfig::default());
        Self {
            treasury: treasury.await.unwrap(),
            anvil,
            deployment,
            client,
            folder,
        }
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A person with this much LPT, 10 ETH, and a key file that each command opens at once.
    pub async fn account(&self, name: &str, lpt: u64) -> Person {
        let key = OperatorKey::from_bytes(keccak256(name).0).unwrap();
        let to = key.address();
        let ether = EtherCall::Send {
            to,
            wei: Eth::whole(10).0,
        };
        self.treasury
            .run(format!("ether {name}"), ether)
            .await
            .unwrap();
        if lpt > 0 {
            let transfer = TokenCall::Transfer {
                to,
                amount: Lpt::whole(lpt),
            };
            self.treasury
                .run(format!("lpt {name}"), transfer)
                .await
                .unwrap();
        }
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder).unwrap();
        private(&folder.join("password"), &format!("{PASSWORD}\n"));
        let key_file = folder.join(keystore::file_name(to));
        keystore::write(&key_file, &key, PASSWORD, Cost::LIGHT).unwrap();
        Person {
            address: to,
            key_file,
            rpc: self.anvil.url(),
            folder: self.folder.path().into(),
        }
    }

    /// A command without account or chain.
    pub fn assay(&self, words: &[&str]) -> Output {
        run(words)
    }

    /// A command that needs the chain and names its own key, if any.
    pub fn looks(&self, words: &[&str]) -> Output {
        let (deployment, rpc) = (self.path("deployment.json"), self.anvil.url());
        run(&[words, &["--deployment", &deployment, "--rpc", &rpc]].concat())
    }

    pub async fn nonce(&self, person: &Person) -> u64 {
        self.client.nonce_of(person.address).await.unwrap()
    }

    /// Shows the effect of a person's command, then has it: [`shown_and_done`].
    pub async fn does(&self, person: &Person, words: &[&str]) -> Value {
        let nonce = async || self.nonce(person).await;
        shown_and_done(|words| person.types(words), nonce, words).await
    }

    pub const fn anvil(&self) -> &Anvil {
        &self.anvil
    }

    pub const fn client(&self) -> &Client {
        &self.client
    }

    pub async fn own_bond(&self, person: &Person) -> Lpt {
        let pool = self.client.pool(Role::Transcoder, person.address);
        pool.await.unwrap().own
    }

    pub async fn mine(&self, blocks: u64) {
        self.anvil.mine(blocks).await.unwrap();
    }

    /// Opens that many rounds, one after the other.
    pub async fn rounds(&self, count: u64) {
        for _ in 0..count {
            self.mine(self.deployment.params.round_blocks).await;
            let next = self.client.round().await.unwrap().round + 1;
            let open = self.treasury.run(format!("round {next}"), RoundsCall::Open);
            open.await.unwrap();
        }
    }
}

impl Person {
    /// A command of this person's about the desk's deployment.
    pub fn types(&self, words: &[&str]) -> Output {
        self.types_about("deployment.json", words)
    }

    /// The same about the deployment in a file of the desk's folder.
    pub fn types_about(&self, deployment: &str, words: &[&str]) -> Output {
        let deployment = self.folder.join(deployment).display().to_string();
        self.acts(&[words, &["--deployment", &deployment]].concat())
    }

    /// A command of this person's that needs no deployment.
    pub fn acts(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// The folder of its key file.
    pub fn folder(&self) -> &Path {
        self.key_file.parent().unwrap()
    }

    /// A command of this person's, not started yet.
    pub fn command(&self, words: &[&str]) -> Command {
        let text = |path: &Path| path.display().to_string();
        let key = text(&self.key_file);
        let password = text(&self.key_file.with_file_name("password"));
        let account = ["--key", &key, "--password-file", &password];
        assay(&[words, &["--rpc", &self.rpc], &account].concat())
    }

    /// The same about the desk's deployment.
    pub fn begins(&self, words: &[&str]) -> Command {
        let deployment = self.folder.join("deployment.json").display().to_string();
        self.command(&[words, &["--deployment", &deployment]].concat())
    }
}

/// `assay key` without a chain.
pub fn keys() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    private(&folder.path().join("password"), PASSWORD);
    let made = said(&run(&[
        "key",
        "new",
        &at("cold"),
        "--password-file",
        &at("password"),
    ]));
    let (account, file) = made.split_once("\nkey file ").unwrap();
    let account = account.trim_start_matches("account").trim();
    let file = file.trim();
    assert_eq!(said(&run(&["key", "show", file])).trim(), account);
    let mode = fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let key = keystore::read(Path::new(file), PASSWORD).unwrap();
    assert_eq!(key.address().to_string(), account);

    let secret = keccak256("an account that was somewhere else before");
    private(&folder.path().join("secret"), &format!("{secret}\n"));
    let (theirs, secret_file, password_file) = (at("theirs"), at("secret"), at("password"));
    let import = ["key", "import", &theirs, "--secret-file", &secret_file];
    let done = said(&run(
        &[&import[..], &["--password-file", &password_file]].concat()
    ));
    let file = done.split("key file ").nth(1).unwrap().trim();
    let imported = keystore::read(Path::new(file), PASSWORD).unwrap();
    let account = OperatorKey::from_bytes(secret.0).unwrap().address();
    assert_eq!(imported.address(), account);
    assert!(done.contains(&account.to_string()), "{done}");

    // A password that others can read is none; nor is an empty one, nor the lack of one where nobody can be asked.
    let exposed = folder.path().join("password");
    fs::set_permissions(&exposed, fs::Permissions::from_mode(0o644)).unwrap();
    let why = refused(
        &run(&[
            "key",
            "new",
            &at("cold"),
            "--password-file",
            &at("password"),
        ]),
        2,
    );
    assert!(why.contains("chmod 600"), "{why}");
    private(&folder.path().join("empty"), "\n");
    let why = refused(
        &run(&["key", "new", &at("cold"), "--password-file", &at("empty")]),
        2,
    );
    assert!(why.contains("empty password"), "{why}");
    private(&folder.path().join("short"), "0x1234\n");
    let import = ["key", "import", &at("cold"), "--secret-file", &at("short")];
    assert!(refused(&run(&import), 2).contains("64 digits"));
    assert_eq!(fs::read_dir(at("cold")).unwrap().count(), 1);
    // No option takes a secret itself.
    let help = said(&run(&["key", "import", "--help"]));
    assert!(
        !help.contains("--password ") && !help.contains("--secret "),
        "{help}"
    );
}
