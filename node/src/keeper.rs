//! Chores that anyone may do, in turn: open rounds, execute due cases, submit proofs nobody submitted, collect pay.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use assay_chain::call::{Call, CourtCall, JobCall, RoundsCall};
use assay_protocol::assignment::Assignment;
use assay_protocol::fraud_proof::{FraudProof, Proven};
use assay_protocol::payment::due;
use assay_protocol::round_work::output_pixels;
use assay_protocol::verdict::LeafId;
use assay_protocol::{B256, U256};
use tokio::task::JoinHandle;

use crate::chain_feed::REORG_BLOCKS;
use crate::covers::Covers;
use crate::driver::Node;
use crate::errand::{After, Errand};
use crate::evidence::Finding;
use crate::retry::{Chore, Retries};
use crate::roll_call::RollKeeper;

/// Blocks that each one in line waits for the one before.
const TURN_BLOCKS: u64 = 2;
/// Pause between two announcements when nothing has changed.
pub(crate) const ANNOUNCE: Duration = Duration::from_secs(15);
/// Connections come in bursts; one record answers them all.
const ANNOUNCE_BURST: Duration = Duration::from_millis(500);

/// A proof that was gossiped.
#[derive(Debug)]
struct KeptProof {
    /// Block in which it came.
    seen: u64,
    proof: Box<FraudProof>,
    /// Whether this node has submitted it.
    submitted: bool,
}

/// What the chores remember.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    pub announced: Option<Instant>,
    /// Whether that is about to be done.
    announcing: bool,
    /// Until the chain has had them for so long that it does not take them back.
    proofs: BTreeMap<LeafId, KeptProof>,
    pub executing: BTreeSet<B256>,
    /// Contested cases that this node has ended, or tries to, with the block of the contest.
    pub lapsing: BTreeSet<(B256, u64)>,
    opening: u64,
    /// Findings that this node brings before the court when its turn comes, with the block in which they came.
    pub found: Vec<(u64, Finding)>,
    /// Demanded leaves by the block in which this node last tried to open them.
    pub answered: BTreeMap<LeafId, u64>,
    /// Receipts of which this node has reported a withheld leaf.
    pub reported: BTreeSet<B256>,
    pub rolls: RollKeeper,
    /// The last look after this node's place in the active sets.
    pub enlisting: Option<JoinHandle<()>>,
    retries: Retries,
}

/// The idempotency key of a proof's transaction.
pub(crate) fn prove_key(leaf: LeafId) -> String {
    format!("prove:{}:{}", leaf.receipt, leaf.index)
}

impl Keeper {
    /// Whether a new announcement is not under way, and would not come too soon after the last one; then it is under way.
    pub(crate) fn may_announce(&mut self) -> bool {
        let soon = |last: Instant| last.elapsed() <= ANNOUNCE_BURST;
        let may = !self.announcing && !self.announced.is_some_and(soon);
        self.announcing |= may;
        may
    }

    pub(crate) fn announced(&mut self) {
        (self.announced, self.announcing) = (Some(Instant::now()), false);
    }

    /// After a reorganisation what was done may be to do again; what the chain still has is refused before it is sent.
    pub(crate) fn rewind(&mut self) {
        self.executing.clear();
        self.lapsing.clear();
        self.opening = 0;
        self.answered.clear();
        self.reported.clear();
        self.rolls.rewind();
        self.submit_again();
    }

    /// Submits proofs again that the chain may have: what a case had absorbed was only worth a payment.
    pub(crate) fn submit_again(&mut self) {
        for kept in self.proofs.values_mut() {
            kept.submitted = false;
        }
    }

    /// Notes that a chore has failed at `block`, to be done again some blocks later.
    pub(crate) fn failed(&mut self, chore: Chore, block: u64) {
        self.retries.failed(chore, block);
    }

    /// Keeps a proof in case nobody submits it.
    pub(crate) fn keep_proof(&mut self, proof: Box<FraudProof>, proven: Proven, block: u64) {
        let leaf = LeafId {
            receipt: proven.receipt_hash,
            index: proof.leaf_index,
        };
        self.proofs.entry(leaf).or_insert(KeptProof {
            seen: block,
            proof,
            submitted: false,
        });
    }
}

impl Node {
    /// Blocks that this node leaves to those before it.
    pub(crate) fn turn_blocks(&self) -> u64 {
        TURN_BLOCKS * self.read(|state| state.turn(self.me))
    }

    /// Does again what has failed some blocks ago, or makes it due again.
    pub(crate) fn retry(&mut self, block: u64) {
        for chore in self.keeper.retries.due(block) {
            let keeper = &mut self.keeper;
            match chore {
                Chore::Open(round) if keeper.opening == round => keeper.opening = 0,
                Chore::Open(_) => {}
                Chore::Execute(case) => drop(keeper.executing.remove(&case)),
                Chore::Lapse { case, contested } => {
                    keeper.lapsing.remove(&(case, contested));
                }
                Chore::Prove(leaf) => {
                    if let Some(kept) = keeper.proofs.get_mut(&leaf) {
                        kept.submitted = false;
                    }
                }
                Chore::Report(leaf) => drop(keeper.reported.remove(&leaf.receipt)),
                Chore::Roll(step) => keeper.rolls.retry(step),
                // Its turn has come already.
                Chore::Bring(finding) => keeper.found.push((0, *finding)),
                Chore::FixSeed(job) => self.fix_seed(job),
                Chore::Claim { case, position } => self.claim_part(case, position),
            }
        }
    }

