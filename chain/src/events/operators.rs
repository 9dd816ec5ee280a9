//! Events of `Operators`.

use std::fmt;

use alloy_primitives::Address;
use ethers::abi::RawLog;
use ethers::contract::EthLogDecode;
use serde::{Deserialize, Serialize};

use crate::bindings::operators as abi;
use crate::call::Percent;
use crate::convert::address_in;
use crate::views::Role;

/// What operators decide about themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[allow(missing_docs)] // The fields are those of the Solidity events, documented there and in `operators`.
pub enum OperatorLog {
    /// From the round on, the signer's signatures are the operator's.
    SignerSet {
        operator: Address,
        signer: Address,
        from_round: u64,
    },
    /// From the round on, the operator keeps and shares these parts.
    CutsSet {
        role: Role,
        operator: Address,
        reward_cut_bps: u16,
        fee_share_bps: u16,
        from_round: u64,
    },
    /// From the round on, the operator asks this price.
    PriceSet {
        operator: Address,
        price_per_pixel: u64,
        from_round: u64,
    },
}

impl OperatorLog {
    pub(super) fn read(raw: &RawLog) -> Option<Self> {
        use abi::OperatorsEvents as Events;
        Some(match Events::decode_log(raw).ok()? {
            Events::SignerSetFilter(e) => Self::SignerSet {
                operator: address_in(e.operator),
                signer: address_in(e.signer),
                from_round: e.from_round,
            },
            Events::CutsSetFilter(e) => Self::CutsSet {
                role: Role::of(e.role)?,
                operator: address_in(e.operator),
                reward_cut_bps: e.reward_cut_bps,
                fee_share_bps: e.fee_share_bps,
                from_round: e.from_round,
            },
            Events::PriceSetFilter(e) => Self::PriceSet {
                operator: address_in(e.operator),
                price_per_pixel: e.price_per_pixel,
                from_round: e.from_round,
            },
        })
    }
}

impl fmt::Display for OperatorLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignerSet {
                operator,
                signer,
                from_round,
            } if operator == signer => {
                write!(f, "{operator} signs itself from round {from_round} on")
            }
            Self::SignerSet {
                operator,
                signer,
                from_round,
            } => write!(
                f,
                "{signer} signs for {operator} from round {from_round} on"
            ),
            Self::CutsSet {
                role,
                operator,
                reward_cut_bps,
                fee_share_bps,
                from_round,
            } => write!(
                f,
                "{role} {operator} keeps {} of rewards and shares {} of fees from round {from_round} on",
                Percent(*reward_cut_bps),
                Percent(*fee_share_bps)
            ),
            Self::PriceSet {
                operator,
                price_per_pixel,
                from_round,
            } => write!(
                f,
                "{operator} asks {price_per_pixel} wei per pixel from round {from_round} on"
            ),
        }
    }
}
