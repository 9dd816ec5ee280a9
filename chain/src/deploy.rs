//! Deploying all contracts from one account, each told the others' addresses before they exist.

use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, Bytes, U256};
use assay_protocol::amount::Lpt;
use assay_protocol::params::Params;
use assay_protocol::sig::OperatorKey;
use ethers::abi::{Abi, Token};
use ethers::core::types as eth;

use crate::bindings as abi;
use crate::client::{errors, revert_of};
use crate::contracts::{Contracts, Deployment, Randomness};
use crate::convert::{address_in, address_out, word_out};
use crate::error::ChainError;
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
    /// LPT created for the deployer; there is never more.
    pub supply: Lpt,
}

/// Twelve seconds a block on mainnet, and some patience for the base fee.
const DEPLOY_LIMIT: Duration = Duration::from_secs(300);

/// Twice what the costliest constructor (storing seven immutables and checking an address) needs.
const CONSTRUCTOR_GAS: u64 = 500_000;

struct Creation {
    name: &'static str,
    init: Bytes,
}

/// Deploys the contracts and waits until they are all in a block.
///
/// All seven transactions are sent before the first one is mined: each constructor gets the addresses that the
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
    let contracts = predict(key.address(), first_nonce);
    let head = rpc.latest().await?;
    let fees = Fees::first(
        head.base_fee,
        rpc.suggested_tip().await?,
        &FeeCaps::default(),
    );
    let mut sent = Vec::new();
    for (nonce, creation) in (first_nonce..).zip(creations(&contracts, key.address(), config)?) {
        let (raw, tx) = sign(
            key,
            &Unsigned {
                chain_id,
                nonce,
                to: None,
                data: &creation.init,
                value: U256::ZERO,
                gas: creation_gas(creation.init.len() as u64),
                max_fee: fees.max_fee,
                tip: fees.tip,
            },
        );
        if let Broadcast::Refused(reason) = rpc.send_raw(&raw).await? {
            return Err(ChainError::Deploy {
                name: creation.name,
                reason,
            });
        }
        sent.push((creation, tx));
    }
    let begun = Instant::now();
    let mut deploy_block = head.number;
    for (creation, tx) in &sent {
        let block = wait(&rpc, key.address(), creation, *tx, begun).await?;
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
        params,
    })
}

