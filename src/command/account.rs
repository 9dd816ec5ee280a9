//! What every command that acts on chain shares: where the chain is, whose key signs, whether anything is sent.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_chain::call::{Call, TokenCall};
use assay_chain::client::Client;
use assay_chain::contracts::Deployment;
use assay_chain::events::Log;
use assay_chain::queue::{Journal, QueueConfig, TxQueue};
use assay_chain::views::Role;
use assay_node::keystore;
use assay_protocol::amount::{Eth, Lpt};
use assay_protocol::sig::OperatorKey;
use assay_protocol::{Address, B256, U256};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::CommandError;
use super::{password, say};

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
    /// RPC of the chain.
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
    /// File whose first line is the key file's password (mode 600). Default: the key file with the ending .password, if
    /// it is there; otherwise the password is asked for.
    #[arg(long, value_name = "FILE", env = "ASSAY_PASSWORD_FILE")]
    password_file: Option<PathBuf>,
}

impl KeyOptions {
    /// Opens the key file.
    pub fn open(&self) -> Result<OperatorKey, CommandError> {
        open_key_file(&self.key, self.password_file.as_deref())
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
}

/// One transaction of a command.
#[derive(Debug, Serialize)]
struct Step {
    /// What it does.
    what: String,
    /// Gas used, or that would be.
    gas: Option<u64>,
    /// Its hash, once sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    tx: Option<B256>,
    /// Its block.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<u64>,
    /// What the contracts said, or would say.
    effects: Vec<Log>,
}

/// What a command did, or would do.
#[derive(Debug, Serialize)]
struct Outcome {
    account: Address,
    dry_run: bool,
    steps: Vec<Step>,
    /// Of all steps.
    gas: u64,
    /// What they cost in ETH, without what they pay to others.
    cost_eth: Eth,
}

/// An account at work on one deployment.
pub struct Session {
    /// Its connection.
    pub client: Client,
    /// The deployment.
    pub deployment: Deployment,
    options: AccountOptions,
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

    /// Opens the key and connects.
    pub async fn open(&self) -> Result<Session, CommandError> {
        let deployment = Deployment::load(&self.chain.deployment)?;
        let key = self.open_key()?;
        let client = Client::connect(&self.chain.endpoint.rpc, &deployment, key).await?;
        Ok(Session {
            client,
            deployment,
            options: self.clone(),
        })
    }
}

impl Session {
    /// The account that acts.
    pub fn account(&self) -> Address {
        self.client.account()
    }

    /// Prints to a person; JSON has no words beside it.
    pub fn tell(&self, text: impl std::fmt::Display) {
        if !self.options.chain.json {
            say(text);
        }
    }

    /// The call that lets a contract take LPT, where its allowance is not enough.
    pub async fn allow(&self, spender: Address, amount: Lpt) -> Result<Vec<Call>, CommandError> {
        let allowed = self.client.lpt_allowance(self.account(), spender).await?;
        let missing = (allowed < amount).then(|| TokenCall::Approve { spender, amount }.into());
        Ok(missing.into_iter().collect())
    }

    /// Says in time, and in words, that there is not enough LPT.
    pub async fn can_pay(&self, amount: Lpt) -> Result<(), CommandError> {
        let liquid = self.client.lpt_balance(self.account()).await?;
        if liquid < amount {
            return Err(CommandError::Argument(format!(
                "{} has {liquid} LPT at hand, {amount} LPT are needed",
                self.account()
            )));
        }
        Ok(())
    }

    /// The operator that is meant: the named one, or the one for which the account signs.
    pub async fn operator(&self, named: Option<Address>) -> Result<Address, CommandError> {
        match named {
            Some(operator) => Ok(operator),
            None => Ok(self.client.operator_of(self.account()).await?),
        }
    }

