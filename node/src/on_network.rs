//! Messages from peers: checked off the loop, answered, and handed on as events.

use std::time::Duration;

use assay_p2p::{Judgement, MessageToken, Misconduct, PeerId, Topic};
use assay_protocol::B256;
use assay_protocol::record::{NodeRecord, roles};
use assay_protocol::verdict::SignedVerdict;
use assay_protocol::wire::{Answer, Gossip, JobRequest, decode, encode};
use assay_roles::{broadcaster, transcoder};
use assay_verifier::certify;
use tokio::sync::oneshot;

use crate::driver::{Event, Node};
use crate::notice::Notice;
use crate::payments::few_enough;
use crate::validate::{Refused, Verified, has_its_reasons, wrong};
use crate::work_shelf;

/// Blocks for which a node record holds: long enough to outlive a restart, short enough to forget the dead.
const RECORD_BLOCKS: u64 = 7_200;

impl Node {
    pub(crate) fn on_network(&mut self, event: assay_p2p::Event) {
        match event {
            assay_p2p::Event::Gossip {
                topic,
                token,
                source,
                bytes,
            } => self.on_gossip(topic, token, source, bytes),
            assay_p2p::Event::Job { peer, bytes, reply } => self.on_job(peer, &bytes, reply),
            assay_p2p::Event::Verdict { peer, bytes, reply } => {
                let checker = self.checker.clone();
                let check = move || {
                    let signed: SignedVerdict = decode(&bytes).map_err(wrong)?;
                    Ok(Event::Verified(Verified::Verdict(checker.verdict(signed)?)))
                };
                self.check_direct(peer, reply, check);
            }
            assay_p2p::Event::PeerConnected(_) | assay_p2p::Event::Listening(_) => {
                self.announce_soon()
            }
            assay_p2p::Event::PeerDisconnected(_) => {}
        }
    }

    /// Looks at a gossip message off the loop.
    fn on_gossip(&mut self, topic: Topic, token: MessageToken, source: PeerId, bytes: Vec<u8>) {
        let (network, events, checker) = (
            self.network.clone(),
            self.events.clone(),
            self.checker.clone(),
        );
        let check = self.checks.enter(source, self.is_staked(source));
        tokio::spawn(async move {
            // More than can be checked: forgotten, at nobody's cost.
            let Some(check) = check else {
                return network.validate(token, Judgement::Ignore).await;
            };
            match check.run(move || checker.gossip(topic, &bytes)).await {
                Ok((message, _place)) => {
                    network.validate(token, Judgement::Accept).await;
                    let _ = events.send(Event::Verified(message)).await;
                }
                Err(refused) => {
                    tracing::debug!("message on {}: {refused}", topic.label());
                    network.validate(token, refused.judgement()).await;
                }
            }
        });
    }

    fn on_job(&mut self, peer: PeerId, bytes: &[u8], reply: oneshot::Sender<Vec<u8>>) {
        let checker = self.checker.clone();
        match decode(bytes) {
            Ok(JobRequest::Assign {
                assignment,
                tickets,
            }) if !has_its_reasons(&assignment) || !few_enough(&tickets) => {
                self.answer(peer, reply, Answer::Rejected);
            }
            Ok(JobRequest::Assign {
                assignment,
                tickets,
            }) => self.check_direct(peer, reply, move || {
                checker.paid_assignment(&assignment, tickets.clone())
            }),
            Ok(JobRequest::Quote { assignment_hash }) => {
                self.answer(peer, reply, self.quote(assignment_hash));
            }
            Ok(JobRequest::Refuse { refusal, signature }) => {
                self.check_direct(peer, reply, move || {
                    let refusal = checker.refusal(refusal.clone(), signature)?;
                    Ok(Event::Broadcaster(broadcaster::Input::Refusal(refusal)))
                });
            }
            Ok(JobRequest::WorkList { round, claims_root }) => {
                self.show_list(peer, reply, round, claims_root);
            }
            Ok(JobRequest::Push(part)) => {
                // Without an answer the electee is told to ask again later.
                if let Some(answer) = self.on_part(peer, part) {
                    self.answer(peer, reply, answer);
                }
            }
            Err(e) => {
                tracing::debug!(%peer, "job message: {e}");
                self.answer(peer, reply, Answer::Rejected);
            }
        }
    }

