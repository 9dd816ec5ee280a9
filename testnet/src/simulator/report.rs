//! What happened in a run, for tests and for people.

use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::amount::Lpt;
use assay_protocol::assignment::Skip;
use assay_protocol::verdict::LeafId;
use assay_protocol::work::RoundWork;
use assay_protocol::{Address, B256, U256};
use assay_verifier::Note;

use super::clock::Millis;
use super::court::{FaultKind, Rejection};

/// Something that a node did and that the report counts.
#[derive(Clone, Debug)]
pub(super) enum Fact {
    Delivered {
        seq: u32,
        transcoder: Address,
    },
    Gap {
        seq: u32,
    },
    Skipped {
        seq: u32,
        skip: Skip,
    },
    Receipted {
        receipt: B256,
        transcoder: Address,
        deadline: u64,
        wrong: Vec<LeafId>,
    },
    Noted {
        honest: bool,
        note: Note,
    },
    /// The journal holds another digest in this slot.
    SlotTaken,
}

/// A receipt as made, with the truth about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptTruth {
    /// Who made it.
    pub transcoder: Address,
    /// When it was gossiped.
    pub at: Millis,
    /// Block in which its assignment was signed.
    pub signed_block: u64,
    /// Leaves that are wrong.
    pub wrong: Vec<LeafId>,
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseOutcome {
    /// What was proven.
    pub kind: FaultKind,
    /// The accused.
    pub operator: Address,
    /// The leaf; for an equivocation the first of the first receipt.
    pub leaf: LeafId,
    /// Block in which the assignment was signed.
    pub signed_block: u64,
    /// Block of the opening.
    pub opened: u64,
    /// Block of the execution.
    pub executed: Option<u64>,
    /// Who signed.
    pub signers: Vec<Address>,
    /// From the receipt's gossip to the block of the opening.
    pub after: Millis,
}

/// A run's outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Over every event in order.
    pub trace_hash: B256,
    /// Whether every segment was delivered or given up, and every case executed, before the last allowed block.
    pub terminated: bool,
    /// Blocks made.
    pub blocks: u64,
    /// Accounts of the transcoders, in the scenario's order.
    pub transcoders: Vec<Address>,
    /// Accounts of the verifiers, in the scenario's order.
    pub verifiers: Vec<Address>,
    /// Stakes at the end, of both pools; a twin's transcoder stake.
    pub stakes: BTreeMap<Address, Lpt>,
    /// Verifiers' stakes at the end.
    pub verifier_stakes: BTreeMap<Address, Lpt>,
    /// Weights of the transcoders in each round.
    pub weights: BTreeMap<u64, BTreeMap<Address, U256>>,
    /// Block in which each round was opened.
    pub round_blocks: BTreeMap<u64, u64>,
    /// Segments delivered, with their transcoders.
    pub delivered: BTreeMap<u32, Address>,
    /// Segments given up.
    pub gaps: BTreeSet<u32>,
    /// Electees passed over.
    pub skips: Vec<(u32, Skip)>,
    /// Most segments unfinished at one time.
    pub most_in_flight: usize,
    /// Every receipt.
    pub receipts: BTreeMap<B256, ReceiptTruth>,
    /// Leaves drawn, by honest verifiers, with who drew them.
    pub drawn: BTreeMap<LeafId, BTreeSet<Address>>,
    /// Drawn leaves that honest verifiers recomputed.
    pub samples: usize,
    /// Leaves that an honest verifier found wrong.
    pub mismatches: BTreeSet<LeafId>,
    /// Leaves that an honest verifier saw acquitted.
    pub acquitted: BTreeSet<LeafId>,
    /// Draws without a verdict, by verifier: the least that any honest verifier counted over the run.
    pub missed: BTreeMap<Address, usize>,
    /// Cases in order of opening.
    pub cases: Vec<CaseOutcome>,
    /// Lists of work that the chain took, by round.
    pub certified: BTreeMap<u64, RoundWork>,
    /// What the court did not take, by reason.
    pub rejections: BTreeMap<Rejection, usize>,
    /// Messages that a node's checks found wrong; none, while all who sign are who they say.
    pub refused: Vec<String>,
    /// Drafts that a journal did not sign, by node's account.
    pub slots_taken: BTreeMap<Address, usize>,
}

impl Report {
    /// Cases against one operator.
    pub fn cases_of(&self, operator: Address) -> impl Iterator<Item = &CaseOutcome> {
        self.cases.iter().filter(move |c| c.operator == operator)
    }

    /// Whether a wrong leaf is answered for: its receipt has a case, or a case absorbs the burst it belongs to.
    pub fn answered(&self, leaf: LeafId, response_blocks: u64) -> bool {
        let Some(receipt) = self.receipts.get(&leaf.receipt) else {
            return false;
        };
        let burst = receipt.signed_block..=receipt.signed_block + response_blocks;
        self.cases_of(receipt.transcoder).any(|case| {
            case.leaf.receipt == leaf.receipt
                || case.kind == FaultKind::WrongEncode && burst.contains(&case.opened)
        })
    }

    /// Wrong leaves that `one_of` drew.
    pub fn wrong_drawn_by(&self, one_of: &BTreeSet<Address>) -> Vec<LeafId> {
        let wrong = self.receipts.values().flat_map(|r| &r.wrong);
        let drawn = |leaf: &&LeafId| {
            self.drawn
                .get(leaf)
                .is_some_and(|by| !by.is_disjoint(one_of))
        };
        wrong.filter(drawn).copied().collect()
    }

    /// Median virtual time from a wrong receipt to its case.
    pub fn median_to_proof(&self) -> Option<Millis> {
        let mut times: Vec<_> = self.cases.iter().map(|c| c.after).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    }
}
