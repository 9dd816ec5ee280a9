//! What every node checks of an assignment before it does anything for it.

use alloy_primitives::{Address, B256, U256};

use crate::assignment::{
    Assignment, MAX_ATTEMPT, MAX_SOURCE, Refusal, SignedAssignment, SkipReason,
};
use crate::domain::Domain;
use crate::election::{Ballot, Snapshot, elect_without};
use crate::params::Params;
use crate::profile::Profiles;
use crate::sig::SignatureError;

/// A job as the chain has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Id in `JobRegistry`.
    pub id: U256,
    /// Who pays and assigns.
    pub broadcaster: Address,
    /// The ladder.
    pub profiles: Profiles,
    /// Wei per output pixel.
    pub max_price: U256,
    /// The job's randomness.
    pub seed: B256,
    /// Block that gives the randomness: no assignment of the job is older.
    pub seed_block: u64,
}

impl Job {
    /// The election of one of its segments.
    pub fn ballot(&self, seq: u32) -> Ballot {
        Ballot {
            seed: self.seed,
            job_id: self.id,
            seq,
            max_price: self.max_price,
        }
    }
}

/// What the chain says that assignments are checked against.
pub trait ChainView {
    /// The snapshot of transcoders of a round.
    fn transcoders(&self, round: u64) -> Option<&Snapshot>;
    /// The last round opened at or before a block.
    fn round_at(&self, block: u64) -> Option<u64>;
    /// Whether the operator was frozen at some time from `block` on.
    fn frozen_since(&self, operator: Address, block: u64) -> bool;
    /// The account whose signature counts for an operator in a round: its own, unless it has authorised another one.
    fn signer_at(&self, operator: Address, round: u64) -> Address;
}

/// Why an assignment is not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssignmentError {
    /// Not by the job's broadcaster.
    #[error("assignment is signed by {found}, {expected} signs for the job's broadcaster")]
    Broadcaster {
        /// Recovered account.
        found: Address,
        /// Who signs for the job's broadcaster in that round.
        expected: Address,
    },
    /// A field contradicts the job.
    #[error("assignment's {0} is not the job's")]
    NotTheJobs(&'static str),
    /// Another number of leaves than the profiles give, or more than a segment may have.
    #[error("assignment has {found} leaves, {expected:?} follow from its {frames} frames")]
    LeafCount {
        /// In the assignment.
        found: u32,
        /// In the assignment.
        frames: u32,
        /// From frame count and profiles; `None` where no segment may be like that.
        expected: Option<u32>,
    },
    /// More source than anybody takes.
    #[error("assignment has {0} bytes of source, at most {MAX_SOURCE} are allowed")]
    SourceLen(u64),
    /// Too many attempts, or not one reason for each earlier one.
    #[error(
        "attempt {attempt} carries {skips} reasons; one for each earlier attempt is needed, at most 3"
    )]
    Attempts {
        /// The attempt.
        attempt: u8,
        /// Reasons shown.
        skips: usize,
    },
    /// A reason that does not hold.
    #[error("the reason for passing over {0} does not hold")]
    Skip(Address),
    /// The round is not the last one opened when it was signed.
    #[error("assignment names round {found}, at block {block} round {expected} was open")]
    Round {
        /// In the assignment.
        found: u64,
        /// Block of signing.
        block: u64,
        /// By the chain.
        expected: u64,
    },
    /// The chain data for a round or block is not known (yet).
    #[error("round {0} is not known yet")]
    UnknownRound(u64),
    /// Not the elected transcoder, or not at its price.
    #[error("assignment names {found}, the election {expected:?}")]
    Electee {
        /// In the assignment.
        found: Address,
        /// By the election.
        expected: Option<Address>,
    },
    /// The price is not the electee's.
    #[error("assignment pays {found} wei a pixel, the electee's price is {expected}")]
    Price {
        /// In the assignment.
        found: U256,
        /// In the snapshot.
        expected: U256,
    },
    /// Malformed signature.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// Checks signature, job, shape, round, reasons and election; gives the assignment's hash.
