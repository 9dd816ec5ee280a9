//! Events of `WorkLedger`.

use std::fmt;

use alloy_primitives::{Address, B256};
use assay_protocol::amount::Lpt;
use ethers::abi::RawLog;
use ethers::contract::EthLogDecode;
use serde::{Deserialize, Serialize};

use crate::bindings::work_ledger as abi;
use crate::convert::{address_in, word_in};

/// What happens to a round's work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[allow(missing_docs)] // The fields are those of the Solidity events, documented there.
pub enum WorkLog {
    /// A round's list was certified.
    RoundCertified {
        round: u64,
        claims_root: B256,
        claims: u32,
        total_pixels: u64,
        duties: u64,
        signers: u64,
    },
    /// A transcoder's pool was paid.
    WorkPaid {
        round: u64,
        transcoder: Address,
        pixels: u64,
        amount: Lpt,
    },
    /// A verifier's pool was paid.
    DutyPaid {
        round: u64,
        verifier: Address,
        amount: Lpt,
    },
    /// Verifiers are asked whether they are there.
    RollCalled { round: u64, failed: u64, until: u64 },
    /// One is.
    RollAnswered { round: u64, position: u64 },
    /// The time for answers is over.
    RollClosed {
        round: u64,
        answered: u64,
        jailed: u64,
    },
}

impl WorkLog {
    pub(super) fn read(raw: &RawLog) -> Option<Self> {
        use abi::WorkLedgerEvents as Events;
        Some(match Events::decode_log(raw).ok()? {
            Events::RoundCertifiedFilter(e) => Self::RoundCertified {
                round: e.round,
                claims_root: B256::from(e.claims_root),
                claims: e.claims,
                total_pixels: e.total_pixels,
                duties: e.duties,
                signers: e.signers,
            },
            Events::WorkPaidFilter(e) => Self::WorkPaid {
                round: e.round,
                transcoder: address_in(e.transcoder),
                pixels: e.pixels,
                amount: Lpt(word_in(e.amount)),
            },
            Events::DutyPaidFilter(e) => Self::DutyPaid {
                round: e.round,
                verifier: address_in(e.verifier),
                amount: Lpt(word_in(e.amount)),
            },
            Events::RollCalledFilter(e) => Self::RollCalled {
                round: e.round,
                failed: e.failed,
                until: e.until,
            },
            Events::RollAnsweredFilter(e) => Self::RollAnswered {
                round: e.round,
                position: word_in(e.position).saturating_to(),
            },
            Events::RollClosedFilter(e) => Self::RollClosed {
                round: e.round,
                answered: e.answered,
                jailed: e.jailed,
            },
        })
    }
}

impl fmt::Display for WorkLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RoundCertified {
                round,
                claims,
                total_pixels,
                ..
            } => write!(
                f,
                "the work of round {round} is certified: {claims} claims, {total_pixels} pixels"
            ),
            Self::WorkPaid {
                round,
                transcoder,
                amount,
                ..
            } => write!(f, "{transcoder} is paid {amount} LPT for round {round}"),
            Self::DutyPaid {
                round,
                verifier,
                amount,
            } => write!(
                f,
                "verifier {verifier} is paid {amount} LPT for round {round}"
            ),
            Self::RollCalled {
                round,
                failed,
                until,
            } => write!(
                f,
                "round {failed} got no certificate: the verifiers of round {round} answer a roll until block {until}"
            ),
            Self::RollAnswered { round, position } => {
                write!(f, "verifier {position} of round {round} answers the roll")
            }
            Self::RollClosed {
                round,
                answered,
                jailed,
            } => write!(
                f,
                "the roll of round {round} is closed: {} have answered, {} of the others are jailed",
                answered.count_ones(),
                jailed.count_ones()
            ),
        }
    }
}
