//! Carries out what the certification of rounds wants, keeps the lists, and claims what is due.

use assay_chain::call::{OperatorCall, WorkCall};
use assay_chain::views::Role as ChainRole;
use assay_p2p::PeerId;
use assay_protocol::assignment::SignedAssignment;
use assay_protocol::bls::BlsSignature;
use assay_protocol::certification::SignedVote;
use assay_protocol::checked::Now;
use assay_protocol::round_work::Segment;
use assay_protocol::wire::{Answer, JobRequest, decode, encode};
use assay_protocol::work::WorkList;
use assay_protocol::{Address, B256, U256};
use assay_verifier::certify::{Certification, Input, Output, RoundFacts, SeenAssignment};

use crate::chain_state::ChainState;
use crate::driver::{Event, Node, Role};
use crate::dues::{Certified, Claim};
use crate::notice::Notice;

/// Blocks between two questions for a list that was never heard: by then gossip would have brought it.
const LIST_BLOCKS: u64 = 8;
/// Verifiers that are asked each time.
const ASKED: usize = 4;

impl Node {
    pub(crate) async fn drive_certifier(&mut self, input: Input) {
        let now = self.now();
        let present = self.present_round();
        let Some(core) = &mut self.certifying else {
            return;
        };
        if let Err(e) = self.seen_log.append(&input, present, now.block) {
            tracing::warn!("what was seen of round {present} is not kept: {e}");
        }
        for output in core.handle(input, now) {
            match output {
                Output::Sign(draft) => self.sign(Role::Certifier, draft),
                Output::Gossip(message) => self.outlet.publish(&message),
                Output::Certify(certification) => self.certify(*certification),
                Output::Keep(known) => {
                    if let Err(e) = self.seen_log.keep(&known) {
                        tracing::warn!("where runs go on is not kept: {e}");
                    }
                }
                Output::Uncertified(round) => self.on_uncertified(round, now.block),
                Output::Dropped { round, receipts } => {
                    let text = format!(
                        "{receipts} receipts of round {round} are dropped: too few have seen them"
                    );
                    self.tell(Notice::Warning(text)).await;
                }
            }
        }
    }

    /// Tells the cores, once the chain's history is known, what they saw before this node was restarted.
    pub(crate) async fn recall(&mut self) {
        if !std::mem::replace(&mut self.recalled, true) {
            self.recall_round();
            self.recall_evidence().await;
            if self.unborn.is_some() {
                self.serve_earlier();
            }
        }
    }

    /// Tells the certifier what it saw; what the chain says about that it knows already.
    fn recall_round(&mut self) {
        let Some(core) = &mut self.certifying else {
            return;
        };
        // None of these asks for anything.
        let tell = |block, input| drop(core.handle(input, Now { block }));
        if let Err(e) = self.seen_log.recall(tell) {
            tracing::warn!("of what was seen before the start a part is lost: {e}");
        }
    }

    /// What the certifier needs of an assignment that holds; `None` where its job has gone.
    pub(crate) fn seen(&self, signed: &SignedAssignment, hash: B256) -> Option<SeenAssignment> {
        self.certifying.as_ref()?;
        self.read(|state| {
            let job = state.jobs.get(&signed.assignment.jobId)?;
            Some(SeenAssignment {
                hash,
                broadcaster: job.broadcaster,
                segment: Segment::new(signed, &job.profiles),
                max_price: job.max_price,
                seed_block: job.seed_block,
            })
        })
    }

    /// Tells the certifier of a round that was opened.
    pub(crate) async fn round_for_certifier(&mut self, round: u64) {
        let facts = self.read(|state| {
            let round = state.rounds.get(&round)?;
            Some(RoundFacts {
                verifiers: round.verifiers.clone(),
                transcoders: round.transcoders.clone(),
                opened: round.opened_at,
            })
        });
        if let Some(facts) = facts {
            self.drive_certifier(Input::Round(Box::new(facts))).await;
        }
    }

    fn certify(&self, certification: Certification) {
        let Certification { work, signatures } = certification;
        let bitmap = signatures.iter().fold(U256::ZERO, |mut bits, (at, _)| {
            bits.set_bit(*at, true);
            bits
        });
        let signatures: Vec<_> = signatures.into_iter().map(|(_, s)| s).collect();
        match BlsSignature::aggregate(&signatures) {
            Ok(aggregate) => {
                let digest = self.domain.digest(&work);
                self.submit(
                    "certify",
                    format!("certify:{digest}"),
                    digest,
                    WorkCall::Certify {
                        work,
                        bitmap,
                        aggregate,
                    },
                );
            }
            Err(e) => tracing::error!("a list with valid votes has no aggregate: {e}"),
        }
    }

    /// Keeps a proposed list: if it is the one that the chain takes, this node claims by it.
    pub(crate) fn keep_list(&mut self, list: &WorkList, root: B256, leader: Address) {
        if let Err(e) = self.shelf.put(list, root, leader) {
            tracing::warn!("the list of round {} is not kept: {e}", list.round);
        }
    }

