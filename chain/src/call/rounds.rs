//! Calls of `RoundsManager`.

use alloy_primitives::Address;
use assay_protocol::bls::BlsError;
use ethers::abi::AbiEncode;

use super::Callable;
use crate::bindings::rounds_manager as abi;
use crate::contracts::Contracts;

/// What is done with rounds.
#[derive(Clone, Debug)]
pub enum RoundsCall {
    /// Opens the next round once the present one is over; anyone may.
    Open,
}

impl Callable for RoundsCall {
    fn label(&self) -> String {
        let Self::Open = self;
        "open the round".into()
    }

    fn to(&self, contracts: &Contracts) -> Address {
        contracts.rounds_manager
    }

    fn data(&self) -> Result<Vec<u8>, BlsError> {
        let Self::Open = self;
        Ok(abi::OpenRoundCall.encode())
    }
}
