//! Blobs, jobs and verdicts between real swarms on loopback.

use crate::net;

use std::sync::Arc;
use std::time::{Duration, Instant};

use assay_p2p::{
    BlobSource, BlobStore, FetchError, MAX_JOB, MAX_VERDICT, MemoryStore, ProviderFailure, Refusal,
    RequestError, spawn,
};
use assay_protocol::B256;
use net::{QUIC, TCP, bytes, config, network, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_is_fetched_and_verified_over_each_transport() {
    for listen in [TCP, QUIC] {
        let (nodes, _) = network(2, &[listen]).await;
        let source = bytes(3_670_016 + 5);
        let hash = nodes[0].store.insert(source.clone());
        nodes[0].handle.allow_blob(hash, [nodes[1].id()]);
        let begin = Instant::now();
        let fetched = nodes[1]
            .handle
            .fetch_blob(hash, source.len() as u64, vec![nodes[0].id()])
            .await
            .unwrap();
        println!("3.5 MiB over {listen}: {:?}", begin.elapsed());
        assert!(fetched == source);
    }
}

/// Opens what another store has, nine seconds later: each answer still comes in time.
struct Slow(Arc<MemoryStore>);

impl BlobStore for Slow {
    fn open(&self, hash: B256) -> std::io::Result<Option<Box<dyn BlobSource>>> {
        std::thread::sleep(Duration::from_secs(9));
        self.0.open(hash)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_provider_is_left_and_the_next_one_gives_the_rest() {
    let (nodes, _) = network(2, &[TCP]).await;
    let [asker, swift] = [&nodes[0], &nodes[1]];
    let source = bytes(5 * 512 * 1024);
    let hash = swift.store.insert(source.clone());
    let store = Arc::new(Slow(swift.store.clone()));
    let (handle, events) = spawn(config(&[TCP], &[]), &net::identity(), store).unwrap();
    let mut slow = net::Node {
        handle,
        events,
        store: swift.store.clone(),
    };
    let address = slow.address().await;
    asker.handle.add_peer(slow.id(), vec![address]).await;
    net::connected(&asker.handle, slow.id()).await;
    for owner in [&slow, swift] {
        owner.handle.allow_blob(hash, [asker.id()]);
    }
    let fetch = |from| {
        let len = source.len() as u64;
        asker.handle.fetch_blob(hash, len, vec![from])
    };
    let failed = fetch(slow.id()).await;
    let Err(FetchError::Exhausted {
        verified, failures, ..
    }) = failed
    else {
        panic!("fetched")
    };
    assert!(matches!(failures[..], [(_, ProviderFailure::Slow(_))]));
    assert_eq!(verified, 4 * 512 * 1024);
    assert!(fetch(swift.id()).await.unwrap() == source);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_electees_and_verifiers_are_served() {
    let (nodes, _) = network(4, &[TCP]).await;
    let [owner, electee, verifier, stranger] = [0, 1, 2, 3].map(|i| &nodes[i]);
    let source = bytes(100_000);
    let hash = owner.store.insert(source.clone());
    owner.handle.set_verifiers([verifier.id()]);
    let fetch = async |node: &net::Node| {
        node.handle
            .fetch_blob(hash, 100_000, vec![owner.id()])
            .await
    };
    let refusal = |result: Result<Vec<u8>, FetchError>| match result {
        Err(FetchError::Exhausted { failures, .. }) => match &failures[..] {
            [(peer, ProviderFailure::Refused(refusal))] if *peer == owner.id() => *refusal,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(
        refusal(fetch(verifier).await),
        Refusal::NotAuthorised,
        "not listed yet"
    );
    owner.handle.allow_blob(hash, [electee.id()]);
    assert_eq!(fetch(electee).await.as_ref(), Ok(&source));
    assert_eq!(fetch(verifier).await.as_ref(), Ok(&source));
    assert_eq!(refusal(fetch(stranger).await), Refusal::NotAuthorised);
    owner.handle.forbid_blob(hash);
    assert_eq!(refusal(fetch(electee).await), Refusal::NotAuthorised);

    let unknown = B256::repeat_byte(3);
    owner.handle.allow_blob(unknown, [electee.id()]);
    let missing = electee
        .handle
        .fetch_blob(unknown, 7, vec![owner.id()])
        .await;
    assert_eq!(refusal(missing), Refusal::NotFound);
    owner.handle.allow_blob(hash, [electee.id()]);
    let other_length = electee
        .handle
        .fetch_blob(hash, 100_001, vec![owner.id()])
        .await;
    assert_eq!(refusal(other_length), Refusal::OtherLength(100_000));
    let huge = electee
        .handle
        .fetch_blob(hash, 1 << 40, vec![owner.id()])
        .await;
    assert!(matches!(huge, Err(FetchError::TooLarge { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_provider_continues_when_one_is_gone_or_has_nothing() {
    let (nodes, _) = network(4, &[TCP]).await;
    let source = bytes(2_000_000);
    let hash = nodes[2].store.insert(source.clone());
    for provider in [1, 2] {
        nodes[provider].handle.allow_blob(hash, [nodes[0].id()]);
    }
    nodes[3].handle.shutdown().await;
    let providers = [3, 1, 2].map(|i| nodes[i].id()).to_vec();
    let fetched = nodes[0]
        .handle
        .fetch_blob(hash, 2_000_000, providers)
        .await
        .unwrap();
    assert!(fetched == source);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_and_verdicts_are_answered_and_their_caps_hold() {
    let (mut nodes, _) = network(2, &[TCP]).await;
    let (asker, answerer) = (nodes.remove(0).handle, nodes.remove(0).echo());
    let peer = answerer.peer_id();
    assert_eq!(
        asker.send_verdict(peer, b"verdict".to_vec()).await,
        Ok(b"verdict".to_vec())
    );
    // More at once than the streams of a connection: the surplus waits.
    let begin = Instant::now();
    let pushes = (0..40u8).map(|i| asker.send_job(peer, vec![i; MAX_JOB]));
    for (i, answer) in futures::future::join_all(pushes)
        .await
        .into_iter()
        .enumerate()
    {
        assert_eq!(answer, Ok(vec![i as u8; 64]));
    }
    println!("40 pushes of {MAX_JOB} bytes took {:?}", begin.elapsed());
    let too_large = |max| {
        Err(RequestError::TooLarge {
            found: max + 1,
            max,
        })
    };
    assert_eq!(
        asker.send_job(peer, vec![0; MAX_JOB + 1]).await,
        too_large(MAX_JOB)
    );
    assert_eq!(
        asker.send_verdict(peer, vec![0; MAX_VERDICT + 1]).await,
        too_large(MAX_VERDICT)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_meets_the_quota_and_a_silent_node_is_busy() {
    let mut tight = config(&[TCP], &[]);
    tight.quotas.verdicts_per_second = 1;
    tight.quotas.burst_seconds = 5;
    let mut busy = start(tight);
    let flooder = start(config(&[TCP], &[busy.address().await]));
    net::connected(&flooder.handle, busy.id()).await;
    let busy = busy.echo();
    let flood = (0..20u8).map(|i| flooder.handle.send_verdict(busy.peer_id(), vec![i]));
    let answers = futures::future::join_all(flood).await;
    let taken = answers.iter().filter(|a| a.is_ok()).count();
    assert!((5..=7).contains(&taken), "{taken} taken");
    assert!(
        answers
            .iter()
            .filter(|a| a.is_err())
            .all(|a| *a == Err(RequestError::Busy))
    );
    // A node that drops the reply is busy too.
    let (mut nodes, _) = network(2, &[TCP]).await;
    let mut silent = nodes.pop().unwrap();
    let peer = silent.id();
    tokio::spawn(async move { while silent.events.recv().await.is_some() {} });
    assert_eq!(
        nodes[0].handle.send_job(peer, vec![1]).await,
        Err(RequestError::Busy)
    );
}

#[tokio::test]
async fn an_unknown_peer_is_unreachable_and_a_learnt_one_is_not() {
    let alone = start(config(&[TCP], &[]));
    let mut other = start(config(&[QUIC], &[]));
    let (peer, address) = (other.id(), other.address().await);
    let _other = other.echo();
    assert_eq!(
        alone.handle.send_job(peer, vec![1]).await,
        Err(RequestError::Unreachable)
    );
    alone.handle.add_peer(peer, vec![address]).await;
    let answer =
        tokio::time::timeout(Duration::from_secs(5), alone.handle.send_job(peer, vec![1])).await;
    assert_eq!(answer, Ok(Ok(vec![1])));
}
