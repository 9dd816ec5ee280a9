//! The cases of the court, and what they mean to a node.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use assay_chain::fault::{CaseStatus, Cause, FaultKind};
use assay_protocol::rules::ChainView;
use assay_protocol::verdict::LeafId;
use assay_protocol::{Address, B256, U256};

use super::{ChainState, Round};

/// A case of the court.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its id.
    pub id: B256,
    /// What it is about.
    pub kind: FaultKind,
    /// The accused.
    pub operator: Address,
    /// Round whose verifiers signed.
    pub round: u64,
    /// Signers by position in that round's verifier set.
    pub bitmap: U256,
    /// Blocks in which others joined them, each with who they were before.
    pub joined: Vec<(u64, U256)>,
    /// The receipt, zero where the case is about something else.
    pub receipt: B256,
    /// Block of the opening.
    pub opened: u64,
    /// First block at which it can be executed.
    pub executable: u64,
    /// The leaf, where it is about one.
    pub leaf: u32,
    /// Block in which it ended, and how.
    pub ended: Option<(u64, CaseStatus)>,
    /// Block since which the resolver decides it, and why: nobody executes it meanwhile.
    pub contested: Option<(u64, Cause)>,
    /// Block in which others gave the accused's contest their cause.
    pub joined_by: Option<u64>,
    /// By position, who was counted when divergences on its leaf tripped the breaker.
    pub diverged: u64,
    /// Block in which its finder's part was paid, or burned.
    pub finder_paid: Option<u64>,
}

impl Case {
    /// The leaf that it is about; of receipt zero where it is about something else.
    pub fn leaf(&self) -> LeafId {
        LeafId {
            receipt: self.receipt,
            index: self.leaf,
        }
    }

    /// Whether nothing has ended it.
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// Whether it ended with a slash.
    pub fn is_executed(&self) -> bool {
        matches!(self.ended, Some((_, CaseStatus::Executed)))
    }

    /// Block since which the court owes its finder nothing, and never will: it has paid, or the case ended without a slash.
    pub fn finder_free(&self) -> Option<u64> {
        match self.ended? {
            (_, CaseStatus::Executed) => self.finder_paid,
            (block, _) => Some(block),
        }
    }

    /// Whether it says of a receipt that its transcoder is at fault: nobody pays for that work, and it earns no mint.
    pub fn accuses(&self) -> bool {
        let void = |(_, status)| matches!(status, CaseStatus::Acquitted | CaseStatus::Annulled);
        self.kind.is_transcoders() && !self.ended.is_some_and(void)
    }

    /// Whether the court takes no proof of wrong encoding about this leaf any more: the case of an assignment is the only
    /// one, but a planted fault spares its leaf alone.
    pub fn bars(&self, leaf: LeafId) -> bool {
        let spared = matches!(self.ended, Some((_, CaseStatus::Spared)));
        let about = self.kind == FaultKind::WrongEncode && self.receipt == leaf.receipt;
        about && (!spared || self.leaf == leaf.index)
    }

    /// Whether it absorbs faults of its burst, or will once it is executed: then they are one fault. One that ends in
    /// another way has hidden nothing.
    pub fn may_absorb(&self) -> bool {
        self.kind == FaultKind::WrongEncode && (self.is_open() || self.is_executed())
    }

    /// Blocks of signing of the faults that it absorbs once it is executed, with so many to answer an assignment.
    pub fn burst(&self, response_blocks: u64) -> RangeInclusive<u64> {
        self.opened.saturating_sub(response_blocks)..=self.opened
    }

    /// Whether the resolver decides it.
    pub fn is_contested(&self) -> bool {
        self.contested.is_some()
    }

    /// Takes the cause that others give a contest of the accused's in `block`.
    pub fn join_contest(&mut self, cause: Cause, block: u64) {
        if let Some((_, found @ Cause::Accused)) = &mut self.contested
            && cause != Cause::Accused
        {
            *found = cause;
            self.joined_by = Some(block);
        }
    }

    /// Whether a larger quorum may take the place of its signers: the accused's contest keeps nobody from joining.
    pub fn takes_signers(&self) -> bool {
        let by_others = self.contested.filter(|(_, cause)| *cause != Cause::Accused);
        self.is_open() && by_others.is_none()
    }

