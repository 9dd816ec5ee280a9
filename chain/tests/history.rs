//! A long history is read in pieces, the newest blocks one by one.
#![allow(clippy::unwrap_used)]

mod network;

use std::time::Duration;

use assay_chain::watcher::{Event, Watcher, WatcherConfig};
use network::Network;

#[tokio::test]
async fn old_blocks_come_in_pieces_and_miss_no_event() {
    let network = Network::start().await;
    network.account(63, 10).await;
    network.anvil.mine(5_000).await.unwrap();
    let client = &network.deployer.client;
    let head = client.head().await.unwrap().number;
    let config = WatcherConfig {
        from: Some(network.deployment.deploy_block),
        ..WatcherConfig::default()
    };
    let mut watcher = Watcher::start(client, config).await.unwrap();
    let (mut pieces, mut logs, mut blocks) = (Vec::new(), Vec::new(), Vec::new());
    while blocks.last() != Some(&head) {
        let event = tokio::time::timeout(Duration::from_secs(10), watcher.next());
        match event.await.unwrap().unwrap() {
            Event::Past { to, logs: more } => {
                pieces.push(to);
                logs.extend(more);
            }
            Event::Block(block, _) => blocks.push(block.number),
            Event::Reorg { ancestor } => assert_eq!(ancestor, 0, "no reorganisation"),
        }
    }
    let settled = pieces.last().copied().unwrap();
    assert_eq!((pieces.len(), settled), (3, head - 64));
    assert_eq!(blocks, (settled + 1..=head).collect::<Vec<_>>());
    assert!(!logs.is_empty() && logs.is_sorted_by_key(|log| (log.block, log.index)));
}