    /// Reads a list off the loop: it lies on disk, and asking for it is free.
    fn show_list(&self, peer: PeerId, reply: oneshot::Sender<Vec<u8>>, round: u64, root: B256) {
        let file = self.shelf.file(round, root);
        let place = self.checks.enter(peer, self.is_staked(peer));
        let (Some(file), Some(place)) = (file, place) else {
            return self.answer(peer, reply, Answer::Ignored);
        };
        tokio::task::spawn_blocking(move || {
            let list = work_shelf::read(&file);
            let answer = list.map_or(Answer::Ignored, |list| Answer::Listed(Box::new(list)));
            let _ = reply.send(encode(&answer).unwrap_or_default());
            drop(place);
        });
    }

    /// Looks at a direct message off the loop and answers it: what is not answered yet counts against what a peer may
    /// have under way.
    fn check_direct(
        &self,
        peer: PeerId,
        reply: oneshot::Sender<Vec<u8>>,
        check: impl Fn() -> Result<Event, Refused> + Send + Sync + 'static,
    ) {
        // Without an answer the sender is told that this node is busy.
        let Some(place) = self.checks.enter(peer, self.is_staked(peer)) else {
            return;
        };
        let (network, events) = (self.network.clone(), self.events.clone());
        tokio::spawn(async move {
            let answer = match place.run(check).await {
                Ok((event, _place)) => {
                    let _ = events.send(event).await;
                    Answer::Accepted
                }
                Err(Refused::Wrong(reason)) => {
                    tracing::debug!(%peer, "direct message: {reason}");
                    network.punish(peer, Misconduct::BadMessage).await;
                    Answer::Rejected
                }
                Err(_) => Answer::Ignored,
            };
            let _ = reply.send(encode(&answer).unwrap_or_default());
        });
    }

    /// Answers at once; whoever is rejected pays for it.
    fn answer(&self, peer: PeerId, reply: oneshot::Sender<Vec<u8>>, answer: Answer) {
        let rejected = answer == Answer::Rejected;
        let _ = reply.send(encode(&answer).unwrap_or_default());
        if rejected {
            let network = self.network.clone();
            tokio::spawn(async move { network.punish(peer, Misconduct::BadMessage).await });
        }
    }

    fn is_staked(&self, peer: PeerId) -> bool {
        self.staked.contains(&peer)
    }

