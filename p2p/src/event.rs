//! What the network tells the node.

use libp2p::gossipsub::MessageId;
use libp2p::{Multiaddr, PeerId};
use tokio::sync::oneshot;

use crate::topic::Topic;

/// Names one received gossip message; to be given back with [`crate::Handle::validate`] exactly once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageToken {
    pub(crate) id: MessageId,
    pub(crate) source: PeerId,
}

/// What the node makes of a gossip message. Nothing is forwarded before it is accepted, and what has not been judged
/// within 20 s never is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Valid: forwarded.
    Accept,
    /// Late, unneeded or not checkable now: dropped, nobody's score changes.
    Ignore,
    /// Invalid: dropped, and the score of everyone who forwarded it falls.
    Reject,
}

/// An event, in the order of arrival. When the node falls behind, gossip is dropped before direct messages, and
/// gossip from peers without stake first; connections come and go unreported: ask
/// [`crate::Handle::connected`] after a backlog.
#[derive(Debug)]
pub enum Event {
    /// A gossip message, seen for the first time, awaiting [`crate::Handle::validate`].
    Gossip {
        /// Where it was published.
        topic: Topic,
        /// For the judgement.
        token: MessageToken,
        /// The peer that forwarded it, not necessarily its author.
        source: PeerId,
        /// The payload, at most 64 KiB: a postcard `assay_protocol::wire::Gossip` if honest.
        bytes: Vec<u8>,
    },
    /// A message on `/assay/job/1`.
    Job {
        /// The sender.
        peer: PeerId,
        /// The payload: a postcard `assay_protocol::wire::JobRequest` if honest.
        bytes: Vec<u8>,
        /// Takes the answer, at most [`crate::MAX_JOB_ANSWER`] bytes. Dropped, the sender is told that this node
        /// is busy.
        reply: oneshot::Sender<Vec<u8>>,
    },
    /// A message on `/assay/verdict/1`.
    Verdict {
        /// The sender.
        peer: PeerId,
        /// The payload: a postcard `assay_protocol::verdict::SignedVerdict` if honest.
        bytes: Vec<u8>,
        /// Takes the answer, at most [`crate::MAX_VERDICT`] bytes; as for jobs.
        reply: oneshot::Sender<Vec<u8>>,
    },
    /// The first connection with a peer stands.
    PeerConnected(PeerId),
    /// The last connection with a peer is gone.
    PeerDisconnected(PeerId),
    /// The node listens here, without `/p2p/…`.
    Listening(Multiaddr),
}
