//! The transactions of a deployment: what each contract is created with.

use alloy_primitives::{Address, B256, Bytes, keccak256};
use ethers::abi::{Abi, AbiEncode, Token};
use ethers::core::types as eth;

use super::{DeployConfig, TokenChoice};
use crate::bindings as abi;
use crate::bindings::ARTIFACTS;
use crate::contracts::{Contracts, Randomness};
use crate::convert::{address_in, address_out, word_out};
use crate::error::ChainError;
use crate::parameters;

/// More than the costliest constructor needs: the roster prepares its active sets' keys, a slot for ten members.
const CONSTRUCTOR_GAS: u64 = 1_000_000;

/// One transaction of a deployment.
pub(super) struct Step {
    pub name: &'static str,
    /// Nobody where a contract is created.
    pub to: Option<Address>,
    pub data: Bytes,
}

impl Step {
    /// Gas that it needs at the most.
    pub fn gas(&self) -> u64 {
        creation_gas(self.data.len() as u64)
    }
}

/// One hash of everything that is sent: two versions of the contracts differ in it.
pub(super) fn digest(steps: &[Step]) -> B256 {
    let hashes: Vec<u8> = steps
        .iter()
        .flat_map(|step| keccak256(&step.data).0)
        .collect();
    keccak256(hashes)
}

/// An upper bound that needs no state: 16 gas per byte sent, 2 per word checked, 200 per byte stored.
const fn creation_gas(init_len: u64) -> u64 {
    21_000 + 32_000 + init_len * 16 + init_len / 16 + init_len * 200 + CONSTRUCTOR_GAS
}

/// An account's next nonces give the addresses; a token that exists takes none of them.
pub(super) fn predict(deployer: Address, first_nonce: u64, token: TokenChoice) -> Contracts {
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
pub(super) fn steps(
    at: &Contracts,
    holder: Address,
    config: &DeployConfig,
) -> Result<Vec<Step>, ChainError> {
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
