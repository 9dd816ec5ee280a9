//! A real development chain with the contracts deployed, for the scenarios beside this folder.

pub mod exhibits;
pub mod scene;

use std::path::PathBuf;

use assay_chain::anvil::{Anvil, AnvilConfig, dev_key};
use assay_chain::call::{Call, RoundsCall, StakeCall, TokenCall, VerifierCall};
use assay_chain::client::Client;
use assay_chain::contracts::{Deployment, Randomness};
use assay_chain::deploy::{DeployConfig, TokenChoice, deploy};
use assay_chain::queue::{Journal, QueueConfig, TxQueue};
use assay_chain::views::Role;
use assay_protocol::amount::Lpt;
use assay_protocol::bls::{BlsKey, possession_message};
use assay_protocol::params::Params;
use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use assay_protocol::sig::OperatorKey;
use assay_protocol::{B256, U256};

pub struct Network {
    pub anvil: Anvil,
    pub deployment: Deployment,
    pub deployer: Account,
}

/// An account with its connection and queue.
pub struct Account {
    pub key: OperatorKey,
    pub client: Client,
    pub queue: TxQueue,
}

pub fn config() -> AnvilConfig {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    AnvilConfig {
        // The program's own tests use this scene too, from the folder above.
        look_in: vec![folder.clone(), folder.join("chain")],
        ..AnvilConfig::default()
    }
}

pub fn fast() -> QueueConfig {
    QueueConfig {
        poll: std::time::Duration::from_millis(20),
        ..QueueConfig::default()
    }
}

impl Network {
    pub async fn start() -> Self {
        Self::start_with(Params::demo()).await
    }

    pub async fn start_with(params: Params) -> Self {
        let anvil = Anvil::start(&config()).await.unwrap();
        let key = dev_key(0).unwrap();
        let what = DeployConfig {
            params,
            randomness: Randomness::Fixed(B256::repeat_byte(0x5e)),
            token: TokenChoice::New {
                supply: Lpt::whole(1_000_000),
            },
            resolver: dev_key(9).unwrap().address(),
        };
        let deployment = deploy(&anvil.url(), &key, &what).await.unwrap();
        let deployer = Account::open(&anvil, &deployment, key).await;
        Self {
            anvil,
            deployment,
            deployer,
        }
    }

    /// An account with ETH and this much liquid LPT, all of it approved.
    pub async fn account(&self, number: u8, lpt: u64) -> Account {
        let account = self.funded(number, lpt).await;
        let (amount, spender) = (Lpt::whole(lpt), self.deployment.contracts.bonding_manager);
        account
            .run("approve", TokenCall::Approve { spender, amount })
            .await;
        account
    }

    /// An account with ETH and this much liquid LPT, nothing of it approved.
    pub async fn funded(&self, number: u8, lpt: u64) -> Account {
        let key = OperatorKey::from_bytes([number; 32]).unwrap();
        let ether = U256::from(10).pow(U256::from(20));
        self.anvil.set_balance(key.address(), ether).await.unwrap();
        let account = Account::open(&self.anvil, &self.deployment, key).await;
        let amount = Lpt::whole(lpt);
        let to = account.key.address();
        self.deployer
            .run(&format!("fund {to}"), TokenCall::Transfer { to, amount })
            .await;
        account
    }

    pub async fn open_round(&self) -> u64 {
        self.anvil
            .mine(self.deployment.params.round_blocks)
            .await
            .unwrap();
        let next = self.deployer.client.round().await.unwrap().round + 1;
        self.deployer
            .run(&format!("open {next}"), RoundsCall::Open)
            .await;
        next
    }
}

impl Account {
    pub async fn open(anvil: &Anvil, deployment: &Deployment, key: OperatorKey) -> Self {
        let client = Client::connect(&anvil.url(), deployment, key.clone())
            .await
            .unwrap();
        let queue = TxQueue::open(&client, Journal::Memory, fast())
            .await
            .unwrap();
        Self { key, client, queue }
    }

    /// Runs a call that must succeed; returns its gas.
    pub async fn run(&self, key: &str, call: impl Into<Call>) -> u64 {
        self.queue.run(key, call).await.unwrap().gas_used
    }

    /// The sentence with which a call is refused before it is sent.
    pub async fn refused(&self, call: impl Into<Call>) -> String {
        let call = call.into();
        let key = format!("refused: {call:?}");
        let nonce = self.client.transaction_count().await.unwrap();
        let error = self.queue.run(key, call).await.unwrap_err();
        assert_eq!(
            self.client.transaction_count().await.unwrap(),
            nonce,
            "{error}"
        );
        assert!(error.revert().is_some(), "{error}");
        error.to_string()
    }

    pub async fn bond(&self, role: Role, lpt: u64) -> u64 {
        self.run(
            "bond",
            StakeCall::Bond {
                role,
                amount: Lpt::whole(lpt),
            },
        )
        .await
    }

    /// Registers a BLS key derived from the account's own number.
    pub async fn register(&self) -> BlsKey {
        let bls = BlsKey::derive(self.key.secret()).unwrap();
        let chain_id = self.client.domain().chain_id;
        let registry = self.client.contracts().verifier_registry;
        let message =
            possession_message(&bls.public(), self.key.address(), chain_id, registry).unwrap();
        let possession = bls.prove_possession(message).unwrap();
        self.run(
            "register",
            VerifierCall::Register {
                operator: self.key.address(),
                key: bls.public(),
                possession,
            },
        )
        .await;
        bls
    }
}

/// Two renditions, chunks of 15 frames.
pub fn profiles() -> Profiles {
    let rendition = |width, height| Rendition {
        low_latency: true,
        ..Rendition::plain(width, height, 10, 100)
    };
    Profiles {
        chunk_frames: 15,
        source: SourceFormat::plain(640, 360, 30),
        renditions: vec![rendition(640, 360), rendition(320, 180)],
    }
}
