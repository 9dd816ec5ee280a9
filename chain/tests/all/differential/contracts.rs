//! A whole deployment, in which the test also speaks for those that only command others: court, work ledger, minter.

use std::fs;
use std::path::Path;

use alloy_primitives::{Address, B256, U256, hex, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use assay_protocol::domain::Domain;
use serde_json::{Value, json};

pub use crate::differential::abi::*;
use crate::differential::mint;
use crate::differential::purses::{BURNED_BPS, UNLOCKING};
use crate::differential::rpc::{Mined, Rpc, number};
use crate::differential::sets::FACTOR;

/// Returns the number of the block that a call sees.
const SAYS_BLOCK: &str = "0x4360005260206000f3";
/// Blocks of a round, over which rewards and fees are released.
pub const ROUND: u64 = 20;
/// Rounds of unbonding.
pub const UNBONDING: u64 = 2;
/// What inflation moves by each round, 10^-9 of the supply.
pub const INFLATION_STEP: u64 = 5_000;
/// D.
pub const DEADLINE: u64 = 2;
/// Blocks after a deadline in which evidence is taken.
pub const EVIDENCE: u64 = 6;
/// Blocks from a case's opening to its execution.
pub const CASE: u64 = 2;
/// What evidence and cases need after a round.
pub const AFTER_ROUND: u64 = DEADLINE + EVIDENCE + CASE;
pub const EPOCH: u64 = 5;
/// Places of transcoders and of verifiers: there is one transcoder more.
pub const PLACES: [usize; 2] = [3, 64];
/// So many that nearly everybody draws every leaf.
pub const CHECKS_PPM: u64 = 4_000_000_000;
/// Blocks in which a list is certified, and after that claimed.
pub const CERTIFY: u64 = 80;
pub const CLAIM: u64 = 80;

pub struct Contracts {
    pub rpc: Rpc,
    pub at: Places,
    pub domain: Domain,
    clock: Address,
}

pub fn lpt(n: u64) -> U256 {
    U256::from(n) * U256::from(10u64).pow(U256::from(18))
}

/// Least own bond of an operator.
pub fn minimum() -> U256 {
    lpt(10)
}

/// Value of one constructor field; what is not named here is nobody's business in these sequences.
fn parameter(name: &str) -> U256 {
    U256::from(match name {
        "minimumOwnBond" => return minimum(),
        "roundLength" => ROUND,
        "epochBlocks" => EPOCH,
        "deadlineBlocks" => DEADLINE,
        "evidenceWindow" => EVIDENCE,
        "caseWindow" => CASE,
        "seedDelayBlocks" | "challengeBlocks" | "breakerRounds" => 2,
        "unbondingRounds" => UNBONDING,
        "maxTranscoders" => PLACES[0] as u64,
        "maxVerifiers" => PLACES[1] as u64,
        "delegationFactor" => FACTOR,
        "repeatRounds" => mint::REPEAT_ROUNDS,
        "capRounds" => 30,
        "resolverRounds" => 7,
        "breakerOperators" => 3,
        "breakerStakeBps" => 10_000,
        "burnedFeeBps" => BURNED_BPS,
        "unlockRounds" => UNLOCKING,
        "targetBondingBps" => 5_000,
        // Ten times mainnet's, so that rewards move pools visibly.
        "inflationPpb" => 2_000_000,
        "inflationStepPpb" => INFLATION_STEP,
        "transcodersMintBps" => mint::TRANSCODERS_BPS,
        "claimSlackBps" => mint::SLACK_BPS,
        "fullMintPixels" => mint::FULL_PIXELS,
        "certifyBlocks" => CERTIFY,
        "claimBlocks" => CLAIM,
        "wrongEncodeBps" => mint::WRONG_ENCODE_BPS,
        // Faults that do not occur here; one that is free is refused.
        "equivocationBps" | "falsePassBps" | "falseAccusationBps" | "earlyTicketBps"
        | "divergenceBps" => mint::WRONG_ENCODE_BPS,
        "signersBps" => mint::SIGNERS_BPS,
        "finderBps" => mint::FINDER_BPS,
        "checksPerLeafPpm" => CHECKS_PPM,
        _ => 0,
    })
}

/// The contracts in the order in which one account creates them: their addresses follow from its nonces.
const CREATED: [&str; 16] = [
    "token",
    "randomSource",
    "operators",
    "rounds",
    "roster",
    "fees",
    "bonding",
    "registry",
    "jobs",
    "evidence",
    "court",
    "contests",
    "challenges",
    "broker",
    "minter",
    "work",
];

/// Where everything is.
#[derive(Clone, Copy)]
pub struct Places {
    deployer: Address,
    pub token: Address,
    pub operators: Address,
    pub rounds: Address,
    pub roster: Address,
    pub fees: Address,
    pub bonding: Address,
    pub registry: Address,
    pub jobs: Address,
    pub court: Address,
    pub contests: Address,
    pub challenges: Address,
    pub broker: Address,
    pub minter: Address,
    pub work: Address,
    pub resolver: Address,
}

impl Places {
    fn of(deployer: Address) -> Self {
        let at = |name| place(deployer, name);
        Self {
            deployer,
            token: at("token"),
            operators: at("operators"),
            rounds: at("rounds"),
            roster: at("roster"),
            fees: at("fees"),
            bonding: at("bonding"),
            registry: at("registry"),
            jobs: at("jobs"),
            court: at("court"),
            contests: at("contests"),
            challenges: at("challenges"),
            broker: at("broker"),
            minter: at("minter"),
            work: at("work"),
            resolver: at("resolver"),
        }
    }
}

fn place(deployer: Address, name: &str) -> Address {
    let nonce = CREATED.iter().position(|created| *created == name);
    // The resolver is no contract.
    nonce.map_or(Address::repeat_byte(0x5e), |n| created(deployer, n as u8))
}

impl Contracts {
    /// Deploys, gives every actor LPT and ether and takes its allowance.
    pub fn deploy(url: &str, actors: &[Address], broadcasters: &[Address]) -> Self {
        let mut rpc = Rpc::new(url);
        rpc.ask("anvil_autoImpersonateAccount", json!([true]))
            .unwrap();
        let deployer = Address::repeat_byte(0xde);
        let at = Places::of(deployer);
        let clock = Address::repeat_byte(0xcc);
        rpc.ask("anvil_setCode", json!([clock, SAYS_BLOCK]))
            .unwrap();
        let chain_id = rpc.ask("eth_chainId", json!([])).unwrap();
        let domain = Domain::new(number(&chain_id), at.court);
        let people =
            actors
                .iter()
                .chain(broadcasters)
                .chain([&deployer, &at.court, &at.work, &at.resolver]);
        for account in people {
            // A million ether.
            rpc.ask(
                "anvil_setBalance",
                json!([account, "0xd3c21bcecceda1000000"]),
            )
            .unwrap();
        }
        let mut this = Self {
            rpc,
            at,
            domain,
            clock,
        };
        let supply = lpt(10_000_000);
        let token = (deployer, supply, at.minter).abi_encode_params();
        this.create("LivepeerToken", Some(token));
        let seed = B256::repeat_byte(0x5e).abi_encode();
        this.create("FixedRandomSource", Some(seed));
        for name in [
            "Operators",
            "RoundsManager",
            "Roster",
            "FeeLedger",
            "BondingManager",
            "VerifierRegistry",
            "JobRegistry",
            "Evidence",
            "FraudCourt",
            "Contests",
            "Challenges",
            "TicketBroker",
            "Minter",
            "WorkLedger",
        ] {
            this.create(name, None);
        }
        for actor in actors {
            let gift = transferCall {
                to: *actor,
                amount: lpt(300_000),
            };
            this.run(deployer, at.token, &gift);
            let all = approveCall {
                spender: at.bonding,
                amount: U256::MAX,
            };
            this.run(*actor, at.token, &all);
        }
        this
    }

    /// Parameters and addresses are encoded in the order of the artifact's own interface: words all of them.
    fn create(&mut self, name: &str, arguments: Option<Vec<u8>>) {
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
        let mined = self.rpc.send(self.at.deployer, None, code, U256::ZERO);
        assert!(
            mined.succeeded && mined.created.is_some(),
            "{name} is not deployed"
        );
    }

    fn word(&self, field: &Value) -> [u8; 32] {
        let name = field["name"].as_str().unwrap();
        match field["type"].as_str().unwrap() {
            "address" => place(self.at.deployer, name).into_word().0,
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
