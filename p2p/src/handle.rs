//! The node's side of the network: a cheap handle on the event loop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assay_protocol::B256;
use assay_protocol::wire::MAX_GOSSIP;
use libp2p::{Multiaddr, PeerId};
use tokio::sync::{mpsc, oneshot};

use crate::behaviour::{MAX_JOB, MAX_VERDICT};
use crate::blob::{BlobAnswer, BlobRequest};
use crate::event::{Judgement, MessageToken};
use crate::fetch::{self, FetchError, Partials};
use crate::lanes::{Lane, Lanes};
use crate::standing::Misconduct;
use crate::store::Permissions;
use crate::topic::Topic;

/// What became of a published message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// Sent to at least one peer.
    Sent,
    /// Nobody subscribes yet: kept in a bounded outbox (256 messages, 4 MiB, ten minutes) and sent when somebody does.
    Kept,
    /// The same bytes were published or received within the last five minutes.
    Known,
}

/// Why a message was not published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Over 64 KiB.
    #[error("gossip message of {found} bytes; at most {MAX_GOSSIP} are sent")]
    TooLarge {
        /// Its length, bytes.
        found: usize,
    },
    /// The network task has ended.
    #[error("the network has been shut down")]
    Closed,
}

/// Why a direct request got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Over the protocol's cap; not sent.
    #[error("message of {found} bytes; at most {max} are sent on this protocol")]
    TooLarge {
        /// Its length, bytes.
        found: usize,
        /// The cap, bytes.
        max: usize,
    },
    /// No connection, and no known address answers.
    #[error("no known address of the peer can be reached")]
    Unreachable,
    /// No answer in time.
    #[error("no answer within {} s; ask again, or another peer", limit.as_secs())]
    Timeout {
        /// How long was waited.
        limit: Duration,
    },
    /// The peer is over its limits or this node over the peer's quota; ask later.
    #[error(
        "the peer is busy, or has no more for this node at present; ask again in some seconds, or another peer"
    )]
    Busy,
    /// The peer does not speak the protocol.
    #[error("the peer does not speak the protocol")]
    Unsupported,
    /// The connection or stream broke, or the answer is malformed.
    #[error("the exchange broke: {0}")]
    Broken(String),
    /// The network task has ended.
    #[error("the network has been shut down")]
    Closed,
}

type Answer<T> = oneshot::Sender<Result<T, RequestError>>;

pub(crate) enum Command {
    Publish(Topic, Vec<u8>, oneshot::Sender<Published>),
    Validate(MessageToken, Judgement),
    Blob(PeerId, BlobRequest, Answer<BlobAnswer>),
    Job(PeerId, Vec<u8>, Answer<Vec<u8>>),
    Verdict(PeerId, Vec<u8>, Answer<Vec<u8>>),
    SetStakes(HashMap<PeerId, f64>),
    Punish(PeerId, Misconduct),
    AddPeer(PeerId, Vec<Multiaddr>),
    Connected(oneshot::Sender<Vec<PeerId>>),
    Subscribed(Topic, oneshot::Sender<Vec<PeerId>>),
    ListenAddrs(oneshot::Sender<Vec<Multiaddr>>),
    Score(PeerId, oneshot::Sender<Option<f64>>),
    Shutdown(oneshot::Sender<()>),
}

/// A cheap, cloneable handle. The network ends with [`Handle::shutdown`] or when the last handle is dropped.
#[derive(Clone)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    own: PeerId,
    max_blob: u64,
    lanes: Lanes,
    partials: Arc<Partials>,
    permissions: Arc<Mutex<Permissions>>,
}

impl Handle {
    pub(crate) fn new(
        commands: mpsc::Sender<Command>,
        own: PeerId,
        max_blob: u64,
        permissions: Arc<Mutex<Permissions>>,
    ) -> Self {
        Self {
            commands,
            own,
            max_blob,
            lanes: Lanes::default(),
            partials: Arc::default(),
            permissions,
        }
    }

    /// This node's peer id.
    pub fn peer_id(&self) -> PeerId {
        self.own
    }

    /// Gossips `bytes` (at most 64 KiB). That nobody listens yet is no error, see [`Published::Kept`].
    pub async fn publish(&self, topic: Topic, bytes: Vec<u8>) -> Result<Published, PublishError> {
        if bytes.len() > MAX_GOSSIP {
            return Err(PublishError::TooLarge { found: bytes.len() });
        }
        let ask = |answer| Command::Publish(topic, bytes, answer);
        self.ask(ask).await.ok_or(PublishError::Closed)
    }

    /// Judges a received gossip message; see [`Judgement`].
    pub async fn validate(&self, token: MessageToken, judgement: Judgement) {
        self.tell(Command::Validate(token, judgement)).await;
    }