    /// Writes down the seed of a job of one's own: block hashes are readable for hours, jobs live for months.
    pub(crate) fn fix_seed(&self, job: U256) {
        if self.read(|state| state.jobs.get(&job).map(|job| job.broadcaster)) == Some(self.me) {
            let call = JobCall::FixSeed { job };
            self.submit_chore("fix seed", B256::ZERO, call, Chore::FixSeed(job));
        }
    }

    pub(crate) fn open_round(&mut self, block: u64) {
        let current = self.read(|state| {
            state
                .current()
                .map(|(number, round)| (number, round.opened_at))
        });
        let Some((round, opened_at)) = current else {
            return;
        };
        let due = opened_at + self.params.round_blocks + self.turn_blocks();
        if block >= due && self.keeper.opening < round + 1 {
            self.keeper.opening = round + 1;
            let chore = Chore::Open(round + 1);
            self.submit_chore("open round", B256::ZERO, RoundsCall::Open, chore);
        }
    }

    /// Proofs that were gossiped and did not reach the chain: anyone submits them.
    pub(crate) fn submit_orphans(&mut self, block: u64) {
        let wait = self.params.open_blocks + self.turn_blocks();
        let last = |proof: &FraudProof| {
            proof
                .assignment
                .deadlineBlock
                .saturating_add(self.params.evidence_blocks)
        };
        let mut proofs = std::mem::take(&mut self.keeper.proofs);
        let covers = self.read(|state| Covers::of(state, self.params.response_blocks));
        proofs.retain(|leaf, kept| {
            let barred = covers.barred(*leaf);
            let deep = barred.is_some_and(|opened| opened + REORG_BLOCKS < block);
            last(&kept.proof) >= block && !deep
        });
        for (leaf, kept) in &mut proofs {
            let last = last(&kept.proof);
            let ripe = block >= kept.seen + wait || block + TURN_BLOCKS >= last;
            if !ripe || kept.submitted || covers.barred(*leaf).is_some() {
                continue;
            }
            let absorbed = covers.absorbs(&kept.proof.assignment);
            // What a case has absorbed matters only to whoever pays for it.
            let pays = || self.pays(&kept.proof.assignment) && !covers.is_accused(&leaf.receipt);
            if absorbed && !pays() {
                continue;
            }
            kept.submitted = true;
            let proof = kept.proof.clone();
            if absorbed {
                self.void_payment(*leaf, proof);
            } else {
                let call = CourtCall::Prove(proof);
                self.submit_chore("prove", leaf.receipt, call, Chore::Prove(*leaf));
            }
        }
        self.keeper.proofs = proofs;
    }

    /// Whether this node's broadcaster pays for an assignment.
    fn pays(&self, assignment: &Assignment) -> bool {
        self.read(|state| {
            let job = state.jobs.get(&assignment.jobId);
            job.is_some_and(|job| job.broadcaster == self.me)
        })
    }

    /// Proves work that this broadcaster would pay for although a case has absorbed its fault, where that costs less than
    /// the fee: nobody redeems a ticket for an assignment with a case.
    fn void_payment(&self, leaf: LeafId, proof: Box<FraudProof>) {
        let assignment = &proof.assignment;
        let fee = self.read(|state| {
            let job = state.jobs.get(&assignment.jobId)?;
            let pixels = output_pixels(&job.profiles, assignment.frameCount);
            Some(due(assignment, pixels))
        });
        let Some(fee) = fee else {
            return;
        };
        let (queue, client) = (self.queue.clone(), self.client.clone());
        let call = Call::from(CourtCall::Prove(proof));
        tokio::spawn(async move {
            let (trials, price) = match (
                client.simulate(std::slice::from_ref(&call)).await,
                client.gas_price().await,
            ) {
                (Ok(trials), Ok(price)) => (trials, price),
                (Err(e), _) | (_, Err(e)) => return tracing::debug!("absorbed receipt: {e}"),
            };
            let gas = trials.first().and_then(|trial| trial.gas);
            let cost = gas.map(|gas| price.0.saturating_mul(U256::from(gas)));
            if cost.is_none_or(|cost| cost >= fee) {
                return tracing::debug!("proving {} would cost more than it saves", leaf.receipt);
            }
            match queue.run(prove_key(leaf), call).await {
                Ok(_) => tracing::info!(receipt = %leaf.receipt, "payment voided by a proof"),
                Err(e) => tracing::debug!("absorbed receipt {}: {e}", leaf.receipt),
            }
        });
    }

    /// Hands a call to the persistent queue and tells of its outcome.
    pub(crate) fn submit(
        &self,
        what: &'static str,
        key: String,
        about: B256,
        call: impl Into<Call>,
    ) {
        self.run_errand(Errand {
            what,
            key,
            about,
            call: call.into(),
            after: After::Nothing,
        });
    }

    /// The same for a chore, which is done again some blocks later if it fails for a reason that may pass.
    pub(crate) fn submit_chore(
        &self,
        what: &'static str,
        about: B256,
        call: impl Into<Call>,
        chore: Chore,
    ) {
        self.run_errand(Errand {
            what,
            key: chore.key(),
            about,
            call: call.into(),
            after: After::Chore(chore),
        });
    }

    fn run_errand(&self, errand: Errand) {
        let (queue, events) = (self.queue.clone(), self.events.clone());
        tokio::spawn(async move { errand.run(&queue, &events).await });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_connections_gets_one_announcement() {
        let mut keeper = Keeper::default();
        let burst = (0..100).filter(|_| keeper.may_announce()).count();
        assert_eq!(burst, 1);
        keeper.announced();
        assert!(!keeper.may_announce(), "just announced");
        keeper.announced = None;
        assert!(keeper.may_announce());
    }
}
