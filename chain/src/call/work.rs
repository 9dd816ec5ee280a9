//! Calls of `WorkLedger`.

use alloy_primitives::{Address, U256};
use assay_protocol::bls::{BlsError, BlsSignature};
use assay_protocol::merkle::Path;
use assay_protocol::work::{RoundWork, WorkClaim};
use ethers::abi::AbiEncode;

use super::Callable;
use crate::bindings::work_ledger as abi;
use crate::contracts::Contracts;
use crate::convert::address_out;
use crate::queue::budget::Purpose;

/// What is done with a round's work.
#[derive(Clone, Debug)]
pub enum WorkCall {
    /// Submits a round's list with the verifiers' aggregate.
    Certify {
        /// The list.
        work: RoundWork,
        /// Signers by position in the round's verifier set.
        bitmap: U256,
        /// Sum of their signatures.
        aggregate: BlsSignature,
    },
    /// Pays a transcoder's claim into its pool; anyone may.
    Claim {
        /// The claim.
        claim: WorkClaim,
        /// Its place in the list.
        index: u32,
        /// From it to the list's root.
        path: Path,
    },
    /// Pays a verifier's part into its pool; anyone may.
    ClaimDuty {
        /// The round.
        round: u64,
        /// Position in the round's verifier set.
        position: u64,
    },
    /// Has the present round's verifiers counted because a round got no certificate; a verifier's.
    CallRoll {
        /// The round without a certificate.
        failed: u64,
        /// The caller's position in the present round's verifier set.
        position: u64,
    },
    /// Says that a verifier is there.
    AnswerRoll {
        /// The roll's round.
        round: u64,
        /// The caller's position in its verifier set.
        position: u64,
    },
    /// Ends a roll and jails some of those who were silent; anyone may.
    CloseRoll {
        /// The roll's round.
        round: u64,
    },
}

impl Callable for WorkCall {
    fn label(&self) -> String {
        match self {
            Self::Certify { work, .. } => format!("certify the work of round {}", work.round),
            Self::Claim { claim, .. } => format!(
                "claim the work of {} in round {}",
                claim.transcoder, claim.round
            ),
            Self::ClaimDuty { round, position } => {
                format!("claim the duty of verifier {position} in round {round}")
            }
            Self::CallRoll { failed, .. } => {
                format!("call the roll because of round {failed}")
            }
            Self::AnswerRoll { round, position } => {
                format!("answer the roll of round {round} as verifier {position}")
            }
            Self::CloseRoll { round } => format!("close the roll of round {round}"),
        }
    }

    fn to(&self, contracts: &Contracts) -> Address {
        contracts.work_ledger
    }

    /// A round that is not certified in time is never paid to anybody, and who does not answer in time is jailed.
    fn purpose(&self) -> Purpose {
        match self {
            Self::Certify { .. } | Self::CallRoll { .. } | Self::AnswerRoll { .. } => {
                Purpose::Evidence
            }
            Self::Claim { .. } | Self::ClaimDuty { .. } | Self::CloseRoll { .. } => Purpose::Chore,
        }
    }

    fn data(&self) -> Result<Vec<u8>, BlsError> {
        Ok(match self {
            Self::Certify {
                work,
                bitmap,
                aggregate,
            } => abi::CertifyCall {
                work: abi::RoundWork {
                    round: work.round,
                    claims_root: work.claimsRoot.0,
                    claims: work.claims,
                    total_pixels: work.totalPixels,
                    duties: work.duties,
                },
                // A round has at most 64 verifiers.
                bitmap: bitmap.saturating_to(),
                aggregate: aggregate.to_evm()?.to_vec().into(),
            }
            .encode(),
            Self::Claim { claim, index, path } => abi::ClaimCall {
                claim: abi::WorkClaim {
                    transcoder: address_out(claim.transcoder),
                    round: claim.round,
                    receipts_root: claim.receiptsRoot.0,
                    pixels: claim.pixels,
                },
                index: (*index).into(),
                path: path.0.iter().map(|sibling| sibling.0).collect(),
            }
            .encode(),
            Self::ClaimDuty { round, position } => abi::ClaimDutyCall {
                round: *round,
                position: (*position).into(),
            }
            .encode(),
            Self::CallRoll { failed, position } => abi::CallRollCall {
                failed: *failed,
                position: (*position).into(),
            }
            .encode(),
            Self::AnswerRoll { position, .. } => abi::AnswerRollCall {
                position: (*position).into(),
            }
            .encode(),
            Self::CloseRoll { .. } => abi::CloseRollCall {}.encode(),
        })
    }
}
