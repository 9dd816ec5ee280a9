//! The real contracts of stake, rewards and fees, deployed with accounts of the test in the place of those that only
//! command them: court, broker and work ledger.

use std::fs;
use std::path::Path;

use alloy_primitives::{Address, U256, hex, keccak256};
use alloy_sol_types::{SolCall, SolValue, sol};
use serde_json::{Value, json};

use crate::differential::rpc::{Mined, Rpc};

sol! {
    struct PoolState {
        uint256 ownStake;
        uint256 delegatedStake;
        uint256 ownUnbonding;
        uint256 delegatedUnbonding;
        uint256 pendingRewards;
        uint64 pendingUntil;
        uint256 weight;
        uint16 openCases;
        uint32 generation;
    }

    struct LockState {
        address holder;
        uint8 role;
        address operator;
        address destination;
        uint256 amount;
        uint64 round;
        uint64 withdrawableRound;
        uint64 withdrawableBlock;
    }

    struct FeePool {
        uint256 pending;
        uint256 undivided;
        uint64 endBlock;
    }

    function approve(address spender, uint256 amount) returns (bool);
    function transfer(address to, uint256 amount) returns (bool);
    function balanceOf(address account) view returns (uint256);
    function totalSupply() view returns (uint256);
    function openRound() returns (uint64);
    function openableAt() view returns (uint256);
    function currentRound() view returns (uint64);
    function setCuts(uint8 role, uint16 rewardCutBps, uint16 feeShareBps);
    function bond(uint8 role, uint256 amount);
    function delegate(uint8 role, address operator, uint256 amount);
    function unbond(uint8 role, address operator, uint256 amount) returns (uint256);
    function move(uint8 role, address from, address to, uint256 amount) returns (uint256);
    function rebond(uint256 lockId) returns (uint256);
    function arrive(uint256 lockId) returns (uint256);
    function withdraw(uint256 lockId) returns (uint256);
    function enlist(uint8 role, address operator);
    function freeze(uint8 role, address operator);
    function unfreeze(uint8 role, address operator);
    function slash(uint8 role, address operator, uint256 bps) returns (uint256, uint256);
    function pool(uint8 role, address operator) view returns (PoolState memory);
    function stakeOf(uint8 role, address operator, address holder) view returns (uint256);
    function sharesOf(uint8 role, address operator) view returns (uint256, uint256, uint32);
    function lockOf(uint256 lockId) view returns (LockState memory);
    function lockCount() view returns (uint256);
    function totalBonded() view returns (uint256);
    function credit(address operator, uint64 round) payable;
    function withdrawFees(address operator, address to) returns (uint256);
    function feesOf(address operator, address holder) view returns (uint256);
    function poolOf(address operator) view returns (FeePool memory);
    function pay(uint64 round, uint8 role, address operator, uint256 amount);
    function budgetOf(uint64 round) view returns (uint256, uint256);
    function currentInflationPpb() view returns (uint256);
}

/// Returns 32 zero bytes to everybody: whatever the contracts ask of an account that only commands them is denied.
const SAYS_ZERO: &str = "0x60206000f3";
/// Returns the number of the block that a call sees.
const SAYS_BLOCK: &str = "0x4360005260206000f3";
/// Blocks of a round, over which rewards and fees are released.
pub const ROUND: u64 = 20;
/// Rounds of unbonding.
pub const UNBONDING: u64 = 2;
/// What inflation moves by each round, 10^-9 of the supply.
pub const INFLATION_STEP: u64 = 5_000;
/// What evidence and cases need after a round: 2 + 6 + 2 blocks.
pub const AFTER_ROUND: u64 = 10;

pub struct Contracts {
    pub rpc: Rpc,
    pub at: Places,
    clock: Address,
}

pub fn lpt(n: u64) -> U256 {
    U256::from(n) * U256::from(10u64).pow(U256::from(18))
}

/// Value of one constructor field; what is not named here is nobody's business in these sequences.
fn parameter(name: &str) -> U256 {
    match name {
        "minimumOwnBond" => lpt(10),
        "roundLength" => U256::from(ROUND),
        "epochBlocks" => U256::from(5),
        "deadlineBlocks" | "caseWindow" | "seedDelayBlocks" => U256::from(2),
        "evidenceWindow" => U256::from(6),
        "unbondingRounds" => U256::from(UNBONDING),
        "maxTranscoders" => U256::from(100),
        "maxVerifiers" => U256::from(64),
        "delegationFactor" => U256::from(10),
        "repeatRounds" | "capRounds" => U256::from(30),
        "resolverRounds" | "challengeBlocks" => U256::from(8),
        "unlockRounds" => U256::from(16),
        "targetBondingBps" => U256::from(5_000),
        // Ten times mainnet's, so that rewards move pools visibly.
        "inflationPpb" => U256::from(2_000_000),
        "inflationStepPpb" => U256::from(INFLATION_STEP),
        "certifyBlocks" | "claimBlocks" => U256::from(80),
        _ => U256::ZERO,
    }
}

/// Where everything is. The contracts' own addresses follow from the deployer's nonces.
#[derive(Clone, Copy)]
pub struct Places {
    pub token: Address,
    pub operators: Address,
    pub rounds: Address,
    pub roster: Address,
    pub fees: Address,
    pub bonding: Address,
    pub minter: Address,
    pub court: Address,
    pub broker: Address,
    pub work: Address,
    pub registry: Address,
}

impl Places {
    fn named(&self, name: &str) -> Address {
        match name {
            "token" => self.token,
            "operators" => self.operators,
            "rounds" => self.rounds,
            "roster" => self.roster,
            "fees" => self.fees,
            "bonding" => self.bonding,
            "minter" => self.minter,
            "court" => self.court,
            "broker" => self.broker,
            "work" => self.work,
            "registry" => self.registry,
            _ => Address::ZERO,
        }
    }
}

