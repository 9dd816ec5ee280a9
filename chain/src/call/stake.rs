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
    /// Sets the operator's terms from the next snapshot on.
    SetTerms {
        /// Which pool.
        role: Role,
        /// Part of rewards kept, basis points.
        reward_cut_bps: u16,
        /// Part of fees shared, basis points.
        fee_share_bps: u16,
        /// Wei per output pixel.
        price_per_pixel: u64,
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
            Self::SetTerms { .. } => "set terms".into(),
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
            Self::SetTerms {
                role,
                reward_cut_bps,
                fee_share_bps,
                price_per_pixel,
            } => abi::SetTermsCall {
                role: role.code(),
                reward_cut_bps: *reward_cut_bps,
                fee_share_bps: *fee_share_bps,
                price_per_pixel: *price_per_pixel,
            }
            .encode(),
        })
    }
}
