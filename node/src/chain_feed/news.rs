//! What the chain's picture has news of.

use assay_chain::fault::CaseStatus;
use assay_protocol::amount::Lpt;
use assay_protocol::verdict::LeafId;
use assay_protocol::{Address, B256, U256};

use crate::chain_state::Case;

/// What has changed.
#[derive(Clone, Debug)]
pub(crate) enum ChainNews {
    /// A new head, and whether it is about the chain's; everything in it has been told.
    Block(u64, bool),
    /// A round was opened.
    Round(u64),
    /// A job's seed is known.
    Job(U256),
    /// A job has no seed and never will.
    JobGone { job: U256, broadcaster: Address },
    /// A case was opened.
    CaseOpened(Case),
    /// Others have joined the signers of a case.
    SignersJoined(Case),
    /// A case was executed.
    CaseExecuted {
        case: Case,
        slashed: Lpt,
        burned: Lpt,
        block: u64,
    },
    /// A ticket of somebody's was paid.
    TicketPaid {
        ticket: B256,
        recipient: Address,
        paid: U256,
        burned: U256,
        block: u64,
    },
    /// A ticket of somebody's was passed over in a batch.
    TicketSkipped(B256),
    /// Everything above this block never was.
    Rewound(u64),
    /// A case ended without a slash.
    CaseClosed {
        case: Case,
        status: CaseStatus,
        block: u64,
    },
    /// A round's list was certified.
    Certified {
        round: u64,
        claims_root: B256,
        pixels: u64,
        duties: u64,
        block: u64,
    },
    /// The resolver has ruled a case proven.
    RuledGuilty(Case),
    /// A transcoder must open a leaf.
    LeafChallenged {
        leaf: LeafId,
        transcoder: Address,
        answer_until: u64,
    },
    /// Nobody assigns work to an encoder until this round has ended.
    EncoderStopped { encoder: B256, until_round: u64 },
    /// Verifiers of a round, by position, leave the next snapshot unless they return before.
    Absent {
        round: u64,
        positions: u64,
        block: u64,
    },
    /// A verifier was taken out, in this block.
    Jailed(Address, u64),
    /// A verifier has returned, in this block.
    Released(Address, u64),
    /// A pool was paid for a round's work or duty.
    Minted {
        round: u64,
        operator: Address,
        duty: bool,
        amount: Lpt,
        block: u64,
    },
    /// A signer was paid.
    SignerPaid {
        case: B256,
        verifier: Address,
        amount: Lpt,
    },
    /// The finder was paid; nobody where it is the zero address.
    FinderPaid {
        case: B256,
        finder: Address,
        amount: Lpt,
    },
}