///
/// # Errors
/// The first [`AssignmentError`] in that order, which says what was found and what was expected.
pub fn check_assignment(
    signed: &SignedAssignment,
    domain: &Domain,
    job: &Job,
    encoder_id: B256,
    params: &Params,
    chain: &impl ChainView,
) -> Result<B256, AssignmentError> {
    let a = &signed.assignment;
    let hash = domain.digest(a);
    let found = signed.signature.recover(hash)?;
    let expected = chain.signer_at(job.broadcaster, a.round);
    if found != expected {
        return Err(AssignmentError::Broadcaster { found, expected });
    }
    if a.jobId != job.id {
        return Err(AssignmentError::NotTheJobs("id"));
    }
    if a.profilesHash != job.profiles.hash() {
        return Err(AssignmentError::NotTheJobs("profiles hash"));
    }
    if a.encoderId != encoder_id {
        return Err(AssignmentError::NotTheJobs("encoder id"));
    }
    let expected = job.profiles.leaf_count(a.frameCount);
    if expected != Some(a.leafCount) {
        return Err(AssignmentError::LeafCount {
            found: a.leafCount,
            frames: a.frameCount,
            expected,
        });
    }
    if a.sourceLen > MAX_SOURCE {
        return Err(AssignmentError::SourceLen(a.sourceLen));
    }
    let block = a.signed_block(params.response_blocks);
    let expected = chain
        .round_at(block)
        .ok_or(AssignmentError::UnknownRound(a.round))?;
    if a.round != expected {
        return Err(AssignmentError::Round {
            found: a.round,
            block,
            expected,
        });
    }
    let excluded = check_skips(signed, domain, job, params, chain)?;
    let snapshot = chain
        .transcoders(a.round)
        .ok_or(AssignmentError::UnknownRound(a.round))?;
    let winner = elect_without(&job.ballot(a.seq), snapshot, a.attempt, &excluded);
    match winner {
        Some(winner) if winner.operator == a.transcoder => {
            if a.pricePerPixel == winner.price {
                Ok(hash)
            } else {
                Err(AssignmentError::Price {
                    found: a.pricePerPixel,
                    expected: winner.price,
                })
            }
        }
        other => Err(AssignmentError::Electee {
            found: a.transcoder,
            expected: other.map(|w| w.operator),
        }),
    }
}

/// The earlier electees, each with a reason that holds.
fn check_skips(
    signed: &SignedAssignment,
    domain: &Domain,
    job: &Job,
    params: &Params,
    chain: &impl ChainView,
) -> Result<Vec<Address>, AssignmentError> {
    let a = &signed.assignment;
    if usize::from(a.attempt) != signed.skips.len() || a.attempt > MAX_ATTEMPT {
        return Err(AssignmentError::Attempts {
            attempt: a.attempt,
            skips: signed.skips.len(),
        });
    }
    let ballot = job.ballot(a.seq);
    let mut excluded = Vec::with_capacity(signed.skips.len());
    for (attempt, skip) in (0u8..).zip(&signed.skips) {
        let snapshot = chain
            .transcoders(skip.round)
            .ok_or(AssignmentError::UnknownRound(skip.round))?;
        let named = elect_without(&ballot, snapshot, attempt, &excluded)
            .filter(|named| named.operator == skip.electee && skip.round <= a.round)
            .ok_or(AssignmentError::Skip(skip.electee))?;
        // A freeze counts from the earliest block at which the first attempt can have been signed.
        let since = a
            .signed_block(params.response_blocks)
            .saturating_sub(4 * params.response_blocks);
        let holds = match &skip.reason {
            SkipReason::Refused {
                reason,
                deadline_block,
                signature,
            } => {
                let refused = Assignment {
                    attempt,
                    round: skip.round,
                    transcoder: named.operator,
                    pricePerPixel: named.price,
                    deadlineBlock: *deadline_block,
                    ..a.clone()
                };
                let refusal = Refusal {
                    assignmentHash: domain.digest(&refused),
                    reason: *reason,
                };
                let signer = chain.signer_at(skip.electee, skip.round);
                signature.recover(domain.digest(&refusal)) == Ok(signer)
            }
            SkipReason::Frozen => chain.frozen_since(skip.electee, since),
            SkipReason::Timeout => true,
        };
        if !holds {
            return Err(AssignmentError::Skip(skip.electee));
        }
        excluded.push(skip.electee);
    }
    Ok(excluded)
}
