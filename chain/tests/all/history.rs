//! A long history is read in pieces, the newest blocks one by one.

use crate::network;

use std::time::Duration;

use assay_chain::call::{CourtCall, JobCall, StakeCall};
use assay_chain::client::Client;
use assay_chain::events::{JobLog, Log, LogEntry, StakeLog};
use assay_chain::views::Role;
use assay_chain::watcher::{Event, Watcher, WatcherConfig};
use assay_protocol::U256;
use assay_protocol::amount::Lpt;
use network::scene::Scene;
use network::{Network, profiles};

use crate::proxy::{Fault, LOG_RANGE, Proxy};

#[tokio::test]
async fn old_blocks_come_in_pieces_and_miss_no_event() {
    let network = Network::start().await;
    let job = || JobCall::Create {
        profiles: profiles().to_bytes().into(),
        max_price_per_pixel: U256::ZERO,
    };
    network.deployer.run("first", job()).await;
    for _ in 0..10 {
        network.anvil.mine(220).await.unwrap();
    }
    network.deployer.run("second", job()).await;
    let client = &network.deployer.client;
    let head = client.head().await.unwrap().number;
    let config = WatcherConfig {
        from: Some(network.deployment.deploy_block),
        ..WatcherConfig::default()
    };
    let mut watcher = Watcher::start(client, config).await.unwrap();
    let (mut pieces, mut jobs, mut blocks) = (Vec::new(), Vec::new(), Vec::new());
    while blocks.last() != Some(&head) {
        let event = tokio::time::timeout(Duration::from_secs(10), watcher.next());
        match event.await.unwrap().unwrap() {
            Event::Past { to, logs: more } => {
                pieces.push(to);
                let created =
                    |log: &LogEntry| matches!(log.what, Log::Jobs(JobLog::JobCreated { .. }));
                jobs.extend(more.iter().filter(|log| created(log)).map(|log| log.block));
            }
            Event::Block(block, more) => {
                blocks.push(block.number);
                jobs.extend(more.iter().map(|log| log.block));
            }
            Event::Reorg { ancestor } => assert_eq!(ancestor, 0, "no reorganisation"),
        }
    }
    let settled = pieces.last().copied().unwrap();
    assert_eq!((pieces.len(), settled), (2, head - 64));
    assert_eq!(blocks, (settled + 1..=head).collect::<Vec<_>>());
    assert!(jobs.len() == 2 && jobs[0] < settled && jobs[1] == head);
}

#[tokio::test]
async fn a_provider_that_bounds_the_range_of_logs_still_shows_everything() {
    let scene = Scene::set().await;
    for seq in 0..2 {
        let proof = scene.proof(seq, 5, &[0, 1, 2, 3]).await;
        let key = format!("prove {seq}");
        let prover = &scene.verifiers[0].0;
        prover.run(&key, CourtCall::Prove(Box::new(proof))).await;
        let case = scene.newest_case(scene.transcoder.key.address()).await;
        let params = &scene.network.deployment.params;
        scene.network.anvil.mine(params.case_blocks).await.unwrap();
        let key = format!("execute {seq}");
        prover.run(&key, CourtCall::Execute { case }).await;
        scene.network.anvil.mine(LOG_RANGE * 3).await.unwrap();
    }
    let (operator, holder) = (
        scene.transcoder.key.address(),
        scene.delegator.key.address(),
    );
    let unbond = StakeCall::Unbond {
        role: Role::Transcoder,
        operator,
        amount: Lpt::whole(1),
    };
    scene.delegator.run("unbond", unbond).await;
    scene.network.anvil.mine(LOG_RANGE * 3).await.unwrap();

    let proxy = Proxy::start(&scene.network.anvil.url()).await;
    proxy.set(Fault::ShortLogs);
    let (deployment, key) = (&scene.network.deployment, scene.delegator.key.clone());
    let bounded = Client::connect(&proxy.url, deployment, key).await.unwrap();
    let whole = &scene.delegator.client;
    let seen = whole.holdings(holder).await.unwrap();
    assert_eq!((seen.positions.len(), seen.locks.len()), (1, 1));
    assert_eq!(bounded.holdings(holder).await.unwrap(), seen);
    let slashes = whole.slashes(Role::Transcoder, operator).await.unwrap();
    assert_eq!(slashes.len(), 2);
    let found = bounded.slashes(Role::Transcoder, operator).await.unwrap();
    assert_eq!(found, slashes);
    let cases = bounded.case_ids(None).await.unwrap();
    assert_eq!(cases, whole.case_ids(None).await.unwrap());
    assert_eq!(cases.len(), 2);
    assert!(bounded.job(scene.job).await.unwrap().is_some());

    // The watcher reads the same past by the same pieces.
    let config = WatcherConfig {
        from: Some(deployment.deploy_block),
        ..WatcherConfig::default()
    };
    let head = whole.head().await.unwrap().number;
    let mut watcher = Watcher::start(&bounded, config).await.unwrap();
    let (mut slashed, mut last) = (0, 0);
    while last < head {
        let event = tokio::time::timeout(Duration::from_secs(30), watcher.next());
        let logs = match event.await.unwrap().unwrap() {
            Event::Past { to, logs } => {
                assert!(to - last.max(deployment.deploy_block - 1) <= LOG_RANGE);
                last = to;
                logs
            }
            Event::Block(block, logs) => {
                last = block.number;
                logs
            }
            Event::Reorg { ancestor } => panic!("no reorganisation: {ancestor}"),
        };
        let is_slash = |log: &&LogEntry| matches!(log.what, Log::Stake(StakeLog::Slashed { .. }));
        slashed += logs.iter().filter(is_slash).count();
    }
    assert_eq!(slashed, 2);
}
