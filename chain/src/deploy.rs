//! Deploying all contracts from one account, each told the others' addresses before they exist.

use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, Bytes, U256};
use assay_protocol::amount::Lpt;
use assay_protocol::params::Params;
use assay_protocol::sig::OperatorKey;
use ethers::abi::{Abi, AbiEncode, Token};
use ethers::core::types as eth;

use crate::bindings as abi;
use crate::bindings::{ARTIFACTS, errors};
use crate::client::revert_of;
use crate::contracts::{Contracts, Deployment, Randomness};
use crate::convert::{address_in, address_out, word_out};
use crate::error::ChainError;
use crate::parameters;
use crate::queue::FeeCaps;
use crate::queue::fees::Fees;
use crate::rpc::{Broadcast, Rpc, RpcError};
use crate::signing::{Unsigned, sign};

/// What to deploy.
#[derive(Clone, Debug)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenChoice {
    /// A token of our own, of which the deployer gets this much; the minter creates more by its rules.
    New {
        /// LPT created for the deployer.
        supply: Lpt,
    },
    /// A token that exists. Rewards come from a pool that somebody funds.
    Existing(Address),
}

/// Twelve seconds a block on mainnet, and some patience for the base fee.
const DEPLOY_LIMIT: Duration = Duration::from_secs(300);

/// Pause before a transaction that is in no block is sent again: two blocks of a fast chain.
const SEND_AGAIN: Duration = Duration::from_secs(2);
/// Pause before the first transaction that is in no block gets a higher fee: a node may keep one in its pool and never mine
/// it (anvil does, where one arrives while its predecessor is mined), and takes another in its place only.
const RAISE: Duration = Duration::from_secs(15);
/// More than the costliest constructor needs: the roster prepares its active sets' keys, a slot for ten members.
const CONSTRUCTOR_GAS: u64 = 1_000_000;

/// One transaction of a deployment.
struct Step {
    name: &'static str,
    /// Nobody where a contract is created.
    to: Option<Address>,
    data: Bytes,
}

/// A step on its way.
struct Sent {
    step: Step,
    nonce: u64,
    fees: Fees,
    raw: Bytes,
    /// Its hash, and those that it had with lower fees.
    txs: Vec<B256>,
}

/// Who deploys, and where.
struct Deployer<'a> {
    rpc: &'a Rpc,
    key: &'a OperatorKey,
    chain_id: u64,
}

impl Deployer<'_> {
    fn sign(&self, step: &Step, nonce: u64, fees: Fees) -> (Bytes, B256) {
        let unsigned = Unsigned {
            chain_id: self.chain_id,
            nonce,
            to: step.to,
            data: &step.data,
            value: U256::ZERO,
            gas: creation_gas(step.data.len() as u64),
            max_fee: fees.max_fee,
            tip: fees.tip,
        };
        sign(self.key, &unsigned)
    }

    /// Sends it once more, with a higher fee if the caps allow.
    async fn raise(&self, sent: &mut Sent) -> Result<(), ChainError> {
        let base_fee = self.rpc.latest().await?.base_fee;
        let Some(fees) = sent.fees.bumped(base_fee, &FeeCaps::default()) else {
            return Ok(());
        };
        let (raw, tx) = self.sign(&sent.step, sent.nonce, fees);
        self.rpc.send_raw(&raw).await?;
        (sent.fees, sent.raw) = (fees, raw);
        sent.txs.push(tx);
        Ok(())
    }
}

/// Deploys the contracts and waits until they are all in a block.
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
    let rpc = Rpc::new(url)?;
    let chain_id = rpc.chain_id().await?;
    let first_nonce = rpc.nonce(key.address(), "pending").await?;
    let contracts = predict(key.address(), first_nonce, config.token);
    let head = rpc.latest().await?;
    let fees = Fees::first(
        head.base_fee,
        rpc.suggested_tip().await?,
        &FeeCaps::default(),
    );
    let deployer = Deployer {
        rpc: &rpc,
        key,
        chain_id,
    };
    let mut sent = Vec::new();
    for (nonce, step) in (first_nonce..).zip(steps(&contracts, key.address(), config)?) {
        let (raw, tx) = deployer.sign(&step, nonce, fees);
        if let Broadcast::Refused(reason) = rpc.send_raw(&raw).await? {
            return Err(ChainError::Deploy {
                name: step.name,
                reason,
            });
        }
        sent.push(Sent {
            step,
            nonce,
            fees,
            raw,
            txs: vec![tx],
        });
    }
    let begun = Instant::now();
    let mut deploy_block = head.number;
    for next in 0..sent.len() {
        let block = wait(&deployer, &mut sent[next..], begun).await?;
        deploy_block = deploy_block.max(block);
    }
    for (name, address) in contracts.named() {
        if !rpc.has_code(address).await? {
            return Err(ChainError::NoCode { name, address });
        }
    }
    let params = config.params.clone();
    Ok(Deployment {
        chain_id,
        deploy_block,
        contracts,
        randomness: config.randomness,
        resolver: config.resolver,
        params,
    })
}

