//! Calls of `Operators` and `Roster`.

use alloy_primitives::Address;
use assay_protocol::bls::BlsError;
use assay_protocol::sig::Signature;
use ethers::abi::AbiEncode;

use super::Callable;
use crate::bindings::{operators as abi, roster};
use crate::contracts::Contracts;
use crate::convert::address_out;
use crate::views::Role;

/// What an operator decides about itself.
#[derive(Clone, Debug)]
pub enum OperatorCall {
    /// Lets a hot key sign for the account from the next round on.
    Authorise {
        /// The key's account.
        signer: Address,
        /// Its signature over [`crate::client::Client::consent_digest`].
        consent: Signature,
    },
    /// Signs itself again from the next round on.
    Revoke,
    /// Sets what the account keeps and shares from the next round on.
    SetCuts {
        /// In which pool.
        role: Role,
        /// Part of rewards kept, basis points.
        reward_cut_bps: u16,
        /// Part of fees shared, basis points.
        fee_share_bps: u16,
    },
    /// Sets an operator's price from the next round on; by it or by its signer.
    SetPrice {
        /// Whose.
        operator: Address,
        /// Wei per output pixel.
        price_per_pixel: u64,
    },
    /// Returns from jail at the next snapshot; by the operator or its signer.
    Release {
        /// To which set.
        role: Role,
        /// Who returns.
        operator: Address,
    },
}

impl Callable for OperatorCall {
    fn label(&self) -> String {
        match self {
            Self::Authorise { signer, .. } => format!("authorise {signer} to sign"),
            Self::Revoke => "revoke the signer".into(),
            Self::SetCuts {
                reward_cut_bps,
                fee_share_bps,
                ..
            } => format!(
                "keep {} of rewards and share {} of fees",
                Percent(*reward_cut_bps),
                Percent(*fee_share_bps)
            ),
            Self::SetPrice {
                price_per_pixel, ..
            } => format!("ask {price_per_pixel} wei per pixel"),
            Self::Release { role, .. } => format!("return to the {role}s"),
        }
    }

    fn to(&self, contracts: &Contracts) -> Address {
        match self {
            Self::Release { .. } => contracts.roster,
            _ => contracts.operators,
        }
    }

    fn data(&self) -> Result<Vec<u8>, BlsError> {
        Ok(match self {
            Self::Authorise { signer, consent } => abi::AuthoriseCall {
                signer: address_out(*signer),
                consent: consent.0.to_vec().into(),
            }
            .encode(),
            Self::Revoke => abi::RevokeCall.encode(),
            Self::SetCuts {
                role,
                reward_cut_bps,
                fee_share_bps,
            } => abi::SetCutsCall {
                role: role.code(),
                reward_cut_bps: *reward_cut_bps,
                fee_share_bps: *fee_share_bps,
            }
            .encode(),
            Self::SetPrice {
                operator,
                price_per_pixel,
            } => abi::SetPriceCall {
                operator: address_out(*operator),
                price_per_pixel: *price_per_pixel,
            }
            .encode(),
            Self::Release { role, operator } => roster::ReleaseCall {
                role: role.code(),
                operator: address_out(*operator),
            }
            .encode(),
        })
    }
}

/// Basis points as people write them.
pub(crate) struct Percent(pub u16);

impl std::fmt::Display for Percent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, places) = (self.0 / 100, self.0 % 100);
        match places {
            0 => write!(f, "{whole} %"),
            _ => write!(f, "{whole}.{places:02} %"),
        }
    }
}
