//! Calls of `FeeLedger`.

use alloy_primitives::Address;
use assay_protocol::bls::BlsError;
use ethers::abi::AbiEncode;

use super::Callable;
use crate::bindings::fee_ledger as abi;
use crate::contracts::Contracts;
use crate::convert::address_out;

/// What is done with fees.
#[derive(Clone, Debug)]
pub enum FeeCall {
    /// Takes the account's fees out of a transcoder's pool.
    Withdraw {
        /// Whose pool.
        operator: Address,
        /// Who gets the ETH.
        to: Address,
    },
}

impl Callable for FeeCall {
    fn label(&self) -> String {
        let Self::Withdraw { operator, .. } = self;
        format!("take fees out of the pool of {operator}")
    }

    fn to(&self, contracts: &Contracts) -> Address {
        contracts.fee_ledger
    }

    fn data(&self) -> Result<Vec<u8>, BlsError> {
        let Self::Withdraw { operator, to } = self;
        Ok(abi::WithdrawFeesCall {
            operator: address_out(*operator),
            to: address_out(*to),
        }
        .encode())
    }
}
