//! Chores that anyone may do, in turn: open rounds, execute due cases, submit proofs nobody submitted, collect pay.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use assay_chain::call::{Call, CourtCall, RoundsCall};
use assay_chain::queue::TxError;
use assay_protocol::assignment::{Assignment, MAX_ATTEMPT};
use assay_protocol::fraud_proof::{FraudProof, Proven};
use assay_protocol::payment::due;
use assay_protocol::record::roles;
use assay_protocol::round_work::output_pixels;
use assay_protocol::verdict::LeafId;
use assay_protocol::{Address, B256, U256};

use crate::chain_state::Case;
use crate::driver::{Event, Node};
use crate::evidence::Finding;
use crate::notice::Notice;

/// Blocks that each one in line waits for the one before.
const TURN_BLOCKS: u64 = 2;
/// Pause between two announcements when nothing has changed.
pub(crate) const ANNOUNCE: Duration = Duration::from_secs(15);
/// Connections come in bursts; one record answers them all.
const ANNOUNCE_BURST: Duration = Duration::from_millis(500);

/// What the chores remember.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    pub announced: Option<Instant>,
    proofs: BTreeMap<LeafId, (u64, Box<FraudProof>, Address)>,
    executing: BTreeSet<B256>,
    opening: u64,
    /// Findings that this node brings before the court when its turn comes, with the block in which they came.
    pub found: Vec<(u64, Finding)>,
    /// Demanded leaves by the block in which this node last tried to open them.
    pub answered: BTreeMap<LeafId, u64>,
    /// Receipts of which this node has reported a withheld leaf.
    pub reported: BTreeSet<B256>,
}

/// The idempotency key of a proof's transaction.
pub(crate) fn prove_key(leaf: LeafId) -> String {
    format!("prove:{}:{}", leaf.receipt, leaf.index)
}

impl Keeper {
    /// Whether a new announcement would not come too soon after the last one.
    pub(crate) fn may_announce(&self) -> bool {
        self.announced
            .is_none_or(|last| last.elapsed() > ANNOUNCE_BURST)
    }

    pub(crate) fn announced(&mut self) {
        self.announced = Some(Instant::now());
    }

    /// After a reorganisation what was done may be to do again; what the chain still has is refused before it is sent.
    pub(crate) fn rewind(&mut self) {
        self.executing.clear();
        self.opening = 0;
        self.answered.clear();
        self.reported.clear();
    }

    /// Keeps a proof in case nobody submits it.
    pub(crate) fn keep_proof(&mut self, proof: Box<FraudProof>, proven: Proven, block: u64) {
        let leaf = LeafId {
            receipt: proven.receipt_hash,
            index: proof.leaf_index,
        };
        self.proofs
            .entry(leaf)
            .or_insert((block, proof, proven.transcoder));
    }
}

impl Node {
    /// Blocks that this node leaves to those before it.
    pub(crate) fn turn_blocks(&self) -> u64 {
        TURN_BLOCKS * self.read(|state| state.turn(self.me))
    }

    /// Keeps an assignment's source, where it is here, until no proof about it is accepted any more.
    pub(crate) fn need_source(&mut self, assignment: &Assignment) {
        let last = assignment
            .deadlineBlock
            .saturating_add(self.params.evidence_blocks);
        self.leases.extend(assignment.sourceHash, last);
    }

    /// The same for a live segment before it is assigned: to its last attempt's end.
    pub(crate) fn need_live_source(&mut self, hash: B256, block: u64) {
        let params = &self.params;
        let attempt = params.response_blocks + 2 * params.late_blocks;
        let attempts = (u64::from(MAX_ATTEMPT) + 1) * attempt;
        let last = block + attempts + params.evidence_blocks;
        self.leases.extend(hash, last);
    }

