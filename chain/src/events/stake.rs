//! Events of `BondingManager`.

use std::fmt;

use alloy_primitives::{Address, U256};
use assay_protocol::amount::Lpt;
use ethers::abi::RawLog;
use ethers::contract::EthLogDecode;
use serde::{Deserialize, Serialize};

use crate::bindings::bonding_manager as abi;
use crate::convert::{address_in, word_in};
use crate::views::Role;

/// What happens to stakes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[allow(missing_docs)] // The fields are those of the Solidity events, documented there and in `views`.
pub enum StakeLog {
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
    /// Stake began to move to another pool.
    MoveBegun {
        role: Role,
        from: Address,
        to: Address,
        holder: Address,
        lock: U256,
        amount: Lpt,
    },
    /// A lock went back into the pool it left.
    Rebonded {
        lock: U256,
        holder: Address,
        amount: Lpt,
    },
    /// A lock reached the pool it moved to.
    Arrived {
        lock: U256,
        holder: Address,
        amount: Lpt,
    },
    /// A pool was paid a reward: a part for the operator at once, the rest for all stake block by block.
    Rewarded {
        role: Role,
        operator: Address,
        own_amount: Lpt,
        shared_amount: Lpt,
        pending_until: u64,
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
}

impl StakeLog {
    pub(super) fn read(raw: &RawLog) -> Option<Self> {
        use abi::BondingManagerEvents as Events;
        let lpt = |amount| Lpt(word_in(amount));
        Some(match Events::decode_log(raw).ok()? {
            Events::BondedFilter(e) => Self::Bonded {
                role: Role::of(e.role)?,
                operator: address_in(e.operator),
                amount: lpt(e.amount),
                own_stake: lpt(e.own_stake),
            },
            Events::DelegatedFilter(e) => Self::Delegated {
                role: Role::of(e.role)?,
                operator: address_in(e.operator),
                delegator: address_in(e.delegator),
                amount: lpt(e.amount),
            },
            Events::UnbondedFilter(e) => Self::Unbonded {
                role: Role::of(e.role)?,
                operator: address_in(e.operator),
                holder: address_in(e.holder),
                lock: word_in(e.lock_id),
                amount: lpt(e.amount),
            },
            Events::WithdrawnFilter(e) => Self::Withdrawn {
                lock: word_in(e.lock_id),
                holder: address_in(e.holder),
                amount: lpt(e.amount),
            },
            Events::MoveBegunFilter(e) => Self::MoveBegun {
                role: Role::of(e.role)?,
                from: address_in(e.from),
                to: address_in(e.to),
                holder: address_in(e.holder),
                lock: word_in(e.lock_id),
                amount: lpt(e.amount),
            },
            Events::RebondedFilter(e) => Self::Rebonded {
                lock: word_in(e.lock_id),
                holder: address_in(e.holder),
                amount: lpt(e.amount),
            },
            Events::ArrivedFilter(e) => Self::Arrived {
                lock: word_in(e.lock_id),
                holder: address_in(e.holder),
                amount: lpt(e.amount),
            },
            Events::RewardedFilter(e) => Self::Rewarded {
                role: Role::of(e.role)?,
                operator: address_in(e.operator),
                own_amount: lpt(e.own_amount),
                shared_amount: lpt(e.shared_amount),
                pending_until: e.pending_until,
            },
            Events::UnfrozenFilter(e) => Self::Unfrozen {
                role: Role::of(e.role)?,
                operator: address_in(e.operator),
                open_cases: e.open_cases.low_u64(),
            },
            Events::SlashedFilter(e) => Self::Slashed {
                role: Role::of(e.role)?,
                operator: address_in(e.operator),
                bps: e.bps.low_u64(),
                own_cut: lpt(e.own_cut),
                delegated_cut: lpt(e.delegated_cut),
            },
            _ => return None,
        })
    }
}

impl fmt::Display for StakeLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bonded {
                role,
                operator,
                amount,
                own_stake,
            } => write!(
                f,
                "{operator} bonds {amount} LPT as {role}, {own_stake} LPT in all"
            ),
            Self::Delegated {
                role,
                operator,
                delegator,
                amount,
            } => write!(f, "{delegator} delegates {amount} LPT to {role} {operator}"),
            Self::Unbonded {
                operator,
                lock,
                amount,
                ..
            } => write!(f, "{amount} LPT leave {operator} under lock {lock}"),
            Self::Withdrawn {
                lock,
                holder,
                amount,
            } => write!(f, "lock {lock} is paid out: {amount} LPT to {holder}"),
            Self::MoveBegun {
                from,
                to,
                lock,
                amount,
                ..
            } => write!(f, "{amount} LPT move from {from} to {to} under lock {lock}"),
            Self::Rebonded { lock, amount, .. } => {
                write!(f, "{amount} LPT of lock {lock} are back in their pool")
            }
            Self::Arrived { lock, amount, .. } => {
                write!(f, "{amount} LPT of lock {lock} have arrived")
            }
            Self::Rewarded {
                role,
                operator,
                own_amount,
                shared_amount,
                pending_until,
            } => write!(
                f,
                "{role} {operator} is rewarded with {own_amount} LPT, and {shared_amount} LPT for all its stake by block {pending_until}"
            ),
            Self::Unfrozen {
                role,
                operator,
                open_cases: 0,
            } => write!(f, "the pool of {role} {operator} is free again"),
            Self::Unfrozen {
                operator,
                open_cases,
                ..
            } => write!(f, "{operator} has {open_cases} open cases left"),
            Self::Slashed {
                operator,
                own_cut,
                delegated_cut,
                ..
            } => write!(
                f,
                "{operator} is slashed: {own_cut} LPT of its own, {delegated_cut} LPT of others"
            ),
        }
    }
}
