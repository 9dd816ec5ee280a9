//! What every command that acts on chain is told: where the chain is, whose key signs, what may be spent.

use std::path::{Path, PathBuf};

use assay_chain::client::Client;
use assay_chain::contracts::Deployment;
use assay_chain::key_file;
use assay_chain::queue::Journal;
use assay_chain::queue::budget::GasLimit;
use assay_chain::views::Role;
use assay_node::{Config, keystore};
use assay_protocol::Address;
use assay_protocol::sig::OperatorKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::CommandError;
use super::session::Session;
use super::{password, say, units};

/// A node's journal of transactions, in its folder.
const NODE_JOURNAL: &str = "transactions.redb";

/// A role as an argument.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleName {
    /// Encodes.
    Transcoder,
    /// Recomputes.
    Verifier,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Transcoder => Self::Transcoder,
            RoleName::Verifier => Self::Verifier,
        }
    }
}

/// Where the chain is.
#[derive(clap::Args, Clone, Debug)]
pub struct EndpointOptions {
    /// RPC of the chain; several, with commas between them, stand in for each other.
    #[arg(
        long,
        value_name = "URL",
        env = "ASSAY_RPC",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8545"
    )]
    pub rpc: String,
}

/// Whose key signs.
#[derive(clap::Args, Clone, Debug)]
pub struct KeyOptions {
    /// Key file of the account that acts (web3 secret storage), or the folder that `assay init` made.
    #[arg(long, value_name = "FILE", env = "ASSAY_KEY")]
    key: PathBuf,
    /// File whose first line is the key file's password (mode 600). Default: NAME.password beside NAME.json, FILE.password
    /// beside any other FILE, if it is there; otherwise the password is asked for.
    #[arg(long, value_name = "FILE", env = "ASSAY_PASSWORD_FILE")]
    password_file: Option<PathBuf>,
}

impl KeyOptions {
    /// Opens the key file.
    pub fn open(&self) -> Result<OperatorKey, CommandError> {
        open_key_file(&self.key, self.password_file.as_deref())
    }

    /// The key file; in a node's folder of keys, the operator's.
    fn file(&self) -> PathBuf {
        key_file_of(&self.key)
    }
}

/// Where the chain is and how answers are written: for commands that only look.
#[derive(clap::Args, Clone, Debug)]
pub struct ChainOptions {
    /// The deployment's file.
    #[arg(
        long,
        value_name = "FILE",
        env = "ASSAY_DEPLOYMENT",
        default_value = "deployment.json"
    )]
    pub deployment: PathBuf,
    #[command(flatten)]
    pub endpoint: EndpointOptions,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Whose key signs, and whether anything is sent.
#[derive(clap::Args, Clone, Debug)]
pub struct AccountOptions {
    #[command(flatten)]
    pub chain: ChainOptions,
    #[command(flatten)]
    key: KeyOptions,
    /// Show gas and effect, and send nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Ask nothing.
    #[arg(long)]
    pub yes: bool,
    /// Most ETH a day (UTC) for gas of this key's commands, such as 0.2 ETH, as its journal counts them. Default: 1 ETH, a node's
    /// default.
    #[arg(long, value_name = "AMOUNT", env = "ASSAY_GAS_PER_DAY")]
    gas_per_day: Option<String>,
    /// Where transactions are written down before they are sent, so that a command that was interrupted and is typed again
    /// sends nothing twice. Default: beside the key file, one for each chain.
    #[arg(long, value_name = "FILE", env = "ASSAY_JOURNAL")]
    journal: Option<PathBuf>,
    /// Configuration file of the node whose hot key this is: its daily limit and its journal are used instead. The node
    /// must not run.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["gas_per_day", "journal"])]
    node: Option<PathBuf>,
}

impl ChainOptions {
    /// Connects to look: nothing is signed.
    pub async fn look(&self) -> Result<(Client, Deployment), CommandError> {
        let deployment = Deployment::load(&self.deployment)?;
        let client = Client::watching(&self.endpoint.rpc, &deployment).await?;
        Ok((client, deployment))
    }
}