/// Waits for a block with the first of the transactions. A node may drop what follows a transaction that its block has
/// no room for (anvil does), so that all are sent again now and then; a refusal then says nothing new.
async fn wait(
    deployer: &Deployer<'_>,
    open: &mut [Sent],
    begun: Instant,
) -> Result<u64, ChainError> {
    let rpc = deployer.rpc;
    let name = open[0].step.name;
    let failed = |reason: String| ChainError::Deploy { name, reason };
    let (mut last, mut raised) = (Instant::now(), Instant::now());
    loop {
        for tx in &open[0].txs {
            if let Some(receipt) = rpc.receipt(*tx).await?
                && let Some(block) = receipt.block_number
            {
                if receipt.status.is_some_and(|s| s.is_zero()) {
                    let from = deployer.key.address();
                    return Err(failed(refusal(rpc, from, &open[0].step).await?));
                }
                return Ok(block.as_u64());
            }
        }
        if begun.elapsed() > DEPLOY_LIMIT {
            return Err(failed(format!(
                "not mined within {} s",
                DEPLOY_LIMIT.as_secs()
            )));
        }
        if last.elapsed() > SEND_AGAIN {
            for sent in open.iter() {
                rpc.send_raw(&sent.raw).await?;
            }
            if raised.elapsed() > RAISE {
                deployer.raise(&mut open[0]).await?;
                raised = Instant::now();
            }
            last = Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The constructor's reason, by running it again.
async fn refusal(rpc: &Rpc, from: Address, step: &Step) -> Result<String, ChainError> {
    match rpc.create(from, &step.data).await {
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

/// An upper bound that needs no state: 16 gas per byte sent, 2 per word checked, 200 per byte stored.
const fn creation_gas(init_len: u64) -> u64 {
    21_000 + 32_000 + init_len * 16 + init_len / 16 + init_len * 200 + CONSTRUCTOR_GAS
}

/// An account's next nonces give the addresses; a token that exists takes none of them.
fn predict(deployer: Address, first_nonce: u64, token: TokenChoice) -> Contracts {
    let created = |place| {
        address_in(ethers::utils::get_contract_address(
            address_out(deployer),
            first_nonce + place,
        ))
    };
    Contracts::numbered(|number| match (number, token) {
        (0, TokenChoice::Existing(token)) => token,
        (number, TokenChoice::Existing(_)) => created(number - 1),
        (number, TokenChoice::New { .. }) => created(number),
    })
}

/// The creation of each contract in the order of [`Contracts::named`], and what follows.
fn steps(at: &Contracts, holder: Address, config: &DeployConfig) -> Result<Vec<Step>, ChainError> {
    let address = |a: Address| Token::Address(address_out(a));
    let all = [parameters::tuple(&config.params)?, addresses(at, config)];
    let mut made = Vec::with_capacity(Contracts::COUNT);
    if let TokenChoice::New { supply } = config.token {
        let supply = Token::Uint(word_out(supply.0));
        let args = [address(holder), supply, address(at.minter)];
        made.push(blueprint!(LivepeerToken, livepeer_token).fill(&args)?);
    }
    made.push(match config.randomness {
        Randomness::Fixed(seed) => blueprint!(FixedRandomSource, fixed_random_source)
            .fill(&[Token::FixedBytes(seed.to_vec())])?,
        Randomness::Blockhash => {
            blueprint!(BlockhashRandomSource, blockhash_random_source).fill(&[])?
        }
    });
    let minter = match config.token {
        TokenChoice::New { .. } => blueprint!(Minter, minter),
        TokenChoice::Existing(_) => {
            blueprint!(FundedPool, funded_pool)
        }
    };
    for blueprint in [
        blueprint!(Operators, operators),
        blueprint!(RoundsManager, rounds_manager),
        blueprint!(Roster, roster),
        blueprint!(FeeLedger, fee_ledger),
        blueprint!(BondingManager, bonding_manager),
        blueprint!(VerifierRegistry, verifier_registry),
        blueprint!(JobRegistry, job_registry),
        blueprint!(Evidence, evidence),
        blueprint!(FraudCourt, fraud_court),
        blueprint!(Contests, contests),
        blueprint!(Challenges, challenges),
        blueprint!(TicketBroker, ticket_broker),
        minter,
        blueprint!(WorkLedger, work_ledger),
    ] {
        made.push(blueprint.fill(&all)?);
    }
    if let TokenChoice::New { .. } = config.token {
        // The first slash of all would pay 17,100 gas for the slot of the court's balance.
        let unit = abi::livepeer_token::TransferCall {
            to: address_out(at.fraud_court),
            value: eth::U256::one(),
        };
        made.push(Step {
            name: "LivepeerToken",
            to: Some(at.livepeer_token),
            data: unit.encode().into(),
        });
    }
    Ok(made)
}

/// The tuple of `Addresses.sol`.
fn addresses(at: &Contracts, config: &DeployConfig) -> Token {
    let contracts = at.named().map(|(_, address)| address);
    let all = contracts.into_iter().chain([config.resolver]);
    Token::Tuple(all.map(|a| Token::Address(address_out(a))).collect())
}

/// A contract before its arguments are known.
struct Blueprint {
    name: &'static str,
    abi: &'static Abi,
    code: &'static eth::Bytes,
}

macro_rules! blueprint {
    ($name:ident, $field:ident) => {
        Blueprint {
            name: stringify!($name),
            abi: &ARTIFACTS.$field.abi,
            code: &ARTIFACTS.$field.bytecode,
        }
    };
}
use blueprint;

impl Blueprint {
    fn fill(&self, args: &[Token]) -> Result<Step, ChainError> {
        let code = self.code.to_vec();
        let init = match self.abi.constructor() {
            None => code,
            Some(constructor) => {
                constructor
                    .encode_input(code, args)
                    .map_err(|e| ChainError::Shape {
                        what: self.name,
                        reason: e.to_string(),
                    })?
            }
        };
        Ok(Step {
            name: self.name,
            to: None,
            data: init.into(),
        })
    }
}
