//! What proves a fault is kept when it is seen: in memory what may be contradicted later, on disk what was.
//!
//! Checks show everything that is validly signed to the [`Witness`], also what they reject afterwards, because two things
//! that contradict each other are worth more than either. What proves something is a [`Finding`]; it is written down before
//! the check's judgement leaves, or as soon as the disk takes it, and the loop hears of it with the next block.

mod finder;
mod joins;
mod locker;
mod memory;
mod quorums;
mod shelf;

use std::collections::BTreeSet;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use assay_chain::exhibit::{Exhibit, Kind};
use assay_chain::fault::FaultKind;
use assay_protocol::accusation::SignedAccusation;
use assay_protocol::assignment::{Assignment, SignedAssignment};
use assay_protocol::bls::BlsSignature;
use assay_protocol::domain::Domain;
use assay_protocol::params::Params;
use assay_protocol::receipt::LeavesError;
use assay_protocol::verdict::{SignedDivergence, SignedVerdict};
use assay_protocol::wire::{ReceiptMessage, decode, encode};
use assay_protocol::{Address, B256, keccak256};

use crate::chain_state::{Case, ChainState};
use crate::dated::Dated;
use locker::Locker;
use memory::Memory;
use quorums::named;

pub use locker::{EvidenceFileError, list, read};
pub(crate) use memory::work;

/// Findings that wait for the loop; it takes them with each block.
const FRESH: usize = 1_024;

/// Something that proves a fault, or a claim of one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub exhibit: Exhibit,
    /// Whom it costs, or whose claim it is.
    pub culprit: Address,
    /// What it is about: the same fault has the same subject, whatever else the evidence says.
    pub subject: B256,
}

impl Finding {
    pub fn new(exhibit: Exhibit, culprit: Address, about: &[&[u8]]) -> Self {
        Self {
            exhibit,
            culprit,
            subject: keccak256(about.concat()),
        }
    }

    /// Its file's name without the ending, and its transaction's idempotency key.
    pub fn name(&self) -> String {
        let (kind, culprit) = (self.exhibit.kind(), self.culprit);
        format!("{kind}-{culprit:#x}-{}", locker::short(self.subject))
    }

    /// Whether nodes bring it before the court themselves. The culprit's stake bounds how often, or it is this node's
    /// own claim. Two assignments cost their broadcaster a reserve that may be empty, so that it could burn
    /// everybody's gas with them; a demand needs a bond; the breaker is a person's judgement.
    pub fn brings_itself(&self) -> bool {
        match self.exhibit.kind() {
            Kind::LeafFault
            | Kind::Equivocation
            | Kind::VerifierEquivocation
            | Kind::ShowEarlyTicket
            | Kind::FalsePass
            | Kind::Acquit
            | Kind::FalseDivergence
            | Kind::ClaimFinder
            | Kind::SettleFinder
            | Kind::OpenLeaf
            // Only of a larger quorum than a case has: other proofs are no findings.
            | Kind::Prove => true,
            Kind::BroadcasterEquivocation
            | Kind::RevealPlant
            | Kind::SecondPlant
            | Kind::ChallengeLeaf
            | Kind::Trip
            | Kind::TripByDivergence
            | Kind::ContestStopped => false,
        }
    }
}