    /// Asks a person who has read what was told, unless told not to. A dry run has nothing to ask.
    fn confirm(&self, question: &str) -> Result<(), CommandError> {
        if self.options.yes {
            return Ok(());
        }
        let (mut out, stdin) = (std::io::stderr(), std::io::stdin());
        if !stdin.is_terminal() {
            return Err(CommandError::NobodyAnswers);
        }
        let _ = write!(out, "{question} [y/N] ");
        let _ = out.flush();
        let mut answer = String::new();
        let _ = stdin.lock().read_line(&mut answer);
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(CommandError::Declined),
        }
    }

    /// Tries the calls in order; sends them, unless this is a dry run, once all of them would succeed and the question,
    /// if there is one, was answered with yes. Then says what they did.
    ///
    /// # Errors
    /// [`CommandError::WouldRevert`] with the first refusal, before anything is sent.
    pub async fn carry_out(
        &self,
        question: Option<&str>,
        calls: Vec<Call>,
    ) -> Result<(), CommandError> {
        let trials = self.client.simulate(&calls).await?;
        for trial in &trials {
            if let Some(revert) = &trial.revert {
                return Err(CommandError::WouldRevert {
                    label: trial.label.clone(),
                    revert: revert.clone(),
                });
            }
        }
        if self.options.dry_run {
            let steps = trials.into_iter().map(|trial| Step {
                what: trial.label,
                gas: trial.gas,
                tx: None,
                block: None,
                effects: trial.effects,
            });
            let steps: Vec<_> = steps.collect();
            let gas = steps.iter().filter_map(|step| step.gas).sum();
            let price = self.client.gas_price().await?;
            return self.report(steps, gas, U256::from(gas).saturating_mul(price.0));
        }
        if let Some(question) = question {
            self.confirm(question)?;
        }
        let config = QueueConfig {
            poll: Duration::from_millis(100),
            ..QueueConfig::default()
        };
        // One command, watched to its end: what it leaves undone is typed again.
        let queue = TxQueue::open(&self.client, Journal::Memory, config).await?;
        let (mut steps, mut gas, mut cost) = (Vec::new(), 0, U256::ZERO);
        for (number, call) in calls.into_iter().enumerate() {
            let what = call.label();
            let mined = queue.run(format!("step {number}"), call).await?;
            let events = self.client.events_of(mined.tx).await?;
            gas += mined.gas_used;
            cost += U256::from(mined.gas_used).saturating_mul(mined.gas_price);
            steps.push(Step {
                what,
                gas: Some(mined.gas_used),
                tx: Some(mined.tx),
                block: Some(mined.block),
                effects: events.into_iter().map(|entry| entry.what).collect(),
            });
        }
        queue.shutdown().await;
        self.report(steps, gas, cost)
    }

    fn report(&self, steps: Vec<Step>, gas: u64, cost: U256) -> Result<(), CommandError> {
        let outcome = Outcome {
            account: self.account(),
            dry_run: self.options.dry_run,
            steps,
            gas,
            cost_eth: Eth(cost),
        };
        if self.options.chain.json {
            return print_json(&outcome);
        }
        for step in &outcome.steps {
            let gas = step
                .gas
                .map_or("gas unknown".into(), |gas| format!("{gas} gas"));
            match (step.tx, step.block) {
                (Some(tx), Some(block)) => {
                    say(format!(
                        "{}: {gas}, block {block}, transaction {tx}",
                        step.what
                    ));
                }
                _ => say(format!("{}: {gas}", step.what)),
            }
            for effect in &step.effects {
                say(format!("  {effect}"));
            }
        }
        let (verb, cost) = match outcome.dry_run {
            true => (
                "dry run, nothing was sent: it would cost about",
                outcome.cost_eth,
            ),
            false => ("cost", outcome.cost_eth),
        };
        say(format!("{verb} {cost} ETH ({} gas)", outcome.gas));
        Ok(())
    }
}

/// Opens a key file; a folder is that of a node's keys. The password comes from the named file, from one beside it, or
/// from the terminal.
pub fn open_key_file(
    key: &Path,
    password_file: Option<&Path>,
) -> Result<OperatorKey, CommandError> {
    let path = match key.is_dir() {
        true => key.join(assay_node::OPERATOR_FILE),
        false => key.into(),
    };
    let beside = path.with_extension("password");
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
