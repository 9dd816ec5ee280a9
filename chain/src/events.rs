//! What the contracts say, typed.

use alloy_primitives::{Address, B256, Bytes, U256};
use assay_protocol::amount::Lpt;
use ethers::abi::RawLog;
use ethers::contract::EthLogDecode;
use ethers::core::types as eth;
use serde::{Deserialize, Serialize};

use crate::bindings as abi;
use crate::contracts::Contracts;
use crate::convert::{address_in, address_out, hash_in, word_in};
use crate::fault::FaultKind;
use crate::views::Role;

/// One event with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Its block.
    pub block: u64,
    /// Its transaction.
    pub tx: B256,
    /// Its index in the block.
    pub index: u64,
    /// What happened.
    pub what: Log,
}

/// An event of the deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[allow(missing_docs)] // The fields are those of the Solidity events, documented there and in `views`.
pub enum Log {
    /// A round was opened; its snapshots can be read.
    RoundOpened { round: u64, block: u64 },
    /// A job was created.
    JobCreated {
        job: U256,
        broadcaster: Address,
        profiles_hash: B256,
        max_price_per_pixel: U256,
        seed_block: u64,
        profiles: Bytes,
    },
    /// A job's seed was written down.
    SeedFixed { job: U256, seed: B256 },
    /// An operator added to its own bond.
    Bonded {
        role: Role,
        operator: Address,
        amount: Lpt,
        own_stake: Lpt,
    },
    /// A delegator added to a pool.
    Delegated {
        role: Role,
        operator: Address,
        delegator: Address,
        amount: Lpt,
    },
    /// Stake began to unbond.
    Unbonded {
        role: Role,
        operator: Address,
        holder: Address,
        lock: U256,
        amount: Lpt,
    },
    /// A lock was paid out.
    Withdrawn {
        lock: U256,
        holder: Address,
        amount: Lpt,
    },
    /// An operator set its terms.
    TermsSet {
        role: Role,
        operator: Address,
        reward_cut_bps: u16,
        fee_share_bps: u16,
        price_per_pixel: u64,
    },
    /// An operator entered the active set.
    Activated {
        role: Role,
        operator: Address,
        weight: Lpt,
    },
    /// An operator left the active set.
    Deactivated { role: Role, operator: Address },
    /// A case was opened against a pool.
    Frozen {
        role: Role,
        operator: Address,
        open_cases: u64,
    },
    /// A case against a pool ended.
    Unfrozen {
        role: Role,
        operator: Address,
        open_cases: u64,
    },
    /// A pool was cut.
    Slashed {
        role: Role,
        operator: Address,
        bps: u64,
        own_cut: Lpt,
        delegated_cut: Lpt,
    },
    /// A verifier registered its BLS key.
    VerifierRegistered { operator: Address, index: u64 },
    /// A fault is proven and its operator frozen.
    CaseOpened {
        case: B256,
        kind: FaultKind,
        operator: Address,
        receipt_hash: B256,
        leaf_index: u32,
        bitmap: U256,
        opened_block: u64,
        executable_at: u64,
    },
    /// A case was executed: the operator is slashed.
    CaseExecuted {
        case: B256,
        operator: Address,
        slashed: Lpt,
        burned: Lpt,
        signers_reward: Lpt,
    },
    /// A signer of a case was paid.
    SignerPaid {
        case: B256,
        verifier: Address,
        amount: Lpt,
    },
}

impl LogEntry {
    /// Reads a log of one of the contracts; `None` for foreign ones and for events that nodes don't follow.
    pub(crate) fn read(contracts: &Contracts, log: &eth::Log) -> Option<Self> {
        let raw = RawLog {
            topics: log.topics.clone(),
            data: log.data.to_vec(),
        };
        let from = |address: Address| log.address == address_out(address);
        let what = if from(contracts.rounds_manager) {
            rounds(&raw)
        } else if from(contracts.job_registry) {
            jobs(&raw)
        } else if from(contracts.bonding_manager) {
            stakes(&raw)
        } else if from(contracts.verifier_registry) {
            verifiers(&raw)
        } else if from(contracts.fraud_court) {
            cases(&raw)
        } else {
            None
        };
        Some(Self {
            block: log.block_number?.as_u64(),
            tx: hash_in(log.transaction_hash?),
            index: log.log_index?.low_u64(),
            what: what?,
        })
    }
}

fn rounds(raw: &RawLog) -> Option<Log> {
    let e = abi::rounds_manager::RoundOpenedFilter::decode_log(raw).ok()?;
    Some(Log::RoundOpened {
        round: e.round,
        block: e.block_number,
    })
}

