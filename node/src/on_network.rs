//! Messages from peers: checked off the loop, answered, and handed on as events.

use std::sync::Arc;
use std::time::Duration;

use assay_p2p::{Judgement, MessageToken, PeerId, Topic};
use assay_protocol::record::{NodeRecord, roles};
use assay_protocol::verdict::SignedVerdict;
use assay_protocol::wire::{Answer, Gossip, JobRequest, decode, encode};
use assay_roles::{broadcaster, transcoder};
use tokio::sync::oneshot;

use crate::driver::{Event, Node};
use crate::notice::Notice;
use crate::validate::{Checker, Refused, Verified};

/// A message about a block or round not seen yet is looked at again so often before it is ignored.
const PATIENCE: u32 = 10;
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(250);
/// Blocks for which a node record holds: long enough to outlive a restart, short enough to forget the dead.
const RECORD_BLOCKS: u64 = 7_200;

/// Runs a check on a blocking thread until it is no longer too early.
async fn patiently(
    checker: Arc<Checker>,
    check: impl Fn(&Checker) -> Result<Verified, Refused> + Send + Sync + 'static,
) -> Result<Verified, Refused> {
    let check = Arc::new(check);
    let mut tries = 0;
    loop {
        let (checker, check) = (checker.clone(), check.clone());
        let result = tokio::task::spawn_blocking(move || check(&checker)).await;
        match result.unwrap_or_else(|e| Err(Refused::Unneeded(e.to_string()))) {
            Err(Refused::Early(_)) if tries < PATIENCE => tries += 1,
            result => return result,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Node {
    pub(crate) fn on_network(&mut self, event: assay_p2p::Event) {
        match event {
            assay_p2p::Event::Gossip {
                topic,
                token,
                bytes,
                ..
            } => self.on_gossip(topic, token, bytes),
            assay_p2p::Event::Job { peer, bytes, reply } => self.on_job(peer, &bytes, reply),
            assay_p2p::Event::Verdict { bytes, reply, .. } => self.on_direct_verdict(bytes, reply),
            assay_p2p::Event::PeerConnected(_) | assay_p2p::Event::Listening(_) => {
                self.announce_soon()
            }
            assay_p2p::Event::PeerDisconnected(_) => {}
        }
    }

    fn on_gossip(&mut self, topic: Topic, token: MessageToken, bytes: Vec<u8>) {
        let (network, events, checker) = (
            self.network.clone(),
            self.events.clone(),
            self.checker.clone(),
        );
        let Ok(permit) = self.checks.clone().try_acquire_owned() else {
            // More than can be checked: forgotten, at nobody's cost.
            tokio::spawn(async move { network.validate(token, Judgement::Ignore).await });
            return;
        };
        tokio::spawn(async move {
            let result = patiently(checker, move |checker| checker.gossip(topic, &bytes)).await;
            drop(permit);
            match result {
                Ok(message) => {
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
        let answer = |answer: Answer| drop(reply.send(encode(&answer).unwrap_or_default()));
        match decode(bytes) {
            Ok(JobRequest::Assign(signed)) => {
                let (events, checker) = (self.events.clone(), self.checker.clone());
                tokio::spawn(async move {
                    let check =
                        move |checker: &Checker| checker.fresh_assignment((*signed).clone());
                    if let Ok(message) = patiently(checker, check).await {
                        let _ = events.send(Event::Verified(message)).await;
                    }
                });
                answer(Answer::Accepted);
            }
            Ok(JobRequest::Refuse { refusal, signature }) => {
                match self.checker.refusal(refusal, signature) {
                    Ok(refusal) => {
                        let events = self.events.clone();
                        let input = broadcaster::Input::Refusal(refusal);
                        tokio::spawn(async move { events.send(Event::Broadcaster(input)).await });
                        answer(Answer::Accepted);
                    }
                    Err(_) => answer(Answer::Rejected),
                }
            }
            Ok(JobRequest::Push(part)) => answer(self.on_part(peer, part)),
            Err(e) => {
                tracing::debug!(%peer, "job message: {e}");
                answer(Answer::Rejected);
            }
        }
    }

    fn on_direct_verdict(&mut self, bytes: Vec<u8>, reply: oneshot::Sender<Vec<u8>>) {
        let (events, checker) = (self.events.clone(), self.checker.clone());
        tokio::spawn(async move {
            let checked = tokio::task::spawn_blocking(move || {
                let signed: SignedVerdict =
                    decode(&bytes).map_err(|e| Refused::Wrong(e.to_string()))?;
                checker.verdict(signed)
            });
            let answer = match checked.await {
                Ok(Ok(verdict)) => {
                    let _ = events
                        .send(Event::Verified(Verified::Verdict(verdict)))
                        .await;
                    Answer::Accepted
                }
                _ => Answer::Rejected,
            };
            let _ = reply.send(encode(&answer).unwrap_or_default());
        });
    }

    pub(crate) async fn on_verified(&mut self, message: Verified) {
        use assay_verifier::Input;
        match message {
            Verified::Record(record) => {
                if let Some(entry) = self.directory.learn(&record) {
                    let (peer, addresses) = (entry.peer, entry.addresses.clone());
                    let share = self.read(|state| state.stake_share(record.record.operator));
                    let network = self.network.clone();
                    if peer != network.peer_id() {
                        tokio::spawn(async move {
                            network.set_peer_stake(peer, share).await;
                            network.add_peer(peer, addresses).await;
                        });
                    }
                    self.admit_verifiers();
                }
            }
            Verified::Assignment(assignment) => {
                if assignment.message.assignment.transcoder == self.me {
                    self.drive_transcoder(transcoder::Input::Assignment(assignment))
                        .await;
                }
            }
            Verified::Receipt(receipt) => {
                if self.publishing.is_some() {
                    self.drive_broadcaster(broadcaster::Input::Receipt(receipt.clone()))
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
            Verified::Report(report) => self.drive_verifier(Input::Report(report)).await,
        }
    }

    /// Lets the present verifiers fetch what is served.
    pub(crate) fn admit_verifiers(&self) {
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
    fn announce_soon(&mut self) {
        if !self.keeper.may_announce() {
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
