//! What an operator may set, with defaults that say why.

use assay_protocol::Address;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use serde::{Deserialize, Serialize};

/// Settings of the network side of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Chain id; part of every topic and protocol name, so that networks of two chains never mix. Required.
    pub chain_id: u64,
    /// Address of `FraudCourt`; names the deployment. Required.
    pub court: Address,
    /// Addresses to listen on. Empty: only dial out. Port 0 takes a free one. Default: TCP and QUIC on loopback,
    /// because listening to the world is the operator's decision.
    pub listen: Vec<Multiaddr>,
    /// Addresses of nodes to start from, with or without `/p2p/<peer id>`; retried for ever.
    pub bootstrap: Vec<Multiaddr>,
    /// Addresses under which others reach this node (port forwarding, public DNS name). Stated by the operator and
    /// announced as they are; what AutoNAT confirms is added to them.
    pub external: Vec<Multiaddr>,
    /// Relays (with `/p2p/<peer id>`) to keep a reservation on, for nodes behind a router. Circuits carry gossip and
    /// hole punching, never segments: relays cut them at 128 KiB.
    pub relays: Vec<Multiaddr>,
    /// Whether this node answers discovery queries of others.
    pub discovery: Discovery,
    /// Whether this node relays for nodes behind routers, within libp2p's own limits (128 KiB and two minutes a
    /// circuit). Default true: it costs little and the network needs some. Only a node with [`Config::external`]
    /// addresses does, because a reservation consists of them.
    pub relay_server: bool,
    /// Connections to seek. Default 24: twice gossipsub's largest mesh (12), so that gossip always finds peers
    /// outside the mesh; a network smaller than this becomes fully connected.
    pub target_peers: usize,
    /// Connection and memory limits.
    pub limits: Limits,
    /// What one peer may ask of this node.
    pub quotas: Quotas,
}

/// Whether a node serves discovery (Kademlia) queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Discovery {
    /// Server when external addresses are given, when it listens on loopback only (a closed network), or when
    /// AutoNAT finds it reachable; else client. In a closed network on private addresses (containers, a laboratory)
    /// nobody confirms anything: set [`Discovery::Server`] there, at least on the bootstrap nodes.
    #[default]
    Auto,
    /// Always: others can reach this node.
    Server,
    /// Never: only ask.
    Client,
}

/// Connection and memory limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Inbound connections. Default 256: about 40 MiB of buffers.
    pub inbound: u32,
    /// Outbound connections. Default 128.
    pub outbound: u32,
    /// Handshakes under way, each direction. Default 64: what a burst of strangers may cost in CPU.
    pub pending: u32,
    /// Connections with one peer. Default 6: simultaneous dials over two transports, a relayed one and a probe.
    pub per_peer: u32,
    /// Connections are refused while the process holds more physical memory than this. Default 1,536 MiB, below the
    /// 2 GiB of a small server. Absent: no limit.
    pub memory_mib: Option<u64>,
    /// Largest blob fetched, in MiB. Default 256: what a worker takes, a minute of source at 32 Mbit/s.
    pub blob_mib: u64,
}

/// What one peer may ask of this node; peers with stake get [`Quotas::staked_factor`] times as much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// Gossip messages a second forwarded by one peer. Default 100: a segment causes about ten messages network
    /// wide, and every peer may be the first to forward all of them.
    pub gossip_per_second: u32,
    /// Blob ranges a second. Default 128: 64 MiB/s at 512 KiB a range.
    pub ranges_per_second: u32,
    /// Job messages a second. Default 64: up to 64 MiB/s of pushed output.
    pub jobs_per_second: u32,
    /// Verdicts a second. Default 64: one per leaf and verifier, bursts after an accusation of many leaves.
    pub verdicts_per_second: u32,
    /// Seconds of quota that may be used at once. Default 4.
    pub burst_seconds: u32,
    /// Multiplier for peers with stake. Default 8.
    pub staked_factor: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            inbound: 256,
            outbound: 128,
            pending: 64,
            per_peer: 6,
            memory_mib: Some(1536),
            blob_mib: 256,
        }
    }
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            gossip_per_second: 100,
            ranges_per_second: 128,
            jobs_per_second: 64,
            verdicts_per_second: 64,
            burst_seconds: 4,
            staked_factor: 8,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let loopback = Multiaddr::empty().with(Protocol::Ip4([127, 0, 0, 1].into()));
        Self {
            chain_id: 0,
            court: Address::ZERO,
            listen: vec![
                loopback.clone().with(Protocol::Tcp(0)),
                loopback.with(Protocol::Udp(0)).with(Protocol::QuicV1),
            ],
            bootstrap: Vec::new(),
            external: Vec::new(),
            relays: Vec::new(),
            discovery: Discovery::Auto,
            relay_server: true,
            target_peers: 24,
            limits: Limits::default(),
            quotas: Quotas::default(),
        }
    }
}

