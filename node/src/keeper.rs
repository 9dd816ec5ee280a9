//! Chores that anyone may do, in turn: open rounds, execute due cases, submit proofs nobody submitted, collect pay.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use assay_chain::call::{Call, CourtCall, JobCall, RoundsCall};
use assay_chain::fault::FaultKind;
use assay_chain::queue::TxError;
use assay_protocol::assignment::{Assignment, MAX_ATTEMPT};
use assay_protocol::fraud_proof::{FraudProof, Proven};
use assay_protocol::record::roles;
use assay_protocol::verdict::LeafId;
use assay_protocol::{Address, B256, U256};
use assay_roles::{broadcaster, transcoder};
use assay_verifier::{self as verifier, certify};

use crate::chain_feed::ChainNews;
use crate::chain_state::Case;
use crate::driver::{Event, Node};
use crate::dues::Claim;
use crate::notice::Notice;

/// Blocks that each one in line waits for the one before.
const TURN_BLOCKS: u64 = 2;
/// Pause between two announcements when nothing has changed.
const ANNOUNCE: Duration = Duration::from_secs(15);
/// Connections come in bursts; one record answers them all.
const ANNOUNCE_BURST: Duration = Duration::from_millis(500);

/// What the chores remember.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    announced: Option<Instant>,
    proofs: BTreeMap<LeafId, (u64, Box<FraudProof>, Address)>,
    executing: BTreeSet<B256>,
    opening: u64,
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
    /// Writes down the seed of a job of one's own: block hashes are readable for hours, jobs live for months.
    fn fix_seed(&self, job: U256) {
        if self.read(|state| state.jobs.get(&job).map(|job| job.broadcaster)) == Some(self.me) {
            self.submit(
                "fix seed",
                format!("seed:{job}"),
                B256::ZERO,
                JobCall::FixSeed { job },
            );
        }
    }

    pub(crate) async fn on_chain(&mut self, news: ChainNews) {
        match news {
            ChainNews::Block(number, live) => {
                self.live = live;
                self.on_block(number).await;
            }
            ChainNews::Round(round) => self.on_round(round).await,
            ChainNews::Job(job) => {
                self.fix_seed(job);
                self.begin_publishing().await;
                // Whose job is new was not listened to before.
                self.announce_soon();
            }
            ChainNews::CaseOpened {
                case,
                kind,
                operator,
                leaf,
                signers,
                block,
            } => {
                self.tell(Notice::CaseOpened {
                    case,
                    operator,
                    leaf,
                    signers,
                    block,
                })
                .await;
                self.drive_broadcaster(broadcaster::Input::Frozen {
                    operator,
                    frozen: true,
                })
                .await;
                self.drive_certifier(certify::Input::CaseOpened(leaf.receipt))
                    .await;
                // Other kinds of fault absorb nothing.
                if kind == FaultKind::WrongEncode {
                    self.drive_verifier(verifier::Input::CaseOpened {
                        operator,
                        leaf,
                        block,
                    })
                    .await;
                }
            }
            ChainNews::CaseExecuted {
                case,
                slashed,
                burned,
                block,
            } => {
                let (id, operator) = (case.id, case.operator);
                let notice = Notice::Slashed {
                    case: id,
                    operator,
                    slashed: slashed.0,
                    burned: burned.0,
                    block,
                };
                self.tell(notice).await;
                let frozen = self.read(|state| state.frozen(operator));
                self.drive_broadcaster(broadcaster::Input::Frozen { operator, frozen })
                    .await;
                self.claim(&case);
            }
            ChainNews::Rewound(ancestor) => {
                self.winners.rewind(ancestor);
                self.dues.rewind(ancestor);
            }
            ChainNews::TicketPaid {
                ticket,
                recipient,
                paid,
                burned,
                block,
            } => {
                self.winners.paid(ticket, block);
                if recipient == self.me {
                    self.tell(Notice::TicketPaid {
                        ticket,
                        paid,
                        burned,
                    })
                    .await;
                }
            }
            ChainNews::CaseClosed {
                case,
                status,
                block,
            } => {
                let (id, operator) = (case.id, case.operator);
                let notice = Notice::CaseClosed {
                    case: id,
                    operator,
                    status,
                    block,
                };
                self.tell(notice).await;
                let frozen = self.read(|state| state.frozen(operator));
                self.drive_broadcaster(broadcaster::Input::Frozen { operator, frozen })
                    .await;
            }
            ChainNews::Certified {
                round,
                claims_root,
                pixels,
                duties,
                block,
            } => {
                self.tell(Notice::Certified { round, pixels }).await;
                self.on_certified(round, claims_root, duties, block).await;
            }
            ChainNews::Jailed(operator, block) => {
                if operator == self.me {
                    self.dues.jailed(block);
                }
            }
            ChainNews::Released(operator, block) => {
                if operator == self.me {
                    self.dues.released(block);
                }
            }
            ChainNews::Minted {
                round,
                operator,
                duty,
                amount,
                block,
            } => {
                if operator == self.me {
                    let claim = if duty { Claim::Duty } else { Claim::Work };
                    self.dues.paid(round, claim, block);
                }
                self.tell(Notice::Minted {
                    round,
                    operator,
                    duty,
                    amount: amount.0,
                })
                .await;
            }
            ChainNews::SignerPaid {
                case,
                verifier,
                amount,
            } => {
                self.tell(Notice::SignerPaid {
                    case,
                    verifier,
                    amount: amount.0,
                })
                .await;
            }
        }
    }

    async fn on_round(&mut self, round: u64) {
        self.tell(Notice::Round(round)).await;
        self.check_authority(round).await;
        let sets = self.read(|state| {
            state
                .rounds
                .get(&round)
                .map(|r| (r.transcoders.clone(), r.verifiers.clone()))
        });
        let Some((transcoders, verifiers)) = sets else {
            return;
        };
        self.look_at_own_funds();
        self.drive_broadcaster(broadcaster::Input::Round(transcoders))
            .await;
        self.drive_verifier(verifier::Input::Round(verifiers)).await;
        self.round_for_certifier(round).await;
        self.begin_publishing().await;
        self.admit();
        // Whose stake begins to count with this round was not listened to before.
        self.announce_soon();
    }

    /// A key that does not sign for the operator any more must not sign at all: others would take it for an impostor.
    async fn check_authority(&mut self, round: u64) {
        let (key, signer) = (
            self.signer.account(),
            self.read(|state| state.authority.signer_at(self.me, round)),
        );
        if self.live && signer != key {
            let text = format!(
                "from round {round} on {signer} signs for {}, not this node's key {key}: this node ends",
                self.me
            );
            self.tell(Notice::Warning(text)).await;
            self.ended = true;
        }
    }

    async fn on_block(&mut self, number: u64) {
        self.tell(Notice::Block(number)).await;
        // What the past would have had to do with is past.
        if !self.live {
            return;
        }
        self.recall();
        self.begin_publishing().await;
        self.drive_broadcaster(broadcaster::Input::Block).await;
        self.drive_transcoder(transcoder::Input::Block).await;
        self.drive_verifier(verifier::Input::Block).await;
        self.drive_certifier(certify::Input::Block).await;
        self.claim_work(number);
        self.return_from_jail();
        self.open_round(number);
        self.execute_due(number);
        self.submit_orphans(number);
        self.redeem_due(number).await;
        self.clear_sources(number);
        if self
            .keeper
            .announced
            .is_none_or(|last| last.elapsed() > ANNOUNCE)
        {
            self.announce();
        }
    }

    /// Blocks that this node leaves to those before it.
    fn turn_blocks(&self) -> u64 {
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
    fn clear_sources(&mut self, block: u64) {
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

    fn open_round(&mut self, block: u64) {
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

    fn execute_due(&mut self, block: u64) {
        let wait = self.turn_blocks();
        let due: Vec<B256> = self.read(|state| {
            let open = state.cases.values().filter(|case| case.ended.is_none());
            open.filter(|case| !case.contested && block >= case.executable + wait)
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
    fn submit_orphans(&mut self, block: u64) {
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
            let ripe = self.keeper.proofs.iter().filter(|(_, (seen, proof, _))| {
                block >= seen + wait || block + TURN_BLOCKS >= last(proof)
            });
            let judged = ripe.map(|(leaf, (_, proof, operator))| {
                let signed = proof.assignment.signed_block(d);
                let covers = |case: &Case| {
                    let burst = (case.opened.saturating_sub(d)..=case.opened).contains(&signed);
                    case.receipt == leaf.receipt || (case.operator == *operator && burst)
                };
                (*leaf, state.cases.values().any(covers))
            });
            judged.partition(|(_, covered)| *covered)
        });
        for (leaf, _) in settled {
            self.keeper.proofs.remove(&leaf);
        }
        for (leaf, _) in due {
            if let Some((_, proof, _)) = self.keeper.proofs.remove(&leaf) {
                self.submit(
                    "prove",
                    prove_key(leaf),
                    leaf.receipt,
                    CourtCall::Prove(proof),
                );
            }
        }
    }

    /// Takes this verifier's part of an executed case.
    fn claim(&self, case: &Case) {
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
