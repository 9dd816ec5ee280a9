//! Real nodes on loopback, and what the scenarios ask of them.

// Each test binary uses some of this.

use std::sync::Arc;
use std::time::{Duration, Instant};

use assay_p2p::{
    Config, Event, Handle, Identity, Judgement, MemoryStore, Multiaddr, PeerId, Topic, spawn,
};
use assay_protocol::{Address, address};
use tokio::sync::mpsc;

pub const COURT: Address = address!("0x00000000000000000000000000000000000000c0");
pub const TCP: &str = "/ip4/127.0.0.1/tcp/0";
pub const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";

/// One node with its events and its blobs.
pub struct Node {
    pub handle: Handle,
    pub events: mpsc::Receiver<Event>,
    pub store: Arc<MemoryStore>,
}

pub fn config(listen: &[&str], bootstrap: &[Multiaddr]) -> Config {
    let listen = listen.iter().map(|a| a.parse().unwrap()).collect();
    Config {
        listen,
        bootstrap: bootstrap.to_vec(),
        ..Config::new(31337, COURT)
    }
}

/// A fresh key; nothing here depends on which.
pub fn identity() -> Identity {
    Identity::from_secret(rand::random::<[u8; 32]>().into()).unwrap()
}

pub fn start(config: Config) -> Node {
    let store = Arc::new(MemoryStore::new(64 << 20));
    let (handle, events) = spawn(config, &identity(), store.clone()).unwrap();
    Node {
        handle,
        events,
        store,
    }
}

impl Node {
    pub fn id(&self) -> PeerId {
        self.handle.peer_id()
    }

    /// A dialable address with the peer id.
    pub async fn address(&mut self) -> Multiaddr {
        loop {
            if let Some(address) = self.handle.listen_addrs().await.pop() {
                return address.with_p2p(self.id()).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Accepts gossip until a message on `topic` arrives.
    pub async fn gossip(&mut self, topic: Topic, limit: Duration) -> Option<(PeerId, Vec<u8>)> {
        let deadline = tokio::time::Instant::now() + limit;
        while let Ok(Some(event)) = tokio::time::timeout_at(deadline, self.events.recv()).await {
            if let Event::Gossip {
                topic: found,
                token,
                source,
                bytes,
            } = event
            {
                self.handle.validate(token, Judgement::Accept).await;
                if found == topic {
                    return Some((source, bytes));
                }
            }
        }
        None
    }

    /// Answers every job and verdict by echoing it, for as long as the node lives.
    pub fn echo(self) -> Handle {
        let Node {
            handle, mut events, ..
        } = self;
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Job { bytes, reply, .. } | Event::Verdict { bytes, reply, .. } = event
                {
                    let head = bytes.len().min(64);
                    let _ = reply.send(bytes[..head].to_vec());
                }
            }
        });
        handle
    }
}

/// Waits until `condition` holds and gives the time it took.
pub async fn until<F: Future<Output = bool>>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> F,
) -> Duration {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    start.elapsed()
}

/// Waits until `from` is connected to `to`.
pub async fn connected(from: &Handle, to: PeerId) {
    until("connection", Duration::from_secs(20), || async {
        from.connected().await.contains(&to)
    })
    .await;
}

/// A network of `count` nodes of which only the first one's address is known to the others; connected in full when
/// this returns, with the time it took.
pub async fn network(count: usize, listen: &[&str]) -> (Vec<Node>, Duration) {
    let begin = Instant::now();
    let mut nodes = vec![start(config(listen, &[]))];
    let bootstrap = nodes[0].address().await;
    for _ in 1..count {
        nodes.push(start(config(listen, std::slice::from_ref(&bootstrap))));
    }
    for node in &nodes {
        until("full mesh", Duration::from_secs(30), || async {
            node.handle.connected().await.len() == count - 1
        })
        .await;
    }
    (nodes, begin.elapsed())
}

/// Bytes that differ at every place.
pub fn bytes(len: usize) -> Vec<u8> {
    (0..len as u32)
        .flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes())
        .take(len)
        .collect()
}
