//! Events of `Contests`.

use std::fmt;

use alloy_primitives::{Address, B256};
use assay_protocol::amount::Lpt;
use ethers::abi::RawLog;
use ethers::contract::EthLogDecode;
use serde::{Deserialize, Serialize};

use crate::bindings::contests as abi;
use crate::convert::{address_in, word_in};
use crate::fault::Cause;

/// What happens to contested cases, and to encoders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[allow(missing_docs)] // The fields are those of the Solidity events, documented there.
pub enum ContestLog {
    /// A case waits for the resolver.
    ContestBegun {
        case: B256,
        cause: Cause,
        by: Address,
        round: u64,
    },
    /// The resolver has decided.
    Resolved { case: B256, guilty: bool },
    /// The resolver was silent.
    Lapsed { case: B256, cause: Cause },
    /// Nobody assigns work to an encoder until this round has ended.
    EncoderStopped {
        encoder: B256,
        round: u64,
        until_round: u64,
    },
    /// The stake of verifiers waits for the end of a case that their divergence has contested.
    DivergersHeld {
        case: B256,
        round: u64,
        /// Their places in the round.
        bitmap: u64,
    },
    /// It waits no longer.
    DivergersFreed { case: B256 },
    /// Bonds were taken back.
    BondsWithdrawn { account: Address, amount: Lpt },
}

impl ContestLog {
    pub(super) fn read(raw: &RawLog) -> Option<Self> {
        use abi::ContestsEvents as Events;
        Some(match Events::decode_log(raw).ok()? {
            Events::ContestBegunFilter(e) => Self::ContestBegun {
                case: B256::from(e.case_id),
                cause: Cause::of(e.cause)?,
                by: address_in(e.by),
                round: e.round,
            },
            Events::ResolvedFilter(e) => Self::Resolved {
                case: B256::from(e.case_id),
                guilty: e.guilty,
            },
            Events::LapsedFilter(e) => Self::Lapsed {
                case: B256::from(e.case_id),
                cause: Cause::of(e.cause)?,
            },
            Events::EncoderStoppedFilter(e) => Self::EncoderStopped {
                encoder: B256::from(e.encoder_id),
                round: e.round,
                until_round: e.until_round,
            },
            Events::DivergersHeldFilter(e) => Self::DivergersHeld {
                case: B256::from(e.case_id),
                round: e.round,
                bitmap: e.bitmap,
            },
            Events::DivergersFreedFilter(e) => Self::DivergersFreed {
                case: B256::from(e.case_id),
            },
            Events::BondsWithdrawnFilter(e) => Self::BondsWithdrawn {
                account: address_in(e.account),
                amount: Lpt(word_in(e.amount)),
            },
        })
    }
}

impl fmt::Display for ContestLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContestBegun { case, cause, .. } => {
                write!(f, "case {case} is contested: {cause}")
            }
            Self::Resolved { case, guilty: true } => write!(f, "case {case} is ruled proven"),
            Self::Resolved { case, .. } => write!(f, "case {case} is ruled unproven"),
            Self::Lapsed { case, .. } => {
                write!(f, "the resolver has said nothing about case {case}")
            }
            Self::EncoderStopped {
                encoder,
                until_round,
                ..
            } => write!(
                f,
                "encoder {encoder} is stopped: no assignments until round {until_round} has ended"
            ),
            Self::DivergersHeld {
                case,
                round,
                bitmap,
            } => write!(
                f,
                "{} verifiers of round {round} answer for their divergence in case {case}",
                bitmap.count_ones()
            ),
            Self::DivergersFreed { case } => {
                write!(f, "who diverged in case {case} answers for it no longer")
            }
            Self::BondsWithdrawn { account, amount } => {
                write!(f, "{account} takes {amount} LPT of bonds back")
            }
        }
    }
}