    /// Removes sources that nobody needs any more.
    pub(crate) fn clear_sources(&mut self, block: u64) {
        let over = self.leases.expire(block);
        // A file may be published again; a live stream is not.
        let live = self.publishing.as_ref().is_some_and(|p| p.offers.is_live());
        if over.is_empty() || (self.roles & roles::BROADCASTER != 0 && !live) {
            return;
        }
        for hash in &over {
            self.network.forbid_blob(*hash);
        }
        let blobs = self.blobs.clone();
        tokio::task::spawn_blocking(move || {
            for hash in over {
                if let Err(e) = blobs.remove(hash) {
                    tracing::warn!(%hash, "source cannot be removed: {e}");
                }
            }
        });
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
            self.submit(
                "open round",
                format!("round:{}", round + 1),
                B256::ZERO,
                RoundsCall::Open,
            );
        }
    }

    pub(crate) fn execute_due(&mut self, block: u64) {
        let wait = self.turn_blocks();
        let due: Vec<B256> = self.read(|state| {
            let open = state.cases.values().filter(|case| case.ended.is_none());
            open.filter(|case| !case.is_contested() && block >= case.executable + wait)
                .map(|case| case.id)
                .collect()
        });
        for case in due {
            if self.keeper.executing.insert(case) {
                self.submit(
                    "execute",
                    format!("execute:{case}"),
                    case,
                    CourtCall::Execute { case },
                );
            }
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
        self.keeper
            .proofs
            .retain(|_, (_, proof, _)| last(proof) >= block);
        let (settled, due): (Vec<_>, Vec<_>) = self.read(|state| {
            let d = self.params.response_blocks;
            let pays = |proof: &FraudProof| {
                let job = state.jobs.get(&proof.assignment.jobId);
                job.is_some_and(|job| job.broadcaster == self.me)
            };
            let ripe = self.keeper.proofs.iter().filter(|(_, (seen, proof, _))| {
                block >= seen + wait || block + TURN_BLOCKS >= last(proof)
            });
            let judged = ripe.map(|(leaf, (_, proof, operator))| {
                let signed = proof.assignment.signed_block(d);
                let burst = |case: &Case| {
                    let blocks = case.opened.saturating_sub(d)..=case.opened;
                    case.operator == *operator && blocks.contains(&signed)
                };
                let proven = state
                    .cases
                    .values()
                    .any(|case| case.receipt == leaf.receipt);
                let absorbed = state.cases.values().any(burst);
                // What a case has absorbed matters only to whoever pays for it.
                let covered = proven || absorbed && !pays(proof);
                (*leaf, covered, absorbed)
            });
            judged.partition(|(_, covered, _)| *covered)
        });
        for (leaf, ..) in settled {
            self.keeper.proofs.remove(&leaf);
        }
        for (leaf, _, absorbed) in due {
            if let Some((_, proof, _)) = self.keeper.proofs.remove(&leaf) {
                if absorbed {
                    self.void_payment(leaf, proof);
                    continue;
                }
                self.submit(
                    "prove",
                    prove_key(leaf),
                    leaf.receipt,
                    CourtCall::Prove(proof),
                );
            }
        }
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

    /// Takes this verifier's part of an executed case.
    pub(crate) fn claim(&self, case: &Case) {
        let seat = self.read(|state| {
            state
                .verifiers(case.round)
                .and_then(|set| set.find(self.me))
                .map(|(i, _)| i)
        });
        let position = seat.filter(|position| case.bitmap.bit(*position));
        if let Some(position) = position {
            let key = format!("claim:{}:{position}", case.id);
            self.submit(
                "claim",
                key,
                case.id,
                CourtCall::ClaimSigner {
                    case: case.id,
                    position: position as u64,
                },
            );
        }
    }

    /// Hands a call to the persistent queue and tells of its outcome.
    pub(crate) fn submit(
        &self,
        what: &'static str,
        key: String,
        about: B256,
        call: impl Into<Call>,
    ) {
        let (queue, events, call) = (self.queue.clone(), self.events.clone(), call.into());
        tokio::spawn(async move {
            let notice = match queue.run(key, call).await {
                Ok(mined) => Notice::Transaction {
                    what,
                    hash: mined.tx,
                    gas: mined.gas_used,
                    block: mined.block,
                    about,
                },
                // Somebody else was faster: nothing was sent.
                Err(TxError::WouldRevert { label, revert }) => {
                    return tracing::debug!("{label}: {revert}");
                }
                Err(TxError::Closed) => return,
                Err(e) => Notice::TransactionFailed {
                    what,
                    reason: e.to_string(),
                },
            };
            let _ = events.send(Event::Notice(notice)).await;
        });
    }
}
