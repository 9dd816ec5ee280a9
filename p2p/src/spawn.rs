//! Starting the network task.

use std::net::{IpAddr, TcpListener};
use std::sync::Arc;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use tokio::sync::mpsc;

use crate::behaviour;
use crate::config::{Config, ConfigError};
use crate::event::Event;
use crate::handle::Handle;
use crate::identity::Identity;
use crate::service::Service;
use crate::store::BlobStore;
use crate::topic::TopicTable;

/// Commands waiting for the event loop; senders wait when it is full.
const COMMANDS: usize = 256;
/// Events waiting for the node. Gossip is dropped when it is full, at most 64 MiB of it.
const EVENTS: usize = 1024;

/// Why the network did not start.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// A setting cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// TCP, QUIC, DNS or Noise could not be set up.
    #[error("network transport cannot be set up: {reason}")]
    Transport {
        /// libp2p's words.
        reason: String,
    },
    /// Gossipsub refuses its parameters.
    #[error("gossip cannot be set up: {reason}")]
    Gossip {
        /// libp2p's words.
        reason: String,
    },
    /// A protocol name is not valid.
    #[error("{name:?} is no protocol name")]
    ProtocolName {
        /// The name.
        name: String,
    },
    /// An address cannot be listened on.
    #[error(
        "cannot listen on {address}: {reason}; is the port taken, or the address not this machine's?"
    )]
    Listen {
        /// As configured.
        address: Multiaddr,
        /// The system's words.
        reason: String,
    },
}

/// Starts the network on the current tokio runtime: one task, ended by [`Handle::shutdown`] or by dropping the last
/// handle. Listening addresses follow as events.
pub fn spawn(
    config: Config,
    identity: &Identity,
    store: Arc<dyn BlobStore>,
) -> Result<(Handle, mpsc::Receiver<Event>), SpawnError> {
    config.validate()?;
    let topics = TopicTable::new(config.chain_id, config.court);
    let mut swarm = behaviour::swarm(&config, identity.keypair(), &topics)?;
    for address in config.listen.iter().cloned() {
        check_free(&address)?;
        let listening = swarm.listen_on(address.clone());
        listening.map_err(|e| SpawnError::Listen {
            address,
            reason: e.to_string(),
        })?;
    }
    for address in &config.external {
        swarm.add_external_address(address.clone());
    }
    let (commands, command_receiver) = mpsc::channel(COMMANDS);
    let (events, event_receiver) = mpsc::channel(EVENTS);
    let max_blob = config.limits.blob_mib * 1024 * 1024;
    let service = Service::new(swarm, &config, topics, store, command_receiver, events);
    let permissions = Arc::clone(&service.permissions);
    let handle = Handle::new(commands, identity.peer_id(), max_blob, permissions);
    tokio::spawn(service.run());
    Ok((handle, event_receiver))
}

/// Refuses a TCP port on which another program listens. libp2p sets `SO_REUSEPORT`, so a second node would share the
/// port silently and each would get half of the connections.
fn check_free(address: &Multiaddr) -> Result<(), SpawnError> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next() {
        Some(Protocol::Ip4(ip)) => ip.into(),
        Some(Protocol::Ip6(ip)) => ip.into(),
        _ => return Ok(()),
    };
    match (parts.next(), parts.next()) {
        (Some(Protocol::Tcp(port)), None) if port != 0 => TcpListener::bind((ip, port))
            .map(drop)
            .map_err(|e| SpawnError::Listen {
                address: address.clone(),
                reason: e.to_string(),
            }),
        _ => Ok(()),
    }
}
