//! Events of `FraudCourt`.

use std::fmt;

use alloy_primitives::{Address, B256, U256};
use assay_protocol::amount::{Eth, Lpt};
use ethers::abi::RawLog;
use ethers::contract::EthLogDecode;
use serde::{Deserialize, Serialize};

use crate::bindings::fraud_court as abi;
use crate::convert::{address_in, word_in};
use crate::fault::{CaseStatus, Cause, FaultKind};

/// What happens to cases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[allow(missing_docs)] // The fields are those of the Solidity events, documented there and in `views`.
pub enum CourtLog {
    /// A fault is proven and its operator frozen.
    CaseOpened {
        case: B256,
        kind: FaultKind,
        operator: Address,
        receipt_hash: B256,
        leaf_index: u32,
        bitmap: U256,
    },
    /// Others have joined the signers of an open case: now these.
    SignersJoined { case: B256, bitmap: U256 },
    /// A case was executed: the operator is slashed.
    CaseExecuted {
        case: B256,
        operator: Address,
        slashed: Lpt,
        burned: Lpt,
        signers_reward: Lpt,
    },
    /// A case waits for the resolver; the operator stays frozen.
    CaseContested {
        case: B256,
        operator: Address,
        cause: Cause,
    },
    /// A case ended without a slash.
    CaseClosed {
        case: B256,
        operator: Address,
        status: CaseStatus,
    },
    /// A signer of a case was paid.
    SignerPaid {
        case: B256,
        verifier: Address,
        amount: Lpt,
    },
    /// The finder of a case was paid; nobody claimed where it is the zero address.
    FinderPaid {
        case: B256,
        finder: Address,
        amount: Lpt,
    },
    /// Two assignments for one attempt: what was left of the reserve has burned.
    BroadcasterEquivocated {
        broadcaster: Address,
        job: U256,
        seq: u32,
        attempt: u8,
        burned: Eth,
    },
}

impl CourtLog {
    pub(super) fn read(raw: &RawLog) -> Option<Self> {
        use abi::FraudCourtEvents as Events;
        let lpt = |amount| Lpt(word_in(amount));
        Some(match Events::decode_log(raw).ok()? {
            Events::CaseOpenedFilter(e) => Self::CaseOpened {
                case: B256::from(e.case_id),
                kind: FaultKind::of(e.kind)?,
                operator: address_in(e.operator),
                receipt_hash: B256::from(e.receipt_hash),
                leaf_index: e.leaf_index,
                bitmap: U256::from(e.bitmap),
            },
            Events::SignersJoinedFilter(e) => Self::SignersJoined {
                case: B256::from(e.case_id),
                bitmap: U256::from(e.bitmap),
            },
            Events::CaseExecutedFilter(e) => Self::CaseExecuted {
                case: B256::from(e.case_id),
                operator: address_in(e.operator),
                slashed: lpt(e.slashed),
                burned: lpt(e.burned),
                signers_reward: lpt(e.signers_reward),
            },
            Events::CaseContestedFilter(e) => Self::CaseContested {
                case: B256::from(e.case_id),
                operator: address_in(e.operator),
                cause: Cause::of(e.cause)?,
            },
            Events::CaseClosedFilter(e) => Self::CaseClosed {
                case: B256::from(e.case_id),
                operator: address_in(e.operator),
                status: CaseStatus::of(e.status)?,
            },
            Events::SignerPaidFilter(e) => Self::SignerPaid {
                case: B256::from(e.case_id),
                verifier: address_in(e.verifier),
                amount: lpt(e.amount),
            },
            Events::FinderPaidFilter(e) => Self::FinderPaid {
                case: B256::from(e.case_id),
                finder: address_in(e.finder),
                amount: lpt(e.amount),
            },
            Events::BroadcasterEquivocatedFilter(e) => Self::BroadcasterEquivocated {
                broadcaster: address_in(e.broadcaster),
                job: word_in(e.job_id),
                seq: e.seq,
                attempt: e.attempt,
                burned: Eth(word_in(e.burned)),
            },
        })
    }
}

impl fmt::Display for CourtLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CaseOpened { case, operator, .. } => {
                write!(f, "case {case} against {operator} is open")
            }
            Self::SignersJoined { case, bitmap } => {
                write!(f, "case {case} has {} signers now", bitmap.count_ones())
            }
            Self::CaseExecuted {
                case,
                operator,
                slashed,
                ..
            } => write!(f, "case {case} is executed: {operator} loses {slashed} LPT"),
            Self::CaseContested { case, operator, .. } => {
                write!(f, "case {case} against {operator} waits for the resolver")
            }
            Self::CaseClosed {
                case,
                operator,
                status,
            } => write!(
                f,
                "case {case} against {operator} ends without a slash: {status:?}"
            ),
            Self::SignerPaid {
                verifier, amount, ..
            } => write!(f, "signer {verifier} is paid {amount} LPT"),
            Self::FinderPaid { finder, amount, .. } if finder.is_zero() => {
                write!(f, "nobody claimed the finder's {amount} LPT: they burn")
            }
            Self::FinderPaid { finder, amount, .. } => {
                write!(f, "finder {finder} is paid {amount} LPT")
            }
            Self::BroadcasterEquivocated {
                broadcaster,
                seq,
                burned,
                ..
            } => write!(
                f,
                "broadcaster {broadcaster} assigned segment {seq} twice in one attempt: {burned} ETH of its reserve burn"
            ),
        }
    }
}
