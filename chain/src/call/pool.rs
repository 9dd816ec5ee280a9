//! Calls of `FundedPool`, which stands in `Minter`'s place where the token is somebody else's.

use alloy_primitives::Address;
use assay_protocol::amount::Lpt;
use assay_protocol::bls::BlsError;
use ethers::abi::AbiEncode;

use super::Callable;
use crate::bindings::funded_pool as abi;
use crate::contracts::Contracts;
use crate::convert::word_out;

/// What is done with the pool of rewards.
#[derive(Clone, Debug)]
pub enum PoolCall {
    /// Gives LPT to it, for good; needs an allowance.
    Fund {
        /// How much.
        amount: Lpt,
    },
}

impl Callable for PoolCall {
    fn label(&self) -> String {
        match self {
            Self::Fund { amount } => format!("give {amount} LPT to the pool of rewards"),
        }
    }

    fn to(&self, contracts: &Contracts) -> Address {
        contracts.minter
    }

    fn data(&self) -> Result<Vec<u8>, BlsError> {
        Ok(match self {
            Self::Fund { amount } => abi::FundCall {
                amount: word_out(amount.0),
            }
            .encode(),
        })
    }
}
