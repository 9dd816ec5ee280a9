//! Calls of `Contests`.

use alloy_primitives::{Address, B256};
use assay_protocol::assignment::Assignment;
use assay_protocol::bls::BlsError;
use ethers::abi::{AbiEncode, Token, Tokenizable};

use super::{Callable, Purpose, arguments};
use crate::bindings::contests as abi;
use crate::challenge::Diverged;
use crate::contracts::Contracts;
use crate::evidence;

/// What is done with cases that wait for the resolver, and with the breaker.
#[derive(Clone, Debug)]
pub enum ContestCall {
    /// Contests an open case; by the accused or its key.
    Contest {
        /// The case.
        case: B256,
    },
    /// Decides a contested case; by the resolver.
    Resolve {
        /// The case.
        case: B256,
        /// Whether the accused is guilty.
        guilty: bool,
    },
    /// Ends a case about which the resolver was silent.
    Lapse {
        /// The case.
        case: B256,
    },
    /// Frees verifiers whose refuted divergence can no longer be accused.
    FreeDivergers {
        /// The case that they had contested.
        case: B256,
    },
    /// Trips the breaker by cases.
    TripByCases(Vec<Assignment>),
    /// Trips the breaker by divergences.
    TripByDivergence(Box<Diverged>),
    /// Contests cases of an encoder that is stopped.
    ContestStopped(Vec<Assignment>),
    /// Takes back bonds.
    Withdraw,
}

fn assignments(list: &[Assignment]) -> Token {
    Token::Array(
        list.iter()
            .map(|one| evidence::assignment(one).into_token())
            .collect(),
    )
}

impl Callable for ContestCall {
    fn label(&self) -> String {
        match self {
            Self::Contest { case } => format!("contest case {case}"),
            Self::Resolve { case, guilty: true } => format!("rule case {case} proven"),
            Self::Resolve { case, .. } => format!("acquit in case {case}"),
            Self::Lapse { case } => format!("end case {case}, the resolver being silent"),
            Self::FreeDivergers { case } => format!("free who diverged in case {case}"),
            Self::TripByCases(list) => format!("trip the breaker by {} cases", list.len()),
            Self::TripByDivergence(_) => "trip the breaker by divergences".into(),
            Self::ContestStopped(list) => {
                format!("contest {} cases of a stopped encoder", list.len())
            }
            Self::Withdraw => "take back contest bonds".into(),
        }
    }

    fn to(&self, contracts: &Contracts) -> Address {
        contracts.contests
    }

    /// The accused has until the window closes, the breaker until the cases are executed.
    fn purpose(&self) -> Purpose {
        match self {
            Self::Lapse { .. } | Self::FreeDivergers { .. } | Self::Withdraw => Purpose::Chore,
            _ => Purpose::Evidence,
        }
    }

    fn data(&self) -> Result<Vec<u8>, BlsError> {
        Ok(match self {
            Self::Contest { case } => abi::ContestCall { case_id: case.0 }.encode(),
            Self::Resolve { case, guilty } => abi::ResolveCall {
                case_id: case.0,
                guilty: *guilty,
            }
            .encode(),
            Self::Lapse { case } => abi::LapseCall { case_id: case.0 }.encode(),
            Self::FreeDivergers { case } => abi::FreeDivergersCall { case_id: case.0 }.encode(),
            Self::TripByCases(list) => arguments::<abi::TripByCasesCall>(&[assignments(list)]),
            Self::TripByDivergence(diverged) => {
                let votes: Result<Vec<_>, BlsError> = diverged
                    .votes
                    .iter()
                    .map(|vote| {
                        Ok(Token::Tuple(vec![
                            vote.level.into_token(),
                            vote.bitmap.into_token(),
                            Token::Bytes(vote.aggregate.to_evm()?.to_vec()),
                        ]))
                    })
                    .collect();
                arguments::<abi::TripByDivergenceCall>(&[
                    evidence::signed_work(&diverged.work).into_token(),
                    diverged.leaf_index.into_token(),
                    Token::Array(votes?),
                ])
            }
            Self::ContestStopped(list) => {
                arguments::<abi::ContestStoppedCall>(&[assignments(list)])
            }
            Self::Withdraw => abi::WithdrawCall.encode(),
        })
    }
}
