//! Calls of `VerifierRegistry`.

use alloy_primitives::Address;
use assay_protocol::bls::{BlsError, BlsPublicKey, BlsSignature};
use ethers::abi::AbiEncode;

use super::Callable;
use crate::bindings::verifier_registry as abi;
use crate::contracts::Contracts;
use crate::convert::address_out;

/// What is done with verifiers' BLS keys.
#[derive(Clone, Debug)]
pub enum VerifierCall {
    /// Registers an operator's BLS key, once and for good; by it or by its signer.
    Register {
        /// Whose key.
        operator: Address,
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
        let Self::Register {
            operator,
            key,
            possession,
        } = self;
        Ok(abi::RegisterCall {
            operator: address_out(*operator),
            key: key.to_evm()?.to_vec().into(),
            possession: possession.to_evm()?.to_vec().into(),
        }
        .encode())
    }
}
