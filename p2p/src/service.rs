//! The event loop: one task owns the swarm and everything that changes with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt;
use libp2p::gossipsub::{MessageAcceptance, PublishError as GossipError};
use libp2p::kad;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::behaviour::{self, Behaviour};
use crate::config::Config;
use crate::discovery::{MAX_CLAIMED, Reservations, Seeker, is_believable, nearest};
use crate::event::{Event, Judgement};
use crate::gossip::GRAYLIST;
use crate::handle::{Command, Published};
use crate::outbox::Outbox;
use crate::quota::QuotaBook;
use crate::requests::Requests;
use crate::standing::{Misconduct, Standings};
use crate::store::{BlobStore, Permissions, Server};
use crate::topic::{Topic, TopicTable};

/// Pace of dialling, walking and sending from the outbox.
const TICK: Duration = Duration::from_millis(250);
/// How long a graylisted peer stays disconnected: the half-life of penalties, so that it returns above the graylist.
const BAN: Duration = Duration::from_secs(600);
/// Bans at once; beyond it graylisted peers are only ignored.
const MAX_BANS: usize = 4096;
/// Ticks between applications of decayed penalties: 10 s.
const SCORE_TICKS: u64 = 40;

pub(crate) struct Service {
    pub(crate) swarm: Swarm<Behaviour>,
    pub(crate) topics: TopicTable,
    pub(crate) identify_name: String,
    pub(crate) kad_protocol: StreamProtocol,
    /// The nearest address in the configuration: how near a peer that this node is told of may be.
    nearest: Option<Multiaddr>,
    /// Where each connection comes from or goes to.
    pub(crate) remotes: HashMap<ConnectionId, Multiaddr>,
    pub(crate) standings: Standings,
    pub(crate) quotas: QuotaBook,
    pub(crate) permissions: Arc<Mutex<Permissions>>,
    pub(crate) server: Arc<Server>,
    pub(crate) requests: Requests,
    pub(crate) seeker: Seeker,
    pub(crate) reservations: Reservations,
    /// Graylisted peers and until when no connection is made with them.
    bans: HashMap<PeerId, Instant>,
    outbox: Outbox,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    ticks: u64,
}

impl Service {
    pub(crate) fn new(
        swarm: Swarm<Behaviour>,
        config: &Config,
        topics: TopicTable,
        store: Arc<dyn BlobStore>,
        commands: mpsc::Receiver<Command>,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let own = *swarm.local_peer_id();
        let kad_protocol = swarm.behaviour().kad.protocol_names()[0].clone();
        Self {
            swarm,
            topics,
            identify_name: behaviour::identify_name(config),
            kad_protocol,
            nearest: nearest(&config.listen, &config.bootstrap),
            remotes: HashMap::new(),
            standings: Standings::default(),
            quotas: QuotaBook::new(&config.quotas),
            permissions: Arc::default(),
            server: Arc::new(Server::new(store)),
            requests: Requests::default(),
            seeker: Seeker::new(own, config.target_peers, &config.bootstrap, Instant::now()),
            reservations: Reservations::new(&config.relays, Instant::now()),
            bans: HashMap::new(),
            outbox: Outbox::default(),
            commands,
            events,
            ticks: 0,
        }
    }

