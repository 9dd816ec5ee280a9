//! What a node tells whoever watches it: logs, the demo's table, later a page.

use std::time::Duration;

use assay_chain::exhibit::Kind;
use assay_chain::fault::CaseStatus;
use assay_protocol::verdict::LeafId;
use assay_protocol::{Address, B256, U256};

/// One notable event of one node, in the order in which it happened there.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// The network and the chain are up.
    Ready,
    /// A new block.
    Block(u64),
    /// A round was opened.
    Round(u64),
    /// This broadcaster assigned a segment.
    Assigned {
        /// Segment number.
        seq: u32,
        /// Attempt.
        attempt: u8,
        /// The electee.
        transcoder: Address,
        /// Leaves to make.
        leaves: u32,
        /// Frames in it.
        frames: u32,
        /// Last block for the receipt.
        deadline: u64,
    },
    /// This broadcaster passed an electee over.
    Skipped {
        /// Segment number.
        seq: u32,
        /// The electee.
        transcoder: Address,
        /// Why.
        why: &'static str,
    },
    /// This broadcaster has all output of a segment.
    Delivered {
        /// Segment number.
        seq: u32,
        /// Who made it.
        transcoder: Address,
    },
    /// Nobody delivered.
    Gap {
        /// Segment number.
        seq: u32,
    },
    /// This transcoder signed a receipt.
    Receipted {
        /// Segment number.
        seq: u32,
        /// The receipt.
        receipt: B256,
        /// Leaves in it.
        leaves: u32,
        /// Of them made otherwise than the profile says, where an adversary is at work.
        tampered: Vec<u32>,
    },
    /// This transcoder encoded a segment, in time or not.
    Transcoded {
        /// CPU time of decoding and encoding.
        cpu: Duration,
    },
    /// This transcoder has winning tickets, to be redeemed after the evidence window.
    TicketsWon {
        /// Their hashes.
        tickets: Vec<B256>,
    },
    /// The chain has paid this transcoder for a ticket.
    TicketPaid {
        /// The ticket.
        ticket: B256,
        /// Wei taken from the broadcaster, what is burned included.
        paid: U256,
        /// Of it, wei that are burned.
        burned: U256,
    },
    /// This transcoder refused.
    Refused {
        /// Reason code.
        reason: u8,
    },
    /// This verifier recomputed leaves.
    Recomputed {
        /// How many.
        leaves: usize,
        /// CPU time of decoding and encoding.
        cpu: Duration,
    },
    /// A drawn leaf was checked.
    Sampled {
        /// The leaf.
        leaf: LeafId,
        /// Whether the bytes agree.
        pass: bool,
    },
    /// Wrong, also in a fresh process.
    Mismatch {
        /// The leaf.
        leaf: LeafId,
        /// Who made it.
        transcoder: Address,
    },
    /// This verifier accuses.
    Accused(LeafId),
    /// This verifier signed a verdict.
    Signed(LeafId),
    /// This verifier has a quorum and made a proof.
    Quorum {
        /// The leaf.
        leaf: LeafId,
        /// Signers.
        signers: usize,
        /// Their weight in basis points.
        weight_bps: u64,
        /// File of the proof.
        file: std::path::PathBuf,
    },
    /// An accused leaf was found right by a quorum.
    Acquitted(LeafId),
    /// A receipt could not be checked.
    Trouble {
        /// The receipt.
        receipt: B256,
        /// Reason code.
        reason: u8,
    },
    /// Another verifier's report was held against its draws.
    Duty {
        /// The verifier.
        verifier: Address,
        /// Epoch.
        epoch: u64,
        /// Leaves drawn.
        drawn: usize,
        /// Of them without verdict.
        missed: usize,
    },
    /// A transaction of this node was mined.
    Transaction {
        /// What it did.
        what: &'static str,
        /// Its hash.
        hash: B256,
        /// Gas used.
        gas: u64,
        /// Block.
        block: u64,
        /// Case or receipt it was about.
        about: B256,
    },
    /// A transaction of this node did not go through.
    TransactionFailed {
        /// What it was to do.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// The court opened a case.
    CaseOpened {
        /// The case.
        case: B256,
        /// The accused.
        operator: Address,
        /// The leaf.
        leaf: LeafId,
        /// Verifiers who signed, by their positions in the round.
        bitmap: U256,
        /// Block.
        block: u64,
    },
    /// Others have joined the signers of a case.
    SignersJoined {
        /// The case.
        case: B256,
        /// Verifiers who have signed now, by their positions in the round.
        bitmap: U256,
    },
    /// The court slashed.
    Slashed {
        /// The case.
        case: B256,
        /// The operator.
        operator: Address,
        /// Base units of LPT cut from the pool.
        slashed: U256,
        /// Base units of LPT burned.
        burned: U256,
        /// Block.
        block: u64,
    },
    /// A case ended without a slash.
    CaseClosed {
        /// The case.
        case: B256,
        /// The operator.
        operator: Address,
        /// How.
        status: CaseStatus,
        /// Block.
        block: u64,
    },
    /// The work of a round was certified.
    Certified {
        /// The round.
        round: u64,
        /// Its demand in output pixels.
        pixels: u64,
    },
    /// A pool was paid for work or duty.
    Minted {
        /// The round.
        round: u64,
        /// Whose pool.
        operator: Address,
        /// Whether as a verifier, for its duty.
        duty: bool,
        /// Base units of LPT.
        amount: U256,
    },
    /// A signer was paid.
    SignerPaid {
        /// The case.
        case: B256,
        /// The verifier.
        verifier: Address,
        /// Base units of LPT.
        amount: U256,
    },
    /// The finder of a case was paid; or its part has burned, where it is the zero address.
    FinderPaid {
        /// The case.
        case: B256,
        /// The verifier, or zero.
        finder: Address,
        /// Base units of LPT.
        amount: U256,
    },
    /// What proves a fault was seen, and is kept.
    Evidence {
        /// Its kind.
        kind: Kind,
        /// Whom it costs, or whose claim it is.
        culprit: Address,
        /// The file.
        file: std::path::PathBuf,
    },
    /// Something went wrong that an operator should see.
    Warning(String),
}
