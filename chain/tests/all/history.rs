//! A long history is read in pieces, the newest blocks one by one.

use crate::network;

use std::time::Duration;

use assay_chain::call::JobCall;
use assay_chain::events::{JobLog, Log, LogEntry};
use assay_chain::watcher::{Event, Watcher, WatcherConfig};
use assay_protocol::U256;
use network::{Network, profiles};

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