    /// Fetches the blob of BLAKE3 `hash` and length `len` (bytes) from the first of `providers` that serves it, in
    /// ranges of 512 KiB, each verified on arrival. The next provider continues where one fails. What has been
    /// verified is kept for a while when all fail, so that a later call resumes.
    pub async fn fetch_blob(
        &self,
        hash: B256,
        len: u64,
        providers: Vec<PeerId>,
    ) -> Result<Vec<u8>, FetchError> {
        fetch::fetch(self, &self.partials, hash, len, self.max_blob, providers).await
    }

    /// Sends a message on `/assay/job/1` and waits for the answer. At most eight are under way to one peer; more
    /// wait their turn.
    pub async fn send_job(&self, peer: PeerId, bytes: Vec<u8>) -> Result<Vec<u8>, RequestError> {
        within(bytes.len(), MAX_JOB)?;
        self.request(Lane::Job, peer, |answer| Command::Job(peer, bytes, answer))
            .await
    }

    /// Sends a message on `/assay/verdict/1` and waits for the answer; as [`Handle::send_job`].
    pub async fn send_verdict(
        &self,
        peer: PeerId,
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, RequestError> {
        within(bytes.len(), MAX_VERDICT)?;
        self.request(Lane::Verdict, peer, |answer| {
            Command::Verdict(peer, bytes, answer)
        })
        .await
    }

    /// Serves the blob to `peers` and to all peers of [`Handle::set_verifiers`], in addition to who may have it
    /// already, until [`Handle::forbid_blob`]. In effect when this returns.
    pub fn allow_blob(&self, hash: B256, peers: impl IntoIterator<Item = PeerId>) {
        self.permissions().allow(hash, peers);
    }

    /// Serves the blob to nobody any more.
    pub fn forbid_blob(&self, hash: B256) {
        self.permissions().forbid(hash);
    }

    /// The peers that may fetch every allowed blob; replaces the earlier set.
    pub fn set_verifiers(&self, peers: impl IntoIterator<Item = PeerId>) {
        self.permissions()
            .set_verifiers(peers.into_iter().collect());
    }

    fn permissions(&self) -> MutexGuard<'_, Permissions> {
        self.permissions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the peers that have stake, each with its share of the whole, 0 to 1: raises their gossip scores and quotas.
    /// Replaces the earlier set.
    pub async fn set_stakes(&self, shares: impl IntoIterator<Item = (PeerId, f64)>) {
        let shares = shares.into_iter().collect();
        self.tell(Command::SetStakes(shares)).await;
    }

    /// Lowers a peer's score for something that only the node can see, for instance a job message that does not
    /// decode.
    pub async fn punish(&self, peer: PeerId, misconduct: Misconduct) {
        self.tell(Command::Punish(peer, misconduct)).await;
    }

    /// Learns a peer's addresses, for instance from its signed node record, and dials it when connections are wanted.
    pub async fn add_peer(&self, peer: PeerId, addresses: Vec<Multiaddr>) {
        self.tell(Command::AddPeer(peer, addresses)).await;
    }

    /// Peers with a connection.
    pub async fn connected(&self) -> Vec<PeerId> {
        self.ask(Command::Connected).await.unwrap_or_default()
    }

    /// Connected peers that subscribe to `topic`.
    pub async fn subscribed(&self, topic: Topic) -> Vec<PeerId> {
        self.ask(|answer| Command::Subscribed(topic, answer))
            .await
            .unwrap_or_default()
    }

    /// Addresses this node listens on or is reachable at, without `/p2p/…`.
    pub async fn listen_addrs(&self) -> Vec<Multiaddr> {
        self.ask(Command::ListenAddrs).await.unwrap_or_default()
    }

    /// A peer's gossip score; below −80 it is ignored altogether.
    pub async fn peer_score(&self, peer: PeerId) -> Option<f64> {
        self.ask(|answer| Command::Score(peer, answer))
            .await
            .flatten()
    }

    /// Closes all connections and ends the event loop; returns when it has ended.
    pub async fn shutdown(&self) {
        self.ask(Command::Shutdown).await;
    }

    pub(crate) async fn request_range(
        &self,
        peer: PeerId,
        request: BlobRequest,
    ) -> Result<BlobAnswer, RequestError> {
        self.request(Lane::Blob, peer, |answer| {
            Command::Blob(peer, request, answer)
        })
        .await
    }

    async fn request<T>(
        &self,
        lane: Lane,
        peer: PeerId,
        command: impl FnOnce(Answer<T>) -> Command,
    ) -> Result<T, RequestError> {
        let _place = self
            .lanes
            .enter(lane, peer)
            .await
            .ok_or(RequestError::Closed)?;
        self.ask(command).await.ok_or(RequestError::Closed)?
    }

    async fn tell(&self, command: Command) {
        // After shutdown there is nobody to tell, and nothing to do about it.
        let _ = self.commands.send(command).await;
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        self.commands.send(command(sender)).await.ok()?;
        answer.await.ok()
    }
}

fn within(found: usize, max: usize) -> Result<(), RequestError> {
    if found > max {
        Err(RequestError::TooLarge { found, max })
    } else {
        Ok(())
    }
}
