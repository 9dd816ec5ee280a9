//! A node that nobody can dial is reached through a relay, and its reservation survives the relay's restart.

use crate::net;

use std::net::TcpListener;
use std::time::Duration;

use assay_p2p::{Config, Discovery, Identity, MemoryStore, spawn};
use net::{Node, config, connected, start, until};

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hidden_node_is_reached_through_its_relay() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let address: assay_p2p::Multiaddr = format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap();
    let relay_id = Identity::from_secret([77; 32].into()).unwrap();
    let relay = |address: &assay_p2p::Multiaddr| {
        let external = vec![address.clone()];
        let config = Config {
            external,
            listen: vec![address.clone()],
            ..config(&[], &[])
        };
        let store = std::sync::Arc::new(MemoryStore::new(0));
        let (handle, events) = spawn(config, &relay_id, store.clone()).unwrap();
        Node {
            handle,
            events,
            store,
        }
    };
    let first = relay(&address);
    let via = address.clone().with_p2p(relay_id.peer_id()).unwrap();
    let hidden = start(Config {
        relays: vec![via.clone()],
        discovery: Discovery::Client,
        ..config(&[], &[])
    });
    let (hidden_id, handle) = (hidden.id(), hidden.handle.clone());
    let has_circuit = || async {
        handle
            .listen_addrs()
            .await
            .iter()
            .any(|a| a.to_string().contains("p2p-circuit"))
    };
    until("reservation", LIMIT, has_circuit).await;

    let visitor = start(config(&[], &[]));
    let circuit = format!("{via}/p2p-circuit").parse().unwrap();
    visitor.handle.add_peer(hidden_id, vec![circuit]).await;
    connected(&visitor.handle, hidden_id).await;
    let _hidden = hidden.echo();
    assert_eq!(
        visitor
            .handle
            .send_job(hidden_id, b"through".to_vec())
            .await,
        Ok(b"through".to_vec())
    );

    first.handle.shutdown().await;
    until("loss", LIMIT, || async { !has_circuit().await }).await;
    let _second = relay(&address);
    until("renewal", LIMIT, has_circuit).await;
}
