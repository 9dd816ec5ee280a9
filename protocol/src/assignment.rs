//! The assignment: one segment, one elected transcoder, one deadline.

use alloy_primitives::{Address, B256, FixedBytes};
use alloy_sol_types::sol;
use serde::{Deserialize, Serialize};

use crate::sig::Signature;

sol! {
    /// A segment given to the transcoder that the election names; signed by the broadcaster.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct Assignment {
        /// Job in `JobRegistry`.
        uint256 jobId;
        /// Segment number in the job, without gaps from 0.
        uint32 seq;
        /// 0 for the first electee, at most 3.
        uint8 attempt;
        /// Round whose snapshot elects; the last one opened when this was signed.
        uint64 round;
        /// The electee.
        address transcoder;
        /// BLAKE3 of the source bytes.
        bytes32 sourceHash;
        /// Source length in bytes.
        uint64 sourceLen;
        /// Root over the chunks' frames roots.
        bytes32 framesRoot;
        /// Decoded frames in the segment.
        uint32 frameCount;
        /// Keccak of the job's profiles.
        bytes32 profilesHash;
        /// The pipeline whose bytes are right.
        bytes32 encoderId;
        /// Renditions times chunks.
        uint32 leafCount;
        /// The electee's snapshot price, wei per output pixel.
        uint256 pricePerPixel;
        /// Block of signing plus D.
        uint64 deadlineBlock;
    }

    /// An electee declines; signed by it.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct Refusal {
        /// The declined assignment.
        bytes32 assignmentHash;
        /// A [`RefusalReason`] as number.
        uint8 reason;
    }
}

/// Most source bytes in a segment.
pub const MAX_SOURCE: u64 = 256 << 20;
/// Highest attempt number; after it the segment is a gap.
pub const MAX_ATTEMPT: u8 = 3;

/// Why an electee declines or a verifier cannot check. Codes are in `docs/protocol.md`, section 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum RefusalReason {
    /// No peer serves the source bytes.
    SourceUnavailable = 1,
    /// The bytes do not have the promised hash or length.
    SourceMismatch = 2,
    /// The decoder gives up.
    Undecodable = 3,
    /// The decoded frames are not those of `framesRoot`.
    FramesRootDiffers = 4,
    /// The profile is outside the range of the conformance vectors.
    UnsupportedProfile = 5,
    /// The encoder failed, also on the scalar path.
    EncoderFailed = 6,
    /// No capacity before the deadline.
    Overloaded = 7,
    /// No tickets, or tickets that are worth too little or that nothing stands behind.
    Unpaid = 8,
    /// The chain has stopped the encoder for the present round.
    EncoderStopped = 9,
}

impl RefusalReason {
    /// Whether the same request may succeed later: the source and the assignment are not at fault.
    pub const fn may_pass(self) -> bool {
        matches!(
            self,
            Self::SourceUnavailable | Self::EncoderFailed | Self::Overloaded | Self::EncoderStopped
        )
    }
}

/// Why an attempt above 0 passes an earlier electee over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SkipReason {
    /// It refused in writing. What it refused is this assignment but for attempt, round, electee, its price, and deadline,
    /// so that no refusal of anything else fits here.
    Refused {
        /// Why, as in its [`Refusal`].
        reason: u8,
        /// Deadline of the attempt that it refused.
        deadline_block: u64,
        /// Its signature over the refusal.
        signature: Signature,
    },
    /// It is frozen on chain.
    Frozen,
    /// It stayed silent past its deadline: the broadcaster's word.
    Timeout,
}

/// An earlier electee passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skip {
    /// Whom the election named.
    pub electee: Address,
    /// Round whose snapshot named it; an earlier attempt may stand in an earlier round.
    pub round: u64,
    /// Why it does not count.
    pub reason: SkipReason,
}

/// An assignment as gossiped: with its signature and the reasons for each earlier attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedAssignment {
    /// The signed object.
    pub assignment: Assignment,
    /// The broadcaster's signature.
    pub signature: Signature,
    /// One entry for each earlier attempt, in order.
    pub skips: Vec<Skip>,
}

impl Assignment {
    /// Block at which it was signed: `deadlineBlock − D`.
    pub fn signed_block(&self, response_blocks: u64) -> u64 {
        self.deadlineBlock.saturating_sub(response_blocks)
    }
}

/// Hash of anything that only needs a name for logs: its first four bytes.
pub fn short(hash: &B256) -> FixedBytes<4> {
    FixedBytes::from_slice(&hash[..4])
}
