//! Events of `Challenges`.

use std::fmt;

use alloy_primitives::{Address, B256};
use assay_protocol::amount::Lpt;
use ethers::abi::RawLog;
use ethers::contract::EthLogDecode;
use serde::{Deserialize, Serialize};

use crate::bindings::challenges as abi;
use crate::convert::{address_in, word_in};

/// What happens to finders, accusers, plants and demands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[allow(missing_docs)] // The fields are those of the Solidity events, documented there.
pub enum ChallengeLog {
    /// The signer with the lowest draw so far.
    FinderClaimed {
        case: B256,
        verifier: Address,
        leaf_index: u32,
        draw: B256,
    },
    /// A quorum passed a leaf that somebody had accused.
    LeafAcquitted {
        receipt: B256,
        leaf_index: u32,
        transcoder: Address,
        accuser: Address,
    },
    /// A transcoder committed itself to a fault in the next round.
    FaultPlanted {
        operator: Address,
        round: u64,
        commitment: B256,
        bond: Lpt,
    },
    /// A planted fault was revealed.
    PlantRevealed {
        operator: Address,
        round: u64,
        receipt: B256,
        leaf_index: u32,
        secret: B256,
    },
    /// A plant was not revealed.
    PlantBurned {
        operator: Address,
        round: u64,
        bond: Lpt,
    },
    /// A transcoder must open a leaf by a block.
    LeafChallenged {
        receipt: B256,
        leaf_index: u32,
        transcoder: Address,
        assignment: B256,
        challenger: Address,
        answer_until: u64,
    },
    /// A leaf was opened.
    LeafOpened { receipt: B256, leaf_index: u32 },
    /// Bonds and rewards were taken.
    BondsWithdrawn { account: Address, amount: Lpt },
}

impl ChallengeLog {
    pub(super) fn read(raw: &RawLog) -> Option<Self> {
        use abi::ChallengesEvents as Events;
        Some(match Events::decode_log(raw).ok()? {
            Events::FinderClaimedFilter(e) => Self::FinderClaimed {
                case: B256::from(e.case_id),
                verifier: address_in(e.verifier),
                leaf_index: e.leaf_index,
                draw: B256::from(e.draw),
            },
            Events::LeafAcquittedFilter(e) => Self::LeafAcquitted {
                receipt: B256::from(e.receipt_hash),
                leaf_index: e.leaf_index,
                transcoder: address_in(e.transcoder),
                accuser: address_in(e.accuser),
            },
            Events::FaultPlantedFilter(e) => Self::FaultPlanted {
                operator: address_in(e.operator),
                round: e.round,
                commitment: B256::from(e.commitment),
                bond: Lpt(word_in(e.bond)),
            },
            Events::PlantRevealedFilter(e) => Self::PlantRevealed {
                operator: address_in(e.operator),
                round: e.round,
                receipt: B256::from(e.receipt_hash),
                leaf_index: e.leaf_index,
                secret: B256::from(e.secret),
            },
            Events::PlantBurnedFilter(e) => Self::PlantBurned {
                operator: address_in(e.operator),
                round: e.round,
                bond: Lpt(word_in(e.bond)),
            },
            Events::LeafChallengedFilter(e) => Self::LeafChallenged {
                receipt: B256::from(e.receipt_hash),
                leaf_index: e.leaf_index,
                transcoder: address_in(e.transcoder),
                assignment: B256::from(e.assignment_hash),
                challenger: address_in(e.challenger),
                answer_until: e.answer_until,
            },
            Events::LeafOpenedFilter(e) => Self::LeafOpened {
                receipt: B256::from(e.receipt_hash),
                leaf_index: e.leaf_index,
            },
            Events::BondsWithdrawnFilter(e) => Self::BondsWithdrawn {
                account: address_in(e.account),
                amount: Lpt(word_in(e.amount)),
            },
        })
    }
}

impl fmt::Display for ChallengeLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FinderClaimed { case, verifier, .. } => {
                write!(f, "{verifier} has the lowest draw of case {case} so far")
            }
            Self::LeafAcquitted {
                receipt,
                leaf_index,
                accuser,
                ..
            } => write!(
                f,
                "leaf {leaf_index} of receipt {receipt} is right, {accuser} had accused it"
            ),
            Self::FaultPlanted { operator, bond, .. } => {
                write!(
                    f,
                    "{operator} plants a fault in the next round, with {bond} LPT"
                )
            }
            Self::PlantRevealed {
                operator,
                receipt,
                leaf_index,
                ..
            } => write!(
                f,
                "{operator} had planted the fault in leaf {leaf_index} of receipt {receipt}"
            ),
            Self::PlantBurned { operator, bond, .. } => {
                write!(
                    f,
                    "{operator} loses {bond} LPT for a plant that it did not reveal"
                )
            }
            Self::LeafChallenged {
                receipt,
                leaf_index,
                transcoder,
                answer_until,
                ..
            } => write!(
                f,
                "{transcoder} must open leaf {leaf_index} of receipt {receipt} by block {answer_until}"
            ),
            Self::LeafOpened {
                receipt,
                leaf_index,
            } => write!(f, "leaf {leaf_index} of receipt {receipt} is open"),
            Self::BondsWithdrawn { account, amount } => {
                write!(f, "{account} takes {amount} LPT of bonds and rewards")
            }
        }
    }
}