/// Who sees everything. Shared by the checks and the loop. Whoever shows it the chain's picture gives it up with that, so that
/// nothing waits for the disk to change the picture.
pub(crate) struct Witness {
    domain: Domain,
    memory: Mutex<Memory>,
    locker: Mutex<Locker>,
    fresh: Mutex<Vec<(Finding, PathBuf)>>,
    /// What was found before this start.
    recalled: Mutex<Vec<Finding>>,
    /// Subjects of acquittals that were shown once more.
    again: Mutex<BTreeSet<B256>>,
    /// Assignments of which this node may be the finder.
    finds: Dated,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Witness {
    /// A witness of the operator `me` that keeps what it finds in a node's folder, with what it found before.
    pub fn new(node: &Path, me: Address, domain: Domain, params: &Params) -> Self {
        let mut memory = Memory::new(me, domain, params.clone());
        let (locker, mut recalled) = Locker::open(node, params);
        for finding in recalled.iter().filter(|finding| finding.culprit == me) {
            match &finding.exhibit {
                Exhibit::ClaimFinder(claim) => memory.claimed(&claim.assignment, finding.name()),
                Exhibit::SettleFinder(assignment) => memory.claimed(assignment, finding.name()),
                _ => {}
            }
        }
        recalled.retain(Finding::brings_itself);
        let finds = Dated::new(node.join("finds"), "assignment");
        for bytes in finds.read() {
            match decode(&bytes) {
                Ok((receipt, assignment)) => memory.saved_find(receipt, assignment),
                Err(e) => tracing::warn!("a file of the folder finds: {e}"),
            }
        }
        Self {
            domain,
            memory: Mutex::new(memory),
            locker: Mutex::new(locker),
            fresh: Mutex::default(),
            recalled: Mutex::new(recalled),
            again: Mutex::default(),
            finds,
        }
    }

    /// What was found before this start and is to be brought before the court, once.
    pub fn recalled(&self) -> Vec<Finding> {
        std::mem::take(&mut lock(&self.recalled))
    }

    /// Epochs whose tickets this node needs for its claims.
    pub fn find_epochs(&self) -> BTreeSet<u64> {
        lock(&self.memory).find_epochs()
    }

    /// Writes findings down and tells the loop of the new ones. Blocks on the disk.
    pub fn keep(&self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            // Bound outside of the condition: no lock is held while another one is taken.
            let put = lock(&self.locker).put(&finding);
            if let Some(path) = put {
                self.tell((finding, path));
            }
        }
    }

    fn tell(&self, found: (Finding, PathBuf)) {
        let mut fresh = lock(&self.fresh);
        if fresh.len() < FRESH {
            fresh.push(found);
        }
    }

    /// What was found since the last time.
    pub fn fresh(&self) -> Vec<(Finding, PathBuf)> {
        std::mem::take(&mut lock(&self.fresh))
    }

    /// An assignment that its job's broadcaster has signed; `sound` where nothing else is wrong with it.
    pub fn assignment(&self, broadcaster: Address, signed: &SignedAssignment, sound: bool) {
        let hash = self.domain.digest(&signed.assignment);
        let found = lock(&self.memory).assignment(broadcaster, signed, hash, sound);
        self.keep(found);
    }

    /// Whether another receipt for the same assignment was seen: then also a late one is worth a look.
    pub fn contradicts(&self, assignment: B256, receipt: B256) -> bool {
        lock(&self.memory).contradicts(assignment, receipt)
    }

    /// A receipt of a sound assignment; both signatures hold. `leaves` says what is wrong with its leaves.
    pub fn receipt(
        &self,
        state: impl Deref<Target = ChainState>,
        message: &ReceiptMessage,
        hash: B256,
        leaves: Result<(), LeavesError>,
    ) {
        let found = lock(&self.memory).receipt(&state, message, hash, leaves.err());
        drop(state);
        self.keep(found);
    }

    /// A verdict of a registered verifier.
    pub fn verdict(&self, state: impl Deref<Target = ChainState>, signed: &SignedVerdict) {
        let found = lock(&self.memory).verdict(&state, signed);
        drop(state);
        self.keep(found);
    }

    /// An accusation of a registered verifier.
    pub fn accusation(
        &self,
        state: impl Deref<Target = ChainState>,
        accuser: Address,
        signed: &SignedAccusation,
    ) {
        let found = lock(&self.memory).accusation(&state, accuser, signed);
        drop(state);
        self.keep(found);
    }