fn jobs(raw: &RawLog) -> Option<Log> {
    use abi::job_registry::JobRegistryEvents as Events;
    Some(match Events::decode_log(raw).ok()? {
        Events::JobCreatedFilter(e) => Log::JobCreated {
            job: word_in(e.job_id),
            broadcaster: address_in(e.broadcaster),
            profiles_hash: B256::from(e.profiles_hash),
            max_price_per_pixel: word_in(e.max_price_per_pixel),
            seed_block: e.seed_block,
            profiles: Bytes::from(e.profiles.0),
        },
        Events::SeedFixedFilter(e) => Log::SeedFixed {
            job: word_in(e.job_id),
            seed: B256::from(e.seed),
        },
    })
}

fn stakes(raw: &RawLog) -> Option<Log> {
    use abi::bonding_manager::BondingManagerEvents as Events;
    let lpt = |amount| Lpt(word_in(amount));
    Some(match Events::decode_log(raw).ok()? {
        Events::BondedFilter(e) => Log::Bonded {
            role: Role::of(e.role)?,
            operator: address_in(e.operator),
            amount: lpt(e.amount),
            own_stake: lpt(e.own_stake),
        },
        Events::DelegatedFilter(e) => Log::Delegated {
            role: Role::of(e.role)?,
            operator: address_in(e.operator),
            delegator: address_in(e.delegator),
            amount: lpt(e.amount),
        },
        Events::UnbondedFilter(e) => Log::Unbonded {
            role: Role::of(e.role)?,
            operator: address_in(e.operator),
            holder: address_in(e.holder),
            lock: word_in(e.lock_id),
            amount: lpt(e.amount),
        },
        Events::WithdrawnFilter(e) => Log::Withdrawn {
            lock: word_in(e.lock_id),
            holder: address_in(e.holder),
            amount: lpt(e.amount),
        },
        Events::TermsSetFilter(e) => Log::TermsSet {
            role: Role::of(e.role)?,
            operator: address_in(e.operator),
            reward_cut_bps: e.reward_cut_bps,
            fee_share_bps: e.fee_share_bps,
            price_per_pixel: e.price_per_pixel,
        },
        Events::ActivatedFilter(e) => Log::Activated {
            role: Role::of(e.role)?,
            operator: address_in(e.operator),
            weight: lpt(e.weight),
        },
        Events::DeactivatedFilter(e) => Log::Deactivated {
            role: Role::of(e.role)?,
            operator: address_in(e.operator),
        },
        Events::FrozenFilter(e) => Log::Frozen {
            role: Role::of(e.role)?,
            operator: address_in(e.operator),
            open_cases: e.open_cases.low_u64(),
        },
        Events::UnfrozenFilter(e) => Log::Unfrozen {
            role: Role::of(e.role)?,
            operator: address_in(e.operator),
            open_cases: e.open_cases.low_u64(),
        },
        Events::SlashedFilter(e) => Log::Slashed {
            role: Role::of(e.role)?,
            operator: address_in(e.operator),
            bps: e.bps.low_u64(),
            own_cut: lpt(e.own_cut),
            delegated_cut: lpt(e.delegated_cut),
        },
        _ => return None,
    })
}

fn verifiers(raw: &RawLog) -> Option<Log> {
    use abi::verifier_registry::VerifierRegistryEvents as Events;
    match Events::decode_log(raw).ok()? {
        Events::VerifierRegisteredFilter(e) => Some(Log::VerifierRegistered {
            operator: address_in(e.operator),
            index: e.index.low_u64(),
        }),
        _ => None,
    }
}

fn cases(raw: &RawLog) -> Option<Log> {
    use abi::fraud_court::FraudCourtEvents as Events;
    let lpt = |amount| Lpt(word_in(amount));
    Some(match Events::decode_log(raw).ok()? {
        Events::CaseOpenedFilter(e) => Log::CaseOpened {
            case: B256::from(e.case_id),
            kind: FaultKind::of(e.kind)?,
            operator: address_in(e.operator),
            receipt_hash: B256::from(e.receipt_hash),
            leaf_index: e.leaf_index,
            bitmap: U256::from(e.bitmap),
            opened_block: e.opened_block.low_u64(),
            executable_at: e.executable_at.low_u64(),
        },
        Events::CaseExecutedFilter(e) => Log::CaseExecuted {
            case: B256::from(e.case_id),
            operator: address_in(e.operator),
            slashed: lpt(e.slashed),
            burned: lpt(e.burned),
            signers_reward: lpt(e.signers_reward),
        },
        Events::SignerPaidFilter(e) => Log::SignerPaid {
            case: B256::from(e.case_id),
            verifier: address_in(e.verifier),
            amount: lpt(e.amount),
        },
        _ => return None,
    })
}
