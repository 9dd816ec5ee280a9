//! How verifiers agree on the list of a round: proposals, objections, votes. All are signed with BLS keys.
//!
//! A leader proposes sheets by their digests and the list that follows from them. Who comes to the same votes: its
//! signature on the [`RoundWork`] itself. Who does not says which receipts it can confirm, by job and segment; the leader
//! then proposes again, without the receipts that stand in the way of two thirds. Everything fits a gossip message.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::sol;
use serde::{Deserialize, Serialize};

use crate::bls::BlsSignature;
use crate::domain::Domain;
use crate::round_work::is_run;
use crate::work::{RoundWork, WorkClaim, WorkList};

sol! {
    /// Names a proposal; BLS, by its leader.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct WorkProposal {
        /// The round whose work it lists.
        uint64 round;
        /// Twice the leader's turn, and one more for its second proposal.
        uint32 number;
        /// Keccak of its content as sent.
        bytes32 content;
    }

    /// Names a part of an objection; BLS, by a verifier.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct WorkObjection {
        /// The round.
        uint64 round;
        /// The proposal.
        uint32 number;
        /// Which part, from 0.
        uint32 part;
        /// Keccak of its content as sent.
        bytes32 content;
    }
}

/// Jobs in a proposal at most; jobs with fewest receipts are left out beyond.
pub const MAX_JOBS: usize = 400;
/// Receipts struck in a proposal at most; statements that need more are left out, and where two thirds need them whole jobs.
pub const MAX_STRUCK: usize = 2_500;
/// Receipts named in a part of an objection at most.
pub const MAX_NAMED: usize = 3_500;
/// Jobs named in a part of an objection at most.
pub const MAX_NAMED_JOBS: usize = 100;
/// Parts of an objection at most; what does not fit counts as not confirmed.
pub const MAX_PARTS: u32 = 16;

/// A job's sheet, by its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSheet {
    /// The job.
    pub job: U256,
    /// First segment of the run.
    pub start: u32,
    /// First segment after the run.
    pub end: u32,
    /// Digest of the sheet, after what is struck.
    pub digest: B256,
}

/// What a proposal says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// Sheets in ascending order of job.
    pub jobs: Vec<JobSheet>,
    /// Segments struck from a sheet, with its place among the jobs.
    pub struck: Vec<(u32, Vec<u32>)>,
    /// The claims that follow, so that who is no verifier can open its own.
    pub claims: Vec<WorkClaim>,
    /// What is to be signed.
    pub work: RoundWork,
}

/// A proposal with its leader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedProposal {
    /// See [`WorkProposal`].
    pub number: u32,
    /// The leader.
    pub leader: Address,
    /// The content.
    pub proposed: Proposed,
    /// The leader's over [`WorkProposal`].
    pub signature: BlsSignature,
}

/// One job as a verifier sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// The job.
    pub job: U256,
    /// First segment of the run.
    pub start: u32,
    /// First segment after the run.
    pub end: u32,
    /// Segments with the [`tag`]s of their receipts, in ascending order.
    pub receipts: Vec<(u32, u64)>,
}

/// What an objection says: the jobs in which its author differs from the proposal, as it sees them. A job without
/// segments is one that it knows nothing of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objected {
    /// Number of parts.
    pub parts: u32,
    /// Verifiers that did their duty, as the author sees it.
    pub duties: u64,
    /// The jobs; one may go on in the next part.
    pub jobs: Vec<JobView>,
}

/// A part of an objection with its author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedObjection {
    /// The round.
    pub round: u64,
    /// The proposal.
    pub number: u32,
    /// Which part.
    pub part: u32,
    /// The author.
    pub verifier: Address,
    /// The content.
    pub objected: Objected,
    /// The author's over [`WorkObjection`].
    pub signature: BlsSignature,
}

/// A verifier's signature on a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedVote {
    /// The list.
    pub work: RoundWork,
    /// Who signed.
    pub verifier: Address,
    /// Its signature over the list: a part of the certificate's aggregate.
    pub signature: BlsSignature,
}

/// Eight bytes that name a receipt among those of one segment.
pub fn tag(receipt: &B256) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&receipt[..8]);
    u64::from_be_bytes(bytes)
}

fn content<T: Serialize>(value: &T) -> B256 {
    // Postcard fails on none of these types: they hold no maps of unknown length and no floats.
    keccak256(postcard::to_allocvec(value).unwrap_or_default())
}

