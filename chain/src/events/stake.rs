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
            Events::TermsSetFilter(e) => Self::TermsSet {
                role: Role::of(e.role)?,
                operator: address_in(e.operator),
                reward_cut_bps: e.reward_cut_bps,
                fee_share_bps: e.fee_share_bps,
                price_per_pixel: e.price_per_pixel,
            },
            Events::ActivatedFilter(e) => Self::Activated {
                role: Role::of(e.role)?,
                operator: address_in(e.operator),
                weight: lpt(e.weight),
            },
            Events::DeactivatedFilter(e) => Self::Deactivated {
                role: Role::of(e.role)?,
                operator: address_in(e.operator),
            },
            Events::FrozenFilter(e) => Self::Frozen {
                role: Role::of(e.role)?,
                operator: address_in(e.operator),
                open_cases: e.open_cases.low_u64(),
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
            Self::TermsSet { operator, .. } => write!(f, "{operator} sets its terms"),
            Self::Activated {
                role,
                operator,
                weight,
            } => write!(
                f,
                "{operator} enters the active {role}s with weight {weight}"
            ),
            Self::Deactivated { role, operator } => {
                write!(f, "{operator} leaves the active {role}s")
            }
            Self::Frozen { role, operator, .. } => {
                write!(f, "the pool of {role} {operator} is frozen")
            }
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
