//! What the swarm reports, handled.

use std::time::Instant;

use assay_protocol::wire::MAX_GOSSIP;
use libp2p::gossipsub::{self, MessageAcceptance};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, identify, kad, ping};

use crate::behaviour::BehaviourEvent;
use crate::discovery::{MAX_CLAIMED, is_believable};
use crate::event::{Event, MessageToken};
use crate::lanes::Lane;
use crate::quota::Spending;
use crate::service::Service;
use crate::standing::Misconduct;

impl Service {
    pub(crate) fn on_swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour_event(event),
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "listening");
                let _ = self.emit(Event::Listening(address));
            }
            SwarmEvent::ConnectionEstablished {
                peer_id,
                num_established,
                connection_id,
                endpoint,
                ..
            } => {
                self.remotes
                    .insert(connection_id, endpoint.get_remote_address().clone());
                if num_established.get() == 1 {
                    self.apply_standing(peer_id);
                    self.seeker
                        .network_changed(self.peer_count(), Instant::now());
                    let _ = self.emit(Event::PeerConnected(peer_id));
                }
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                num_established,
                connection_id,
                cause,
                ..
            } => {
                self.remotes.remove(&connection_id);
                if num_established == 0 {
                    tracing::debug!(peer = %peer_id, cause = ?cause.map(|c| c.to_string()), "disconnected");
                    self.seeker
                        .network_changed(self.peer_count(), Instant::now());
                    let _ = self.emit(Event::PeerDisconnected(peer_id));
                }
            }
            SwarmEvent::ListenerError { error, .. } => tracing::warn!(%error, "listener"),
            SwarmEvent::ListenerClosed {
                listener_id,
                addresses,
                reason,
            } => {
                tracing::warn!(?addresses, ?reason, "no longer listening");
                self.reservations.lost(listener_id);
            }
            SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => {
                tracing::debug!(peer = ?peer_id, %error, "dialling failed");
            }
            _ => {}
        }
    }

    fn on_behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Gossip(event) => self.on_gossip_event(event),
            BehaviourEvent::Blob(event) => self.on_blob_event(event),
            BehaviourEvent::Job(event) => self.on_message_event(Lane::Job, event),
            BehaviourEvent::Verdict(event) => self.on_message_event(Lane::Verdict, event),
            BehaviourEvent::Identify(identify::Event::Received {
                connection_id,
                peer_id,
                info,
            }) => {
                self.on_identified(peer_id, info, self.remotes.get(&connection_id).cloned());
            }
            BehaviourEvent::Kad(kad::Event::OutboundQueryProgressed {
                result: kad::QueryResult::GetClosestPeers(found),
                ..
            }) => match found {
                Ok(found) => self.on_walked(found.peers),
                Err(kad::GetClosestPeersError::Timeout { peers, .. }) => self.on_walked(peers),
            },
            BehaviourEvent::Ping(ping::Event {
                peer,
                connection,
                result: Err(ping::Failure::Timeout),
                ..
            }) => {
                tracing::debug!(%peer, "no answer to ping; connection closed");
                self.swarm.close_connection(connection);
            }
            BehaviourEvent::AutonatClient(event) => {
                tracing::debug!(address = %event.tested_addr, reachable = event.result.is_ok(), "reachability tested");
            }
            BehaviourEvent::Dcutr(event) => {
                tracing::debug!(peer = %event.remote_peer_id, direct = event.result.is_ok(), "hole punching");
            }
            _ => {}
        }
    }

    /// A peer of another network is left; the believable ones of its listen addresses go to the routing table. What
    /// it observed of this node's address is not believed: AutoNAT asks others to dial it first.
    fn on_identified(
        &mut self,
        peer: PeerId,
        info: identify::Info,
        connected_from: Option<Multiaddr>,
    ) {
        if info.protocol_version != self.identify_name {
            tracing::debug!(%peer, theirs = info.protocol_version, "peer of another network disconnected");
            let _ = self.swarm.disconnect_peer_id(peer);
            return;
        }
        let Some(connected_from) = connected_from else {
            return;
        };
        if !info.protocols.contains(&self.kad_protocol) {
            return;
        }
        let believable = info
            .listen_addrs
            .into_iter()
            .filter(|a| is_believable(a, Some(&connected_from)));
        for address in believable.take(MAX_CLAIMED) {
            self.learn_address(peer, address);
        }
    }

    fn on_gossip_event(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            } => {
                let token = MessageToken {
                    id: message_id,
                    source: propagation_source,
                };
                self.on_gossip(token, message);
            }
            gossipsub::Event::Subscribed { topic, .. } => {
                if let Some(topic) = self.topics.topic(&topic) {
                    self.flush_outbox(topic);
                }
            }
            gossipsub::Event::SlowPeer {
                peer_id,
                failed_messages,
            } => {
                tracing::debug!(peer = %peer_id, failed = ?failed_messages, "peer takes messages too slowly");
                self.punish(peer_id, Misconduct::Slow);
            }
            gossipsub::Event::GossipsubNotSupported { peer_id } => {
                tracing::debug!(peer = %peer_id, "peer does not gossip");
            }
            gossipsub::Event::Unsubscribed { .. } => {}
        }
    }

    /// Gives a message to the node, or drops it: too large, over quota, or the node too far behind.
    fn on_gossip(&mut self, token: MessageToken, message: gossipsub::Message) {
        let source = token.source;
        let staked = self.standings.is_staked(&source);
        let Some(topic) = self.topics.topic(&message.topic) else {
            return self.settle(&token, MessageAcceptance::Ignore);
        };
        if message.data.len() > MAX_GOSSIP {
            return self.settle(&token, MessageAcceptance::Reject);
        }
        if !self
            .quotas
            .spend(source, Spending::Gossip, staked, Instant::now())
        {
            self.punish(source, Misconduct::OverQuota);
            return self.settle(&token, MessageAcceptance::Ignore);
        }
        if self.is_backlogged() && !staked {
            tracing::warn!(topic = topic.label(), %source, "node is behind; unstaked peer's gossip dropped");
            return self.settle(&token, MessageAcceptance::Ignore);
        }
        let event = Event::Gossip {
            topic,
            token: token.clone(),
            source,
            bytes: message.data,
        };
        if self.emit(event).is_err() {
            tracing::warn!(topic = topic.label(), %source, "node is behind; gossip dropped");
            self.settle(&token, MessageAcceptance::Ignore);
        }
    }

    fn settle(&mut self, token: &MessageToken, acceptance: MessageAcceptance) {
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        gossip.report_message_validation_result(&token.id, &token.source, acceptance);
    }
}
