//! Events of `VerifierRegistry`.

use std::fmt;

use alloy_primitives::Address;
use ethers::abi::RawLog;
use ethers::contract::EthLogDecode;
use serde::{Deserialize, Serialize};

use crate::bindings::verifier_registry as abi;
use crate::convert::address_in;

/// What happens to verifiers' keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[allow(missing_docs)] // The fields are those of the Solidity events, documented there and in `views`.
pub enum VerifierLog {
    /// A verifier registered its BLS key.
    VerifierRegistered { operator: Address, index: u64 },
}

impl VerifierLog {
    pub(super) fn read(raw: &RawLog) -> Option<Self> {
        use abi::VerifierRegistryEvents as Events;
        match Events::decode_log(raw).ok()? {
            Events::VerifierRegisteredFilter(e) => Some(Self::VerifierRegistered {
                operator: address_in(e.operator),
                index: e.index.low_u64(),
            }),
            _ => None,
        }
    }
}

impl fmt::Display for VerifierLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::VerifierRegistered { operator, index } = self;
        write!(f, "{operator} registers its BLS key as number {index}")
    }
}
