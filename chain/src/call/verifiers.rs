//! Calls of `VerifierRegistry`.

use alloy_primitives::Address;
use assay_protocol::bls::{BlsError, BlsPublicKey, BlsSignature};
use ethers::abi::AbiEncode;

use super::Callable;
use crate::bindings::verifier_registry as abi;
use crate::contracts::Contracts;

/// What is done with verifiers' BLS keys.
#[derive(Clone, Debug)]
pub enum VerifierCall {
    /// Registers the account's BLS key, once and for good.
    Register {
        /// The key.
        key: BlsPublicKey,
        /// Its proof of possession over [`assay_protocol::bls::possession_message`].
        possession: BlsSignature,
    },
}

impl Callable for VerifierCall {
    fn label(&self) -> String {
        let Self::Register { .. } = self;
        "register the BLS key".into()
    }

    fn to(&self, contracts: &Contracts) -> Address {
        contracts.verifier_registry
    }

    fn data(&self) -> Result<Vec<u8>, BlsError> {
        let Self::Register { key, possession } = self;
        Ok(abi::RegisterCall {
            key: key.to_evm()?.to_vec().into(),
            possession: possession.to_evm()?.to_vec().into(),
        }
        .encode())
    }
}