    /// A list that somebody votes for is worth more than another one.
    pub(crate) fn weigh_list(&mut self, vote: &SignedVote) {
        let (round, who) = (vote.work.round, vote.verifier);
        let seat = self.read(|state| Some(state.verifiers(round)?.find(who)?.1.weight));
        if let Some(weight) = seat {
            self.shelf.voted(round, vote.work.claimsRoot, who, weight);
        }
    }

    /// The chain has a round's list.
    pub(crate) async fn on_certified(
        &mut self,
        round: u64,
        claims_root: B256,
        duties: u64,
        block: u64,
    ) {
        // Certified within its window, so that claims are paid at least this long.
        let until = block + self.params.claim_blocks;
        let certified = Certified {
            claims_root,
            duties,
            block,
            until,
        };
        self.dues.certified(round, certified);
        self.shelf.certified(round, claims_root);
        self.drive_certifier(Input::Certified { round, block })
            .await;
    }

    /// A verifier that runs and was jailed for a round in which it did not returns.
    pub(crate) fn return_from_jail(&mut self) {
        if self.certifying.is_none() {
            return;
        }
        let present = self.present_round();
        if let Some(block) = self.dues.release(present) {
            self.submit(
                "return",
                format!("release:{block}"),
                B256::ZERO,
                OperatorCall::Release {
                    role: ChainRole::Verifier,
                    operator: self.me,
                },
            );
        }
    }

    /// Claims for this node's pools what certified rounds owe them, in each round until it is paid. What has failed is tried
    /// anew by the queue; what has succeeded under the same key is not sent twice.
    pub(crate) fn claim_work(&mut self, block: u64) {
        let present = self.present_round();
        for (round, claim, certified) in self.dues.open(block, present) {
            let known = match claim {
                Claim::Work => self.claim_by_list(round, certified.claims_root),
                Claim::Duty => self.claim_duty(round, &certified),
            };
            // A list that is not here yet may still come.
            if known {
                self.dues.offered(round, claim, present);
            } else if claim == Claim::Work && block % LIST_BLOCKS == round % LIST_BLOCKS {
                self.ask_for_list(round, certified.claims_root);
            }
        }
    }

    /// Asks the round's verifiers, who signed it, for a certified list that was never heard here.
    fn ask_for_list(&self, round: u64, root: B256) {
        let worked = |state: &ChainState| {
            let round = state.rounds.get(&round)?;
            round.transcoders.get(self.me).map(drop)
        };
        if self.read(worked).is_none() {
            return;
        }
        let peers: Vec<PeerId> = self.read(|state| {
            let seats = state.verifiers(round).map(|set| set.seats.iter());
            let others = seats
                .into_iter()
                .flatten()
                .filter(|seat| seat.operator != self.me);
            let known = others.filter_map(|seat| self.directory.peer(seat.operator));
            known.collect()
        });
        // Not everybody asks the same ones first.
        let first = self.me[19] as usize % peers.len().max(1);
        let asked = peers.iter().cycle().skip(first);
        let asked: Vec<PeerId> = asked.take(peers.len().min(ASKED)).copied().collect();
        let (network, events, domain) = (self.network.clone(), self.events.clone(), self.domain);
        tokio::spawn(async move {
            let request = JobRequest::WorkList {
                round,
                claims_root: root,
            };
            let bytes = encode(&request).unwrap_or_default();
            for peer in asked {
                let answer = network.send_job(peer, bytes.clone()).await;
                let Ok(Ok(Answer::Listed(list))) = answer.as_deref().map(decode::<Answer>) else {
                    continue;
                };
                // The root says whether it is the one.
                if list.round == round && list.work(&domain, 0).claimsRoot == root {
                    let _ = events.send(Event::Listed(list, root)).await;
                    return;
                }
            }
        });
    }

    /// A list that the chain has certified has come from a peer.
    pub(crate) fn on_listed(&mut self, list: &WorkList, root: B256) {
        self.keep_list(list, root, Address::ZERO);
        self.shelf.certified(list.round, root);
    }

    fn present_round(&self) -> u64 {
        self.read(|state| state.current().map_or(0, |(number, _)| number))
    }

    /// Submits this node's claim of a list, if there is one; false where the list is not here.
    fn claim_by_list(&self, round: u64, root: B256) -> bool {
        let Some(list) = self.shelf.get(round, root) else {
            return false;
        };
        if let Some((claim, index, path)) = list.open(&self.domain, self.me) {
            self.submit(
                "claim work",
                format!("work:{round}:{root}"),
                root,
                WorkCall::Claim { claim, index, path },
            );
        }
        true
    }

    /// Submits this node's claim of its duty, if it has done it; false where its seat is not known.
    fn claim_duty(&self, round: u64, certified: &Certified) -> bool {
        let seat = self.read(|state| {
            let set = state.verifiers(round)?;
            Some(set.find(self.me).map(|(position, _)| position as u64))
        });
        let Some(seat) = seat else {
            return false;
        };
        let root = certified.claims_root;
        if let Some(position) = seat.filter(|position| certified.duties >> position & 1 == 1) {
            self.submit(
                "claim duty",
                format!("duty:{round}:{root}"),
                root,
                WorkCall::ClaimDuty { round, position },
            );
        }
        true
    }
}
