//! The EIP-712 domain that binds every signature to one chain and one deployment.

use alloy_primitives::{Address, B256};
use alloy_sol_types::{Eip712Domain, SolStruct};
use serde::{Deserialize, Serialize};

/// One chain and one `FraudCourt`; every signed object is hashed in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Address of `FraudCourt`, the verifying contract.
    pub court: Address,
}

impl Domain {
    /// The domain of the deployment whose court is at `court`.
    pub const fn new(chain_id: u64, court: Address) -> Self {
        Self { chain_id, court }
    }

    fn eip712(&self) -> Eip712Domain {
        Eip712Domain {
            name: Some("Assay".into()),
            version: Some("1".into()),
            chain_id: Some(alloy_primitives::U256::from(self.chain_id)),
            verifying_contract: Some(self.court),
            salt: None,
        }
    }

    /// The EIP-712 domain separator.
    pub fn separator(&self) -> B256 {
        self.eip712().separator()
    }

    /// The full EIP-712 digest of `object`: its hash everywhere in the protocol.
    pub fn digest<T: SolStruct>(&self, object: &T) -> B256 {
        object.eip712_signing_hash(&self.eip712())
    }
}
