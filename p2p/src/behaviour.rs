//! Everything a node does on a connection, put together.

use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

use assay_protocol::wire::MAX_PART;
use libp2p::allow_block_list::{self, BlockedPeers};
use libp2p::connection_limits::ConnectionLimits;
use libp2p::identity::Keypair;
use libp2p::kad::store::MemoryStore;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{
    PeerId, StreamProtocol, Swarm, SwarmBuilder, autonat, connection_limits, dcutr, identify, kad,
    memory_connection_limits, noise, ping, relay, tcp, yamux,
};

use crate::blob::BlobCodec;
use crate::config::{Config, Discovery};
use crate::discovery::is_loopback_only;
use crate::frame::FrameCodec;
use crate::gossip::{self, Gossip};
use crate::lanes::STREAMS;
use crate::spawn::SpawnError;
use crate::topic::{TopicTable, network_name};

/// Largest job message, bytes: an output part with its header.
pub const MAX_JOB: usize = MAX_PART + 64 * 1024;
/// Largest answer to a job message, bytes.
pub const MAX_JOB_ANSWER: usize = 64 * 1024;
/// Largest verdict message and largest answer, bytes.
pub const MAX_VERDICT: usize = 4 * 1024;

/// Time for one blob range of at most 1 MiB: 1 Mbit/s is the slowest useful link.
pub(crate) const BLOB_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for a job message: 1 MiB of output and the node's answer to it.
pub(crate) const JOB_TIMEOUT: Duration = Duration::from_secs(20);
/// Time for a verdict.
pub(crate) const VERDICT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for dialling and the handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);
/// Connections stay this long without use. Gossip needs neighbours outside the mesh too; their number is bounded by
/// the limits, so age need not be.
const IDLE: Duration = Duration::from_secs(600);
/// Streams one connection may have open.
const MUXED_STREAMS: usize = 256;
/// AutoNAT asks to be dialled back this often; libp2p's 5 s is chatty for a fact that rarely changes.
const PROBE_INTERVAL: Duration = Duration::from_secs(30);

#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    limits: connection_limits::Behaviour,
    pub(crate) banned: allow_block_list::Behaviour<BlockedPeers>,
    memory: Toggle<memory_connection_limits::Behaviour>,
    pub(crate) gossip: Gossip,
    pub(crate) kad: kad::Behaviour<MemoryStore>,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    autonat_client: autonat::v2::client::Behaviour,
    autonat_server: autonat::v2::server::Behaviour,
    relay_client: relay::client::Behaviour,
    relay_server: Toggle<relay::Behaviour>,
    dcutr: dcutr::Behaviour,
    pub(crate) blob: request_response::Behaviour<BlobCodec>,
    pub(crate) job: request_response::Behaviour<FrameCodec>,
    pub(crate) verdict: request_response::Behaviour<FrameCodec>,
}

/// Name of the discovery protocol of one chain.
pub(crate) fn kad_protocol(chain_id: u64) -> Result<StreamProtocol, SpawnError> {
    let name = format!("/assay/kad/1/{chain_id}");
    StreamProtocol::try_from_owned(name.clone()).map_err(|_| SpawnError::ProtocolName { name })
}

/// Name given to `identify`; peers of another network are disconnected.
pub(crate) fn identify_name(config: &Config) -> String {
    network_name(config.chain_id, config.court)
}

/// A swarm with TCP and QUIC, not yet listening.
pub(crate) fn swarm(
    config: &Config,
    keypair: Keypair,
    topics: &TopicTable,
) -> Result<Swarm<Behaviour>, SpawnError> {
    let transport = |reason: String| SpawnError::Transport { reason };
    let mux = || {
        let mut config = yamux::Config::default();
        config.set_max_num_streams(MUXED_STREAMS);
        config
    };
    let gossip = gossip::behaviour(topics)?;
    let kad_protocol = kad_protocol(config.chain_id)?;
    let builder = SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            mux,
        )
        .map_err(|e| transport(e.to_string()))?
        .with_quic()
        .with_dns()
        .map_err(|e: io::Error| transport(format!("DNS resolver: {e}")))?
        .with_relay_client(noise::Config::new, mux)
        .map_err(|e| transport(e.to_string()))?
        .with_behaviour(|keypair, relay_client| {
            behaviour(config, keypair, gossip, kad_protocol, relay_client)
        })
        .map_err(|e| transport(e.to_string()))?
        .with_swarm_config(|swarm| swarm.with_idle_connection_timeout(IDLE))
        .with_connection_timeout(CONNECT_TIMEOUT);
    Ok(builder.build())
}