    /// Takes the signers of `block`, in which others joined.
    pub fn join(&mut self, bitmap: U256, block: u64) {
        let before = std::mem::replace(&mut self.bitmap, bitmap);
        self.joined.push((block, before));
    }

    /// Forgets what happened to it above block `ancestor`.
    pub(super) fn rewind(&mut self, ancestor: u64) {
        while let Some((_, before)) = self.joined.pop_if(|(block, _)| *block > ancestor) {
            self.bitmap = before;
        }
        self.ended = self.ended.filter(|(block, _)| *block <= ancestor);
        self.contested = self.contested.filter(|(block, _)| *block <= ancestor);
        if self.joined_by.take_if(|block| *block > ancestor).is_some() {
            self.contested = self.contested.map(|(since, _)| (since, Cause::Accused));
        }
        self.finder_paid = self.finder_paid.filter(|block| *block <= ancestor);
    }
}

impl ChainState {
    /// Whether somebody has shown the court that a quorum passes a leaf.
    pub fn is_acquitted(&self, leaf: LeafId) -> bool {
        let shown = |c: &Case| c.kind == FaultKind::FalseAccusation && c.leaf() == leaf;
        self.cases.values().any(shown)
    }

    /// Whether another acquittal of a leaf by the same accuser's accusation would change nothing: its case is there, and none that
    /// proves the leaf waits to be contested.
    pub fn has_acquitted(&self, leaf: LeafId, accuser: Address) -> bool {
        let about = |c: &&Case| c.leaf() == leaf;
        let mut shown = self.cases.values().filter(about);
        let mut proven = self.cases.values().filter(about);
        shown.any(|c| c.kind == FaultKind::FalseAccusation && c.operator == accuser)
            && !proven.any(|c| c.kind == FaultKind::WrongEncode && c.takes_signers())
    }

    /// Whether a case is open against the operator as a transcoder; as a verifier it has another pool.
    pub fn frozen(&self, operator: Address) -> bool {
        self.freezing().any(|case| case.operator == operator)
    }

    /// Open cases, each of which freezes its operator's pool of transcoding.
    pub fn freezing(&self) -> impl Iterator<Item = &Case> {
        let cases = self.cases.values();
        cases.filter(|case| case.kind.is_transcoders() && case.is_open())
    }

    /// Receipts with a case against their transcoder that is open or proven.
    pub fn accused(&self) -> BTreeSet<B256> {
        let accusing = self.cases.values().filter(|case| case.accuses());
        accusing.map(|case| case.receipt).collect()
    }

    /// Cases that can be executed in `block`. Whoever had no stake in any known round loses none, and can be accused for gas
    /// alone: where no signer waits for such a case, it is worth nobody's gas.
    pub fn due(&self, block: u64) -> Vec<B256> {
        let open = self.cases.values().filter(|case| case.is_open());
        let ripe = open.filter(|case| !case.is_contested() && block >= case.executable);
        let worth = ripe.filter(|case| !case.bitmap.is_zero() || self.has_stood(case));
        worth.map(|case| case.id).collect()
    }

    /// Whether the accused was active in a known round, in the role in which it is accused.
    fn has_stood(&self, case: &Case) -> bool {
        let active = |round: &Round| match case.kind.is_transcoders() {
            true => round.transcoders.get(case.operator).is_some(),
            false => round.verifiers.find(case.operator).is_some(),
        };
        self.rounds.values().rev().any(active)
    }

    /// Marks a case as over in `block`; gives it back.
    pub fn end(&mut self, case: B256, status: CaseStatus, block: u64) -> Option<Case> {
        let case = self.cases.get_mut(&case)?;
        case.ended = Some((block, status));
        Some(case.clone())
    }

    /// Contested cases about which the resolver was silent for so many rounds at `block`, with the block of the contest.
    /// Whose contest it was decides what its silence means, and anyone may say so.
    pub fn lapsed(&self, rounds: u64, block: u64) -> Vec<(B256, u64)> {
        let open = self.cases.values().filter(|case| case.is_open());
        let contested = open.filter_map(|case| Some((case.id, case.contested?.0)));
        let silent = |(_, contested): &(B256, u64)| {
            // A round that is not kept any more is long over.
            let round = self.round_at(*contested).unwrap_or_default();
            let mut after = self.rounds.range(round + rounds..);
            after.next().is_some_and(|(_, r)| r.opened_at <= block)
        };
        contested.filter(silent).collect()
    }
}