impl Contracts {
    /// Deploys, gives every actor LPT and ether and takes its allowance.
    pub fn deploy(url: &str, actors: &[Address]) -> Self {
        let mut rpc = Rpc::new(url);
        rpc.ask("anvil_autoImpersonateAccount", json!([true]))
            .unwrap();
        let deployer = Address::repeat_byte(0xde);
        let next = |nonce| created(deployer, nonce);
        let at = Places {
            token: next(0),
            operators: next(1),
            rounds: next(2),
            roster: next(3),
            fees: next(4),
            bonding: next(5),
            minter: next(6),
            court: Address::repeat_byte(0xc0),
            broker: Address::repeat_byte(0xb0),
            work: Address::repeat_byte(0xe0),
            registry: Address::repeat_byte(0xa0),
        };
        let clock = Address::repeat_byte(0xcc);
        for (account, code) in [
            (at.court, SAYS_ZERO),
            (at.registry, SAYS_ZERO),
            (clock, SAYS_BLOCK),
        ] {
            rpc.ask("anvil_setCode", json!([account, code])).unwrap();
        }
        for account in actors
            .iter()
            .chain([&deployer, &at.court, &at.broker, &at.work])
        {
            // A million ether.
            rpc.ask(
                "anvil_setBalance",
                json!([account, "0xd3c21bcecceda1000000"]),
            )
            .unwrap();
        }
        let mut this = Self { rpc, at, clock };
        let supply = lpt(10_000_000);
        let first = (deployer, supply, this.at.minter).abi_encode_params();
        this.create(deployer, "LivepeerToken", Some(first));
        for name in [
            "Operators",
            "RoundsManager",
            "Roster",
            "FeeLedger",
            "BondingManager",
            "Minter",
        ] {
            this.create(deployer, name, None);
        }
        let (token, bonding) = (this.at.token, this.at.bonding);
        for actor in actors {
            this.run(
                deployer,
                token,
                &transferCall {
                    to: *actor,
                    amount: lpt(300_000),
                },
            );
            this.run(
                *actor,
                token,
                &approveCall {
                    spender: bonding,
                    amount: U256::MAX,
                },
            );
        }
        this
    }

    /// Parameters and addresses are encoded in the order of the artifact's own interface: words all of them.
    fn create(&mut self, deployer: Address, name: &str, arguments: Option<Vec<u8>>) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("abi/{name}.json"));
        let text = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let artifact: Value = serde_json::from_slice(&text).unwrap();
        let mut code = hex::decode(artifact["bytecode"].as_str().unwrap()).unwrap();
        let own = || {
            let fields = artifact["abi"]
                .as_array()
                .unwrap()
                .iter()
                .find(|i| i["type"] == "constructor");
            let inputs = fields.unwrap()["inputs"].as_array().unwrap().clone();
            let components = inputs
                .iter()
                .flat_map(|i| i["components"].as_array().unwrap().clone());
            components
                .flat_map(|field| self.word(&field))
                .collect::<Vec<u8>>()
        };
        code.extend(arguments.unwrap_or_else(own));
        let mined = self.rpc.send(deployer, None, code, U256::ZERO);
        assert!(
            mined.succeeded && mined.created.is_some(),
            "{name} is not deployed"
        );
    }

    fn word(&self, field: &Value) -> [u8; 32] {
        let name = field["name"].as_str().unwrap();
        match field["type"].as_str().unwrap() {
            "address" => self.at.named(name).into_word().0,
            _ => parameter(name).to_be_bytes(),
        }
    }

    /// A transaction that must succeed.
    pub fn run(&mut self, from: Address, to: Address, call: &impl SolCall) -> Mined {
        self.pay(from, to, call, U256::ZERO)
    }

    /// A transaction with ether that must succeed.
    pub fn pay(&mut self, from: Address, to: Address, call: &impl SolCall, wei: U256) -> Mined {
        let data = call.abi_encode();
        let mined = self.rpc.send(from, Some(to), data.clone(), wei);
        if !mined.succeeded {
            let why = self.rpc.call(from, to, data).err();
            panic!("{} of {from}: {why:?}", signature(call));
        }
        mined
    }

    /// Whether the chain refuses this call.
    pub fn refuses(&mut self, from: Address, to: Address, call: &impl SolCall) -> bool {
        self.rpc.call(from, to, call.abi_encode()).is_err()
    }

    pub fn read<C: SolCall>(&mut self, to: Address, call: &C) -> C::Return {
        let answer = self.rpc.call(Address::ZERO, to, call.abi_encode());
        C::abi_decode_returns(&answer.unwrap_or_else(|e| panic!("{}: {e}", signature(call))))
            .unwrap()
    }

    /// The block that reads see.
    pub fn now(&mut self) -> u64 {
        let answer = self
            .rpc
            .call(Address::ZERO, self.clock, Vec::new())
            .unwrap();
        U256::from_be_slice(&answer).to()
    }

    pub fn mine(&mut self, blocks: u64) {
        self.rpc
            .ask("anvil_mine", json!([format!("{blocks:#x}")]))
            .unwrap();
    }
}

fn signature<C: SolCall>(_: &C) -> &'static str {
    C::SIGNATURE
}

/// Address of the contract that an account's transaction `nonce`, below 128, creates: RLP of both, hashed.
fn created(account: Address, nonce: u8) -> Address {
    let mut rlp = vec![0xd6, 0x94];
    rlp.extend_from_slice(account.as_slice());
    rlp.push(if nonce == 0 { 0x80 } else { nonce });
    Address::from_slice(&keccak256(rlp)[12..])
}
