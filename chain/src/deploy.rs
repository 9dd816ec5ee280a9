//! Deploying all contracts from one account, each told the others' addresses before they exist.

mod plan;
mod steps;

use std::path::Path;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, U256};
use assay_protocol::amount::Lpt;
use assay_protocol::params::Params;
use assay_protocol::sig::OperatorKey;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::bindings::errors;
use crate::client::revert_of;
use crate::contracts::{Deployment, Randomness};
use crate::error::ChainError;
use crate::queue::FeeCaps;
use crate::queue::fees::Fees;
use crate::rpc::{Broadcast, Rpc, RpcError};
use crate::signing::{Unsigned, sign};
use plan::{Form, Plan, Terms};
use steps::{Step, digest, predict, steps};

/// What to deploy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployConfig {
    /// Parameters, one of the presets of [`assay_protocol::params`].
    pub params: Params,
    /// Source of seeds.
    pub randomness: Randomness,
    /// What is staked.
    pub token: TokenChoice,
    /// The account that decides contested cases, for ever.
    pub resolver: Address,
}

/// What is staked, and where rewards come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenChoice {
    /// A token of our own, of which the deployer gets this much; the minter creates more by its rules.
    New {
        /// LPT created for the deployer.
        supply: Lpt,
    },
    /// A token that exists. Rewards come from a pool that somebody funds.
    Existing(Address),
}

/// From one block with a contract to the next: twelve seconds a block on mainnet, and some patience for the base fee.
/// A node that is away for longer is not waited for.
const DEPLOY_LIMIT: Duration = Duration::from_secs(300);

/// Pause before a transaction that is in no block is sent again: two blocks of a fast chain.
const SEND_AGAIN: Duration = Duration::from_secs(2);
/// Pause before a node that was away is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// Pause before the first transaction that is in no block gets a higher fee: a node may keep one in its pool and never mine
/// it (anvil does, where one arrives while its predecessor is mined), and takes another in its place only.
const RAISE: Duration = Duration::from_secs(15);
/// For so long a node must say the same of the transaction that everything waits for before it is believed.
const INSISTS: Duration = Duration::from_secs(30);

/// A step on its way.
struct Sent {
    step: Step,
    place: usize,
    nonce: u64,
    fees: Fees,
    raw: alloy_primitives::Bytes,
    /// Its hash, and those that it had with lower fees.
    txs: Vec<B256>,
}

/// Who deploys, where, and what was signed so far.
struct Deployer<'a> {
    rpc: &'a Rpc,
    key: &'a OperatorKey,
    chain_id: u64,
    plan: Plan,
}

/// Deploys the contracts and waits until they are all in a block. Where this ends early, what was deployed is lost:
/// for chains of one's own; [`deploy_by_plan`] goes on.
///
/// All transactions are sent before the first one is mined: each constructor gets the addresses that the
/// account's next nonces will give (CREATE), so that nothing needs to be set afterwards and nobody is an admin.
///
/// # Errors
/// When the node is away, the account lacks ETH, a parameter does not fit its field, or a constructor refuses.
pub async fn deploy(
    url: &str,
    key: &OperatorKey,
    config: &DeployConfig,
) -> Result<Deployment, ChainError> {
    run(url, key, config, None).await
}

/// The same by a file that holds every signed transaction before it is sent: called again, after a kill or an error,
/// with the same arguments, it sends the same transactions and no others. Whoever has written the deployment down
/// removes the file.
///
/// # Errors
/// Those of [`deploy`], and [`ChainError::Plan`] where the file cannot be written or is of another deployment.
pub async fn deploy_by_plan(
    url: &str,
    key: &OperatorKey,
    config: &DeployConfig,
    plan: &Path,
) -> Result<Deployment, ChainError> {
    run(url, key, config, Some(plan)).await
}

async fn run(
    url: &str,
    key: &OperatorKey,
    config: &DeployConfig,
    plan: Option<&Path>,
) -> Result<Deployment, ChainError> {
    let rpc = Rpc::new(url)?;
    let chain_id = rpc.chain_id().await?;
    let first = rpc.head(json!("0x0")).await?;
    let mut plan = Plan::open(plan)?;
    let first_nonce = match plan.first_nonce() {
        Some(nonce) => nonce,
        None => rpc.nonce(key.address(), "pending").await?,
    };
    let contracts = predict(key.address(), first_nonce, config.token);
    let steps = steps(&contracts, key.address(), config)?;
    plan.begin(Terms {
        chain_id,
        genesis: first.map(|block| block.hash).unwrap_or_default(),
        deployer: key.address(),
        first_nonce,
        code: digest(&steps),
        config: config.clone(),
    })?;
    let mut deployer = Deployer {
        rpc: &rpc,
        key,
        chain_id,
        plan,
    };
    let mut sent = deployer.sign_all(steps, first_nonce).await?;
    deployer.send_all(&sent).await?;
    let mut deploy_block = 0;
    for next in 0..sent.len() {
        let block = deployer.wait(&mut sent[next..]).await?;
        deploy_block = deploy_block.max(block);
    }
    for (name, address) in contracts.named() {
        if !patiently(|| rpc.has_code(address)).await? {
            return Err(ChainError::NoCode { name, address });
        }
    }
    Ok(Deployment {
        chain_id,
        deploy_block,
        contracts,
        randomness: config.randomness,
        resolver: config.resolver,
        params: config.params.clone(),
    })
}