impl AccountOptions {
    /// Opens the key file.
    pub fn open_key(&self) -> Result<OperatorKey, CommandError> {
        self.key.open()
    }

    /// Opens the key, connects, and sees what an earlier command has left.
    pub async fn open(&self) -> Result<Session, CommandError> {
        let deployment = Deployment::load(&self.chain.deployment)?;
        let key = self.open_key()?;
        let client = Client::connect(&self.chain.endpoint.rpc, &deployment, key).await?;
        Session::begin(client, deployment, self.clone()).await
    }

    /// What may be paid for gas in a day, and the file of the journal that counts it.
    pub async fn purse(&self, client: &Client) -> Result<Purse, CommandError> {
        if let Some(file) = &self.node {
            let config = Config::load_changed(file, |_| {});
            let config = config.map_err(|e| CommandError::Argument(e.to_string()))?;
            return Ok(Purse {
                limit: config.queue().daily_gas,
                journal: config.folder.join(NODE_JOURNAL),
            });
        }
        let wei_per_day = match &self.gas_per_day {
            None => Config::default().gas_per_day.0,
            Some(amount) => units::eth(std::slice::from_ref(amount))?.0,
        };
        // A person sees to it that something is left for what cannot wait.
        let limit = GasLimit {
            wei_per_day,
            for_evidence: 0,
        };
        let journal = match &self.journal {
            Some(file) => file.clone(),
            None => Journal::beside(client, &self.key.file()).await?,
        };
        Ok(Purse {
            limit: Some(limit),
            journal,
        })
    }
}

/// What an account may pay for gas, and where that is counted.
pub struct Purse {
    /// The day's limit.
    pub limit: Option<GasLimit>,
    /// The journal's file.
    pub journal: PathBuf,
}

/// Opens a key file; a folder is that of a node's keys. The password comes from the named file, from one beside it, or
/// from the terminal.
pub fn open_key_file(
    key: &Path,
    password_file: Option<&Path>,
) -> Result<OperatorKey, CommandError> {
    let path = key_file_of(key);
    let beside = key_file::beside(&path, "password");
    let file = password_file.or_else(|| Some(beside.as_path()).filter(|path| path.is_file()));
    let password = match file {
        Some(file) => password::from_file(file)?,
        None => {
            // A file that is none must not cost a password.
            let account = keystore::stated_account(&path)?;
            let whose = account.map_or_else(|| path.display().to_string(), |a| a.to_string());
            password::ask(&format!("password of {whose}"))?
        }
    };
    Ok(keystore::read(&path, &password)?)
}

fn key_file_of(key: &Path) -> PathBuf {
    match key.is_dir() {
        true => key.join(assay_node::OPERATOR_FILE),
        false => key.into(),
    }
}

/// Reads a file.
pub fn read_file(path: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(path).map_err(|source| CommandError::File {
        path: path.to_owned(),
        source,
    })
}

/// Reads a file of JSON.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, CommandError> {
    serde_json::from_slice(&read_file(path)?)
        .map_err(|e| CommandError::Argument(format!("{}: {e}", path.display())))
}

/// Prints a value as JSON, addresses with their checksum (EIP-55).
pub fn print_json(value: &impl Serialize) -> Result<(), CommandError> {
    let no_json = |e| CommandError::Argument(format!("no JSON: {e}"));
    let mut value = serde_json::to_value(value).map_err(no_json)?;
    checksum_addresses(&mut value);
    say(serde_json::to_string_pretty(&value).map_err(no_json)?);
    Ok(())
}

fn checksum_addresses(value: &mut Value) {
    match value {
        Value::String(text) if text.len() == 42 && text.starts_with("0x") => {
            if let Ok(address) = text.parse::<Address>() {
                *text = address.to_string();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(checksum_addresses),
        Value::Object(fields) => fields.values_mut().for_each(checksum_addresses),
        _ => {}
    }
}