    pub(crate) async fn on_verified(&mut self, message: Verified) {
        use assay_verifier::Input;
        match message {
            Verified::Record(record) => {
                if let Some(entry) = self.directory.learn(&record) {
                    let (peer, addresses) = (entry.peer, entry.addresses.clone());
                    let network = self.network.clone();
                    if peer != network.peer_id() {
                        tokio::spawn(async move {
                            network.add_peer(peer, addresses).await;
                        });
                    }
                    self.admit();
                }
            }
            Verified::Assignment(assignment) => {
                self.need_source(&assignment.message.assignment);
                if let Some(seen) = self.seen(&assignment.message, assignment.hash) {
                    self.drive_certifier(certify::Input::Assignment(Box::new(seen)))
                        .await;
                }
                if assignment.message.assignment.transcoder == self.me {
                    self.drive_transcoder(transcoder::Input::Assignment(assignment))
                        .await;
                }
            }
            Verified::Receipt(receipt) => {
                self.need_source(&receipt.message.assignment.assignment);
                if self.publishing.is_some() {
                    self.drive_broadcaster(broadcaster::Input::Receipt(receipt.clone()))
                        .await;
                }
                let (signed, answer) = (&receipt.message.assignment, &receipt.message.receipt);
                if let Some(seen) = self.seen(signed, answer.receipt.assignmentHash) {
                    self.drive_certifier(certify::Input::Receipt {
                        assignment: Box::new(seen),
                        receipt: receipt.hash,
                        leaves: answer.leaves.len() as u32,
                    })
                    .await;
                }
                self.drive_verifier(Input::Receipt(receipt)).await;
            }
            Verified::Accusation(accusation) => {
                self.drive_verifier(Input::Accusation(accusation)).await
            }
            Verified::Verdict(verdict) => self.drive_verifier(Input::Verdict(verdict)).await,
            Verified::Divergence(divergence) => {
                let leaf = divergence.divergence.leafIndex;
                let text = format!("{} finds a divergence at leaf {leaf}", divergence.verifier);
                self.tell(Notice::Warning(text)).await;
            }
            Verified::Proof(proof, proven) => {
                self.keeper.keep_proof(proof, proven, self.now().block)
            }
            Verified::Report(report) => {
                let seen = Box::new(report.clone());
                self.drive_certifier(certify::Input::Report(seen)).await;
                self.drive_verifier(Input::Report(report)).await;
            }
            Verified::WorkProposal(proposal, list) => {
                let root = proposal.proposed.work.claimsRoot;
                self.keep_list(&list, root, proposal.leader);
                self.drive_certifier(certify::Input::Proposal(proposal))
                    .await;
            }
            Verified::WorkObjection(objection) => {
                self.drive_certifier(certify::Input::Objection(objection))
                    .await;
            }
            Verified::WorkVote(vote) => {
                self.weigh_list(&vote);
                self.drive_certifier(certify::Input::Vote(vote)).await;
            }
        }
    }

    /// Lets the present verifiers fetch what is served, and gives peers with stake their standing.
    pub(crate) fn admit(&mut self) {
        let shares = self.read(|state| self.directory.shares(|o| state.stake_share(o)));
        self.staked = shares.keys().copied().collect();
        let network = self.network.clone();
        tokio::spawn(async move { network.set_stakes(shares).await });
        let verifiers: Vec<PeerId> = self.read(|state| {
            let Some((_, round)) = state.current() else {
                return Vec::new();
            };
            round
                .verifiers
                .seats
                .iter()
                .filter_map(|seat| self.directory.peer(seat.operator))
                .collect()
        });
        self.network.set_verifiers(verifiers);
    }

    /// Announces this node a moment later: a burst of new connections gets one record.
    pub(crate) fn announce_soon(&mut self) {
        if !self.live || !self.keeper.may_announce() {
            return;
        }
        let events = self.events.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let _ = events.send(Event::Announce).await;
        });
    }

    /// Gossips this node's record.
    pub(crate) fn announce(&mut self) {
        self.keeper.announced();
        let (me, roles, head) = (self.me, self.roles, self.now().block);
        let (network, signer, outlet) = (
            self.network.clone(),
            self.signer.clone(),
            self.outlet.clone(),
        );
        tokio::spawn(async move {
            let addresses = network
                .listen_addrs()
                .await
                .iter()
                .map(ToString::to_string)
                .collect();
            let since_epoch = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap_or_default();
            let record = NodeRecord {
                operator: me,
                peerId: network.peer_id().to_bytes().into(),
                roles,
                addresses,
                sequence: since_epoch.as_millis() as u64,
                expiryBlock: head + RECORD_BLOCKS,
            };
            outlet.publish(&Gossip::Record(signer.record(record)));
        });
    }

    /// The roles bit set of what this node runs.
    pub(crate) fn role_bits(broadcaster: bool, transcoder: bool, verifier: bool) -> u8 {
        let bit = |on: bool, bit: u8| if on { bit } else { 0 };
        bit(broadcaster, roles::BROADCASTER)
            | bit(transcoder, roles::TRANSCODER)
            | bit(verifier, roles::VERIFIER)
    }
}
