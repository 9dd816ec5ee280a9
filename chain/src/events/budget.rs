//! Events of `Minter` and of `FundedPool`, whichever stands in its place.

use std::fmt;

use alloy_primitives::Address;
use assay_protocol::amount::Lpt;
use ethers::abi::RawLog;
use ethers::contract::EthLogDecode;
use serde::{Deserialize, Serialize};

// It has all events of `Minter`, and two of its own.
use crate::bindings::funded_pool as abi;
use crate::convert::{address_in, word_in};
use crate::views::Role;

/// What happens to the budgets of rounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[allow(missing_docs)] // The fields are those of the Solidity events, documented there.
pub enum BudgetLog {
    /// A round's budget is fixed.
    BudgetOpened {
        round: u64,
        mintable: Lpt,
        inflation_ppb: u64,
        bonded_bps: u64,
    },
    /// A pool was paid of it.
    Paid {
        round: u64,
        role: Role,
        operator: Address,
        amount: Lpt,
    },
    /// Somebody filled the pool of rewards.
    Funded { from: Address, amount: Lpt },
    /// What was left of a budget is in the pool again.
    Released { round: u64, amount: Lpt },
}

impl BudgetLog {
    pub(super) fn read(raw: &RawLog) -> Option<Self> {
        use abi::FundedPoolEvents as Events;
        let lpt = |amount| Lpt(word_in(amount));
        Some(match Events::decode_log(raw).ok()? {
            Events::BudgetOpenedFilter(e) => Self::BudgetOpened {
                round: e.round,
                mintable: lpt(e.mintable),
                inflation_ppb: word_in(e.inflation_ppb).saturating_to(),
                bonded_bps: word_in(e.bonded_bps).saturating_to(),
            },
            Events::PaidFilter(e) => Self::Paid {
                round: e.round,
                role: Role::of(e.role)?,
                operator: address_in(e.operator),
                amount: lpt(e.amount),
            },
            Events::FundedFilter(e) => Self::Funded {
                from: address_in(e.from),
                amount: lpt(e.amount),
            },
            Events::ReleasedFilter(e) => Self::Released {
                round: e.round,
                amount: lpt(e.amount),
            },
        })
    }
}

impl fmt::Display for BudgetLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BudgetOpened {
                round, mintable, ..
            } => write!(f, "round {round} can pay {mintable} LPT for certified work"),
            Self::Paid {
                round,
                role,
                operator,
                amount,
            } => write!(f, "round {round} pays {role} {operator} {amount} LPT"),
            Self::Funded { from, amount } => {
                write!(f, "{from} adds {amount} LPT to the pool of rewards")
            }
            Self::Released { round, amount } => {
                write!(f, "{amount} LPT of round {round} are in the pool again")
            }
        }
    }
}