fn behaviour(
    config: &Config,
    keypair: &Keypair,
    gossip: Gossip,
    kad_protocol: StreamProtocol,
    relay_client: relay::client::Behaviour,
) -> Behaviour {
    let own = keypair.public().to_peer_id();
    let limits = &config.limits;
    let connection_limits = ConnectionLimits::default()
        .with_max_established_incoming(Some(limits.inbound))
        .with_max_established_outgoing(Some(limits.outbound))
        .with_max_pending_incoming(Some(limits.pending))
        .with_max_pending_outgoing(Some(limits.pending))
        .with_max_established_per_peer(Some(limits.per_peer));
    let memory = limits.memory_mib.map(|mib| {
        let bytes = usize::try_from(mib.saturating_mul(1024 * 1024)).unwrap_or(usize::MAX);
        memory_connection_limits::Behaviour::with_max_bytes(bytes)
    });
    let identify = identify::Config::new(identify_name(config), keypair.public())
        .with_agent_version(concat!("assay/", env!("CARGO_PKG_VERSION")).to_owned())
        .with_push_listen_addr_updates(true);
    let probes = autonat::v2::client::Config::default().with_probe_interval(PROBE_INTERVAL);
    let requests = |timeout| {
        request_response::Config::default()
            .with_request_timeout(timeout)
            .with_max_concurrent_streams(STREAMS)
    };
    let protocol = |name| [(StreamProtocol::new(name), ProtocolSupport::Full)];
    let job = FrameCodec {
        request: MAX_JOB,
        reply: MAX_JOB_ANSWER,
    };
    let verdict = FrameCodec {
        request: MAX_VERDICT,
        reply: MAX_VERDICT,
    };
    Behaviour {
        limits: connection_limits::Behaviour::new(connection_limits),
        banned: allow_block_list::Behaviour::default(),
        memory: memory.into(),
        gossip,
        kad: kademlia(config, own, kad_protocol),
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::new(ping::Config::new()),
        autonat_client: autonat::v2::client::Behaviour::new(rand::make_rng(), probes),
        autonat_server: autonat::v2::server::Behaviour::new(rand::make_rng()),
        relay_client,
        relay_server: relay_server(config, own).into(),
        dcutr: dcutr::Behaviour::new(own),
        blob: request_response::Behaviour::with_codec(
            BlobCodec,
            protocol("/assay/blob/1"),
            requests(BLOB_TIMEOUT),
        ),
        job: request_response::Behaviour::with_codec(
            job,
            protocol("/assay/job/1"),
            requests(JOB_TIMEOUT),
        ),
        verdict: request_response::Behaviour::with_codec(
            verdict,
            protocol("/assay/verdict/1"),
            requests(VERDICT_TIMEOUT),
        ),
    }
}

/// A relay for others, if this node has an address to be one at. Its status is fixed before the first connection:
/// when libp2p-relay 0.22 changes it later it notifies relayed connections too, whose handlers panic on it.
fn relay_server(config: &Config, own: PeerId) -> Option<relay::Behaviour> {
    let serves = config.relay_server && !config.external.is_empty();
    serves.then(|| {
        let mut server = relay::Behaviour::new(own, relay::Config::default());
        server.set_status(Some(relay::Status::Enable));
        server
    })
}

/// Kademlia for finding peers only: records of others are not stored, and addresses come from `identify`, filtered,
/// or from signed node records.
fn kademlia(config: &Config, own: PeerId, protocol: StreamProtocol) -> kad::Behaviour<MemoryStore> {
    let mut settings = kad::Config::new(protocol);
    settings
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_query_timeout(Duration::from_secs(15))
        .set_max_packet_size(16 * 1024);
    if let Some(parallelism) = NonZeroUsize::new(4) {
        settings.set_parallelism(parallelism);
    }
    let mut kad = kad::Behaviour::with_config(own, MemoryStore::new(own), settings);
    let reachable = !config.external.is_empty() || is_loopback_only(&config.listen);
    match config.discovery {
        Discovery::Server => kad.set_mode(Some(kad::Mode::Server)),
        Discovery::Client => kad.set_mode(Some(kad::Mode::Client)),
        Discovery::Auto if reachable => kad.set_mode(Some(kad::Mode::Server)),
        // Kademlia becomes a server by itself when AutoNAT confirms an address.
        Discovery::Auto => {}
    }
    kad
}