    pub(crate) async fn run(mut self) {
        let mut ticker = tokio::time::interval(TICK);
        ticker.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let ended = loop {
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(Command::Shutdown(done)) => break Some(done),
                    Some(command) => self.on_command(command),
                    None => break None,
                },
                event = self.swarm.select_next_some() => self.on_swarm_event(event),
                Some(finished) = self.requests.next_finished() => self.on_finished(finished),
                _ = ticker.tick() => self.on_tick(),
            }
        };
        // Dropping the swarm closes every connection and listener.
        drop(self);
        if let Some(done) = ended {
            let _ = done.send(());
        }
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Publish(topic, bytes, answer) => {
                let published = self.publish(topic, bytes);
                let _ = answer.send(published);
            }
            Command::Validate(token, judgement) => {
                let acceptance = match judgement {
                    Judgement::Accept => MessageAcceptance::Accept,
                    Judgement::Ignore => MessageAcceptance::Ignore,
                    Judgement::Reject => MessageAcceptance::Reject,
                };
                let gossip = &mut self.swarm.behaviour_mut().gossip;
                gossip.report_message_validation_result(&token.id, &token.source, acceptance);
            }
            Command::Blob(peer, request, answer) => {
                let id = self
                    .swarm
                    .behaviour_mut()
                    .blob
                    .send_request(&peer, Ok(request));
                self.requests.asked_blob(id, answer);
            }
            Command::Job(peer, bytes, answer) => {
                let id = self
                    .swarm
                    .behaviour_mut()
                    .job
                    .send_request(&peer, Ok(bytes));
                self.requests.asked_job(id, answer);
            }
            Command::Verdict(peer, bytes, answer) => {
                let id = self
                    .swarm
                    .behaviour_mut()
                    .verdict
                    .send_request(&peer, Ok(bytes));
                self.requests.asked_verdict(id, answer);
            }
            Command::SetStakes(shares) => {
                for peer in self.standings.set_stakes(shares) {
                    self.apply_standing(peer);
                }
            }
            Command::Punish(peer, misconduct) => self.punish(peer, misconduct),
            Command::AddPeer(peer, addresses) => self.add_peer(peer, addresses),
            Command::Shutdown(_) => {}
            Command::Connected(answer) => {
                let _ = answer.send(self.swarm.connected_peers().copied().collect());
            }
            Command::Subscribed(topic, answer) => self.on_subscribed_query(topic, answer),
            Command::ListenAddrs(answer) => {
                let listening = self
                    .swarm
                    .listeners()
                    .chain(self.swarm.external_addresses());
                let mut addresses: Vec<Multiaddr> = listening.cloned().collect();
                addresses.sort();
                addresses.dedup();
                let _ = answer.send(addresses);
            }
            Command::Score(peer, answer) => {
                let _ = answer.send(self.swarm.behaviour().gossip.peer_score(&peer));
            }
        }
    }

    fn on_subscribed_query(&self, topic: Topic, answer: oneshot::Sender<Vec<PeerId>>) {
        let hash = self.topics.hash(topic);
        let peers = self.swarm.behaviour().gossip.all_peers();
        let subscribed = peers
            .filter(|(_, topics)| topics.contains(&&hash))
            .map(|(peer, _)| *peer);
        let _ = answer.send(subscribed.collect());
    }

    fn publish(&mut self, topic: Topic, bytes: Vec<u8>) -> Published {
        let hash = self.topics.hash(topic);
        match self
            .swarm
            .behaviour_mut()
            .gossip
            .publish(hash, bytes.clone())
        {
            Ok(_) => Published::Sent,
            Err(GossipError::Duplicate) => Published::Known,
            Err(GossipError::AllQueuesFull(peers)) => {
                // Gossipsub remembers it and offers it again in the next beats.
                tracing::warn!(topic = topic.label(), peers, "every neighbour is slow");
                Published::Sent
            }
            Err(error) => {
                tracing::debug!(topic = topic.label(), %error, "message kept for later");
                self.outbox.push(topic, bytes, Instant::now());
                Published::Kept
            }
        }
    }

    /// Sends what waits for `topic`.
    pub(crate) fn flush_outbox(&mut self, topic: Topic) {
        for bytes in self.outbox.take(topic, Instant::now()) {
            self.publish(topic, bytes);
        }
    }

    /// Addresses that a peer claims in writing, wherever it may be.
    fn add_peer(&mut self, peer: PeerId, mut addresses: Vec<Multiaddr>) {
        if peer == *self.swarm.local_peer_id() {
            return;
        }
        addresses.retain(|claimed| is_believable(claimed, self.nearest.as_ref()));
        addresses.truncate(MAX_CLAIMED);
        for address in &addresses {
            self.learn_address(peer, address.clone());
        }
        self.dial_if_wanted(peer, addresses);
    }

    /// Gives an address to every behaviour that dials.
    pub(crate) fn learn_address(&mut self, peer: PeerId, address: Multiaddr) {
        let Ok(address) = address.with_p2p(peer) else {
            return;
        };
        self.swarm
            .behaviour_mut()
            .kad
            .add_address(&peer, address.clone());
        self.swarm.add_peer_address(peer, address);
    }

    pub(crate) fn dial_if_wanted(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        if !self.seeker.wants(&peer, self.peer_count()) {
            return;
        }
        let options = DialOpts::peer_id(peer)
            .addresses(addresses)
            .extend_addresses_through_behaviour()
            .condition(PeerCondition::DisconnectedAndNotDialing)
            .build();
        if let Err(error) = self.swarm.dial(options) {
            tracing::trace!(%peer, %error, "not dialled");
        }
    }

    pub(crate) fn peer_count(&self) -> usize {
        self.swarm.network_info().num_peers()
    }

    fn on_tick(&mut self) {
        let now = Instant::now();
        let connected = self.peer_count();
        let swarm = &self.swarm;
        for seed in self
            .seeker
            .due_seeds(connected, |peer| swarm.is_connected(peer), now)
        {
            tracing::debug!(%seed, "dialling bootstrap address");
            if let Err(error) = self.swarm.dial(seed.clone()) {
                tracing::trace!(%seed, %error, "not dialled");
            }
        }
        if self.seeker.is_walk_due(connected, now) {
            self.swarm
                .behaviour_mut()
                .kad
                .get_closest_peers(PeerId::random());
        }
        for topic in self.outbox.topics() {
            if !self.has_subscriber(topic) {
                continue;
            }
            self.flush_outbox(topic);
        }
        let swarm = &mut self.swarm;
        self.reservations.renew(now, |circuit| {
            let listening = swarm.listen_on(circuit.clone());
            listening
                .inspect_err(|error| tracing::warn!(%circuit, %error, "no reservation"))
                .ok()
        });
        self.ticks += 1;
        if self.ticks.is_multiple_of(SCORE_TICKS) {
            self.quotas.prune(now);
            self.standings.prune(now);
            self.review_peers(now);
        }
    }

    /// Applies decayed penalties, disconnects graylisted peers and lets those in whose time is over.
    fn review_peers(&mut self, now: Instant) {
        let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            self.apply_standing(peer);
            let behaviour = self.swarm.behaviour_mut();
            let score = behaviour.gossip.peer_score(&peer);
            if let Some(score) = score.filter(|score| *score < GRAYLIST)
                && self.bans.len() < MAX_BANS
            {
                tracing::warn!(%peer, score, "graylisted peer disconnected");
                behaviour.banned.block_peer(peer);
                self.bans.insert(peer, now + BAN);
            }
        }
        let banned = &mut self.swarm.behaviour_mut().banned;
        self.bans.retain(|peer, until| {
            let stays = now < *until;
            if !stays {
                banned.unblock_peer(*peer);
            }
            stays
        });
    }

    fn has_subscriber(&self, topic: Topic) -> bool {
        let hash = self.topics.hash(topic);
        self.swarm
            .behaviour()
            .gossip
            .all_peers()
            .any(|(_, topics)| topics.contains(&&hash))
    }

    pub(crate) fn punish(&mut self, peer: PeerId, misconduct: Misconduct) {
        tracing::debug!(%peer, ?misconduct, "score lowered");
        self.standings.punish(peer, misconduct, Instant::now());
        self.apply_standing(peer);
    }

    pub(crate) fn apply_standing(&mut self, peer: PeerId) {
        let score = self.standings.score(&peer, Instant::now());
        self.swarm
            .behaviour_mut()
            .gossip
            .set_application_score(&peer, score);
    }

    /// Peers that a walk has found.
    pub(crate) fn on_walked(&mut self, found: Vec<kad::PeerInfo>) {
        for peer in found {
            self.dial_if_wanted(peer.peer_id, peer.addrs);
        }
    }

    /// Hands an event to the node; the event comes back when the node is too far behind to take it.
    pub(crate) fn emit(&self, event: Event) -> Result<(), Box<Event>> {
        self.events.try_send(event).map_err(|error| match error {
            TrySendError::Full(event) | TrySendError::Closed(event) => Box::new(event),
        })
    }

    /// Whether the node is so far behind that only what has stake behind it is worth queueing.
    pub(crate) fn is_backlogged(&self) -> bool {
        self.events.capacity() < self.events.max_capacity() / 2
    }
}