async fn wait(
    rpc: &Rpc,
    from: Address,
    creation: &Creation,
    tx: B256,
    begun: Instant,
) -> Result<u64, ChainError> {
    let failed = |reason: String| ChainError::Deploy {
        name: creation.name,
        reason,
    };
    loop {
        if let Some(receipt) = rpc.receipt(tx).await?
            && let Some(block) = receipt.block_number
        {
            if receipt.status.is_some_and(|s| s.is_zero()) {
                return Err(failed(refusal(rpc, from, creation).await?));
            }
            return Ok(block.as_u64());
        }
        if begun.elapsed() > DEPLOY_LIMIT {
            return Err(failed(format!(
                "not mined within {} s",
                DEPLOY_LIMIT.as_secs()
            )));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The constructor's reason, by running it again.
async fn refusal(rpc: &Rpc, from: Address, creation: &Creation) -> Result<String, ChainError> {
    match rpc.create(from, &creation.init).await {
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

fn predict(deployer: Address, first_nonce: u64) -> Contracts {
    let at = |i| {
        address_in(ethers::utils::get_contract_address(
            address_out(deployer),
            first_nonce + i,
        ))
    };
    Contracts {
        livepeer_token: at(0),
        random_source: at(1),
        rounds_manager: at(2),
        bonding_manager: at(3),
        verifier_registry: at(4),
        job_registry: at(5),
        fraud_court: at(6),
    }
}

/// Init code of each contract in the order of [`Contracts::named`].
fn creations(
    at: &Contracts,
    holder: Address,
    config: &DeployConfig,
) -> Result<Vec<Creation>, ChainError> {
    let params = parameters(&config.params)?;
    let address = |a: Address| Token::Address(address_out(a));
    let make =
        |name, abi: &Abi, code: &eth::Bytes, args: Vec<Token>| -> Result<Creation, ChainError> {
            let init = match abi.constructor() {
                None => code.to_vec(),
                Some(constructor) => {
                    constructor
                        .encode_input(code.to_vec(), &args)
                        .map_err(|e| ChainError::Shape {
                            what: name,
                            reason: e.to_string(),
                        })?
                }
            };
            Ok(Creation {
                name,
                init: init.into(),
            })
        };
    let random_source = match config.randomness {
        Randomness::Fixed(seed) => make(
            "FixedRandomSource",
            &abi::fixed_random_source::FIXEDRANDOMSOURCE_ABI,
            &abi::fixed_random_source::FIXEDRANDOMSOURCE_BYTECODE,
            vec![Token::FixedBytes(seed.to_vec())],
        ),
        Randomness::Blockhash => make(
            "BlockhashRandomSource",
            &abi::blockhash_random_source::BLOCKHASHRANDOMSOURCE_ABI,
            &abi::blockhash_random_source::BLOCKHASHRANDOMSOURCE_BYTECODE,
            Vec::new(),
        ),
    };
    Ok(vec![
        make(
            "LivepeerToken",
            &abi::livepeer_token::LIVEPEERTOKEN_ABI,
            &abi::livepeer_token::LIVEPEERTOKEN_BYTECODE,
            vec![address(holder), Token::Uint(word_out(config.supply.0))],
        )?,
        random_source?,
        make(
            "RoundsManager",
            &abi::rounds_manager::ROUNDSMANAGER_ABI,
            &abi::rounds_manager::ROUNDSMANAGER_BYTECODE,
            vec![
                params.clone(),
                address(at.bonding_manager),
                address(at.verifier_registry),
            ],
        )?,
        make(
            "BondingManager",
            &abi::bonding_manager::BONDINGMANAGER_ABI,
            &abi::bonding_manager::BONDINGMANAGER_BYTECODE,
            vec![
                params.clone(),
                address(at.livepeer_token),
                address(at.rounds_manager),
                address(at.fraud_court),
            ],
        )?,
        make(
            "VerifierRegistry",
            &abi::verifier_registry::VERIFIERREGISTRY_ABI,
            &abi::verifier_registry::VERIFIERREGISTRY_BYTECODE,
            vec![address(at.rounds_manager), address(at.bonding_manager)],
        )?,
        make(
            "JobRegistry",
            &abi::job_registry::JOBREGISTRY_ABI,
            &abi::job_registry::JOBREGISTRY_BYTECODE,
            vec![params.clone(), address(at.random_source)],
        )?,
        make(
            "FraudCourt",
            &abi::fraud_court::FRAUDCOURT_ABI,
            &abi::fraud_court::FRAUDCOURT_BYTECODE,
            vec![
                params,
                address(at.livepeer_token),
                address(at.rounds_manager),
                address(at.bonding_manager),
                address(at.verifier_registry),
                address(at.job_registry),
            ],
        )?,
    ])
}

/// The tuple of `Parameters.sol`, in its order.
fn parameters(params: &Params) -> Result<Token, ChainError> {
    let uint16 = |name, found| match u16::try_from(found) {
        Ok(small) => Ok(Token::Uint(small.into())),
        Err(_) => Err(ChainError::ParameterTooLarge { name, found }),
    };
    let uint = |value: u64| Token::Uint(value.into());
    Ok(Token::Tuple(vec![
        uint(params.round_blocks),
        uint(params.response_blocks),
        uint(params.evidence_blocks),
        uint(params.case_blocks),
        uint(params.unbonding_rounds),
        uint(params.seed_delay_blocks),
        uint(params.repeat_rounds),
        uint16("wrong_encode_bps", params.wrong_encode_bps)?,
        uint16("equivocation_bps", params.equivocation_bps)?,
        uint16("signers_bps", params.signers_bps)?,
        uint16("active_transcoders", params.active_transcoders)?,
        uint16("active_verifiers", params.active_verifiers)?,
        uint16("delegation_factor", params.delegation_factor)?,
        Token::Uint(word_out(params.min_own_bond.0)),
    ]))
}
