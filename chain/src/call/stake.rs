//! Calls of `BondingManager`.

use alloy_primitives::{Address, U256};
use assay_protocol::amount::Lpt;
use assay_protocol::bls::BlsError;
use ethers::abi::AbiEncode;

use super::Callable;
use crate::bindings::bonding_manager as abi;
use crate::contracts::Contracts;
use crate::convert::{address_out, word_out};
use crate::views::Role;

/// What is done with stake.
#[derive(Clone, Debug)]
pub enum StakeCall {
    /// Adds to the account's own bond; needs an allowance.
    Bond {
        /// Which pool.
        role: Role,
        /// How much.
        amount: Lpt,
    },
    /// Delegates to an operator; needs an allowance.
    Delegate {
        /// Which pool.
        role: Role,
        /// Whose pool.
        operator: Address,
        /// How much.
        amount: Lpt,
    },
    /// Starts to take stake out of a pool.
    Unbond {
        /// Which pool.
        role: Role,
        /// Whose pool; the account itself for its own bond.
        operator: Address,
        /// How much.
        amount: Lpt,
    },
    /// Pays out a ripe lock.
    Withdraw {
        /// The lock.
        lock: U256,
    },
    /// Starts to move stake to another pool of the same role.
    Move {
        /// Which kind of pool.
        role: Role,
        /// The pool it leaves.
        from: Address,
        /// The pool it goes to.
        to: Address,
        /// How much.
        amount: Lpt,
    },
    /// Puts a lock back into the pool it left.
    Rebond {
        /// The lock.
        lock: U256,
    },
    /// Puts a ripe moving lock into the pool it goes to; anyone may.
    Arrive {
        /// The lock.
        lock: U256,
    },
    /// Releases due rewards, brings the operator's weight up to date, and the operator into the active set if it is
    /// outside and there is a place for it; anyone may.
    Enlist {
        /// Which pool.
        role: Role,
        /// Whose.
        operator: Address,
    },
}

impl Callable for StakeCall {
    fn label(&self) -> String {
        match self {
            Self::Bond { amount, .. } => format!("bond {amount} LPT"),
            Self::Delegate {
                operator, amount, ..
            } => format!("delegate {amount} LPT to {operator}"),
            Self::Unbond {
                operator, amount, ..
            } => format!("unbond {amount} LPT from {operator}"),
            Self::Withdraw { lock } => format!("withdraw lock {lock}"),
            Self::Move {
                from, to, amount, ..
            } => format!("move {amount} LPT from {from} to {to}"),
            Self::Rebond { lock } => format!("rebond lock {lock}"),
            Self::Arrive { lock } => format!("let lock {lock} arrive"),
            Self::Enlist { operator, .. } => format!("bring {operator} up to date"),
        }
    }

    fn to(&self, contracts: &Contracts) -> Address {
        contracts.bonding_manager
    }

    fn data(&self) -> Result<Vec<u8>, BlsError> {
        Ok(match self {
            Self::Bond { role, amount } => abi::BondCall {
                role: role.code(),
                amount: word_out(amount.0),
            }
            .encode(),
            Self::Delegate {
                role,
                operator,
                amount,
            } => abi::DelegateCall {
                role: role.code(),
                operator: address_out(*operator),
                amount: word_out(amount.0),
            }
            .encode(),
            Self::Unbond {
                role,
                operator,
                amount,
            } => abi::UnbondCall {
                role: role.code(),
                operator: address_out(*operator),
                amount: word_out(amount.0),
            }
            .encode(),
            Self::Withdraw { lock } => abi::WithdrawCall {
                lock_id: word_out(*lock),
            }
            .encode(),
            Self::Move {
                role,
                from,
                to,
                amount,
            } => abi::MoveCall {
                role: role.code(),
                from: address_out(*from),
                to: address_out(*to),
                amount: word_out(amount.0),
            }
            .encode(),
            Self::Rebond { lock } => abi::RebondCall {
                lock_id: word_out(*lock),
            }
            .encode(),
            Self::Arrive { lock } => abi::ArriveCall {
                lock_id: word_out(*lock),
            }
            .encode(),
            Self::Enlist { role, operator } => abi::EnlistCall {
                role: role.code(),
                operator: address_out(*operator),
            }
            .encode(),
        })
    }
}
