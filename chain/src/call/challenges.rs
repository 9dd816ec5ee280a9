//! Calls of `Challenges`.

use alloy_primitives::{Address, B256};
use assay_protocol::assignment::Assignment;
use assay_protocol::bls::{BlsError, BlsSignature};
use ethers::abi::{AbiEncode, Token, Tokenizable};

use super::{Callable, Purpose, arguments};
use crate::bindings::challenges as abi;
use crate::challenge::{
    Acquittal, EarlyTicket, Fails, FalseDivergence, FalsePass, FinderClaim, LeafDemand,
    LeafOpening, LeafPath, PlantReveal,
};
use crate::contracts::Contracts;
use crate::convert::address_out;
use crate::evidence;

/// Finders' claims, faults of verifiers, planted faults, demands to open a leaf.
#[derive(Clone, Debug)]
pub enum ChallengeCall {
    /// Claims the finder's part by ticket.
    ClaimFinder(Box<FinderClaim>),
    /// Pays or burns the finder's part.
    SettleFinder(Box<Assignment>),
    /// Shows a ticket before its time.
    ShowEarlyTicket(Box<EarlyTicket>),
    /// Shows a pass that a quorum contradicts.
    FalsePass(Box<FalsePass>),
    /// Acquits an accused operator at its accuser's cost.
    Acquit(Box<Acquittal>),
    /// Shows a divergence that the resolver refuted.
    FalseDivergence(Box<FalseDivergence>),
    /// Pays who brought a case.
    ClaimReward {
        /// The case.
        case: B256,
    },
    /// Commits to a fault in the next round.
    PlantFault {
        /// keccak256 of the secret.
        commitment: B256,
    },
    /// Reveals a planted fault.
    RevealPlant(Box<PlantReveal>),
    /// Shows another receipt that is marked with a revealed plant.
    ShowSecondPlant(Box<PlantReveal>),
    /// Burns a plant that was not revealed.
    BurnPlant {
        /// Whose.
        operator: Address,
        /// Of which round.
        round: u64,
    },
    /// Demands the opening of a leaf.
    ChallengeLeaf(Box<LeafDemand>),
    /// Opens a leaf.
    OpenLeaf(Box<LeafOpening>),
    /// Opens a case about a leaf that stayed closed.
    ReportWithheld {
        /// Of which receipt.
        receipt_hash: B256,
        /// Which leaf.
        leaf_index: u32,
    },
    /// Takes what is owed.
    Withdraw,
}

fn point(signature: &BlsSignature) -> Result<Token, BlsError> {
    Ok(Token::Bytes(signature.to_evm()?.to_vec()))
}

fn leaf(leaf: &LeafPath) -> Token {
    evidence::leaf_proof(&leaf.leaf, leaf.leaf_index, &leaf.path).into_token()
}

fn marked(plant: &PlantReveal) -> [Token; 3] {
    [
        evidence::signed_work(&plant.work).into_token(),
        plant.leaf_index.into_token(),
        Token::FixedBytes(plant.secret.to_vec()),
    ]
}

/// Who found a leaf wrong; nothing in the place of nobody.
fn quorum(fails: Option<&Fails>) -> Result<Token, BlsError> {
    let (hash, bitmap, aggregate) = match fails {
        Some(fails) => (
            fails.recomputed_hash,
            fails.bitmap,
            point(&fails.aggregate)?,
        ),
        None => (B256::ZERO, 0, Token::Bytes(Vec::new())),
    };
    Ok(Token::Tuple(vec![
        Token::FixedBytes(hash.to_vec()),
        bitmap.into_token(),
        aggregate,
    ]))
}

impl Callable for ChallengeCall {
    fn label(&self) -> String {
        match self {
            Self::ClaimFinder(claim) => {
                format!("claim the finder's part for signer {}", claim.position)
            }
            Self::SettleFinder(_) => "settle the finder's part".into(),
            Self::ShowEarlyTicket(early) => {
                format!(
                    "show the ticket of {} for epoch {}",
                    early.verifier, early.epoch
                )
            }
            Self::FalsePass(fault) => format!("show a false pass of verifier {}", fault.position),
            Self::Acquit(acquittal) => {
                format!("acquit {}", acquittal.work.assignment.transcoder)
            }
            Self::FalseDivergence(fault) => {
                format!("show a refuted divergence of verifier {}", fault.position)
            }
            Self::ClaimReward { case } => format!("claim the reward of case {case}"),
            Self::PlantFault { .. } => "plant a fault".into(),
            Self::RevealPlant(reveal) => format!("reveal planted leaf {}", reveal.leaf_index),
            Self::ShowSecondPlant(second) => {
                format!(
                    "show a second plant of {}",
                    second.work.assignment.transcoder
                )
            }
            Self::BurnPlant { operator, round } => {
                format!("burn the plant of {operator} in round {round}")
            }
            Self::ChallengeLeaf(demand) => format!("demand leaf {}", demand.leaf_index),
            Self::OpenLeaf(opening) => format!("open leaf {}", opening.leaf.leaf_index),
            Self::ReportWithheld { leaf_index, .. } => format!("report withheld leaf {leaf_index}"),
            Self::Withdraw => "take what challenges owe".into(),
        }
    }

