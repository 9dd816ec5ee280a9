//! Calls of `LivepeerToken`.

use alloy_primitives::Address;
use assay_protocol::amount::Lpt;
use assay_protocol::bls::BlsError;
use ethers::abi::AbiEncode;

use super::Callable;
use crate::bindings::livepeer_token as abi;
use crate::contracts::Contracts;
use crate::convert::{address_out, word_out};

/// What is done with LPT that is not staked.
#[derive(Clone, Debug)]
pub enum TokenCall {
    /// Allows a contract to take this much LPT.
    Approve {
        /// The contract.
        spender: Address,
        /// The allowance; replaces the previous one.
        amount: Lpt,
    },
    /// Moves LPT.
    Transfer {
        /// Who gets it.
        to: Address,
        /// How much.
        amount: Lpt,
    },
}

impl Callable for TokenCall {
    fn label(&self) -> String {
        match self {
            Self::Approve { spender, amount } => format!("allow {spender} to take {amount} LPT"),
            Self::Transfer { to, amount } => format!("send {amount} LPT to {to}"),
        }
    }

    fn to(&self, contracts: &Contracts) -> Address {
        contracts.livepeer_token
    }

    fn data(&self) -> Result<Vec<u8>, BlsError> {
        Ok(match self {
            Self::Approve { spender, amount } => abi::ApproveCall {
                spender: address_out(*spender),
                value: word_out(amount.0),
            }
            .encode(),
            Self::Transfer { to, amount } => abi::TransferCall {
                to: address_out(*to),
                value: word_out(amount.0),
            }
            .encode(),
        })
    }
}