impl JobSheet {
    /// Whether it has the shape of a sheet: a run that can be one.
    pub fn sound(&self) -> bool {
        is_run(self.start, self.end)
    }
}

impl JobView {
    /// Whether it has the shape of a view: a run that can be one, and receipts of its segments in ascending order.
    pub fn sound(&self) -> bool {
        let run = self.start..self.end;
        is_run(self.start, self.end)
            && self.receipts.iter().all(|(seq, _)| run.contains(seq))
            && self.receipts.is_sorted_by(|a, b| a.0 < b.0)
    }
}

impl Proposed {
    /// What the leader signs of it.
    pub fn name(&self, number: u32) -> WorkProposal {
        WorkProposal {
            round: self.work.round,
            number,
            content: content(self),
        }
    }

    /// The list that it proposes, if its claims give the root that is to be signed.
    pub fn list(&self, domain: &Domain) -> Option<WorkList> {
        let list = WorkList {
            round: self.work.round,
            claims: self.claims.clone(),
            total_pixels: self.work.totalPixels,
        };
        (list.work(domain, self.work.duties) == self.work).then_some(list)
    }
}

impl Objected {
    /// What the author signs of it.
    pub fn name(&self, round: u64, number: u32, part: u32) -> WorkObjection {
        WorkObjection {
            round,
            number,
            part,
            content: content(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Gossip, MAX_GOSSIP, encode};

    fn key() -> BlsSignature {
        BlsSignature::from_bytes([7; 48])
    }

    #[test]
    fn the_largest_messages_fit_gossip() {
        let proposed = Proposed {
            jobs: (0..MAX_JOBS)
                .map(|i| JobSheet {
                    job: U256::MAX - U256::from(i),
                    start: u32::MAX - 1,
                    end: u32::MAX,
                    digest: B256::repeat_byte(1),
                })
                .collect(),
            struck: vec![(0, vec![u32::MAX; MAX_STRUCK])],
            claims: vec![
                WorkClaim {
                    transcoder: Address::repeat_byte(1),
                    round: u64::MAX >> 8,
                    receiptsRoot: B256::repeat_byte(2),
                    pixels: u64::MAX,
                };
                255
            ],
            work: RoundWork::default(),
        };
        let proposal = Gossip::WorkProposal(Box::new(SignedProposal {
            number: u32::MAX,
            leader: Address::ZERO,
            proposed,
            signature: key(),
        }));
        assert!(encode(&proposal).unwrap().len() <= MAX_GOSSIP);
        let mut jobs = vec![
            JobView {
                job: U256::MAX,
                start: u32::MAX,
                end: u32::MAX,
                receipts: Vec::new(),
            };
            MAX_NAMED_JOBS
        ];
        jobs[0].receipts = vec![(u32::MAX, u64::MAX); MAX_NAMED];
        let objection = Gossip::WorkObjection(Box::new(SignedObjection {
            round: 1,
            number: 1,
            part: 1,
            verifier: Address::ZERO,
            objected: Objected {
                parts: 1,
                duties: u64::MAX,
                jobs,
            },
            signature: key(),
        }));
        assert!(encode(&objection).unwrap().len() <= MAX_GOSSIP);
    }

    #[test]
    fn runs_that_no_verifier_can_have_are_not_sound() {
        let view = |start, end, seqs: &[u32]| JobView {
            job: U256::from(1),
            start,
            end,
            receipts: seqs.iter().map(|seq| (*seq, 7)).collect(),
        };
        assert!(view(0, 0, &[]).sound(), "a job that is not known");
        assert!(view(5, 9, &[5, 8]).sound());
        assert!(!view(5, 9, &[5, 5]).sound());
        assert!(!view(5, 9, &[8, 5]).sound());
        assert!(!view(5, 9, &[9]).sound());
        assert!(!view(9, 5, &[]).sound());
        assert!(!view(0, u32::MAX, &[5]).sound());
        let sheet = |start, end| JobSheet {
            job: U256::from(1),
            start,
            end,
            digest: B256::ZERO,
        };
        assert!(sheet(5, 9).sound());
        assert!(!sheet(9, 5).sound());
        assert!(!sheet(0, u32::MAX).sound());
    }

    #[test]
    fn a_name_changes_with_every_part_of_the_content() {
        let proposed = Proposed::default();
        let other = Proposed {
            struck: vec![(0, vec![1])],
            ..Proposed::default()
        };
        assert_ne!(proposed.name(0), other.name(0));
        assert_ne!(proposed.name(0), proposed.name(1));
    }
}
