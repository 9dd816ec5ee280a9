//! What is known of one leaf and of one receipt.

use std::collections::BTreeMap;

use assay_protocol::accusation::commit as commit_to;
use assay_protocol::verdict::SignedVerdict;
use assay_protocol::wire::ReceiptMessage;
use assay_protocol::{Address, B256};

use crate::output::Urgency;

/// How far this verifier's own check of a leaf has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Own {
    /// Not looked at.
    #[default]
    Unknown,
    /// Being recomputed.
    Running,
    /// Differed; repeated in a fresh process.
    Confirming(B256),
    /// Verdict at the signer.
    Signing,
    /// Said.
    Said(SignedVerdict),
    /// Nothing came of it, for a reason that may pass.
    Failed,
    /// Cannot be checked, or differed from itself.
    Trouble,
}

/// Where the matter of a leaf stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Matter {
    /// Nothing decided.
    #[default]
    Open,
    /// Handed to the court, or the court has it, or a burst absorbs it.
    Settled,
    /// A quorum found it right.
    Acquitted,
    /// Another SIMD level gives the claimed bytes.
    Diverged,
}

/// One leaf.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeafState {
    pub own: Own,
    /// Recomputations that have not been answered yet.
    pub asked: u32,
    /// Whether one of them was asked for more urgently than a sample.
    pub hurried: bool,
    /// For whom, where that was an accuser: its repetition is for the same.
    pub hurried_for: Option<Address>,
    pub drawn: bool,
    /// Who accused, each with what it has committed to, in order of arrival.
    pub accusations: Vec<(Address, B256)>,
    /// Block of the first accusation.
    pub accused_at: Option<u64>,
    pub accusing: bool,
    pub verdicts: BTreeMap<Address, SignedVerdict>,
    pub matter: Matter,
    /// Block at which it is this verifier's turn to submit.
    pub submit_at: Option<u64>,
    pub shown: bool,
    pub tried_levels: bool,
}

impl LeafState {
    /// Adds an accuser with its commit, once; whether it is new.
    pub fn accused_by(&mut self, accuser: Address, commit: B256, block: u64) -> bool {
        let new = self.accusers().all(|who| who != accuser);
        if new {
            self.accusations.push((accuser, commit));
        }
        self.accused_at.get_or_insert(block);
        new
    }

    /// In order of arrival.
    pub fn accusers(&self) -> impl Iterator<Item = Address> {
        self.accusations.iter().map(|(who, _)| *who)
    }

    /// The verdicts that count. Fails are sent to accusers, so an accuser's own is the one that it has committed to before
    /// it could see others' [copying].
    pub fn counted(&self) -> impl Iterator<Item = &SignedVerdict> {
        self.verdicts.values().filter(|said| {
            let mut of_it = self.accusations.iter();
            let committed = of_it.find(|(who, _)| *who == said.verifier);
            committed.is_none_or(|(_, to)| *to == commit_to(&said.signature))
        })
    }

    /// Counts a request for a recomputation.
    pub fn ask(&mut self, urgency: Urgency) {
        self.asked += 1;
        self.hurried |= urgency != Urgency::Sample;
    }

    /// Whether nothing about it is under way.
    fn is_done(&self) -> bool {
        let waits = matches!(self.own, Own::Running | Own::Confirming(_) | Own::Signing);
        let accused = self.accused_at.is_some() || self.accusing;
        self.asked == 0 && !waits && (!accused || self.matter != Matter::Open)
    }

    /// Counts its answer.
    pub fn answered(&mut self) {
        self.asked = self.asked.saturating_sub(1);
        self.hurried &= self.asked > 0;
    }
}

/// One receipt.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub message: ReceiptMessage,
    pub signed_block: u64,
    pub epoch: u64,
    pub drawn: bool,
    pub unverifiable: bool,
    pub fault_reported: bool,
    pub leaves: BTreeMap<u32, LeafState>,
}

impl Watched {
    pub fn transcoder(&self) -> Address {
        self.message.assignment.assignment.transcoder
    }

    pub fn round(&self) -> u64 {
        self.message.assignment.assignment.round
    }

    /// Whether it is only kept for what others may say of it: nothing of it was drawn, or all that was is reported.
    pub fn is_done(&self, reported: u64) -> bool {
        let due = self.leaves.is_empty() || self.epoch < reported;
        self.drawn && due && self.leaves.values().all(LeafState::is_done)
    }

    /// What the transcoder claims for a leaf; `None` beyond the last.
    pub fn claimed(&self, index: u32) -> Option<B256> {
        self.message
            .receipt
            .leaves
            .get(index as usize)
            .map(|leaf| leaf.output_hash)
    }
}