    /// A divergence of a registered verifier.
    pub fn divergence(&self, state: impl Deref<Target = ChainState>, signed: &SignedDivergence) {
        let found = lock(&self.memory).divergence(&state, signed);
        drop(state);
        self.keep(found);
    }

    /// Whether a ticket of that verifier and epoch is known: it need not be checked once more.
    pub fn knows_ticket(&self, verifier: Address, epoch: u64) -> bool {
        lock(&self.memory).ticket(verifier, epoch).is_some()
    }

    /// A verifier's ticket; `early` where its epoch has not ended here.
    pub fn ticket(&self, verifier: Address, epoch: u64, ticket: BlsSignature, early: bool) {
        let found = lock(&self.memory).heard_ticket(verifier, epoch, ticket, early);
        self.keep(found);
    }

    /// A case was opened, or the resolver has ruled it guilty.
    pub fn case(&self, state: impl Deref<Target = ChainState>, case: &Case, guilty: bool) {
        let (found, unsaved) = {
            let mut memory = lock(&self.memory);
            (memory.case(&state, case, guilty), memory.unsaved_finds())
        };
        let stands = state.cases.get(&case.id);
        let proven = stands.is_some_and(|c| c.kind == FaultKind::WrongEncode && c.takes_signers());
        let acquitted = proven && state.is_acquitted(case.leaf());
        drop(state);
        self.keep(found);
        if acquitted && let Some(again) = self.acquittal_against(case) {
            self.tell(again);
        }
        for find in unsaved {
            if let Err(e) = self.save(&find) {
                tracing::error!("the finder's part of case {} may be lost: {e}", case.id);
            }
        }
    }

    /// An acquittal that the court took before it opened this case, for which `prove` does not look (docs/decisions.md), once. It
    /// is on disk already, and found again when the node hears of the case after a restart.
    fn acquittal_against(&self, case: &Case) -> Option<(Finding, PathBuf)> {
        let leaf = case.leaf();
        let shown = lock(&self.locker).about(Kind::Acquit, keccak256(named(leaf)));
        let about = |finding: &Finding| match &finding.exhibit {
            Exhibit::Acquit(shown) => {
                let receipt = self.domain.digest(&shown.work.receipt);
                (receipt, shown.leaf.leaf_index) == (leaf.receipt, leaf.index)
            }
            _ => false,
        };
        let (shown, file) = shown.into_iter().find(|(finding, _)| about(finding))?;
        let about = [case.id.as_slice(), &case.opened.to_be_bytes()];
        let again = Finding::new(shown.exhibit, shown.culprit, &about);
        lock(&self.again)
            .insert(again.subject)
            .then_some((again, file))
    }

    fn save(&self, find: &(B256, Assignment)) -> std::io::Result<()> {
        let (receipt, assignment) = find;
        let bytes = encode(find).map_err(std::io::Error::other)?;
        let until = lock(&self.memory).useful_until(assignment.deadlineBlock);
        self.finds.keep(&format!("{receipt:x}"), until, &bytes)
    }

    /// An encoder was stopped, and a case may be about it.
    pub fn stopped(&self, state: impl Deref<Target = ChainState>, encoder: B256) {
        let found = lock(&self.memory).of_stopped(&state, encoder);
        drop(state);
        self.keep(found);
    }

    /// A block: claims whose time has come, and what is of no use any more.
    pub fn block(&self, state: impl Deref<Target = ChainState>) {
        let (found, ended) = {
            let mut memory = lock(&self.memory);
            (memory.block(&state), memory.ended_claims(&state))
        };
        let head = state.head;
        drop(state);
        self.keep(found);
        self.finds.clear(head);
        let cleared = {
            let mut locker = lock(&self.locker);
            locker.write_again();
            locker.clear(head).and_then(|()| locker.remove(ended))
        };
        if let Err(e) = cleared {
            tracing::warn!("old evidence stays: {e}");
        }
    }
}

#[cfg(test)]
mod tests;
