//! Calls of `FraudCourt`.

use alloy_primitives::{Address, B256};
use assay_protocol::bls::{BlsError, BlsSignature};
use assay_protocol::fraud_proof::FraudProof;
use ethers::abi::AbiEncode;

use super::Callable;
use crate::bindings::fraud_court as abi;
use crate::challenge::BroadcasterEquivocation;
use crate::contracts::Contracts;
use crate::convert::address_out;
use crate::evidence::{self, receipt, verdict};
use crate::fault::{Equivocation, LeafFault, VerifierEquivocation};
use crate::queue::budget::Purpose;

/// What is brought before the court.
#[derive(Clone, Debug)]
pub enum CourtCall {
    /// Proves a wrong encode.
    Prove(Box<FraudProof>),
    /// Slashes after the case window.
    Execute {
        /// The case.
        case: B256,
    },
    /// Pays one signer of an executed case.
    ClaimSigner {
        /// The case.
        case: B256,
        /// The signer's position in the round's verifier set.
        position: u64,
    },
    /// Proves two receipts for one assignment.
    Equivocation(Box<Equivocation>),
    /// Proves two assignments for one attempt.
    BroadcasterEquivocation(Box<BroadcasterEquivocation>),
    /// Proves two verdicts for one leaf.
    VerifierEquivocation(Box<VerifierEquivocation>),
    /// Proves a leaf that contradicts its place or the source.
    LeafFault(Box<LeafFault>),
}

impl Callable for CourtCall {
    fn label(&self) -> String {
        match self {
            Self::Prove(proof) => format!(
                "prove a wrong leaf {} of {}",
                proof.leaf_index, proof.assignment.transcoder
            ),
            Self::Execute { case } => format!("execute case {case}"),
            Self::ClaimSigner { case, position } => format!("pay signer {position} of case {case}"),
            Self::Equivocation(fault) => {
                format!("prove two receipts of {}", fault.work.assignment.transcoder)
            }
            Self::BroadcasterEquivocation(fault) => {
                format!("prove two assignments of job {}", fault.assignment.jobId)
            }
            Self::VerifierEquivocation(fault) => {
                format!("prove two verdicts of {}", fault.verifier)
            }
            Self::LeafFault(fault) => format!(
                "prove a false leaf {} of {}",
                fault.leaf_index, fault.work.assignment.transcoder
            ),
        }
    }

    fn to(&self, contracts: &Contracts) -> Address {
        contracts.fraud_court
    }

    /// Proofs are accepted for a while only; what follows from them can wait.
    fn purpose(&self) -> Purpose {
        match self {
            Self::Execute { .. } | Self::ClaimSigner { .. } => Purpose::Chore,
            Self::Prove(_)
            | Self::Equivocation(_)
            | Self::BroadcasterEquivocation(_)
            | Self::VerifierEquivocation(_)
            | Self::LeafFault(_) => Purpose::Evidence,
        }
    }

    fn data(&self) -> Result<Vec<u8>, BlsError> {
        Ok(match self {
            Self::Prove(proof) => evidence::prove(proof)?.encode(),
            Self::Execute { case } => abi::ExecuteCall { case_id: case.0 }.encode(),
            Self::ClaimSigner { case, position } => abi::ClaimSignerCall {
                case_id: case.0,
                position: (*position).into(),
            }
            .encode(),
            Self::Equivocation(fault) => abi::EquivocationCall {
                signed: evidence::signed_work(&fault.work),
                p1: receipt(&fault.other),
                p2: fault.other_signature.0.to_vec().into(),
            }
            .encode(),
            Self::BroadcasterEquivocation(fault) => abi::BroadcasterEquivocationCall {
                assignment: evidence::assignment(&fault.assignment),
                p1: fault.signature.0.to_vec().into(),
                p2: evidence::assignment(&fault.other),
                p3: fault.other_signature.0.to_vec().into(),
            }
            .encode(),
            Self::VerifierEquivocation(fault) => abi::VerifierEquivocationCall {
                verifier: address_out(fault.verifier),
                verdict: verdict(&fault.verdict),
                other_hash: fault.other.recomputedHash.0,
                aggregate: BlsSignature::aggregate(&[fault.signature, fault.other_signature])?
                    .to_evm()?
                    .to_vec()
                    .into(),
            }
            .encode(),
            Self::LeafFault(fault) => evidence::leaf_fault(fault).encode(),
        })
    }
}