impl Deployer<'_> {
    fn sign(&self, step: &Step, place: usize, nonce: u64, fees: Fees) -> Form {
        let unsigned = Unsigned {
            chain_id: self.chain_id,
            nonce,
            to: step.to,
            data: &step.data,
            value: U256::ZERO,
            gas: step.gas(),
            max_fee: fees.max_fee,
            tip: fees.tip,
        };
        let (raw, tx) = sign(self.key, &unsigned);
        Form {
            step: place,
            fees,
            tx,
            raw,
        }
    }

    /// Every step with its newest form, signed now where there is none yet.
    async fn sign_all(
        &mut self,
        steps: Vec<Step>,
        first_nonce: u64,
    ) -> Result<Vec<Sent>, ChainError> {
        let base_fee = self.rpc.latest().await?.base_fee;
        let tip = self.rpc.suggested_tip().await?;
        let fees = Fees::first(base_fee, tip, &FeeCaps::default());
        let mut fresh = Vec::new();
        for (place, (nonce, step)) in (first_nonce..).zip(&steps).enumerate() {
            if self.plan.forms(place).next().is_none() {
                fresh.push(self.sign(step, place, nonce, fees));
            }
        }
        self.plan.add(fresh)?;
        let placed = (first_nonce..).zip(steps).enumerate();
        let sent = placed.filter_map(|(place, (nonce, step))| {
            let newest = self.plan.forms(place).last()?;
            Some(Sent {
                fees: newest.fees,
                raw: newest.raw.clone(),
                txs: self.plan.forms(place).map(|form| form.tx).collect(),
                step,
                place,
                nonce,
            })
        });
        Ok(sent.collect())
    }

    /// Sends every step. A refusal of the first one ends it; one of those behind it may be for their number, and they
    /// are sent again when their turn comes.
    async fn send_all(&self, sent: &[Sent]) -> Result<(), ChainError> {
        for (place, step) in sent.iter().enumerate() {
            let answer = patiently(|| self.rpc.send_raw(&step.raw)).await?;
            if let (0, Broadcast::Refused(reason)) = (place, answer) {
                let name = step.step.name;
                return Err(ChainError::Deploy { name, reason });
            }
        }
        Ok(())
    }

    /// Sends it once more, with a higher fee if the caps allow.
    async fn raise(&mut self, sent: &mut Sent) -> Result<(), ChainError> {
        let base_fee = patiently(|| self.rpc.latest()).await?.base_fee;
        let Some(fees) = sent.fees.bumped(base_fee, &FeeCaps::default()) else {
            return Ok(());
        };
        let form = self.sign(&sent.step, sent.place, sent.nonce, fees);
        (sent.fees, sent.raw) = (fees, form.raw.clone());
        sent.txs.push(form.tx);
        self.plan.add(vec![form])?;
        patiently(|| self.rpc.send_raw(&sent.raw)).await?;
        Ok(())
    }

    /// Waits for a block with the first of the transactions. A node may drop what follows a transaction that its block has
    /// no room for (anvil does), so that all are sent again now and then.
    async fn wait(&mut self, open: &mut [Sent]) -> Result<u64, ChainError> {
        let rpc = self.rpc;
        let name = open[0].step.name;
        let failed = |reason: String| Err(ChainError::Deploy { name, reason });
        let begun = Instant::now();
        let (mut last, mut raised) = (begun, begun);
        let mut doubt: Option<Instant> = None;
        loop {
            for tx in &open[0].txs {
                if let Some(receipt) = patiently(|| rpc.receipt(*tx)).await?
                    && let Some(block) = receipt.block_number
                {
                    if receipt.status.is_some_and(|s| s.is_zero()) {
                        let from = self.key.address();
                        return failed(refusal(rpc, from, &open[0].step).await?);
                    }
                    return Ok(block.as_u64());
                }
            }
            if begun.elapsed() > DEPLOY_LIMIT {
                return failed(format!("not mined within {} s", DEPLOY_LIMIT.as_secs()));
            }
            if last.elapsed() > SEND_AGAIN {
                for (place, sent) in open.iter().enumerate() {
                    let answer = patiently(|| rpc.send_raw(&sent.raw)).await?;
                    if place > 0 {
                        continue;
                    }
                    let reason = match answer {
                        Broadcast::Taken => {
                            doubt = None;
                            continue;
                        }
                        Broadcast::Refused(reason) => reason,
                        Broadcast::Spent => self.taken(sent.nonce),
                    };
                    if doubt.get_or_insert_with(Instant::now).elapsed() > INSISTS {
                        return failed(reason);
                    }
                }
                if raised.elapsed() > RAISE {
                    self.raise(&mut open[0]).await?;
                    raised = Instant::now();
                }
                last = Instant::now();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A nonce that is used, and by nothing that was sent here.
    fn taken(&self, nonce: u64) -> String {
        format!(
            "another program has used nonce {nonce} of {}, and all addresses follow from the nonces; begin anew",
            self.key.address()
        )
    }
}

/// Asks until there is an answer: that a node is away for a moment must not end what has cost gas already.
async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> Result<T, RpcError>
where
    F: Future<Output = Result<T, RpcError>>,
{
    let begun = Instant::now();
    let mut complained = false;
    loop {
        match ask().await {
            Err(error)
                if (error.is_transient() || error.is_local_refusal())
                    && begun.elapsed() < DEPLOY_LIMIT =>
            {
                if !complained {
                    tracing::warn!("the deployment waits: {error}");
                }
                complained = true;
                tokio::time::sleep(ASK_AGAIN).await;
            }
            answer => return answer,
        }
    }
}

/// The constructor's reason, by running it again.
async fn refusal(rpc: &Rpc, from: Address, step: &Step) -> Result<String, ChainError> {
    match patiently(|| rpc.create(from, &step.data)).await {
        Err(RpcError::Refused {
            code,
            message,
            data,
            ..
        }) => {
            Ok(revert_of(&errors(), code, &message, data.as_ref())
                .map_or(message, |r| r.to_string()))
        }
        Err(other) => Err(other.into()),
        Ok(()) => Ok("it ran out of gas".into()),
    }
}
