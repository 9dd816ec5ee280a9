//! Moving ETH.

use alloy_primitives::{Address, U256};
use assay_protocol::bls::BlsError;

use super::Callable;
use crate::contracts::Contracts;

/// What is done with ETH alone.
#[derive(Clone, Debug)]
pub enum EtherCall {
    /// Moves ETH.
    Send {
        /// Who gets it.
        to: Address,
        /// How much.
        wei: U256,
    },
}

impl Callable for EtherCall {
    fn label(&self) -> String {
        let Self::Send { to, wei } = self;
        format!("send {wei} wei to {to}")
    }

    fn to(&self, _: &Contracts) -> Address {
        let Self::Send { to, .. } = self;
        *to
    }

    fn data(&self) -> Result<Vec<u8>, BlsError> {
        Ok(Vec::new())
    }

    fn value(&self) -> U256 {
        let Self::Send { wei, .. } = self;
        *wei
    }
}
