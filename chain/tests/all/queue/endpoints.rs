//! Several Ethereum nodes: slow, dead, behind, of another chain, over HTTP and HTTPS.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use assay_chain::client::Client;
use assay_chain::error::ChainError;
use assay_chain::queue::{Journal, TxError, TxQueue};
use assay_chain::{EndpointState, Endpoints, Policy};
use assay_protocol::amount::Lpt;

use super::network::{Account, Network, fast};
use super::{outcome, paid, pay, silent};
use crate::proxy::{Fault, Proxy};

fn policy() -> Policy {
    Policy {
        patience: Duration::from_secs(5),
        impatience: Duration::from_millis(500),
        probe: Duration::from_millis(50),
        ..Policy::default()
    }
}

fn both(first: &Proxy, second: &Proxy) -> Endpoints {
    Endpoints::new([first.url.as_str(), second.url.as_str()]).with_policy(policy())
}

async fn connect(network: &Network, endpoints: &Endpoints, account: &Account) -> Client {
    Client::connect(endpoints, &network.deployment, account.key.clone())
        .await
        .unwrap()
}

/// Waits until the endpoint at `index` is so.
async fn becomes(client: &Client, index: usize, wanted: impl Fn(&EndpointState) -> bool) {
    let begun = Instant::now();
    loop {
        let state = client.endpoints().remove(index).state;
        if wanted(&state) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "still {state:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_next_endpoint_takes_over_from_a_dead_and_from_a_silent_one() {
    let network = Network::start().await;
    let account = network.account(90, 100).await;
    let first = Proxy::start(&network.anvil.url()).await;
    let second = Proxy::start(&network.anvil.url()).await;
    let client = connect(&network, &both(&first, &second), &account).await;
    let queue = TxQueue::open(&client, Journal::Memory, fast())
        .await
        .unwrap();
    becomes(&client, 1, |s| *s == EndpointState::Good).await;
    let faults = [Fault::Down, Fault::Silent, Fault::Garbage];
    for (i, fault) in (1..).zip(faults) {
        first.set(fault);
        let ticket = queue.submit(format!("pay {i}"), pay(1)).await.unwrap();
        outcome(ticket).await.unwrap();
        assert_eq!(paid(&account).await, Lpt::whole(i));
        becomes(&client, 0, |s| matches!(s, EndpointState::Away(_))).await;
        // An endpoint that is known to be away costs no time: on a busy machine at least one request of a few shows it.
        let mut fastest = Duration::MAX;
        for _ in 0..5 {
            let begun = Instant::now();
            client.head().await.unwrap();
            fastest = fastest.min(begun.elapsed());
        }
        assert!(fastest < policy().impatience, "{fastest:?}");
        first.set(Fault::None);
        becomes(&client, 0, |s| *s == EndpointState::Good).await;
    }
    // Back again, the first one is asked first.
    second.set(Fault::Down);
    outcome(queue.submit("last", pay(1)).await.unwrap())
        .await
        .unwrap();
    // All of them away: each is named, and the queue waits.
    first.set(Fault::Down);
    let error = client.head().await.unwrap_err().to_string();
    assert!(
        error.contains(&first.url) && error.contains(&second.url),
        "{error}"
    );
    let mut told = Box::pin(queue.submit("later", pay(1)).await.unwrap().outcome());
    silent(&mut told).await;
    second.set(Fault::None);
    told.await.unwrap();
    assert_eq!(paid(&account).await, Lpt::whole(5));
}

#[tokio::test]
async fn an_endpoint_that_is_behind_is_asked_after_the_others() {
    let network = Network::start().await;
    let account = network.account(91, 100).await;
    let first = Proxy::start(&network.anvil.url()).await;
    let second = Proxy::start(&network.anvil.url()).await;
    let client = connect(&network, &both(&first, &second), &account).await;
    becomes(&client, 0, |s| *s == EndpointState::Good).await;
    client.head().await.unwrap();
    first.set(Fault::Frozen);
    network.anvil.mine(5).await.unwrap();
    becomes(&client, 0, |s| *s == EndpointState::Behind(5)).await;
    let view = client.endpoints().remove(0);
    let head = client.head().await.unwrap();
    assert_eq!(view.head.unwrap() + 5, head.number);
    assert!(view.head_time.unwrap() <= head.timestamp);
    let queue = TxQueue::open(&client, Journal::Memory, fast())
        .await
        .unwrap();
    outcome(queue.submit("pay", pay(1)).await.unwrap())
        .await
        .unwrap();
    // When nobody else answers it is better than nothing.
    second.set(Fault::Down);
    assert_eq!(client.head().await.unwrap().number, view.head.unwrap());
    second.set(Fault::None);
    first.set(Fault::None);
    becomes(&client, 0, |s| *s == EndpointState::Good).await;
    assert_eq!(paid(&account).await, Lpt::whole(1));
}

#[tokio::test]
async fn another_chain_id_or_genesis_is_refused_with_one_line() {
    let network = Network::start().await;
    let account = network.account(92, 100).await;
    let right = Proxy::start(&network.anvil.url()).await;
    let liar = Proxy::start(&network.anvil.url()).await;
    liar.set(Fault::OtherChain);
    // Alone it is an error; before a right one it is left out.
    let alone = Client::connect(&liar.url, &network.deployment, account.key.clone()).await;
    let alone = alone.unwrap_err();
    assert!(
        matches!(alone, ChainError::OtherChain { found: 5, .. }),
        "{alone}"
    );
    let client = connect(&network, &both(&liar, &right), &account).await;
    becomes(&client, 0, |s| matches!(s, EndpointState::Refused(_))).await;
    let EndpointState::Refused(line) = client.endpoints().remove(0).state else {
        panic!("changed its mind")
    };
    assert!(
        line.contains(&liar.url) && line.contains("chain 5") && !line.contains('\n'),
        "{line}"
    );
    let queue = TxQueue::open(&client, Journal::Memory, fast())
        .await
        .unwrap();
    outcome(queue.submit("pay", pay(1)).await.unwrap())
        .await
        .unwrap();
    assert_eq!(liar.sends.load(Ordering::SeqCst), 0);
    // Chains that start within one second have one genesis.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let other = Network::start().await;
    let foreign = Proxy::start(&other.anvil.url()).await;
    let client = connect(&network, &both(&right, &foreign), &account).await;
    becomes(
        &client,
        1,
        |s| matches!(s, EndpointState::Refused(line) if line.contains("begins with block")),
    )
    .await;
    right.set(Fault::Down);
    client.head().await.unwrap_err();
    let queue = TxQueue::open(&client, Journal::Memory, fast()).await;
    assert!(queue.is_err(), "a journal was opened for another chain");
    assert_eq!(foreign.sends.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_chain_that_is_replaced_meanwhile_gets_no_transaction() {
    let network = Network::start().await;
    let account = network.account(93, 100).await;
    let node = Proxy::start(&network.anvil.url()).await;
    let client = connect(&network, &Endpoints::from(&node.url), &account).await;
    let queue = TxQueue::open(&client, Journal::Memory, fast())
        .await
        .unwrap();
    node.set(Fault::Down);
    let mut told = Box::pin(queue.submit("pay", pay(1)).await.unwrap().outcome());
    silent(&mut told).await;
    // Somebody else answers at the same address now.
    node.set(Fault::OtherChain);
    silent(&mut told).await;
    assert_eq!(node.sends.load(Ordering::SeqCst), 0);
    node.set(Fault::None);
    told.await.unwrap();
}

#[tokio::test]
async fn a_refusal_here_and_silence_there_is_no_refusal() {
    let network = Network::start().await;
    let account = network.account(94, 100).await;
    let first = Proxy::start(&network.anvil.url()).await;
    let second = Proxy::start(&network.anvil.url()).await;
    let client = connect(&network, &both(&first, &second), &account).await;
    becomes(&client, 1, |s| *s == EndpointState::Good).await;
    let queue = TxQueue::open(&client, Journal::Memory, fast())
        .await
        .unwrap();
    // The second one takes it and breaks off: it is in a pool, whatever the first one says.
    first.set(Fault::Refuses);
    second.set(Fault::AfterSend);
    let nonce = account.client.transaction_count().await.unwrap();
    let ticket = queue.submit("pay", pay(1)).await.unwrap();
    outcome(ticket).await.unwrap();
    assert_eq!(paid(&account).await, Lpt::whole(1));
    assert_eq!(account.client.transaction_count().await.unwrap(), nonce + 1);
    // Both refuse: it is in no pool, and its nonce is free.
    second.set(Fault::Refuses);
    let error = outcome(queue.submit("no", pay(1)).await.unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, TxError::Refused { .. }), "{error}");
    // An error that says nothing about it is no refusal either.
    second.set(Fault::InternalBeforeSend);
    becomes(&client, 1, |s| *s == EndpointState::Good).await;
    let mut told = Box::pin(queue.submit("yes", pay(1)).await.unwrap().outcome());
    silent(&mut told).await;
    second.set(Fault::None);
    told.await.unwrap();
    assert_eq!(account.client.transaction_count().await.unwrap(), nonce + 2);
}

#[tokio::test]
async fn https_is_spoken_with_a_certificate_that_is_trusted() {
    let network = Network::start().await;
    let account = network.account(95, 100).await;
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("authority.pem");
    let node = Proxy::start_tls(&network.anvil.url(), &authority).await;
    let stranger = Client::connect(&node.url, &network.deployment, account.key.clone()).await;
    let error = stranger.unwrap_err().to_string();
    assert!(
        error.to_lowercase().contains("certificate") || error.contains("UnknownIssuer"),
        "{error}"
    );
    let endpoints = Endpoints::from(&node.url).with_authority(Some(authority));
    let client = connect(&network, &endpoints, &account).await;
    let queue = TxQueue::open(&client, Journal::Memory, fast())
        .await
        .unwrap();
    outcome(queue.submit("pay", pay(2)).await.unwrap())
        .await
        .unwrap();
    assert_eq!(paid(&account).await, Lpt::whole(2));
    assert!(node.requests.load(Ordering::SeqCst) > 5);
    let missing = Endpoints::from(&node.url).with_authority(Some("nowhere.pem".into()));
    let missing = Client::connect(&missing, &network.deployment, account.key.clone()).await;
    let missing = missing.unwrap_err().to_string();
    assert!(missing.contains("nowhere.pem"), "{missing}");
}
