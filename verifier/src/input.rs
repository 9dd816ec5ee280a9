//! What the verifier learns.

use assay_protocol::accusation::SignedAccusation;
use assay_protocol::assignment::RefusalReason;
use assay_protocol::checked::Checked;
use assay_protocol::draft::{Draft, Sealed};
use assay_protocol::fraud_proof::VerifierSet;
use assay_protocol::verdict::{LeafId, SignedVerdict};
use assay_protocol::wire::{ReceiptMessage, SampleReport};
use assay_protocol::{Address, B256};

/// What a recomputation gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recomputation {
    /// Frames roots of all chunks of the segment, as decoded here.
    pub chunk_roots: Vec<B256>,
    /// BLAKE3 of each requested leaf's bytes.
    pub hashes: Vec<(u32, B256)>,
}

/// One event. Messages have passed the shell's checks: signatures, shape, election.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The chain has a new block; its number is the time.
    Block,
    /// The verifiers of a newly opened round; receipts and accusations of the round may be there before it.
    Round(VerifierSet),
    /// A receipt whose leaves fit its assignment; the hash is the receipt's, the signer its transcoder.
    Receipt(Box<Checked<ReceiptMessage>>),
    /// Answer to `Recompute`, whole or in parts; each leaf asked for is answered once.
    Recomputed {
        /// The receipt.
        receipt: B256,
        /// The leaves that this answers.
        leaves: Vec<u32>,
        /// What came out, or why nothing did.
        result: Result<Recomputation, RefusalReason>,
    },
    /// Answer to `TryLevels`: the SIMD level that reproduces the claimed bytes, if one does.
    LevelsTried {
        /// The leaf.
        leaf: LeafId,
        /// The level.
        reproducing: Option<u8>,
    },
    /// Answer to `Sign`.
    Signed(Box<Sealed>),
    /// Answer to `Sign` where it could not be written down: it is asked for again with the next block.
    Unsigned(Box<Draft>),
    /// Another verifier accuses; the signer is the accuser.
    Accusation(Checked<SignedAccusation>),
    /// Another verifier's verdict, direct or gossiped; the hash is the verdict's.
    Verdict(Checked<SignedVerdict>),
    /// Another verifier's report; ticket and verdicts are checked.
    Report(SampleReport),
    /// A leaf that differed before this verifier was restarted ([`crate::Output::Suspect`]), with its receipt, about which
    /// there is no case.
    Suspected(Box<Checked<ReceiptMessage>>, u32),
    /// Everything that the chain said above this block is void.
    Rewound(u64),
    /// The court has opened a case of wrong encoding. Other kinds absorb nothing and are not told.
    CaseOpened {
        /// The accused.
        operator: Address,
        /// The leaf it is about.
        leaf: LeafId,
        /// Block of the opening.
        block: u64,
    },
    /// A case of wrong encoding ended without a slash: it has absorbed nothing.
    CaseClosed {
        /// The leaf that it was about.
        leaf: LeafId,
        /// Whether that was a planted fault: the receipt's other leaves can still be proven.
        spared: bool,
        /// Block of the end.
        block: u64,
    },
}
