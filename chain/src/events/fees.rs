//! Events of `FeeLedger`.

use std::fmt;

use alloy_primitives::Address;
use assay_protocol::amount::Eth;
use ethers::abi::RawLog;
use ethers::contract::EthLogDecode;
use serde::{Deserialize, Serialize};

use crate::bindings::fee_ledger as abi;
use crate::convert::{address_in, word_in};

/// What happens to fees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[allow(missing_docs)] // The fields are those of the Solidity events, documented there.
pub enum FeeLog {
    /// A transcoder was paid.
    FeesCredited {
        operator: Address,
        amount: Eth,
        shared: Eth,
    },
    /// A holder took its fees out.
    FeesWithdrawn {
        operator: Address,
        holder: Address,
        to: Address,
        amount: Eth,
    },
}

impl FeeLog {
    pub(super) fn read(raw: &RawLog) -> Option<Self> {
        use abi::FeeLedgerEvents as Events;
        Some(match Events::decode_log(raw).ok()? {
            Events::FeesCreditedFilter(e) => Self::FeesCredited {
                operator: address_in(e.operator),
                amount: Eth(word_in(e.amount)),
                shared: Eth(word_in(e.shared)),
            },
            Events::FeesWithdrawnFilter(e) => Self::FeesWithdrawn {
                operator: address_in(e.operator),
                holder: address_in(e.holder),
                to: address_in(e.to),
                amount: Eth(word_in(e.amount)),
            },
        })
    }
}

impl fmt::Display for FeeLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FeesCredited {
                operator,
                amount,
                shared,
            } => write!(
                f,
                "{operator} earns {amount} ETH in fees, of which its stake shares {shared} ETH"
            ),
            Self::FeesWithdrawn {
                operator,
                holder,
                amount,
                ..
            } => write!(f, "{holder} has {amount} ETH of the fees of {operator}"),
        }
    }
}
