//! Discovery and gossip between real swarms on loopback.

use crate::net;

use std::time::{Duration, Instant};

use assay_p2p::{Event, Judgement, PublishError, Published, Topic};
use net::{QUIC, TCP, config, connected, network, start, until};

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_nodes_find_each_other_from_one_address_and_all_hear_a_message() {
    let (mut nodes, took) = network(8, &[TCP, QUIC]).await;
    println!("8 nodes fully connected after {took:?}");
    // Everyone publishes once, everyone hears everyone else.
    for speaker in 0..nodes.len() {
        let said = format!("assignment of {speaker}").into_bytes();
        let handle = nodes[speaker].handle.clone();
        until("subscriptions of every neighbour", LIMIT, || async {
            handle.subscribed(Topic::Assignments).await.len() == 7
        })
        .await;
        assert_eq!(
            nodes[speaker]
                .handle
                .publish(Topic::Assignments, said.clone())
                .await,
            Ok(Published::Sent)
        );
        assert_eq!(
            nodes[speaker]
                .handle
                .publish(Topic::Assignments, said.clone())
                .await,
            Ok(Published::Known)
        );
        let begin = Instant::now();
        for (listener, node) in nodes.iter_mut().enumerate().filter(|(i, _)| *i != speaker) {
            let heard = node.gossip(Topic::Assignments, LIMIT).await;
            assert_eq!(
                heard.map(|(_, bytes)| bytes),
                Some(said.clone()),
                "{speaker} to {listener}"
            );
        }
        if speaker == 0 {
            println!("gossip to 7 nodes took {:?}", begin.elapsed());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tcp_alone_and_quic_alone_work() {
    for listen in [TCP, QUIC] {
        let (mut nodes, _) = network(3, &[listen]).await;
        until("subscription", LIMIT, || async {
            nodes[0].handle.subscribed(Topic::Proofs).await.len() == 2
        })
        .await;
        nodes[0]
            .handle
            .publish(Topic::Proofs, b"proof".to_vec())
            .await
            .unwrap();
        for node in &mut nodes[1..] {
            assert!(
                node.gossip(Topic::Proofs, LIMIT).await.is_some(),
                "over {listen}"
            );
        }
    }
}

#[tokio::test]
async fn a_message_published_while_alone_reaches_who_comes_later() {
    let mut first = start(config(&[TCP], &[]));
    let published = first
        .handle
        .publish(Topic::Receipts, b"early".to_vec())
        .await;
    assert_eq!(published, Ok(Published::Kept));
    let bootstrap = first.address().await;
    let mut second = start(config(&[TCP], &[bootstrap]));
    let (source, bytes) = second.gossip(Topic::Receipts, LIMIT).await.unwrap();
    assert_eq!((source, &bytes[..]), (first.id(), &b"early"[..]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oversize_gossip_is_refused_and_a_burst_of_full_size_arrives() {
    let (mut nodes, _) = network(2, &[TCP]).await;
    let max = assay_protocol::wire::MAX_GOSSIP;
    let refused = nodes[0].handle.publish(Topic::Records, vec![1; max + 1]);
    assert_eq!(
        refused.await,
        Err(PublishError::TooLarge { found: max + 1 })
    );
    for i in 0..100u8 {
        nodes[0]
            .handle
            .publish(Topic::Records, vec![i; max])
            .await
            .unwrap();
    }
    for i in 0..100u8 {
        let (_, bytes) = nodes[1].gossip(Topic::Records, LIMIT).await.unwrap();
        assert!(bytes == vec![i; max], "message {i}");
    }
}

#[tokio::test]
async fn what_is_rejected_is_not_forwarded_and_costs_the_sender() {
    // A line: first – middle – last; the ends do not know each other.
    let mut middle = start(config(&[TCP], &[]));
    let bootstrap = middle.address().await;
    let isolated = |bootstrap| {
        let mut config = config(&[TCP], &[bootstrap]);
        config.target_peers = 1;
        config.discovery = assay_p2p::Discovery::Client;
        start(config)
    };
    let (first, mut last) = (isolated(bootstrap.clone()), isolated(bootstrap));
    connected(&first.handle, middle.id()).await;
    connected(&last.handle, middle.id()).await;
    until("subscriptions", LIMIT, || async {
        middle.handle.subscribed(Topic::Records).await.len() == 2
    })
    .await;
    until("subscription", LIMIT, || async {
        !first.handle.subscribed(Topic::Records).await.is_empty()
    })
    .await;
    assert_eq!(first.handle.connected().await, [middle.id()]);

    let mut judge = async |bytes: &[u8], judgement| {
        first
            .handle
            .publish(Topic::Records, bytes.to_vec())
            .await
            .unwrap();
        loop {
            if let Some(Event::Gossip { token, .. }) = middle.events.recv().await {
                break middle.handle.validate(token, judgement).await;
            }
        }
    };
    judge(b"good", Judgement::Accept).await;
    assert_eq!(
        last.gossip(Topic::Records, LIMIT)
            .await
            .map(|(_, bytes)| bytes),
        Some(b"good".to_vec())
    );
    judge(b"late", Judgement::Ignore).await;
    let before = middle.handle.peer_score(first.id()).await.unwrap();
    judge(b"bad", Judgement::Reject).await;
    assert_eq!(
        last.gossip(Topic::Records, Duration::from_secs(2)).await,
        None
    );
    let score = async || middle.handle.peer_score(first.id()).await.unwrap();
    assert!(
        score().await < before - 5.0,
        "{} after {before}",
        score().await
    );
    // Stake outweighs one invalid message.
    middle.handle.set_stakes([(first.id(), 0.5)]).await;
    assert!(score().await > 0.0);
}

#[tokio::test]
async fn peers_of_another_chain_are_left() {
    let mut ours = start(config(&[TCP], &[]));
    let mut theirs = config(&[TCP], &[ours.address().await]);
    theirs.chain_id = 1;
    let _theirs = start(theirs);
    let gone = tokio::time::timeout(LIMIT, async {
        while !matches!(ours.events.recv().await, Some(Event::PeerDisconnected(_))) {}
    });
    assert!(gone.await.is_ok());
}

#[tokio::test]
async fn a_taken_port_is_said_and_shutdown_frees_it() {
    let mut first = start(config(&[TCP], &[]));
    let address = first.address().await.to_string();
    let taken = address.split("/p2p/").next().unwrap();
    let second = start_on(taken);
    assert!(
        second
            .err()
            .is_some_and(|e| e.to_string().contains("is the port taken"))
    );
    first.handle.shutdown().await;
    assert!(matches!(
        first.handle.publish(Topic::Records, vec![1]).await,
        Err(PublishError::Closed)
    ));
    until("port free", LIMIT, || async { start_on(taken).is_ok() }).await;
}

fn start_on(address: &str) -> Result<(), assay_p2p::SpawnError> {
    let store = std::sync::Arc::new(assay_p2p::MemoryStore::new(1));
    assay_p2p::spawn(config(&[address], &[]), &net::identity(), store).map(|_| ())
}
