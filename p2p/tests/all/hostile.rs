//! Peers that do not follow the protocol: swarms built here without this crate's behaviour.

use crate::net;

use std::io;
use std::time::Duration;

use assay_p2p::{Event, FetchError, Multiaddr, PeerId, ProviderFailure, Topic};
use assay_protocol::wire::MAX_GOSSIP;
use futures::prelude::*;
use libp2p::gossipsub::{self, ConfigBuilder, IdentTopic, MessageAuthenticity, ValidationMode};
use libp2p::request_response::{self, Codec, Event as Exchange, Message, ProtocolSupport};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{StreamProtocol, Swarm, SwarmBuilder, identify, noise, yamux};
use net::{COURT, TCP, bytes, config, connected, network, start, until};

const LIMIT: Duration = Duration::from_secs(20);

/// Writes whatever it is given, without caps; reads until the end of the stream.
#[derive(Clone, Default)]
struct Raw;

impl Codec for Raw {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        io.read_to_end(&mut bytes).await.map(|_| bytes)
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        protocol: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        self.read_request(protocol, io).await
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&bytes).await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        protocol: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        self.write_request(protocol, io, bytes).await
    }
}

#[derive(NetworkBehaviour)]
struct Rogue {
    identify: identify::Behaviour,
    gossip: gossipsub::Behaviour,
    blob: request_response::Behaviour<Raw>,
    job: request_response::Behaviour<Raw>,
}

fn rogue() -> Swarm<Rogue> {
    let raw = |name| {
        let protocol = [(StreamProtocol::new(name), ProtocolSupport::Full)];
        request_response::Behaviour::with_codec(Raw, protocol, request_response::Config::default())
    };
    let network = Topic::Records.name(31337, COURT).replace("/records", "");
    let gossip = ConfigBuilder::default()
        .validation_mode(ValidationMode::None)
        .message_id_fn(|m| blake3::hash(&m.data).as_bytes().to_vec().into())
        .max_transmit_size(1 << 20)
        .heartbeat_initial_delay(Duration::from_millis(100))
        .build()
        .unwrap();
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(
            Default::default(),
            noise::Config::new,
            yamux::Config::default,
        )
        .unwrap()
        .with_behaviour(|key| Rogue {
            identify: identify::Behaviour::new(identify::Config::new(network, key.public())),
            gossip: gossipsub::Behaviour::new(MessageAuthenticity::Anonymous, gossip).unwrap(),
            blob: raw("/assay/blob/1"),
            job: raw("/assay/job/1"),
        })
        .unwrap()
        .build();
    swarm.listen_on(TCP.parse().unwrap()).unwrap();
    swarm
}

fn frame(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_be_bytes(), payload].concat()
}

/// A provider that answers every request for a range with the same bytes.
async fn provider(answer: Vec<u8>) -> (PeerId, Multiaddr) {
    let mut swarm = rogue();
    let peer = *swarm.local_peer_id();
    let address = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            break address;
        }
    };
    tokio::spawn(async move {
        loop {
            if let SwarmEvent::Behaviour(RogueEvent::Blob(Exchange::Message {
                message: Message::Request { channel, .. },
                ..
            })) = swarm.select_next_some().await
            {
                let _ = swarm
                    .behaviour_mut()
                    .blob
                    .send_response(channel, answer.clone());
            }
        }
    });
    (peer, address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_of_garbage_is_left_and_scored_and_the_next_one_delivers() {
    let (nodes, _) = network(2, &[TCP]).await;
    let source = bytes(1_500_000);
    let hash = nodes[1].store.insert(source.clone());
    nodes[1].handle.allow_blob(hash, [nodes[0].id()]);
    let asker = &nodes[0].handle;

    // Plausible in size and form, wrong in content.
    let (liar, address) = provider(frame(&[&[0][..], &bytes(524_288 + 2048)].concat())).await;
    // Promises 4 GiB.
    let (boaster, boasts) = provider(vec![0xff; 64]).await;
    // Ends in the middle.
    let (mute, mutters) = provider(b"\0\0\x40\0\0abc".to_vec()).await;
    for (peer, address) in [(liar, address), (boaster, boasts), (mute, mutters)] {
        asker.add_peer(peer, vec![address]).await;
        connected(asker, peer).await;
    }
    let providers = vec![liar, boaster, mute, nodes[1].id()];
    let fetched = asker
        .fetch_blob(hash, 1_500_000, providers.clone())
        .await
        .unwrap();
    assert!(fetched == source);
    assert!(
        asker.peer_score(liar).await.unwrap() < -50.0,
        "{:?}",
        asker.peer_score(liar).await
    );

    let failed = asker
        .fetch_blob(hash, 1_500_000, providers[..3].to_vec())
        .await;
    let Err(FetchError::Exhausted {
        failures,
        verified: 0,
        ..
    }) = failed
    else {
        panic!("{failed:?}")
    };
    assert!(matches!(failures[0], (_, ProviderFailure::Bad(_))));
    assert!(
        failures[1..]
            .iter()
            .all(|(_, f)| matches!(f, ProviderFailure::Request(_))),
        "{failures:?}"
    );
}

/// A rogue connected to `node`, subscribed to records, and known to be so.
async fn intruder(node: &mut net::Node) -> Swarm<Rogue> {
    let mut swarm = rogue();
    let topic = IdentTopic::new(Topic::Records.name(31337, COURT));
    swarm.behaviour_mut().gossip.subscribe(&topic).unwrap();
    swarm.dial(node.address().await).unwrap();
    let subscribed = async {
        while swarm
            .behaviour()
            .gossip
            .all_peers()
            .all(|(_, topics)| topics.is_empty())
        {
            swarm.select_next_some().await;
        }
    };
    tokio::time::timeout(LIMIT, subscribed).await.unwrap();
    swarm
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oversize_gossip_never_reaches_the_node() {
    let mut node = start(config(&[TCP], &[]));
    let mut swarm = intruder(&mut node).await;
    let topic = IdentTopic::new(Topic::Records.name(31337, COURT));
    let mut say = |bytes: Vec<u8>| {
        swarm
            .behaviour_mut()
            .gossip
            .publish(topic.clone(), bytes)
            .map(|_| ())
    };
    // Just over the payload's cap but within the envelope's, far over, and one that is fine.
    say(vec![1; MAX_GOSSIP + 1]).unwrap();
    say(b"fine".to_vec()).unwrap();
    say(vec![2; 500_000]).unwrap();
    tokio::spawn(async move { while swarm.next().await.is_some() {} });
    let (source, heard) = node.gossip(Topic::Records, LIMIT).await.unwrap();
    assert_eq!(heard, b"fine");
    assert!(
        node.gossip(Topic::Records, Duration::from_secs(1))
            .await
            .is_none()
    );
    let score = node.handle.peer_score(source).await.unwrap();
    assert!(score < 0.0, "{score}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oversize_request_is_not_read_and_costs_its_sender() {
    let mut node = start(config(&[TCP], &[]));
    let mut swarm = intruder(&mut node).await;
    let (own, peer) = (*swarm.local_peer_id(), node.id());
    let before = node.handle.peer_score(own).await.unwrap();
    swarm
        .behaviour_mut()
        .job
        .send_request(&peer, frame(&vec![0; assay_p2p::MAX_JOB + 1]));
    tokio::spawn(async move { while swarm.next().await.is_some() {} });
    let handle = node.handle.clone();
    until("penalty", LIMIT, || async {
        handle.peer_score(own).await.unwrap() < before - 10.0
    })
    .await;
    while let Ok(event) = node.events.try_recv() {
        assert!(!matches!(event, Event::Job { .. }));
    }
}