/// A setting that cannot work, with what would.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No chain.
    #[error("p2p: chain_id is 0; set it to the chain's id")]
    NoChain,
    /// No deployment.
    #[error("p2p: court is the zero address; set it to the address of FraudCourt")]
    NoCourt,
    /// An address of a kind this build has no transport for.
    #[error(
        "p2p: {field} address {address} is neither TCP nor QUIC (…/tcp/PORT or …/udp/PORT/quic-v1)"
    )]
    Transport {
        /// The list it stands in.
        field: &'static str,
        /// As given.
        address: Multiaddr,
    },
    /// A relay without its peer id.
    #[error("p2p: relay {0} lacks the relay's peer id; append /p2p/<peer id>")]
    RelayWithoutPeer(Multiaddr),
    /// A number outside its range.
    #[error("p2p: {field} is {found}; it must be {expected}")]
    Range {
        /// Dotted name.
        field: &'static str,
        /// As given.
        found: u64,
        /// The range, in words.
        expected: &'static str,
    },
}

impl Config {
    /// Defaults for one deployment.
    pub fn new(chain_id: u64, court: Address) -> Self {
        Self {
            chain_id,
            court,
            ..Self::default()
        }
    }

    /// Checks every setting; [`crate::spawn`] runs it first.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.chain_id == 0 {
            return Err(ConfigError::NoChain);
        }
        if self.court == Address::ZERO {
            return Err(ConfigError::NoCourt);
        }
        for (field, list) in [
            ("listen", &self.listen),
            ("bootstrap", &self.bootstrap),
            ("relays", &self.relays),
        ] {
            if let Some(address) = list.iter().find(|a| !has_transport(a)) {
                return Err(ConfigError::Transport {
                    field,
                    address: address.clone(),
                });
            }
        }
        if let Some(relay) = self
            .relays
            .iter()
            .find(|a| crate::discovery::peer_of(a).is_none())
        {
            return Err(ConfigError::RelayWithoutPeer(relay.clone()));
        }
        let positive = [
            ("target_peers", self.target_peers as u64),
            ("limits.inbound", self.limits.inbound.into()),
            ("limits.outbound", self.limits.outbound.into()),
            ("limits.pending", self.limits.pending.into()),
            ("limits.per_peer", self.limits.per_peer.into()),
            ("limits.blob_mib", self.limits.blob_mib),
            (
                "quotas.gossip_per_second",
                self.quotas.gossip_per_second.into(),
            ),
            (
                "quotas.ranges_per_second",
                self.quotas.ranges_per_second.into(),
            ),
            ("quotas.jobs_per_second", self.quotas.jobs_per_second.into()),
            (
                "quotas.verdicts_per_second",
                self.quotas.verdicts_per_second.into(),
            ),
            ("quotas.burst_seconds", self.quotas.burst_seconds.into()),
            ("quotas.staked_factor", self.quotas.staked_factor.into()),
        ];
        for (field, found) in positive {
            if found == 0 {
                return Err(ConfigError::Range {
                    field,
                    found,
                    expected: "at least 1",
                });
            }
        }
        if self.limits.blob_mib > 4096 {
            let found = self.limits.blob_mib;
            return Err(ConfigError::Range {
                field: "limits.blob_mib",
                found,
                expected: "at most 4096",
            });
        }
        match self.limits.memory_mib {
            Some(found) if found < 64 => Err(ConfigError::Range {
                field: "limits.memory_mib",
                found,
                expected: "at least 64, or absent",
            }),
            _ => Ok(()),
        }
    }
}

fn has_transport(address: &Multiaddr) -> bool {
    let tcp = address.iter().any(|p| matches!(p, Protocol::Tcp(_)));
    let quic = address.iter().any(|p| matches!(p, Protocol::QuicV1));
    tcp || quic
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Config {
        Config::new(31337, Address::repeat_byte(1))
    }

    #[test]
    fn defaults_hold_and_return_through_toml() {
        assert_eq!(good().validate(), Ok(()));
        let text = toml::to_string(&good()).unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), good());
        assert!(
            toml::from_str::<Config>("chain = 1").is_err(),
            "unknown settings are refused"
        );
    }

    #[test]
    fn each_bad_setting_is_named() {
        assert_eq!(Config::default().validate(), Err(ConfigError::NoChain));
        let udp: Multiaddr = "/ip4/127.0.0.1/udp/4001".parse().unwrap();
        let bad = Config {
            bootstrap: vec![udp.clone()],
            ..good()
        };
        assert_eq!(
            bad.validate(),
            Err(ConfigError::Transport {
                field: "bootstrap",
                address: udp
            })
        );
        let relay: Multiaddr = "/ip4/127.0.0.1/tcp/4001".parse().unwrap();
        let bad = Config {
            relays: vec![relay.clone()],
            ..good()
        };
        assert_eq!(bad.validate(), Err(ConfigError::RelayWithoutPeer(relay)));
        let mut bad = good();
        bad.quotas.jobs_per_second = 0;
        assert!(matches!(
            bad.validate(),
            Err(ConfigError::Range {
                field: "quotas.jobs_per_second",
                ..
            })
        ));
    }
}
