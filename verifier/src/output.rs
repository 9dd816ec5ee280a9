//! What the verifier wants done.

use assay_protocol::assignment::SignedAssignment;
use assay_protocol::draft::Draft;
use assay_protocol::receipt::SignedReceipt;
use assay_protocol::verdict::{LeafId, SignedVerdict};
use assay_protocol::wire::{Gossip, ReceiptMessage};
use assay_protocol::{Address, B256};

/// How soon a recomputation must run: the last ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// A draw: any time before the epoch's report. Or a matter that is decided, of which an account is owed.
    Sample,
    /// Somebody accuses: others wait for the answer.
    Accused,
    /// A repetition, before something is said to be wrong: nobody can be asked until then.
    Confirm,
}

/// A quorum's worth of equal verdicts against one leaf: all that the fraud proof is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conviction {
    /// Assignment and receipt.
    pub evidence: ReceiptMessage,
    /// The wrong leaf.
    pub leaf: LeafId,
    /// What the verifiers got.
    pub recomputed_hash: B256,
    /// Their verdicts, equal in content.
    pub verdicts: Vec<SignedVerdict>,
}

/// A leaf that contradicts its assignment on its face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafFault {
    /// Assignment and receipt.
    pub evidence: ReceiptMessage,
    /// The leaf.
    pub index: u32,
    /// The true frames roots of the segment's chunks.
    pub chunk_roots: Vec<B256>,
}

/// Two signatures where one is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Equivocation {
    /// Two receipts for one assignment.
    Transcoder {
        /// The assignment.
        assignment: SignedAssignment,
        /// Both receipts.
        receipts: Box<[SignedReceipt; 2]>,
    },
    /// Two verdicts on one leaf.
    Verifier([SignedVerdict; 2]),
}

/// Something a person following along would like to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A leaf was drawn.
    Drawn(LeafId),
    /// A drawn leaf was recomputed; whether it agreed.
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
    /// Equal verdicts reach two thirds.
    Quorum {
        /// The leaf.
        leaf: LeafId,
        /// How many verifiers.
        signers: usize,
    },
    /// A quorum finds an accused leaf right.
    Acquitted(LeafId),
    /// A recomputation failed for a reason of its own.
    Trouble {
        /// The receipt.
        receipt: B256,
        /// The reason's code.
        reason: u8,
    },
    /// Another verifier's epoch report, held against its draws.
    Duty {
        /// The verifier.
        verifier: Address,
        /// The epoch.
        epoch: u64,
        /// Leaves it had drawn of those looked at: of each transcoder the first few hundred known here.
        drawn: usize,
        /// Of them without a verdict.
        missed: usize,
    },
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Journal, sign, and answer with `Signed`.
    Sign(Draft),
    /// Fetch the source, re-encode these leaves, and answer for each of them with `Recomputed`.
    Recompute {
        /// Assignment and receipt.
        evidence: Box<ReceiptMessage>,
        /// The receipt's hash.
        receipt: B256,
        /// Indices of leaves.
        leaves: Vec<u32>,
        /// How soon.
        urgency: Urgency,
    },
    /// Write down, to be told as `Suspected` after a restart: the leaf differs, and is recomputed once more.
    Suspect {
        /// Assignment and receipt.
        evidence: Box<ReceiptMessage>,
        /// The leaf.
        leaf: LeafId,
    },
    /// Re-encode at every SIMD level and answer with `LevelsTried`.
    TryLevels {
        /// Assignment and receipt.
        evidence: Box<ReceiptMessage>,
        /// The leaf.
        leaf: LeafId,
    },
    /// Publish.
    Gossip(Gossip),
    /// Hand a verdict to an accuser.
    SendVerdict {
        /// The accuser.
        to: Address,
        /// The verdict.
        verdict: SignedVerdict,
    },
    /// Serve these source bytes to others from now on.
    ServeSource(B256),
    /// Aggregate, gossip and submit to the court.
    Convict(Box<Conviction>),
    /// Aggregate and gossip: a case has absorbed this fault, so that only whoever paid for the work gains by the proof,
    /// which voids the payment.
    Absorbed(Box<Conviction>),
    /// Submit to the court.
    ReportLeafFault(Box<LeafFault>),
    /// Submit to the court.
    ReportEquivocation(Equivocation),
    /// Tell.
    Note(Note),
}