    fn to(&self, contracts: &Contracts) -> Address {
        contracts.challenges
    }

    /// Most of it is accepted for a while only; what is merely paid out can wait, and what is demanded cannot.
    fn purpose(&self) -> Purpose {
        match self {
            Self::SettleFinder(_)
            | Self::ClaimReward { .. }
            | Self::BurnPlant { .. }
            | Self::Withdraw => Purpose::Chore,
            Self::OpenLeaf(_) => Purpose::Answer,
            _ => Purpose::Evidence,
        }
    }

    fn data(&self) -> Result<Vec<u8>, BlsError> {
        Ok(match self {
            Self::ClaimFinder(claim) => arguments::<abi::ClaimFinderCall>(&[
                evidence::assignment(&claim.assignment).into_token(),
                Token::Uint(claim.position.into()),
                point(&claim.ticket)?,
            ]),
            Self::SettleFinder(assignment) => {
                arguments::<abi::SettleFinderCall>(&[evidence::assignment(assignment).into_token()])
            }
            Self::ShowEarlyTicket(early) => abi::ShowEarlyTicketCall {
                verifier: address_out(early.verifier),
                epoch: early.epoch,
                ticket: early.ticket.to_evm()?.to_vec().into(),
            }
            .encode(),
            Self::FalsePass(fault) => arguments::<abi::FalsePassCall>(&[
                evidence::signed_work(&fault.work).into_token(),
                leaf(&fault.leaf),
                quorum(fault.fails.as_ref())?,
                Token::Uint(fault.position.into()),
                point(&fault.signature)?,
            ]),
            Self::Acquit(acquittal) => arguments::<abi::AcquitCall>(&[
                evidence::signed_work(&acquittal.work).into_token(),
                leaf(&acquittal.leaf),
                Token::Tuple(vec![
                    Token::FixedBytes(acquittal.leaf.leaf.output_hash.to_vec()),
                    acquittal.bitmap.into_token(),
                    point(&acquittal.aggregate)?,
                ]),
                Token::Tuple(vec![
                    Token::Uint(acquittal.accuser.into()),
                    Token::FixedBytes(acquittal.commit.to_vec()),
                    Token::Bytes(acquittal.accusation.0.to_vec()),
                ]),
            ]),
            Self::FalseDivergence(fault) => arguments::<abi::FalseDivergenceCall>(&[
                evidence::assignment(&fault.assignment).into_token(),
                evidence::receipt(&fault.receipt).into_token(),
                Token::Uint(fault.position.into()),
                fault.level.into_token(),
                fault
                    .signature
                    .as_ref()
                    .map_or(Ok(Token::Bytes(Vec::new())), point)?,
            ]),
            Self::ClaimReward { case } => abi::ClaimRewardCall { case_id: case.0 }.encode(),
            Self::PlantFault { commitment } => abi::PlantFaultCall {
                commitment: commitment.0,
            }
            .encode(),
            Self::RevealPlant(reveal) => arguments::<abi::RevealPlantCall>(&marked(reveal)),
            Self::ShowSecondPlant(second) => arguments::<abi::ShowSecondPlantCall>(&marked(second)),
            Self::BurnPlant { operator, round } => abi::BurnPlantCall {
                operator: address_out(*operator),
                round: *round,
            }
            .encode(),
            Self::ChallengeLeaf(demand) => arguments::<abi::ChallengeLeafCall>(&[
                evidence::signed_work(&demand.work).into_token(),
                demand.leaf_index.into_token(),
            ]),
            Self::OpenLeaf(opening) => arguments::<abi::OpenLeafCall>(&[
                Token::FixedBytes(opening.receipt_hash.to_vec()),
                leaf(&opening.leaf),
            ]),
            Self::ReportWithheld {
                receipt_hash,
                leaf_index,
            } => abi::ReportWithheldCall {
                receipt_hash: receipt_hash.0,
                leaf_index: *leaf_index,
            }
            .encode(),
            Self::Withdraw => abi::WithdrawCall.encode(),
        })
    }
}
